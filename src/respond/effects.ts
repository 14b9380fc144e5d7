/**
 * Marks on the cluster's objects: which follow from a finding (`effectsFor`, pure) and their delivery (`createEffectRunner`).
 *
 * Nothing is written that is not allowed by name. Each mark is at most one per type, life of the object and episode: the effect's id is made
 * of these, and the store keeps an effect that it has. Every answer of the API server ends an effect as `done` or `failed` with its reason;
 * only a server that cannot be reached, is busy or broken is asked again.
 */
import type { Registry } from 'prom-client';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { describeRef, type ObjectRef } from '../domain/object-ref.ts';
import { FIELD_MANAGER } from '../domain/who/own-writes.ts';
import { type KubeClient, KubeStatusError } from '../kube/kube-client.ts';
import type { EffectRecord, Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { APPLY_CONTENT_TYPE, annotateBody, annotatePayload } from './annotate.ts';
import { eventPayload, eventRequest } from './kube-event.ts';
import { createMarkCounter } from './metrics.ts';
import { isStorm } from './policy.ts';
import { stableId } from './stable-id.ts';
import { Wakeup } from './wakeup.ts';

export interface Allow {
  events: boolean;
  /** `Kind` or `Kind.group`. */
  annotate: string[];
  /** The namespace that a canary object may be kept in. */
  canary?: string;
}

/** From the values of --allow: `event`, `annotate=Kafka,Certificate.cert-manager.io`, `canary=crowsnest`. Throws CONFIG_BAD_VALUE. */
export function parseAllow(values: readonly string[]): Allow {
  const allow: Allow = { events: false, annotate: [] };
  for (const value of values) {
    const kinds = value.startsWith('annotate=') ? value.slice('annotate='.length).split(',') : [];
    // What is not marked on objects is for others to read off the option.
    if (value === 'admission-webhook') continue;
    if (value === 'event') allow.events = true;
    else if (/^canary=[a-z0-9-]+$/.test(value)) allow.canary = value.slice('canary='.length);
    else if (kinds.length > 0 && kinds.every((kind) => /^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9.-]+)?$/.test(kind)))
      allow.annotate.push(...kinds);
    else {
      throw new CrowsnestError({
        code: 'CONFIG_BAD_VALUE',
        what: `there is no write called ${JSON.stringify(value)}`,
        where: '--allow',
        todo: 'Use `event`, `canary=NAMESPACE`, `admission-webhook`, or `annotate=` with kinds such as Kafka or Kafka.kafka.strimzi.io.',
      });
    }
  }
  return allow;
}

function mayAnnotate(allow: Allow, ref: ObjectRef): boolean {
  return allow.annotate.some((kind) => kind === ref.kind || kind === `${ref.kind}.${ref.group}`);
}

/** The marks a finding asks for: none unless it pages, none for what is no object in the cluster, no annotation on what is deleted. */
export function effectsFor(finding: Finding, allow: Allow): EffectRecord[] {
  const { subject } = finding;
  if (finding.decision.verdict !== 'page' || subject.type !== 'change' || isStorm(finding)) return [];
  const effect = (type: EffectRecord['type'], payload: EffectRecord['payload']): EffectRecord => ({
    id: stableId('effect', type, subject.ref.cluster, subject.uid, finding.episode),
    type,
    ref: subject.ref,
    uid: subject.uid,
    resourceVersion: subject.resourceVersion,
    payload,
    state: 'pending',
    attempts: 0,
    nextMs: 0,
  });
  const effects: EffectRecord[] = [];
  if (allow.events) effects.push(effect('event', eventPayload(finding)));
  if (subject.changeType !== 'DELETED' && mayAnnotate(allow, subject.ref))
    effects.push(effect('annotate', annotatePayload(finding)));
  return effects;
}

/** The API server's path of an object, or undefined for a kind it does not serve (any more). */
export type ResourceOf = (ref: ObjectRef) => { path: string } | undefined;

/** A cluster that marks may be set in. */
export interface MarkTarget {
  readonly client: KubeClient;
  resourceOf: ResourceOf;
}

