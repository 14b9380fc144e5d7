/**
 * Kinds that were watched, in this run or an earlier one, and that the API server serves no more. Their objects went with them: while the
 * watch was open it told so, and otherwise nobody did. What is still alive in the record of such a kind is then recorded as deleted, origin
 * `relist`, with a gap that says since when nobody can tell, as after a list that makes up for lost history.
 *
 * A deletion that was none must not be recorded, so it takes more than a look without the kind:
 *
 * - discovery answers, all groups of it that the kind could be in, and shows the kind at no version for `settleMs` on end, neither to be
 *   watched nor otherwise, nor its name under another plural: a server that has just started shows no custom kinds yet, and objects are
 *   recorded by the name of their kind;
 * - no CRD of that name is there, unless that may not be asked: one that serves no version keeps its objects;
 * - the kind was watched (its position is stored) and would be watched still: what was pushed in was never of the server, and what is left
 *   out by choice is not looked at.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Gap } from '../../domain/gap.ts';
import { BUILTIN_GROUPS } from '../../kube/builtin-groups.ts';
import { type Discovery, kindKey, type ResourceKind } from '../../kube/discovery.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CollectorMetrics } from '../metrics.ts';
import type { KindCoverage, Sink } from '../source.ts';
import { BatchBuilder } from './batch-builder.ts';
import { isCrdThere } from './crd-question.ts';
import { HistoryGap } from './history-gap.ts';
import { watchedStreams } from './kept-position.ts';
import type { KindPlanner } from './kind-plan.ts';
import { gone, type KnownHead, type KnownObjects } from './list-comparison.ts';
import type { StreamPosition } from './stream-position.ts';

export interface VanishedKindsOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  metrics: CollectorMetrics;
  known: KnownObjects;
  /** Without all of them nothing is known of earlier runs. */
  cursors: { cursors?(prefix: string): Record<string, string> };
  plan: KindPlanner;
  /** Those that are watched; default is all. */
  namespaces: readonly string[] | undefined;
  /** How long a kind must have been missing. */
  settleMs: number;
}

/** How long a kind that turned out to be gone is shown. */
const SHOWN_MS = 3_600_000;
/** How soon a kind is looked at again that could not be judged. */
const AGAIN_MS = 60_000;
/** After so long in one look the other kinds wait for the next one: new kinds are found by the same hand. */
const LOOK_MS = 1_000;
const OBSERVATIONS_MAX = 128;

interface Missing {
  sinceMs: number;
  /** Not asked about before; Infinity once there is nothing left to find out. */
  nextMs: number;
  /** Shown in coverage, where there is something to say. */
  row?: KindCoverage;
}

export class VanishedKinds {
  readonly #options: VanishedKindsOptions;
  readonly #missing = new Map<string, Missing>();

  constructor(options: VanishedKindsOptions) {
    this.#options = options;
  }

  /** What is to be said of kinds that are gone, by group and plural. */
  rows(): ReadonlyMap<string, KindCoverage> {
    const shownFromMs = this.#options.clock.nowMs() - SHOWN_MS;
    const rows = new Map<string, KindCoverage>();
    for (const [key, { row }] of this.#missing) if (row !== undefined && row.sinceMs > shownFromMs) rows.set(key, row);
    return rows;
  }

  /** Looks at what a discovery that answered does not show. `isWatched`: a watch of it may still tell of deletions. */
  async look(discovery: Discovery, isWatched: (key: string) => boolean, sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock, settleMs } = this.#options;
    const served = new Set([...discovery.kinds, ...discovery.others].flatMap((kind) => [kindKey(kind), nameKey(kind)]));
    const failed = new Set(discovery.failedGroups.map(({ group }) => group));
    const unserved = this.#watchedBefore().filter(
      (kind) => !served.has(kindKey(kind)) && !served.has(nameKey(kind)) && !failed.has(kind.group),
    );
    const keys = new Set(unserved.map(kindKey));
    for (const key of this.#missing.keys()) if (!keys.has(key)) this.#missing.delete(key);
    const lateMs = clock.nowMs() + LOOK_MS;
    for (const kind of unserved) {
      const key = kindKey(kind);
      if (isWatched(key)) continue;
      const nowMs = clock.nowMs();
      const missing = this.#missing.get(key) ?? { sinceMs: nowMs, nextMs: nowMs + settleMs };
      this.#missing.set(key, missing);
      if (missing.nextMs > nowMs || nowMs > lateMs || signal.aborted) continue;
      missing.nextMs = nowMs + AGAIN_MS;
      await this.#judge(kind, missing, sink, signal);
    }
  }

