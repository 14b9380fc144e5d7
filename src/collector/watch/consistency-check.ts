/**
 * The slow consistency relist: now and then all objects of a kind are listed while the watch goes on, and compared with what it recorded.
 * It answers the one question a watch cannot answer about itself: whether it told everything.
 *
 *   list (metadata, in pages) ──> compare ──nothing differs──> done
 *                                    │ differs
 *                                    v
 *             wait until the watch has passed the list's resourceVersion ──> compare again ──> ask for each suspect, record what was missed
 *
 * Nothing in flight is taken for missed: what the list shows is older than where the watch stands when the second comparison is made, so
 * it was told or never will be. What was missed is recorded by the state of now, between two reads of the watch, and only where
 * the watch has passed that state too; else the watch itself will bring it. Memory: one small entry per object, for the time of a check.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Gap } from '../../domain/gap.ts';
import type { KubeObject, ObjectRef } from '../../domain/object-ref.ts';
import { compareResourceVersions, isOlder } from '../../domain/resource-version.ts';
import type { ResourceKind } from '../../kube/discovery.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { backOffMs, jittered } from './back-off.ts';
import type { CheckResult } from './check-result.ts';
import type { CheckedWatch } from './checked-watch.ts';
import { type Comparison, compareWithRecord, type Listed, type Suspect } from './consistency-suspects.ts';
import { generationOf, skipped } from './history-gap.ts';
import { type Found, gone, type KnownHead, keyOf } from './list-comparison.ts';
import { WorkQueue } from './work-queue.ts';

export interface ConsistencyCheckOptions {
  watch: CheckedWatch;
  cluster: string;
  kind: Pick<ResourceKind, 'group' | 'version' | 'kind'>;
  namespace: string | undefined;
  clock: Clock;
  logger: Logger;
  random: () => number;
  /** Time between two checks, give or take a tenth; the first comes at a random time within it, so that kinds and restarts are spread. */
  intervalMs: number;
  /** How long the watch may take to get as far as the list. */
  settleMs: number;
  /** Waits until this kind may list. */
  enter: (signal: AbortSignal) => Promise<() => void>;
  onResult: (result: CheckResult, missed: number, gap: Gap | undefined) => void;
  onDepth: (more: number) => void;
  onRetry: () => void;
}

const VERIFY_PER_SECOND = 50;
const VERIFY_ATTEMPTS = 5;
/** What differs beyond this is left to the next check. */
const SUSPECTS_MAX = 10_000;
const RETRY_MS = 60_000;

export class ConsistencyCheck {
  readonly #options: ConsistencyCheckOptions;
  #lastMs: number | undefined;

  constructor(options: ConsistencyCheckOptions) {
    this.#options = options;
  }