export interface EffectRunnerOptions {
  clusters: readonly MarkTarget[];
  store: Pick<Store, 'effectsDue' | 'putEffect'>;
  clock: Clock;
  logger: Logger;
  /** Asked again before each write: what was allowed when the effect was stored may not be now. Left out, what is stored is sent. */
  allow?: Allow;
  /** Names this process in Events. */
  instance?: string;
  registry?: Registry;
}

export interface EffectRunner {
  /** There may be something to do. */
  wake(): void;
  /** Runs until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const BATCH = 50;
const IDLE_MS = 5_000;
const BACKOFF_MS_MIN = 1_000;
/** How long marks wait whose cluster is busy or does not answer. */
const PUT_OFF_MS = 2_000;
const BACKOFF_MS_MAX = 300_000;
/** With the longest back-off about a day; a mark that late tells nobody anything. */
const ATTEMPTS_MAX = 300;

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  const { store, clock, logger } = options;
  const wakeup = new Wakeup();
  const count = createMarkCounter(options.registry);
  /** Clusters whose marks are being set. */
  const atWork = new Map<string, Promise<unknown>>();

  /** Returns whether its cluster answered. */
  async function attempt(effect: EffectRecord, signal: AbortSignal): Promise<boolean> {
    const outcome = await deliver(effect, options, signal);
    if (signal.aborted && outcome.state === 'pending') return true;
    const attempts = effect.attempts + 1;
    const { error: _, ...rest } = effect;
    const next: EffectRecord = {
      ...rest,
      state: outcome.state,
      attempts,
      nextMs: clock.nowMs() + waitMsAfter(attempts, outcome),
    };
    if (outcome.error !== undefined) next.error = outcome.error;
    if (outcome.state === 'pending' && attempts >= ATTEMPTS_MAX) {
      next.state = 'failed';
      next.error = `given up after ${attempts} attempts: ${outcome.error}`;
    }
    store.putEffect(next);
    count(effect.type, next.state);
    const fields = { effect: effect.id, type: effect.type, object: describeRef(effect.ref), attempts, reason: next.error };
    if (next.state === 'failed') logger.warn(fields, 'a mark could not be set');
    else logger.debug(fields, next.state === 'done' ? 'mark set' : 'mark put off');
    return outcome.unreachable !== true;
  }

  /** One cluster's due marks, in order. When it does not answer, the rest wait as well: each would take as long to find out. */
  async function drainCluster(due: readonly EffectRecord[], signal: AbortSignal): Promise<void> {
    for (const [i, effect] of due.entries()) {
      if (signal.aborted) return;
      if (await attempt(effect, signal)) continue;
      putOff(due.slice(i + 1));
      return;
    }
  }

  /** False when the store does not take it. */
  function putOff(effects: readonly EffectRecord[]): boolean {
    try {
      for (const effect of effects) store.putEffect({ ...effect, nextMs: clock.nowMs() + PUT_OFF_MS });
      return true;
    } catch (error) {
      if (!isCrowsnestError(error)) throw error;
      storeTrouble(error);
      return false;
    }
  }

  /** Begins with all that is due in clusters that are not at work already, so that a slow one holds up no other; true when there may be more. */
  function begin(signal: AbortSignal, fail: (error: unknown) => void): boolean {
    const due = dueEffects();
    let stored = true;
    const byCluster = new Map<string, EffectRecord[]>();
    for (const effect of due) byCluster.set(effect.ref.cluster, [...(byCluster.get(effect.ref.cluster) ?? []), effect]);
    for (const [cluster, effects] of byCluster) {
      // Those of a cluster at work make way in the batch for those of others.
      if (atWork.has(cluster)) stored = putOff(effects) && stored;
      else {
        const work = drainCluster(effects, signal)
          .finally(() => atWork.delete(cluster))
          // There may be more; with a store that takes nothing, only the clock is worth waiting for.
          .then(() => wakeup.wake())
          .catch((error: unknown) => (isCrowsnestError(error) ? storeTrouble(error) : fail(error)));
        atWork.set(cluster, work);
      }
    }
    return stored && due.length === BATCH;
  }