  /** A look that came to nothing proves nothing: what is missing has to be missing for as long again. */
  lookFailed(): void {
    for (const [key, { nextMs }] of this.#missing) if (nextMs !== Number.POSITIVE_INFINITY) this.#missing.delete(key);
  }

  /** Kinds whose position is stored and that would be watched if they were served. */
  #watchedBefore(): BeforeKind[] {
    const { client, cursors, plan } = this.#options;
    const kinds = new Map<string, BeforeKind>();
    for (const { group, plural, kind, position } of watchedStreams(client.cluster, cursors.cursors?.bind(cursors))) {
      if (BUILTIN_GROUPS.has(group)) continue;
      const key = kindKey({ group, plural });
      const before = kinds.get(key) ?? { group, plural, kind, version: '', namespaced: true, position };
      // The newest of several: of each namespace, of selections in turn.
      if ((before.position?.atMs ?? 0) < (position?.atMs ?? 0)) before.position = position;
      kinds.set(key, before);
    }
    const watched = new Set(plan([...kinds.values()]).watch.map(kindKey));
    return [...kinds.values()].filter((kind) => watched.has(kindKey(kind)));
  }

  async #judge(kind: BeforeKind, missing: Missing, sink: Sink, signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#options;
    const [first] = this.#heads(kind);
    if (first === undefined) {
      missing.nextMs = Number.POSITIVE_INFINITY;
      return;
    }
    const there = await isCrdThere(`${kind.plural}.${kind.group}`, { client, clock, signal }).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      logger.debug({ group: kind.group, kind: kind.kind, reason }, 'whether the CRD is there cannot be asked');
      return 'unknown' as const;
    });
    if (there === 'unknown' || signal.aborted) return;
    if (there === true) {
      missing.row = this.#row(kind, first, 'its CRD is there and serves no version; its objects are left as they were seen last');
      return;
    }
    let told: number;
    try {
      told = await this.#tellDeletions(kind, sink);
    } catch (error) {
      // What was delivered is deleted by now, and the rest is found again.
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn(
        { group: kind.group, kind: kind.kind, reason },
        'the deletions of a kind that went unseen cannot be recorded yet',
      );
      return;
    }
    missing.nextMs = Number.POSITIVE_INFINITY;
    const objects = told === 1 ? '1 object was' : `${told} objects were`;
    const reason = `the API server no longer serves it; ${objects} recorded as deleted, which nobody saw happen`;
    missing.row = this.#row(kind, first, reason);
    const { group } = kind;
    logger.warn({ group, kind: kind.kind, objects: told }, 'a kind went unseen, and its objects with it');
  }

  async #tellDeletions(kind: BeforeKind, sink: Sink): Promise<number> {
    const { client, clock, metrics, namespaces = [undefined] } = this.#options;
    let told = 0;
    for (const namespace of namespaces) {
      const broken = { reason: 'unserved' as const, from: kind.position };
      const gap = new HistoryGap({ cluster: client.cluster, kind, namespace, broken });
      const batch = new BatchBuilder({ cluster: client.cluster, cursorName: '', sink, observationsMax: OBSERVATIONS_MAX });
      // All of them first: what is delivered changes what is alive.
      for (const head of [...this.#options.known.heads(kind.group, kind.kind, namespace)]) {
        const found = gone(head);
        const lost = gap.of(found, clock.nowMs());
        batch.add(found, clock.nowMs());
        if (lost !== undefined) batch.gap(lost);
        if (batch.isFull) await batch.flush();
        told += 1;
      }
      const ofKind: Gap = gap.ofKind(undefined, clock.nowMs());
      if (ofKind.objects === 0) continue;
      batch.gap(ofKind);
      await batch.flush();
      metrics.gap(kind, ofKind.reason);
    }
    return told;
  }

  *#heads({ group, kind }: BeforeKind): Iterable<KnownHead> {
    const { known, namespaces = [undefined] } = this.#options;
    for (const namespace of namespaces) yield* known.heads(group, kind, namespace);
  }

  #row({ group, plural, kind }: BeforeKind, { ref }: KnownHead, reason: string): KindCoverage {
    const { client, clock } = this.#options;
    const what = { cluster: client.cluster, group, version: ref.version, kind, plural, namespaced: ref.namespace !== '' };
    return { ...what, state: 'gone', reason, sinceMs: clock.nowMs(), everWatched: true, objects: 0, relists: 0 };
  }
}

/** What a kind's objects are recorded under; no plural has a space. */
function nameKey({ group, kind }: Pick<ResourceKind, 'group' | 'kind'>): string {
  return `${group} ${kind}`;
}

/** A kind as an earlier watch of it left it. */
interface BeforeKind extends ResourceKind {
  position: StreamPosition | undefined;
}
