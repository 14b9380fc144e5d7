/**
 * The three hops in a row for every batch a source delivers: ingest → analyze → react. A source awaits `sink`, so a slow disk slows the
 * watch instead of filling memory. Batches of all sources are taken one at a time, in the order they came.
 *
 * When the disk is full nothing is dropped: the batch waits, the watch with it, and `crowsnest_store_read_only` says so until writing works.
 */
import type { Change } from '../domain/change.ts';
import type { Clock } from '../domain/clock.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import type { Scrape } from '../domain/series.ts';
import type { Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Analysis } from './analyze.ts';
import type { Ingest, IngestBatch } from './ingest.ts';

const PROBE_MS = 2_000;

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
  analysis: Pick<Analysis, 'analyze' | 'advance'>;
  store: Pick<Store, 'probeWrite'>;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  /** Called with gaps in history once they are recorded. */
  onGaps?: (gaps: readonly Gap[]) => void;
  /** Called with what is recorded, before it is judged. */
  onRecorded?: (recorded: { changes: readonly Change[]; scrapes: readonly Scrape[] }) => void;
  /** Called with what pages, after it is stored: wakes the senders. */
  react: (paged: Finding[]) => void;
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const counts: PipelineCounts = {
    ...{ observations: 0, changes: 0, heartbeats: 0, repeats: 0, late: 0 },
    ...{ rejects: 0, scrapes: 0, paged: 0 },
  };
  let waiting = 0;
  let tail: Promise<void> = Promise.resolve();

  const take = async (batch: IngestBatch): Promise<void> => {
    const labelled = { ...batch, scrapes: batch.scrapes?.map(withInstance) };
    const result = await untilWritable(options, () => options.ingest.record(labelled));
    if (batch.gaps !== undefined && batch.gaps.length > 0) options.onGaps?.(batch.gaps);
    counts.observations += batch.observations.length;
    counts.changes += result.changes.length;
    counts.heartbeats += result.heartbeats;
    counts.repeats += result.repeats;
    counts.late += result.late;
    counts.rejects += (batch.rejects?.length ?? 0) + result.late;
    counts.scrapes += batch.scrapes?.length ?? 0;
    const { seenToMs } = batch;
    if (result.changes.length === 0 && (batch.scrapes?.length ?? 0) === 0 && seenToMs === undefined) return;
    options.onRecorded?.({ changes: result.changes, scrapes: labelled.scrapes ?? [] });
    const paged = await untilWritable(options, () => options.analysis.analyze(result.changes));
    if (seenToMs !== undefined) paged.push(...(await untilWritable(options, () => options.analysis.advance(seenToMs))));
    counts.paged += paged.length;
    if (paged.length > 0) options.react(paged);
  };

  return {
    counts,
    waiting: () => waiting,
    sink(batch) {
      waiting += 1;
      const turn = tail
        .then(() => take(batch))
        .finally(() => {
          waiting -= 1;
        });
      // The next batch waits its turn whether or not this one worked; who delivered this one is told.
      tail = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** Runs a write; while the disk is full or read-only, waits and tries again, so that nothing acknowledged is lost. */
async function untilWritable<T>(options: PipelineOptions, write: () => T): Promise<T> {
  for (;;) {
    try {
      return write();
    } catch (error) {
      if (!isCrowsnestError(error, 'STORE_FULL') && !isCrowsnestError(error, 'STORE_READ_ONLY')) throw error;
      options.logger.error({ code: error.code, where: error.where }, `${error.what}; recording waits until writing works again`);
      do await options.clock.sleep(PROBE_MS, options.signal);
      while (!options.store.probeWrite());
      options.logger.info('the store can be written again');
    }
  }
}

/** Two pods of one controller are told apart as Prometheus does, by the `instance` label. */
function withInstance(scrape: Scrape): Scrape {
  const samples = scrape.samples.map((sample) => ({ ...sample, labels: { instance: scrape.target, ...sample.labels } }));
  return { ...scrape, samples };
}
