/** Carries out a plan of work against a rig, and tells what came of each step. */
import { setTimeout as delay } from 'node:timers/promises';
import { APPLY_PATCH, type ApiAnswer, type ApiUser, MERGE_PATCH } from '../support/api-user.ts';
import { type Manifest, nameOf, type ObjectName, pathOf } from './manifests.ts';
import type { OperatorRig } from './rig.ts';
import type { Step, Worker } from './work-plan.ts';

/** One write, as it went: the truth about the hour. */
export interface Done {
  at: string;
  who: Worker;
  manager: string;
  did: string;
  object?: ObjectName;
  /** What was sent, for patches. */
  patch?: Record<string, unknown>;
  /** Of the API server. */
  status?: number;
  /** That the write led to; for one that changed nothing, that of the write before it. */
  resourceVersion?: string;
  why?: string;
  fight?: string;
}

const AGENTS: Record<Exclude<Worker, 'cluster'>, string> = {
  gitops: 'kustomize-controller/v1.7.3 (stand-in)',
  alice: 'kubectl/v1.36.3 (stand-in)',
  bob: 'kubectl/v1.36.3 (stand-in)',
  ci: 'preview-bot/1',
  autoscaler: 'shard-autoscaler/1',
};

export interface Player {
  /** Resolves when the last step is done. */
  play(steps: readonly Step[], startMs: number, signal: AbortSignal): Promise<void>;
  /** In the order of their time. */
  done(): Done[];
}

export function createPlayer(rig: OperatorRig, report: (line: string) => void): Player {
  const users = Object.fromEntries(Object.entries(AGENTS).map(([key, agent]) => [key, rig.user(key, agent)]));
  const written: Done[] = [];
  const carryOut = async (step: Step) => {
    try {
      for await (const done of perform(step, rig, users[step.who])) {
        written.push(done);
        report(`${done.at} ${done.who} ${done.did} ${words(done.object)} ${done.status ?? ''} ${done.why ?? ''}`);
      }
    } catch (error) {
      report(`${step.who} ${step.action.do} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    async play(steps, startMs, signal) {
      const running: Promise<void>[] = [];
      for (const step of steps) {
        await delay(Math.max(0, startMs + step.atMs - Date.now()), undefined, { signal }).catch(() => {});
        if (signal.aborted) break;
        // Not awaited: a slow step must not hold up the next one's time.
        running.push(carryOut(step));
      }
      await Promise.all(running);
    },
    done: () => written.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  };
}

async function* perform(step: Step, rig: OperatorRig, user: ApiUser | undefined): AsyncGenerator<Done> {
  const { who, manager, action, why, fight } = step;
  const told = { who, manager, ...(why === undefined ? {} : { why }), ...(fight === undefined ? {} : { fight }) };
  const at = () => new Date().toISOString();
  switch (action.do) {
    case 'restart':
      yield { at: at(), ...told, did: `restart ${action.operator}` };
      return await rig.restart(action.operator);
    case 'unready':
    case 'ready':
      rig.kubelet.setReady(action.pod.namespace, action.pod.name, action.do === 'ready');
      return yield { at: at(), ...told, did: `${action.do} ${action.pod.namespace}/${action.pod.name}` };
    case 'apply':
      for (const manifest of action.manifests) {
        const [startedAt, answer] = [at(), await apply(user!, manifest, manager)];
        // What is as it should be is not touched, and needs no line.
        if (answer.status >= 300 || answer.changed)
          yield { at: startedAt, ...told, did: 'apply', object: nameOf(manifest), ...outcome(answer) };
      }
      return;
    case 'create': {
      const [startedAt, object] = [at(), nameOf(action.manifest)];
      const path = `${pathOf({ ...object, name: undefined })}?fieldManager=${manager}`;
      const answer = await user!.call('POST', path, action.manifest);
      return yield { at: startedAt, ...told, did: 'create', object, ...outcome(answer) };
    }
    case 'patch': {
      const { object, patch, subresource } = action;
      const startedAt = at();
      const path = `${pathOf(object)}${subresource === undefined ? '' : `/${subresource}`}?fieldManager=${manager}`;
      const answer = await user!.call('PATCH', path, patch, MERGE_PATCH);
      return yield { at: startedAt, ...told, did: subresource ?? 'patch', object, patch, ...outcome(answer) };
    }
    case 'delete': {
      const startedAt = at();
      const answer = await user!.call('DELETE', pathOf(action.object), { propagationPolicy: 'Background' });
      return yield { at: startedAt, ...told, did: 'delete', object: action.object, status: answer.status };
    }
  }
}

async function apply(user: ApiUser, manifest: Manifest, manager: string): Promise<ApiAnswer & { changed: boolean }> {
  const path = pathOf(nameOf(manifest));
  const before = await user.call('GET', path);
  const answer = await user.call('PATCH', `${path}?fieldManager=${manager}&force=true`, manifest, APPLY_PATCH);
  return { ...answer, changed: before.body?.metadata?.resourceVersion !== answer.body?.metadata?.resourceVersion };
}

function outcome({ status, body }: ApiAnswer): Pick<Done, 'status' | 'resourceVersion'> {
  const resourceVersion: string | undefined = body?.metadata?.resourceVersion;
  return { status, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
}

function words(object: ObjectName | undefined): string {
  return object === undefined ? '' : `${object.kind} ${object.namespace}/${object.name}`;
}
