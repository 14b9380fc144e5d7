/** A real cluster with real operators at work in it, recorded by Crowsnest itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureOperator, type OperatorName, operatorFiles } from '../../scripts/real-operators.ts';
import { type ApiUser, apiUser } from '../support/api-user.ts';
import { freePort, type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { until } from '../support/until.ts';
import { NAMESPACES } from './manifests.ts';
import { type StandInKubelet, startStandInKubelet } from './stand-in-kubelet.ts';

const ROOT = new URL('../../', import.meta.url);
const MAIN = fileURLToPath(new URL('src/crowsnest.js', ROOT));
const OPERATOR_NAMESPACE = 'operators';

/** Beside those that every real API server of the tests knows. */
export const USERS = {
  alice: { name: 'alice', groups: ['developers'] },
  bob: { name: 'bob', groups: ['developers'] },
  rabbitmq: account('rabbitmq-cluster-operator'),
  prometheus: account('prometheus-operator'),
  gitops: { name: 'system:serviceaccount:flux-system:kustomize-controller', groups: ['system:serviceaccounts'] },
  autoscaler: { name: 'system:serviceaccount:autoscaling:shard-autoscaler', groups: ['system:serviceaccounts'] },
  ci: { name: 'system:serviceaccount:ci:preview-bot', groups: ['system:serviceaccounts'] },
  kubelet: { name: 'system:serviceaccount:kube-system:stand-in-kubelet', groups: ['system:serviceaccounts'] },
};

const CUSTOM_GROUPS = ['rabbitmq.com', 'monitoring.coreos.com'];
const EDITING = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'];

/** Whole writes of custom resources, once each: who they were by, and which resourceVersion they led to. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    {
      level: 'RequestResponse',
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
      resources: CUSTOM_GROUPS.map((group) => ({ group })),
    },
    { level: 'None' },
  ],
};

export interface OperatorRig {
  server: RealApiServer;
  kubelet: StandInKubelet;
  /** Where the API server writes its audit events. */
  auditLog: string;
  user(key: string, userAgent: string): ApiUser;
  /** The operator's /metrics page. */
  metricsTarget(name: OperatorName): string;
  version(name: OperatorName): string;
  restart(name: OperatorName): Promise<void>;
  /** Starts `crowsnest record` into the file; `stop` resolves with what it counted. */
  record(file: string, args?: string[]): { stop(): Promise<string>; log(): string };
  stop(): Promise<void>;
}

export interface OperatorRigOptions {
  operators: readonly OperatorName[];
  startsIn(): number;
  /** Of the StandInKubeletOptions; all by default. */
  isDeployed?(statefulSet: string): boolean;
  report(line: string): void;
  /** Operators write their logs here, if anywhere. */
  logFolder?: string;
}

export async function startOperatorRig(options: OperatorRigOptions): Promise<OperatorRig> {
  const rig = new Rig(options);
  try {
    await rig.start();
    return rig;
  } catch (error) {
    await rig.stop();
    throw error;
  }
}

interface Running {
  program: string;
  version: string;
  port: number;
  child: ChildProcess | undefined;
}

class Rig implements OperatorRig {
  server!: RealApiServer;
  kubelet!: StandInKubelet;
  readonly auditLog: string;
  readonly #options: OperatorRigOptions;
  readonly #folder: string;
  readonly #operators = new Map<OperatorName, Running>();
  readonly #users: ApiUser[] = [];
  readonly #killAll: () => void;
  #recorder: ChildProcess | undefined;

