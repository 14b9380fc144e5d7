/**
 * The three hops in a row for every batch a source delivers: ingest → analyze → react. A source awaits `sink`, so a slow disk slows the
 * watch instead of filling memory. Batches of all sources are taken one at a time, in the order they came.
 *
 * When the disk is full nothing is dropped: the batch waits, the watch with it, and `crowsnest_store_read_only` says so until writing works.
 */
import type { Change } from '../domain/change.ts';
import type { Clock } from '../domain/clock.ts';
import { type CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import type { ToldLists } from '../domain/schema-book.ts';
import type { KnownKind } from '../domain/series/controller-ties.ts';
import type { Scrape } from '../domain/series/series.ts';
import type { ToldVerdict } from '../domain/verdict.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Analysis } from './analyze.ts';
import type { Ingest, IngestBatch, IngestResult } from './ingest.ts';

/** Where it is our own cap, upkeep makes room for a batch in a fraction of a second; on a full disk somebody has to. */
const PROBE_FIRST_MS = 50;
const PROBE_MS = 2_000;
/** So long may wait what was decided and nobody has to be told of: the one transaction then covers all that a flood brought meanwhile. */
const STORED_WITHIN_MS = 200;
/** Observations beyond which no further batch joins a transaction. */
const GROUP_OBSERVATIONS_MAX = 256;

export interface PipelineCounts {
  observations: number;
  changes: number;
  heartbeats: number;
  repeats: number;
  /** Came after something newer of the same object; also among the rejects. */
  late: number;
  rejects: number;
  scrapes: number;
  paged: number;
}

export interface Pipeline {
  sink(batch: IngestBatch): Promise<void>;
  readonly counts: PipelineCounts;
  /** Batches whose turn has not come or is not over. */
  waiting(): number;
}

export interface PipelineOptions {
  ingest: Ingest;
  analysis: Pick<Analysis, 'analyze' | 'advance' | 'isStored' | 'store'>;
  store: Pick<Store, 'probeWrite'>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called with gaps in history once they are recorded. */
  onGaps?: (gaps: readonly Gap[]) => void;
  /** Called with what is recorded, before it is judged. */
  onRecorded?: (recorded: { changes: readonly Change[]; scrapes: readonly Scrape[] }) => void;
  /** Called with what a stream says that people said, when everything before it is judged; gives what pages by the time that passed meanwhile. */
  onVerdict?: (told: ToldVerdict) => Finding[];
  /** Called with the kinds that a recording says there are, before what comes with them. */
  onKinds?: (kinds: readonly KnownKind[]) => void;
  /** Called with what a recording says of the lists of kinds, before what comes behind it is compared. */
  onLists?: (lists: readonly ToldLists[]) => void;
  /** Called with what pages, after it is stored: wakes the senders. */
  react: (paged: Finding[]) => void;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const counts: PipelineCounts = {
    ...{ observations: 0, changes: 0, heartbeats: 0, repeats: 0, late: 0 },
    ...{ rejects: 0, scrapes: 0, paged: 0 },
  };
  const waiting: Waiting[] = [];
  let taken = 0;
  let draining = false;

  const tell = (paged: Finding[]): void => {
    counts.paged += paged.length;
    if (paged.length > 0) options.react(paged);
  };
  /** Where there was no room for what pages, whoever stores it first tells of it. */
  const store = async (): Promise<void> => tell(await untilWritable(options, () => options.analysis.store()));

  let waitsSinceMs: number | undefined;
  const storeSoon = async (): Promise<void> => {
    if (options.analysis.isStored()) return;
    const nowMs = options.clock.nowMs();
    if (waitsSinceMs !== undefined) {
      // Sources that deliver again and again within one turn of the event loop keep timers from theirs.
      if (nowMs - waitsSinceMs < STORED_WITHIN_MS) return;
      waitsSinceMs = nowMs;
      return store();
    }
    waitsSinceMs = nowMs;
    // Stopping, a snapshot stores it.
    await options.clock.sleep(STORED_WITHIN_MS, options.signal).catch(() => undefined);
    waitsSinceMs = undefined;
    if (!options.signal.aborted) await store();
  };

  const hear = async (told: ToldVerdict): Promise<void> => {
    // It is of a finding that may just have been decided.
    await store();
    tell(await untilWritable(options, () => options.onVerdict?.(told) ?? []));
  };

  const record = async (given: IngestBatch): Promise<Recorded> => {
    for (const told of given.verdicts ?? []) await hear(told);
    if (given.lists !== undefined) options.onLists?.(given.lists);
    const batch = { ...given, scrapes: given.scrapes?.map((scrape) => withInstance(options.ingest.masked(scrape))) };
    const result = await untilWritable(options, () => options.ingest.record(batch));
    if (batch.gaps !== undefined && batch.gaps.length > 0) options.onGaps?.(batch.gaps);
    counts.observations += batch.observations.length;
    counts.changes += result.changes.length;
    counts.heartbeats += result.heartbeats;
    counts.repeats += result.repeats;
    counts.late += result.late;
    counts.rejects += (batch.rejects?.length ?? 0) + result.late + result.unreadable;
    counts.scrapes += batch.scrapes?.length ?? 0;
    return { batch, result };
  };

  const follow = async ({ batch, result }: Recorded): Promise<void> => {
    const { kinds, seenToMs } = batch;
    if (kinds !== undefined) options.onKinds?.(kinds);
    if (result.changes.length > 0 || (batch.scrapes?.length ?? 0) > 0 || seenToMs !== undefined) {
      options.onRecorded?.({ changes: result.changes, scrapes: batch.scrapes ?? [] });
      const paged = await untilWritable(options, () => options.analysis.analyze(result.changes));
      if (seenToMs !== undefined) paged.push(...(await untilWritable(options, () => options.analysis.advance(seenToMs))));
      tell(paged);
      storeSoon().catch((error: unknown) => options.logger.error({ err: error }, 'what was decided could not be stored yet'));
    }
  };

  /**
   * A batch that cannot be recorded must not cost its neighbours anything, so then each is taken alone, in order. What fails behind that fails
   * for all of them: they are recorded, and told again they would be nothing but repeats.
   */
  const takeGroup = async (group: Waiting[]): Promise<void> => {
    const recorded = await record(mergeBatches(group.map(({ batch }) => batch))).catch((error: unknown) => ({ error }));
    if (!('error' in recorded)) {
      await follow(recorded).then(
        () => group.forEach(({ resolve }) => void resolve()),
        (error: unknown) => group.forEach(({ reject }) => void reject(error)),
      );
    } else if (group.length === 1) group[0]?.reject(recorded.error);
    else for (const one of group) await record(one.batch).then(follow).then(one.resolve, one.reject);
  };

  const drain = async (): Promise<void> => {
    while (waiting.length > 0) {
      const group = nextGroup(waiting);
      taken = group.length;
      await takeGroup(group);
      taken = 0;
    }
    draining = false;
  };

  return {
    counts,
    waiting: () => waiting.length + taken,
    sink(batch) {
      return new Promise((resolve, reject) => {
        waiting.push({ batch, resolve, reject });
        if (draining) return;
        draining = true;
        // What other sources deliver in this turn of the event loop goes into the same transaction.
        setImmediate(() => void drain());
      });
    },
  };
}

interface Recorded {
  batch: IngestBatch;
  result: IngestResult;
}

interface Waiting {
  batch: IngestBatch;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Takes from the queue what goes into one transaction: in order, at least one batch. */
function nextGroup(waiting: Waiting[]): Waiting[] {
  let observations = 0;
  let length = 0;
  for (const { batch } of waiting) {
    // What people say weighs on what comes after it, and so do the keys of lists.
    if (length > 0 && (batch.verdicts !== undefined || batch.lists !== undefined)) break;
    observations += batch.observations.length;
    if (length > 0 && observations > GROUP_OBSERVATIONS_MAX) break;
    length += 1;
    // Time that has passed by the end of a batch has not passed for what comes after it.
    if (batch.seenToMs !== undefined) break;
  }
  return waiting.splice(0, length);
}

/** Several batches as one. Each has its own cursors, and observations keep their order. */
export function mergeBatches(batches: readonly IngestBatch[]): IngestBatch {
  const [first] = batches;
  if (first !== undefined && batches.length === 1) return first;
  return {
    observations: batches.flatMap((batch) => batch.observations),
    scrapes: batches.flatMap((batch) => batch.scrapes ?? []),
    claims: batches.flatMap((batch) => batch.claims ?? []),
    rejects: batches.flatMap((batch) => batch.rejects ?? []),
    gaps: batches.flatMap((batch) => batch.gaps ?? []),
    deliveries: batches.flatMap((batch) => batch.deliveries ?? []),
    kubeEvents: batches.flatMap((batch) => batch.kubeEvents ?? []),
    kinds: batches.findLast(({ kinds }) => kinds !== undefined)?.kinds,
    seenToMs: batches.at(-1)?.seenToMs,
    verdicts: first?.verdicts,
    lists: first?.lists,
    cursors: Object.assign({}, ...batches.map((batch) => batch.cursors)),
  };
}

/** Runs a write; while the disk is full or read-only, waits and tries again, so that nothing acknowledged is lost. */
async function untilWritable<T>(options: PipelineOptions, write: () => T): Promise<T> {
  let waitMs = PROBE_FIRST_MS;
  let isTold = false;
  const tell = ({ code, where, what }: CrowsnestError) => {
    // Shorter waits come many a minute where a flood is slowed down to the pace at which room is made.
    if (waitMs < PROBE_MS || isTold) return;
    options.logger.error({ code, where }, `${what}; recording waits until writing works again`);
    isTold = true;
  };
  for (;;) {
    try {
      const result = write();
      if (isTold) options.logger.info('the store can be written again');
      return result;
    } catch (error) {
      if (!isCrowsnestError(error, 'STORE_FULL') && !isCrowsnestError(error, 'STORE_READ_ONLY')) throw error;
      // A probe may find room where a large batch does not, time and again.
      tell(error);
      for (let isThere = false; !isThere; waitMs = Math.min(PROBE_MS, waitMs * 2)) {
        await options.clock.sleep(waitMs, options.signal);
        isThere = options.store.probeWrite();
        if (!isThere) tell(error);
      }
    }
  }
}

/** Two pods of one controller are told apart as Prometheus does, by the `instance` label. */
function withInstance(scrape: Scrape): Scrape {
  const samples = scrape.samples.map((sample) => ({ ...sample, labels: { instance: scrape.target, ...sample.labels } }));
  return { ...scrape, samples };
}
