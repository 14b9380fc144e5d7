/** What an embedded store is made of, put together over one connection. Each part keeps tables of its own; the store says what is one transaction. */
import type Database from 'better-sqlite3';
import type { Containment } from './containment.ts';
import { DELIVERY_DEFAULTS, Deliveries, type DeliveryOptions } from './deliveries.ts';
import { Derived } from './derived.ts';
import type { Checkpoints } from './file/checkpoints.ts';
import { Findings } from './findings/findings.ts';
import { NearMissRows } from './findings/near-miss-rows.ts';
import { Outbox } from './findings/outbox.ts';
import { Verdicts } from './findings/verdicts.ts';
import { FullText } from './full-text.ts';
import { Gaps } from './gaps.ts';
import { KUBE_EVENT_DEFAULTS, type KubeEventOptions, KubeEvents } from './kube-events.ts';
import { Attributions } from './log/attributions.ts';
import { BLAME_MARK_DEFAULTS, type BlameMarkOptions, BlameMarks } from './log/blame-marks.ts';
import { BLOCK_DEFAULTS, type BlockOptions } from './log/block-options.ts';
import { Blocks } from './log/blocks.ts';
import { ChangeLog } from './log/change-log.ts';
import { ChangeQueries } from './log/change-query.ts';
import { Interning } from './log/interning.ts';
import { ListKeyTable } from './log/list-keys.ts';
import { LogTimes } from './log/log-times.ts';
import { NEWEST_MARK_DEFAULTS, type NewestMarkOptions, NewestMarks } from './log/newest-marks.ts';
import { ObjectHistory } from './log/object-history.ts';
import { ObjectQueries } from './log/object-query.ts';
import { HEAD_ROW_DEFAULTS, type HeadRowOptions, Objects } from './log/objects.ts';
import { Postings } from './log/postings.ts';
import { Retention } from './log/retention.ts';
import { RETENTION_DEFAULTS, type RetentionOptions } from './log/retention-options.ts';
import { REVISION_DEFAULTS, type RevisionOptions, Revisions } from './log/revisions.ts';
import type { ValueSeal } from './seal/value-seal.ts';
import { SAMPLE_RETENTION_DEFAULTS, SampleRetention, type SampleRetentionOptions } from './series/sample-retention.ts';
import { SERIES_DEFAULTS, type SeriesOptions, SeriesTable } from './series/series.ts';
import { SmallState } from './small-state.ts';
import { Upkeep } from './upkeep.ts';

export interface PartOptions
  extends Partial<
    BlockOptions &
      RevisionOptions &
      SeriesOptions &
      KubeEventOptions &
      DeliveryOptions &
      BlameMarkOptions &
      NewestMarkOptions &
      HeadRowOptions &
      RetentionOptions &
      SampleRetentionOptions
  > {
  /** Index the words of values. Off by default. */
  fullText?: boolean;
  /** Objects whose positions are kept in memory. */
  entriesMax?: number;
}

export type StoreParts = ReturnType<typeof partsOf>;

const ENTRIES_MAX = 120_000;
/** The cursor of analysis in the samples. */
const ANALYSED_SAMPLES = 'analysis.samples';
/** Of the time that all changes are kept, what one span may be of. */
const LARGE_SPAN_SHARE = 1 / 8;