  function dueEffects(): EffectRecord[] {
    try {
      return store.effectsDue(clock.nowMs(), BATCH);
    } catch (error) {
      if (!isCrowsnestError(error)) throw error;
      storeTrouble(error);
      return [];
    }
  }

  /** The store cannot be read or written just now: what is due stays due, and a repeated mark is no second one. */
  function storeTrouble(error: CrowsnestError): void {
    logger.warn({ code: error.code }, `marks put off: ${error.what}`);
  }

  return {
    wake: () => wakeup.wake(),
    async run(signal) {
      const failed = Promise.withResolvers<never>();
      failed.promise.catch(() => undefined);
      while (!signal.aborted) {
        // A cluster that is done wakes.
        if (!begin(signal, failed.reject)) await Promise.race([wakeup.wait(IDLE_MS, clock, signal), failed.promise]);
      }
      await Promise.all(atWork.values());
    },
  };
}

interface Outcome {
  state: EffectRecord['state'];
  error?: string;
  waitMs?: number;
  /** There was no answer at all. */
  unreachable?: boolean;
}

async function deliver(effect: EffectRecord, options: EffectRunnerOptions, signal: AbortSignal): Promise<Outcome> {
  const { clusters, allow } = options;
  const failed = (error: string): Outcome => ({ state: 'failed', error });
  const target = clusters.find(({ client }) => client.cluster === effect.ref.cluster);
  if (target === undefined) return failed(`there is no connection to the cluster ${effect.ref.cluster}`);
  const { client } = target;
  if (allow !== undefined && !(effect.type === 'event' ? allow.events : mayAnnotate(allow, effect.ref)))
    return failed('no longer allowed by --allow');
  try {
    if (effect.type === 'event') {
      const { path, body } = eventRequest(effect, options.instance ?? FIELD_MANAGER);
      await client.request('POST', path, { query: { fieldManager: FIELD_MANAGER }, body, signal });
    } else {
      const resource = target.resourceOf(effect.ref);
      if (resource === undefined) return failed(`the API server does not serve ${effect.ref.kind}`);
      const query = { fieldManager: FIELD_MANAGER, force: 'false' };
      await client.request('PATCH', resource.path, {
        query,
        body: annotateBody(effect),
        contentType: APPLY_CONTENT_TYPE,
        signal,
      });
    }
    return { state: 'done' };
  } catch (error) {
    return outcomeOf(effect, error);
  }
}

/** What an error means for an effect. Anything but an answer or the lack of one is a bug and passes. */
function outcomeOf(effect: EffectRecord, error: unknown): Outcome {
  if (isCrowsnestError(error)) return { state: 'pending', error: error.message, unreachable: true };
  if (!(error instanceof KubeStatusError)) throw error;
  const { status, reason, message } = error;
  const said = `${status} ${reason}: ${message}`.slice(0, 500);
  if (status === 409 && effect.type === 'event') return { state: 'done' };
  // 401 is a token between two rotations.
  if (status === 401 || status === 408 || status === 429 || status >= 500) {
    return { state: 'pending', error: said, waitMs: (error.retryAfterSeconds ?? 0) * 1_000 };
  }
  if (status === 403) {
    const rule =
      effect.type === 'event' ? 'create on events.events.k8s.io' : `patch on ${effect.ref.kind} of group ${effect.ref.group}`;
    return { state: 'failed', error: `forbidden; the role needs ${rule}. ${said}` };
  }
  if (status === 404) return { state: 'failed', error: `the object or its namespace is gone. ${said}` };
  if (status === 409)
    return { state: 'failed', error: `that life of the object is over, or another manager holds the annotation. ${said}` };
  return { state: 'failed', error: said };
}

function waitMsAfter(attempts: number, outcome: Outcome): number {
  return Math.max(outcome.waitMs ?? 0, Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(attempts, 16)));
}
