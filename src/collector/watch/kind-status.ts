import type { Clock } from '../../domain/clock.ts';
import type { Gap } from '../../domain/gap.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { CollectorMetrics } from '../metrics.ts';
import type { CoverageState, KindCoverage } from '../source.ts';
import type { BatchBuilder } from './batch-builder.ts';
import type { CheckResult } from './check-result.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { Unreadable } from './watch-event.ts';

/** A kind that is in trouble again so soon after being watched was never really out of it. */
const RELAPSE_MS = 30_000;

/** How well one kind is seen: what the coverage report, the metrics and the log say of it. */
export class KindStatus {
  /** Live objects, from the last list and what came since. */
  objects = 0;
  /** Counts the histories of resourceVersions, from 1. */
  epoch = 1;
  /** It was seen whole once, in this run or an earlier one. */
  everWatched = false;
  readonly #clock: Clock;
  readonly #cluster: string;
  readonly #kind: PlannedKind;
  readonly #metrics: CollectorMetrics;
  readonly #logger: Logger;
  #state: CoverageState = 'listing';
  #sinceMs: number;
  /** When the last trouble began; kept while it may come back. */
  #troubleMs: number | undefined;
  /** The last proof that the connection lives. */
  #aliveMs: number | undefined;
  #reason: string | undefined;
  #lastEventMs: number | undefined;
  #lastBookmarkMs: number | undefined;
  #relists = 0;
  #gaps = 0;
  #lastGapMs: number | undefined;
  #missed = 0;
  #lastCheckMs: number | undefined;
  #lastOutcome: string | undefined;

  constructor(options: { cluster: string; kind: PlannedKind; clock: Clock; metrics: CollectorMetrics; logger: Logger }) {
    this.#clock = options.clock;
    this.#sinceMs = options.clock.nowMs();
    this.#cluster = options.cluster;
    this.#kind = options.kind;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
  }

  coverage(): KindCoverage {
    const { group, version, kind, plural, namespaced, metadataOnly, labelSelector, fieldSelector } = this.#kind;
    return {
      cluster: this.#cluster,
      group,
      version,
      kind,
      plural,
      namespaced,
      state: this.#state,
      sinceMs: this.#sinceMs,
      everWatched: this.everWatched,
      objects: this.objects,
      relists: this.#relists,
      epoch: this.epoch,
      gaps: this.#gaps,
      missed: this.#missed,
      ...(this.#lastCheckMs === undefined ? {} : { lastCheckMs: this.#lastCheckMs }),
      ...(this.#lastGapMs === undefined ? {} : { lastGapMs: this.#lastGapMs }),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      ...(metadataOnly === undefined ? {} : { metadataOnly }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
      ...(this.#lastEventMs === undefined ? {} : { lastEventMs: this.#lastEventMs }),
      ...(this.#lastBookmarkMs === undefined ? {} : { lastBookmarkMs: this.#lastBookmarkMs }),
      ...(this.#aliveMs === undefined ? {} : { lagMs: Math.max(0, this.#clock.nowMs() - this.#aliveMs) }),
    };
  }

  set(state: CoverageState, reason?: string): void {
    const nowMs = this.#clock.nowMs();
    if (state === 'watched') {
      this.everWatched = true;
      this.#aliveMs = nowMs;
    }
    if (state !== this.#state) {
      const relapse = isTrouble(state) && this.#state === 'watched' && nowMs - this.#sinceMs < RELAPSE_MS;
      this.#sinceMs = relapse && this.#troubleMs !== undefined ? this.#troubleMs : nowMs;
      if (isTrouble(state)) this.#troubleMs = this.#sinceMs;
    }
    this.#state = state;
    this.#reason = reason;
  }

  /** Events or listed objects that arrived, of one type. */
  arrived(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', count: number, nowMs: number): void {
    if (count === 0) return;
    this.#metrics.events(this.#kind, type, count, nowMs);
    this.#lastOutcome = undefined;
    this.#aliveMs = nowMs;
    if (type === 'BOOKMARK') this.#lastBookmarkMs = nowMs;
    else this.#lastEventMs = nowMs;
  }

  relisting(): void {
    this.#relists += 1;
    this.#metrics.relist(this.#kind);
  }

  /** A stretch of history is lost for good. */
  lostHistory({ reason, toMs, objects, generationsSkipped }: Gap): void {
    this.#gaps += 1;
    this.#lastGapMs = toMs;
    this.#metrics.gap(this.#kind, reason);
    const { group, kind } = this.#kind;
    const fields = { group, kind, reason, objects, generationsSkipped, epoch: this.epoch };
    this.#logger.warn(fields, 'a stretch of history is lost');
  }

  /** A consistency relist is over. */
  checked(result: CheckResult, missed: number): void {
    this.#metrics.check(this.#kind, result, missed);
    this.#missed += missed;
    if (result === 'ok' || result === 'missed') this.#lastCheckMs = this.#clock.nowMs();
  }

  interrupted(outcome: { type: string; reason: string }, retryMs: number): void {
    const { group, kind } = this.#kind;
    this.#metrics.error(this.#kind, outcome.type);
    const fields = { group, kind, outcome: outcome.type, reason: outcome.reason, retryMs };
    // A forbidden kind is tried again every few seconds for ever; what did not change is not told again.
    if (outcome.type === this.#lastOutcome) this.#logger.debug(fields, 'watch interrupted again');
    else this.#logger.warn(fields, 'watch interrupted');
    this.#lastOutcome = outcome.type;
  }

  /** Counts, logs and records that something could not be recorded, by reference only. */
  rejected({ identity, code, what }: Unreadable, batch: BatchBuilder, observedMs: number): void {
    const { name, namespace = '' } = identity;
    const object = name === undefined ? '(object not named)' : namespace === '' ? name : `${namespace}/${name}`;
    const where = `${this.#kind.kind}.${this.#kind.group} ${object}`;
    batch.reject({ code, where, what, observedMs });
    this.#metrics.reject(code);
    this.#logger.warn({ code, where, what }, 'an object could not be recorded');
  }
}

function isTrouble(state: CoverageState): boolean {
  return state === 'stale' || state === 'broken' || state === 'forbidden';
}