  /** Checks for ever; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, intervalMs, logger, kind } = this.#options;
    let delayMs = intervalMs * random();
    for (let failures = 0; ; ) {
      await clock.sleep(delayMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#check(signal);
        failures = 0;
        delayMs = jittered(intervalMs, 0.1, random);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        delayMs = backOffMs(failures, { baseMs: Math.min(RETRY_MS, intervalMs), msMax: intervalMs, random });
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ group: kind.group, kind: kind.kind, reason, retryMs: delayMs }, 'a consistency relist failed');
        this.#options.onResult('failed', 0, undefined);
      }
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    const { watch, clock, onResult } = this.#options;
    await watch.until(() => watch.position() !== undefined, signal);
    const history = watch.history();
    const positionBefore = watch.position() as string;
    const { listed, listedAt } = await this.#list(signal);
    const startedMs = clock.nowMs();
    const order = compareResourceVersions(listedAt, positionBefore);
    if (history !== watch.history()) return onResult('abandoned', 0, undefined);
    if (order === 'unknown') return onResult('unordered', 0, undefined);
    if (order === 'older') {
      watch.restored(`a list is at resourceVersion ${listedAt}, the watch at ${positionBefore}`);
      return onResult('restored', 0, undefined);
    }
    const isPast = () => watch.history() !== history || !isOlder(watch.position() ?? '', listedAt);
    let comparison = await compareWithRecord(listed, watch.heads(), listedAt);
    if (!isClean(comparison)) {
      if (!(await this.#settles(isPast, signal))) {
        watch.reopen('the watch does not get as far as a list shows');
        return onResult('unsettled', 0, undefined);
      }
      if (history !== watch.history()) return onResult('abandoned', 0, undefined);
      comparison = await compareWithRecord(listed, watch.heads(), listedAt);
    }
    if (await this.#provesRestore(comparison.ahead, signal)) {
      watch.restored('an object is older than it is recorded');
      return onResult('restored', 0, undefined);
    }
    const missed = await this.#recover(comparison.suspects, { listedAt, history, nowMs: startedMs }, signal);
    this.#lastMs = startedMs;
    onResult(missed.length === 0 ? 'ok' : 'missed', missed.length, await this.#gapOfKind(missed, listedAt));
  }

  async #list(signal: AbortSignal): Promise<{ listed: Map<string, Listed>; listedAt: string }> {
    const { watch, enter } = this.#options;
    const release = await enter(signal);
    try {
      const listed = new Map<string, Listed>();
      let listedAt: string | undefined;
      let token: string | undefined;
      do {
        const page = await watch.listPage(token, (one) => void listed.set(keyOf(one.namespace, one.name), one), signal);
        listedAt ??= page.resourceVersion;
        token = page.continue;
      } while (token !== undefined);
      return { listed, listedAt };
    } finally {
      release();
    }
  }

  async #settles(isPast: () => boolean, signal: AbortSignal): Promise<boolean> {
    const { watch, clock, settleMs } = this.#options;
    const over = new AbortController();
    const late = clock.sleep(settleMs, AbortSignal.any([signal, over.signal])).then(
      () => false,
      () => false,
    );
    const settled = watch.until(isPast, AbortSignal.any([signal, over.signal])).then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([settled, late]);
    } finally {
      over.abort();
      signal.throwIfAborted();
    }
  }

  /** One object asked for anew is proof enough: it cannot be older than it was. */
  async #provesRestore(ahead: KnownHead[], signal: AbortSignal): Promise<boolean> {
    const [head] = ahead;
    if (head === undefined) return false;
    const object = await this.#options.watch.get(head.ref.namespace, head.ref.name, signal);
    if (object === undefined || object === 'unreadable' || object.metadata.uid !== head.uid) return false;
    return isOlder(object.metadata.resourceVersion, head.resourceVersion);
  }

  /** Asks for each suspect and records what was missed; returns a gap for each object that was. */
  async #recover(
    suspects: Suspect[],
    at: { listedAt: string; history: number; nowMs: number },
    signal: AbortSignal,
  ): Promise<Gap[]> {
    const { clock, random, onDepth, onRetry, logger, kind } = this.#options;
    const backOff = { baseMs: 500, msMax: 30_000, random };
    const limits = { tasksMax: SUSPECTS_MAX, perSecond: VERIFY_PER_SECOND, attemptsMax: VERIFY_ATTEMPTS };
    const queue = new WorkQueue<Suspect>({ clock, backOff, onDepth, onRetry, ...limits });
    const left = suspects.filter((suspect) => !queue.add(keyOf(suspect.namespace, suspect.name), suspect)).length;
    const missed: Gap[] = [];
    const givenUp = await queue.drain(async (suspect) => {
      const gap = await this.#verify(suspect, at, signal);
      if (gap !== undefined) missed.push(gap);
    }, signal);
    if (left + givenUp.length > 0) {
      const fields = { group: kind.group, kind: kind.kind, left, givenUp: givenUp.length };
      logger.warn(fields, 'objects that differ from the record are left to the next consistency relist');
    }
    return missed;
  }

  /** Records what the watch missed of one object, if it did. */
  async #verify(
    suspect: Suspect,
    { listedAt, history, nowMs }: { listedAt: string; history: number; nowMs: number },
    signal: AbortSignal,
  ): Promise<Gap | undefined> {
    const { watch } = this.#options;
    const { namespace, name, listed, recorded } = suspect;
    const object = await watch.get(namespace, name, signal);
    if (object === 'unreadable') return undefined;
    // It is there after all, outside of what is watched; a deletion that was missed would show another uid or none.
    if (listed === undefined && object?.metadata.uid === recorded?.uid) return undefined;
    return watch.exclusively(async () => {
      const position = watch.position();
      if (position === undefined || watch.history() !== history) return undefined;
      const head = watch.head(this.#refOf(namespace, name));
      const live = head === undefined || head.deleted ? undefined : head;
      // Told and gone again; or the name has moved on since the list, and nobody can say any more what was told before that.
      if (recorded === undefined && head !== undefined && (head.uid === listed?.uid || isNewer(head.resourceVersion, listedAt)))
        return undefined;
      const found: Found[] = [];
      if (live !== undefined && live.uid !== listed?.uid && !isNewer(live.resourceVersion, listedAt)) found.push(gone(live));
      if (object !== undefined && !isOlder(position, object.metadata.resourceVersion) && isNews(object, live)) {
        const type = live?.uid === object.metadata.uid ? 'MODIFIED' : 'ADDED';
        found.push({ type, object, origin: 'relist' });
      }
      const gap = this.#gap(suspect, object, nowMs);
      await watch.deliver(found, [gap]);
      return gap;
    });
  }

  #gap({ namespace, name, listed, recorded }: Suspect, object: KubeObject | undefined, nowMs: number): Gap {
    const sameLife = listed !== undefined && recorded?.uid === listed.uid;
    const generation = object?.metadata.uid === listed?.uid && object !== undefined ? generationOf(object) : undefined;
    return {
      ...this.#common(nowMs),
      ...{ namespace, name, objects: 1 },
      ...(recorded === undefined ? {} : { fromVersion: recorded.resourceVersion }),
      ...(listed === undefined ? {} : { toVersion: listed.resourceVersion }),
      generationsSkipped: skipped(sameLife ? (recorded.generation ?? 0) : 0, generation),
    };
  }

  async #gapOfKind(missed: Gap[], listedAt: string): Promise<Gap | undefined> {
    const [first] = missed;
    if (first === undefined) return undefined;
    const generationsSkipped = missed.reduce((total, gap) => total + gap.generationsSkipped, 0);
    const gap: Gap = {
      ...this.#common(first.toMs),
      ...{ namespace: this.#options.namespace ?? '', name: '', toVersion: listedAt },
      ...{ objects: missed.length, generationsSkipped },
    };
    await this.#options.watch.deliver([], [gap]);
    return gap;
  }

  #common(nowMs: number): Pick<Gap, 'cluster' | 'group' | 'kind' | 'reason' | 'fromMs' | 'toMs'> {
    const { cluster, kind } = this.#options;
    const fromMs = this.#lastMs;
    return {
      ...{ cluster, group: kind.group, kind: kind.kind, reason: 'missed', toMs: nowMs },
      ...(fromMs === undefined ? {} : { fromMs: Math.min(fromMs, nowMs) }),
    };
  }

  #refOf(namespace: string, name: string): ObjectRef {
    const { cluster, kind } = this.#options;
    return { cluster, group: kind.group, version: kind.version, kind: kind.kind, namespace, name };
  }
}

function isClean({ suspects, ahead }: Comparison): boolean {
  return suspects.length === 0 && ahead.length === 0;
}

function isNews(object: KubeObject, live: KnownHead | undefined): boolean {
  return live?.uid !== object.metadata.uid || isOlder(live.resourceVersion, object.metadata.resourceVersion);
}

function isNewer(a: string, b: string): boolean {
  return compareResourceVersions(a, b) === 'newer';
}