export function partsOf(
  {
    db,
    checkpoints,
    seal,
    containment,
  }: { db: Database.Database; checkpoints: Checkpoints; seal: ValueSeal; containment: Containment },
  options: PartOptions,
) {
  const interning = new Interning(db);
  const lost = (where: string, error: unknown) => containment.tell(where, error);
  const objects = new Objects(db, interning, options.entriesMax ?? ENTRIES_MAX, { ...HEAD_ROW_DEFAULTS, ...options, lost });
  const log = new ChangeLog(db);
  const attributions = new Attributions(db, interning);
  const blockOptions = withDefaults(BLOCK_DEFAULTS, options);
  // What is old goes span by span, so that a span of a large share of the time would be kept for that much longer.
  const msPerLargeSpan = Math.min(blockOptions.msPerLargeSpan, (options.keepChangesMs ?? Infinity) * LARGE_SPAN_SHARE);
  const blocks = new Blocks(db, { ...blockOptions, msPerLargeSpan }, seal);
  const derived = new Derived(db, containment);
  const times = new LogTimes(db, derived);
  const postings = new Postings(db, derived, (last) => times.addRun(last));
  const listKeys = new ListKeyTable(db, containment);
  const rows = { db, interning, objects, log, blocks, times, postings, listKeys, containment, derived };

  const revisions = new Revisions(rows, withDefaults(REVISION_DEFAULTS, options));
  const changeQueries = new ChangeQueries(rows);
  const newestMarks = new NewestMarks(rows, withDefaults(NEWEST_MARK_DEFAULTS, options));
  const objectQueries = new ObjectQueries({ ...rows, newestMarks });
  const blameMarks = new BlameMarks(db, derived, withDefaults(BLAME_MARK_DEFAULTS, options));
  derived.onAnew = () => {
    for (const part of [times, postings, newestMarks, blameMarks]) part.forget();
  };
  const history = new ObjectHistory({ ...rows, revisions, marks: blameMarks });
  const fullText = options.fullText === true ? new FullText(db) : undefined;

  const series = new SeriesTable(db, withDefaults(SERIES_DEFAULTS, options));
  const kubeEvents = new KubeEvents(db, withDefaults(KUBE_EVENT_DEFAULTS, options));
  const gaps = new Gaps(db);
  const findings = new Findings(db, seal, containment);
  const verdicts = new Verdicts(db, seal);
  const nearMisses = new NearMissRows(db);
  const outbox = new Outbox(db, containment);
  const small = new SmallState(db, seal, containment);
  const deliveries = new Deliveries(db, withDefaults(DELIVERY_DEFAULTS, options));

  const evidence = (fromMs: number, toMs: number) => [
    ...containment.read('verdict', () => verdicts.kept(fromMs, toMs), []),
    ...containment.read('finding', () => findings.pagedChanges(fromMs, toMs), []),
  ];
  const retention = new Retention(
    { ...rows, revisions, evidence, released: (changes) => small.count('released', changes) },
    withDefaults(RETENTION_DEFAULTS, options),
  );
  const sampleRetention = new SampleRetention(
    {
      blocks: (tier) => series.blocks(tier),
      deleteBefore: (...given) => series.deleteBefore(...given),
      forgetUnused: (limit) => series.forgetUnused(limit),
      analysedThrough: () => {
        const position = small.cursor(ANALYSED_SAMPLES);
        return position === undefined ? undefined : Number(position);
      },
    },
    withDefaults(SAMPLE_RETENTION_DEFAULTS, options),
  );
  const kept = { ...rows, attributions, revisions, newestMarks, objectQueries, blameMarks, history, fullText, changeQueries };
  const beside = { series, kubeEvents, gaps, findings, verdicts, nearMisses, outbox, small, deliveries };
  const upkeep = new Upkeep({ ...kept, ...beside, checkpoints, retention, sampleRetention });
  return { ...kept, ...beside, retention, sampleRetention, upkeep };
}

/** After a failed write nothing cached can be trusted: ids and heads of the transaction that was rolled back are in there. */
export function forgetCached(parts: StoreParts): void {
  const { interning, objects, log, attributions, blocks, postings, times, revisions, blameMarks, newestMarks } = parts;
  const { listKeys, sampleRetention, series, kubeEvents, findings } = parts;
  for (const part of [interning, objects, log, attributions, blocks, postings, times, revisions, blameMarks, newestMarks])
    part.forget();
  for (const part of [listKeys, sampleRetention, series, kubeEvents, findings]) part.forget();
}

function withDefaults<T extends object>(defaults: T, options: Partial<T>): T {
  const result = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value = options[key];
    if (value !== undefined) result[key] = value as T[keyof T];
  }
  return result;
}
