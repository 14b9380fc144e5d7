/**
 * Lets pods of a cluster without nodes come up: one node that is alive, every pod bound to it, running after a few seconds, gone when
 * deleted. No container runs. It is what makes StatefulSets, Endpoints, and with them the operators' status, go on as on a real cluster.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { APPLY_PATCH, type ApiUser, MERGE_PATCH, STRATEGIC_PATCH } from '../support/api-user.ts';

const NODE = 'node-1';
const ROUND_MS = 2_000;
/** The node's lifecycle controller gives up on a node after 50 s without. */
const LEASE_MS = 10_000;
/** The mark by which the RabbitMQ operator knows that a StatefulSet still needs its first commands. */
const NEW_RABBITMQ = 'rabbitmq.com/createdAt';

interface Pod {
  metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName?: string; containers: { name: string; image: string }[] };
  status: { phase?: string; conditions?: { type: string; status: string }[] };
}

export interface StandInKubelet {
  /** From now the pod's containers are not ready, until `ready` again. */
  setReady(namespace: string, name: string, ready: boolean): void;
  stop(): Promise<void>;
}

export interface StandInKubeletOptions {
  user: ApiUser;
  /** Milliseconds a new pod takes until it runs. */
  startsIn(): number;
  /**
   * Whether what the RabbitMQ operator runs inside a container of a new StatefulSet is taken as done: no container runs here, so it would try in
   * vain for ever.
   */
  isDeployed(statefulSet: string): boolean;
  report(line: string): void;
}

export async function startStandInKubelet(options: StandInKubeletOptions): Promise<StandInKubelet> {
  const kubelet = new Kubelet(options);
  await kubelet.register();
  const running = kubelet.run();
  return {
    setReady: (namespace, name, ready) => kubelet.setReady(`${namespace}/${name}`, ready),
    stop: () => {
      kubelet.stopping.abort();
      return running;
    },
  };
}

class Kubelet {
  readonly stopping = new AbortController();
  readonly #options: StandInKubeletOptions;
  readonly #runsFrom = new Map<string, number>();
  readonly #unready = new Set<string>();
  #lastAddress = 0;
  #leaseDueMs = 0;

  constructor(options: StandInKubeletOptions) {
    this.#options = options;
  }

  setReady(pod: string, ready: boolean): void {
    if (ready) this.#unready.delete(pod);
    else this.#unready.add(pod);
  }

  async register(): Promise<void> {
    const { user } = this.#options;
    await this.#must(await user.call('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } }));
    const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'a stand-in' }];
    await this.#must(await user.call('PATCH', `/api/v1/nodes/${NODE}/status`, { status: { conditions } }, STRATEGIC_PATCH));
    await this.#renewLease();
  }

  async run(): Promise<void> {
    const { user, report } = this.#options;
    while (!this.stopping.signal.aborted) {
      try {
        await this.#renewLease();
        const { body } = await user.call('GET', '/api/v1/pods?resourceVersion=0');
        for (const pod of (body.items ?? []) as Pod[]) await this.#tend(pod);
        await this.#finishDeployments();
      } catch (error) {
        report(`kubelet: ${error instanceof Error ? error.message : String(error)}`);
      }
      await delay(ROUND_MS, undefined, { signal: this.stopping.signal }).catch(() => {});
    }
  }

  async #tend(pod: Pod): Promise<void> {
    const { user, startsIn } = this.#options;
    const { name, namespace, uid, deletionTimestamp } = pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    if (deletionTimestamp !== undefined) {
      this.#runsFrom.delete(uid);
      await user.call('DELETE', path, { gracePeriodSeconds: 0, preconditions: { uid } });
      return;
    }
    if (pod.spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
      await user.call('POST', `${path}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target });
      this.#runsFrom.set(uid, Date.now() + startsIn());
      return;
    }
    if (Date.now() < (this.#runsFrom.get(uid) ?? 0)) return;
    const ready = this.#unready.has(`${namespace}/${name}`) ? 'False' : 'True';
    const now = pod.status.conditions?.find((condition) => condition.type === 'Ready')?.status;
    if (pod.status.phase === 'Running' && now === ready) return;
    await user.call('PATCH', `${path}/status`, { status: this.#status(pod, ready) }, STRATEGIC_PATCH);
  }

  async #finishDeployments(): Promise<void> {
    const { user, isDeployed } = this.#options;
    const selector = encodeURIComponent('app.kubernetes.io/part-of=rabbitmq');
    const { body } = await user.call('GET', `/apis/apps/v1/statefulsets?resourceVersion=0&labelSelector=${selector}`);
    for (const { metadata } of (body.items ?? []) as { metadata: { name: string; namespace: string; annotations?: object } }[]) {
      if (!Object.hasOwn(metadata.annotations ?? {}, NEW_RABBITMQ) || !isDeployed(metadata.name)) continue;
      const path = `/apis/apps/v1/namespaces/${metadata.namespace}/statefulsets/${metadata.name}`;
      await user.call('PATCH', path, { metadata: { annotations: { [NEW_RABBITMQ]: null } } }, MERGE_PATCH);
    }
  }

  #status(pod: Pod, ready: 'True' | 'False'): Record<string, unknown> {
    const at = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const condition = (type: string, status: string) => ({ type, status, lastTransitionTime: at });
    const containerStatuses = pod.spec.containers.map(({ name, image }) => ({
      name,
      image,
      imageID: '',
      ready: ready === 'True',
      started: true,
      restartCount: 0,
      state: { running: { startedAt: at } },
    }));
    const conditions = [condition('Initialized', 'True'), condition('ContainersReady', ready), condition('Ready', ready)];
    if (pod.status.phase === 'Running') return { conditions, containerStatuses };
    const podIP = `10.244.${Math.floor(++this.#lastAddress / 250)}.${1 + (this.#lastAddress % 250)}`;
    return { phase: 'Running', startTime: at, podIP, podIPs: [{ ip: podIP }], conditions, containerStatuses };
  }

  async #renewLease(): Promise<void> {
    if (Date.now() < this.#leaseDueMs) return;
    this.#leaseDueMs = Date.now() + LEASE_MS;
    const spec = { holderIdentity: NODE, leaseDurationSeconds: 40, renewTime: new Date().toISOString().replace('Z', '000Z') };
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: NODE }, spec };
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${NODE}?fieldManager=kubelet&force=true`;
    await this.#must(await this.#options.user.call('PATCH', path, lease, APPLY_PATCH));
  }

  async #must({ status, body }: { status: number; body: { message?: string } }): Promise<void> {
    if (status >= 300 && status !== 409) throw new Error(`the stand-in kubelet was refused: ${status} ${body.message}`);
  }
}