  constructor(options: OperatorRigOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'crowsnest-operators-'));
    this.auditLog = join(this.#folder, 'audit.log');
    this.#killAll = () => {
      for (const { child } of this.#operators.values()) child?.kill('SIGKILL');
      this.#recorder?.kill('SIGKILL');
      rmSync(this.#folder, { recursive: true, force: true });
    };
    process.once('exit', this.#killAll);
  }

  async start(): Promise<void> {
    const { operators, report, startsIn, isDeployed = () => true } = this.#options;
    const policy = join(this.#folder, 'audit-policy.json');
    writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
    const args = [`--audit-policy-file=${policy}`, `--audit-log-path=${this.auditLog}`];
    this.server = await startApiServer({ args, users: USERS, controllerManager: true });
    for (const namespace of [...NAMESPACES, OPERATOR_NAMESPACE, 'crowsnest']) {
      await this.server.kubectl(['create', 'namespace', namespace]);
    }
    for (const file of ['reader.yaml', 'reader-operators.yaml']) {
      await this.server.kubectl(['apply', '-f', fileURLToPath(new URL(`deploy/${file}`, ROOT))]);
    }
    await this.server.kubectl(['apply', '-f', '-'], JSON.stringify(list(roles())));
    await this.#controllersAtWork();
    for (const name of operators) await this.#install(name);
    const user = this.user('kubelet', 'stand-in-kubelet/1');
    this.kubelet = await startStandInKubelet({ user, startsIn, isDeployed, report });
  }

  user(key: string, userAgent: string): ApiUser {
    const user = apiUser(this.server, key, userAgent);
    this.#users.push(user);
    return user;
  }

  metricsTarget(name: OperatorName): string {
    return `http://127.0.0.1:${this.#operators.get(name)!.port}/metrics`;
  }

  version(name: OperatorName): string {
    return this.#operators.get(name)!.version;
  }

  async restart(name: OperatorName): Promise<void> {
    await end(this.#operators.get(name)!.child, 'SIGTERM');
    await this.#launch(name);
  }

  record(file: string, args: string[] = []): { stop(): Promise<string>; log(): string } {
    const targets = [...this.#operators.keys()].flatMap((name) => ['--metrics-target', this.metricsTarget(name)]);
    const kubeconfig = this.server.kubeconfig('crowsnest');
    const all = [MAIN, 'record', file, '--kubeconfig', kubeconfig, '--cluster', 'operators', ...targets, ...args];
    const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#recorder = child;
    let log = '';
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    const stop = async () => {
      const code = await end(child, 'SIGTERM');
      if (code !== 0) throw new Error(`crowsnest record ended with ${code}:\n${log}`);
      return out;
    };
    return { stop, log: () => log };
  }

  async stop(): Promise<void> {
    await end(this.#recorder, 'SIGTERM');
    await this.kubelet?.stop();
    for (const { child } of this.#operators.values()) await end(child, 'SIGTERM');
    for (const user of this.#users) user.close();
    await this.server?.stop();
    process.off('exit', this.#killAll);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #install(name: OperatorName): Promise<void> {
    const { report } = this.#options;
    const program = await ensureOperator(name, report);
    const { version, crds, role } = await operatorFiles(name);
    for (const file of crds) await this.server.kubectl(['apply', '--server-side', '-f', file]);
    await until('the operator’s kinds are served', () => this.#allEstablished());
    const created = await this.server.kubectl(['apply', '-f', role, '-o', 'name']);
    const roleName = created.trim().split('/')[1]!;
    const key = name === 'prometheus-operator' ? 'prometheus' : 'rabbitmq';
    await this.server.kubectl(['apply', '-f', '-'], JSON.stringify(binding(roleName, { kind: 'User', name: USERS[key].name })));
    this.#operators.set(name, { program, version, port: await freePort(), child: undefined });
    await this.#launch(name);
    report(`${name} ${version} runs`);
  }

  /** The reader's role is filled by a controller, and nothing that comes after goes well without one. */
  async #controllersAtWork(): Promise<void> {
    const rules = () => this.server.kubectl(['get', 'clusterrole', 'crowsnest-reader', '-o', 'jsonpath={.rules}']);
    await until('the controller manager fills roles', async () => (await rules()).length > 2).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.server.log().slice(-8_000)}`);
    });
  }

  /** A new CRD has no conditions at all for a moment, which `kubectl wait` takes for an error. */
  async #allEstablished(): Promise<boolean> {
    const { items } = JSON.parse(await this.server.kubectl(['get', 'crd', '-o', 'json'])) as {
      items: { status?: { conditions?: { type: string; status: string }[] | null } }[];
    };
    return items.every(({ status }) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True'),
    );
  }

  async #launch(name: OperatorName): Promise<void> {
    const operator = this.#operators.get(name)!;
    const address = `127.0.0.1:${operator.port}`;
    const rabbitmq = name === 'rabbitmq-cluster-operator';
    const args = rabbitmq
      ? [`--metrics-bind-address=${address}`]
      : [`--web.listen-address=${address}`, '--feature-gates=StatusForConfigurationResources=true'];
    const child = spawn(operator.program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: this.#folder,
        KUBECONFIG: this.server.kubeconfig(rabbitmq ? 'rabbitmq' : 'prometheus'),
        OPERATOR_NAMESPACE,
        GOMAXPROCS: '1',
      },
    });
    operator.child = child;
    let log = '';
    const keep = (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-4_000);
      const { logFolder } = this.#options;
      if (logFolder !== undefined) appendFileSync(join(logFolder, `${name}.log`), chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await until(`${name} serves its metrics`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}:\n${log}`);
      const answer = await fetch(`http://${address}/metrics`).catch(() => undefined);
      return answer?.ok;
    });
  }
}

function account(name: string): { name: string; groups: string[] } {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${OPERATOR_NAMESPACE}`, 'system:authenticated'];
  return { name: `system:serviceaccount:${OPERATOR_NAMESPACE}:${name}`, groups };
}

function roles(): object[] {
  const resources = ['*'];
  return [
    ...clusterRole('people', [{ apiGroups: CUSTOM_GROUPS, resources, verbs: EDITING }], { kind: 'Group', name: 'developers' }),
    ...clusterRole('gitops', [{ apiGroups: CUSTOM_GROUPS, resources, verbs: EDITING }], {
      kind: 'User',
      name: USERS.gitops.name,
    }),
    ...clusterRole('preview-bot', [{ apiGroups: ['rabbitmq.com'], resources: ['rabbitmqclusters'], verbs: EDITING }], {
      kind: 'User',
      name: USERS.ci.name,
    }),
    ...clusterRole(
      'shard-autoscaler',
      [
        {
          apiGroups: ['monitoring.coreos.com'],
          resources: ['prometheuses/scale', 'prometheusagents/scale'],
          verbs: ['get', 'update', 'patch'],
        },
      ],
      { kind: 'User', name: USERS.autoscaler.name },
    ),
    ...clusterRole(
      'stand-in-kubelet',
      [
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'delete'] },
        { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
        { apiGroups: [''], resources: ['pods/binding', 'nodes'], verbs: ['create'] },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch'] },
        { apiGroups: ['apps'], resources: ['statefulsets'], verbs: ['list', 'patch'] },
        { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'patch'] },
      ],
      { kind: 'User', name: USERS.kubelet.name },
    ),
    ...clusterRole(
      'leader-election',
      [
        {
          apiGroups: ['coordination.k8s.io'],
          resources: ['leases'],
          verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'],
        },
        { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] },
      ],
      { kind: 'User', name: USERS.rabbitmq.name },
    ),
  ];
}

function clusterRole(name: string, rules: object[], subject: { kind: 'User' | 'Group'; name: string }): object[] {
  const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole', metadata: { name }, rules };
  return [role, binding(name, subject)];
}

function binding(role: string, { kind, name }: { kind: 'User' | 'Group'; name: string }): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: `rig-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind, name }],
  };
}

function list(items: object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}

async function end(child: ChildProcess | undefined, signal: 'SIGTERM'): Promise<number | null> {
  if (child === undefined) return null;
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'close');
  child.kill(signal);
  const hammer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(hammer);
  return child.exitCode;
}

export function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean);
}
