import type Database from 'better-sqlite3';
import type { Change } from '../domain/change.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff, inPathOrder, leavesOf } from '../domain/diff/field-diff.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import { describeRef, type KubeObject, type ObjectRef, objectKey } from '../domain/object-ref.ts';
import type { NearMiss } from '../domain/review.ts';
import type { Verdict, VerdictHits } from '../domain/verdict.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import type { Logger } from '../telemetry/logger.ts';
import { DELIVERY_DEFAULTS, Deliveries, type DeliveryOptions } from './deliveries.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase, openToRead } from './file/database.ts';
import { bytesOnDisk, pageSize } from './file/file-size.ts';
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
import { ChangeLog, type ChangeRow, nextLinks } from './log/change-log.ts';
import { ChangeQueries } from './log/change-query.ts';
import { Interning } from './log/interning.ts';
import { LogTimes } from './log/log-times.ts';
import { NEWEST_MARK_DEFAULTS, type NewestMarkOptions, NewestMarks } from './log/newest-marks.ts';
import { ObjectHistory } from './log/object-history.ts';
import { ObjectQueries, summaryOf } from './log/object-query.ts';
import { HEAD_ROW_DEFAULTS, type HeadRowOptions, type ObjectEntry, Objects } from './log/objects.ts';
import { Postings } from './log/postings.ts';
import { RETENTION_DEFAULTS, Retention, type RetentionOptions } from './log/retention.ts';
import { type EncodedRevision, REVISION_DEFAULTS, type RevisionOptions, Revisions } from './log/revisions.ts';
import { decodeFlags, encodeFlags, encodeResourceVersion } from './pack/row-codec.ts';
import type { KeyRing } from './seal/store-key.ts';
import { claimKeys, createValueSeal } from './seal/value-seal.ts';
import { SAMPLE_RETENTION_DEFAULTS, SampleRetention, type SampleRetentionOptions } from './series/sample-retention.ts';
import { SERIES_DEFAULTS, type SeriesOptions, SeriesTable } from './series/series.ts';
import { SmallState } from './small-state.ts';
import type * as port from './store.ts';
import { storeError } from './store-errors.ts';
import { isOverCap, PRESSED_SHARE, Upkeep } from './upkeep.ts';

export interface SqliteStoreOptions
  extends DatabaseOptions,
    Partial<
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
  logger?: Logger;
  /** A cap on the size of the file. What is old goes before it is reached; reaching it all the same is STORE_FULL. No cap by default. */
  bytesMax?: number | undefined;
  /** Index the words of values. Off by default. */
  fullText?: boolean;
  /** States, findings' values and snapshots are encrypted with the newest of them. */
  keys?: KeyRing | undefined;
  /** Objects whose positions are kept in memory. */
  entriesMax?: number;
}

const ENTRIES_MAX = 120_000;
/** Bytes written to find out whether there is room again, about what a batch takes. */
const PROBE_BYTES = 64 * 1024;
/** Of the cap on bytes; the rest is upkeep's, since letting go of something takes some pages before it gives others back. */
const WRITTEN_SHARE = 0.97;
/** The cursor of analysis in the samples. */
const ANALYSED_SAMPLES = 'analysis.samples';
/** Written when there is nothing else to write with which the log is synced. */
const SYNCED = 'store/synced';
/** Of the time that all changes are kept, what one span may be of. */
const LARGE_SPAN_SHARE = 1 / 8;
/** How far back a claim that comes late is compared: lives of the object, and its changes. */
const LIVES_NEAR_MAX = 3;
/** Losses that are logged, and that are counted. */
const LOSSES_TOLD_MAX = 100;
const LOSSES_COUNTED_MAX = 100_000;
const CHANGES_NEAR_MAX = 2_000;

/** Opens or creates the database. Throws the errors of `openDatabase`. */
export function openSqliteStore(options: SqliteStoreOptions): SqliteStore {
  return storeOn(openDatabase(options), options);
}

/**
 * Opens a database as it is at this instant, to read it beside whoever writes it. Throws the errors of `openToRead`; writing is refused as
 * STORE_READ_ONLY.
 */
export function openSqliteReader(options: Pick<SqliteStoreOptions, 'file' | 'keys' | 'logger'>): SqliteStore {
  const db = openToRead(options.file, { current: true });
  const checkpoints = { run: () => {}, close: () => {} };
  return storeOn({ db, checkpoints, close: () => db.close() }, options);
}

function storeOn(opened: OpenDatabase, options: SqliteStoreOptions): SqliteStore {
  try {
    if (opened.db.readonly) opened.db.exec('BEGIN');
    return new SqliteStore(options, opened);
  } catch (error) {
    opened.close();
    throw storeError(error, options.file);
  }
}

export class SqliteStore implements port.Store {
  readonly file: string;
  readonly #opened: OpenDatabase;
  readonly #db: Database.Database;
  readonly #logger: Logger | undefined;
  readonly #interning: Interning;
  readonly #objects: Objects;
  readonly #log: ChangeLog;
  readonly #attributions: Attributions;
  readonly #blocks: Blocks;
  readonly #postings: Postings;
  readonly #times: LogTimes;
  readonly #revisions: Revisions;
  readonly #changeQueries: ChangeQueries;
  readonly #objectQueries: ObjectQueries;
  readonly #blameMarks: BlameMarks;
  readonly #newestMarks: NewestMarks;
  readonly #history: ObjectHistory;
  readonly #fullText: FullText | undefined;
  /** Made once, as making it costs more than a small transaction. */
  readonly #inTransaction: Database.Transaction<(work: () => unknown) => unknown>;
  readonly #series: SeriesTable;
  readonly #kubeEvents: KubeEvents;
  readonly #findings: Findings;
  readonly #verdicts: Verdicts;
  readonly #nearMisses: NearMissRows;
  readonly #gaps: Gaps;
  readonly #outbox: Outbox;
  readonly #small: SmallState;
  readonly #deliveries: Deliveries;
  readonly #retention: Retention;
  readonly #upkeep: Upkeep;
  readonly #sampleRetention: SampleRetention;
  #bytesMax: number | undefined;
  #full: CrowsnestError | undefined;
  /** Opened to survive a loss of power. */
  readonly #syncs: boolean;
  /** The next write may be synced with the one after it. */
  #relaxed = false;
  /** What turned out to be damaged. */
  readonly #losses = new Set<string>();
  /** The last write was, and the connection is still set so. */
  #unsynced = false;

  constructor(options: SqliteStoreOptions, opened: OpenDatabase) {
    this.file = options.file;
    this.#opened = opened;
    this.#logger = options.logger;
    this.#syncs = options.synchronous === 'full';
    const db = opened.db;
    this.#db = db;
    this.#inTransaction = db.transaction((work: () => unknown) => work());
    this.#interning = new Interning(db);
    this.#objects = new Objects(db, this.#interning, options.entriesMax ?? ENTRIES_MAX, {
      ...HEAD_ROW_DEFAULTS,
      ...options,
    });
    this.#log = new ChangeLog(db);
    this.#attributions = new Attributions(db, this.#interning);
    const seal = createValueSeal(options.keys, options.file);
    claimKeys(db, options.keys, options.file);
    const blockOptions = withDefaults(BLOCK_DEFAULTS, options);
    // What is old goes span by span, so that a span of a large share of the time would be kept for that much longer.
    const msPerLargeSpan = Math.min(blockOptions.msPerLargeSpan, (options.keepChangesMs ?? Infinity) * LARGE_SPAN_SHARE);
    this.#blocks = new Blocks(db, { ...blockOptions, msPerLargeSpan }, seal);
    const times = new LogTimes(db);
    const postings = new Postings(db, (last) => times.addRun(last));
    this.#times = times;
    this.#postings = postings;
    const parts = {
      ...{ db, times, postings },
      interning: this.#interning,
      objects: this.#objects,
      log: this.#log,
      blocks: this.#blocks,
    };
    this.#revisions = new Revisions(parts, withDefaults(REVISION_DEFAULTS, options));
    this.#changeQueries = new ChangeQueries(parts);
    this.#newestMarks = new NewestMarks(parts, withDefaults(NEWEST_MARK_DEFAULTS, options));
    this.#objectQueries = new ObjectQueries({ ...parts, newestMarks: this.#newestMarks });
    this.#blameMarks = new BlameMarks(db, withDefaults(BLAME_MARK_DEFAULTS, options));
    this.#history = new ObjectHistory({ ...parts, revisions: this.#revisions, marks: this.#blameMarks });
    this.#series = new SeriesTable(db, withDefaults(SERIES_DEFAULTS, options));
    this.#kubeEvents = new KubeEvents(db, withDefaults(KUBE_EVENT_DEFAULTS, options));
    this.#fullText = options.fullText === true ? new FullText(db) : undefined;
    this.#findings = new Findings(db, seal);
    this.#verdicts = new Verdicts(db, seal);
    this.#nearMisses = new NearMissRows(db);
    const evidence = (fromMs: number, toMs: number) => [
      ...this.#verdicts.kept(fromMs, toMs),
      ...this.#findings.pagedChanges(fromMs, toMs),
    ];
    this.#retention = new Retention(
      { ...parts, revisions: this.#revisions, evidence, released: (changes) => this.#small.count('released', changes) },
      withDefaults(RETENTION_DEFAULTS, options),
    );
    this.#sampleRetention = new SampleRetention(
      {
        blocks: (tier) => this.#series.blocks(tier),
        deleteBefore: (...given) => this.#series.deleteBefore(...given),
        forgetUnused: (limit) => this.#series.forgetUnused(limit),
        analysedThrough: () => numberOr(this.#small.cursor(ANALYSED_SAMPLES)),
      },
      withDefaults(SAMPLE_RETENTION_DEFAULTS, options),
    );
    this.#gaps = new Gaps(db);
    this.#outbox = new Outbox(db);
    this.#small = new SmallState(db, seal);
    this.#deliveries = new Deliveries(db, withDefaults(DELIVERY_DEFAULTS, options));
    this.#upkeep = new Upkeep({
      ...{ ...parts, revisions: this.#revisions, history: this.#history, retention: this.#retention, small: this.#small },
      checkpoints: opened.checkpoints,
      ...{ newestMarks: this.#newestMarks, blameMarks: this.#blameMarks, sampleRetention: this.#sampleRetention },
      ...{ series: this.#series, findings: this.#findings, kubeEvents: this.#kubeEvents, fullText: this.#fullText },
    });
    if (options.bytesMax !== undefined) this.limitBytes(options.bytesMax);
    if (db.readonly) this.#full = openedToRead(options.file);
  }

  get readOnly(): boolean {
    return this.#full !== undefined;
  }

  /** Sets the cap on the size of the file; what is there already stays. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#capAt(bytesMax * WRITTEN_SHARE);
  }

  #capAt(bytes: number): void {
    this.#db.pragma(`max_page_count = ${Math.max(1, Math.floor(bytes / pageSize(this.#db)))}`);
  }

  // --- record ---

  append(batch: port.AppendBatch, options?: { synced: 'later' }): Change[] {
    if (options?.synced === 'later') this.#syncLater();
    return this.#write(() => {
      const changes = batch.changes.map((change) => this.#appendChange(change));
      for (const { seq, knownMs, attribution } of batch.amendments ?? []) this.#attributions.add(seq, knownMs, attribution);
      for (const heartbeat of batch.heartbeats ?? []) this.#appendHeartbeat(heartbeat);
      this.#blocks.flush();
      this.#times.forget();
      this.#objects.flushDue(this.#log.newest());
      for (const scrape of batch.scrapes ?? []) {
        const { stored, dropped, reject } = this.#series.append(scrape);
        this.#small.count('samples', stored);
        this.#small.count('samplesDropped', dropped);
        if (reject !== undefined) this.#small.addRejects([reject]);
      }
      this.#small.count('kubeEvents', this.#kubeEvents.put(batch.kubeEvents ?? []));
      this.#small.addRejects(batch.rejects ?? []);
      this.#gaps.add(batch.gaps ?? []);
      this.#deliveries.add(batch.deliveries ?? []);
      this.#small.count('changes', changes.length);
      this.#small.count('heartbeats', batch.heartbeats?.length ?? 0);
      this.#small.putCursors(batch.cursors);
      return changes;
    });
  }

  #appendChange(input: port.NewChange): Change {
    const { attribution, digest, step, ref, uid, type } = input;
    let entry = this.#objects.find(ref, digest?.entry as ObjectEntry | undefined);
    const known = entry !== undefined;
    if (entry === undefined) {
      entry = this.#objects.create(ref, input.observedMs);
      this.#small.count('objects', 1);
    }
    // The state before is taken from the store's own chain and not from `before`, which only says whether there is one: a patch
    // against anything else than what the chain leads to would be wrong for good.
    const follows = step !== undefined || input.before !== undefined;
    const goesOn = follows && entry.changes > 0 && entry.uid === uid && entry.ref.version === ref.version;
    const base = goesOn ? { lifeId: entry.lifeId, seq: entry.seq, depth: entry.depth } : undefined;
    if (entry.lifeId === 0 || entry.uid !== uid || entry.ref.version !== ref.version) {
      this.#revisions.dropHead(entry.lifeId);
      this.#objects.beginLife(entry, uid, ref);
    }
    const stepped = step !== undefined && base !== undefined && digest?.seq === base.seq;
    const short = stepped ? this.#revisions.encodeStep(step.patch, step.length, base.depth) : undefined;
    const whole = short === undefined ? this.#revisions.encode(input.state, input, base) : undefined;
    const revision = (short ?? whole) as EncodedRevision;
    const diff = input.onDemand === true ? undefined : inPathOrder(input.diff);
    const rv = encodeResourceVersion(input.resourceVersion);
    const generation = input.generation ?? null;
    entry.marks ??= entry.changes === 0 ? [] : this.#log.marks(entry.seq);
    const links = nextLinks(entry.marks, entry.changes + 1, this.#log.newest() + 1);
    const seq = this.#log.add({
      ...links,
      lifeId: entry.lifeId,
      flags: encodeFlags({ type, origin: input.origin, own: input.own, record: revision.shape }),
      observedMs: input.observedMs,
      ...{ rv, generation },
      actorSetId: this.#interning.actorSetId(input.actor, input.candidates),
      pathsetId: (type === 'MODIFIED' ? this.#interning.pathsetId(diff ?? input.diff, step?.lines) : undefined) ?? null,
    });
    this.#fullText?.add(seq, diff ?? input.diff);
    this.#blameMarks.added(entry.objectId, links.ordinal, seq);
    if (attribution !== undefined) this.#attributions.add(seq, input.observedMs, attribution);
    if (revision.text !== undefined)
      this.#blocks.put({
        seq,
        text: revision.text,
        lifeId: entry.lifeId,
        resourceId: this.#interning.resourceId(ref.cluster, ref.group, ref.kind),
        namespaceId: 0,
      });
    if (whole !== undefined && digest === undefined)
      this.#revisions.keepHead(entry.lifeId, seq, { state: input.state, bare: whole.bare, length: whole.length });
    else this.#revisions.dropHead(entry.lifeId);
    entry.depth = revision.depth;
    entry.changes += 1;
    Object.assign(entry, { seq, rv, generation, deleted: type === 'DELETED', lastMs: input.observedMs });
    if (known) this.#objects.moved(entry);
    else this.#objects.save(entry);
    if (digest !== undefined) {
      digest.seq = seq;
      digest.entry = entry;
    }
    if (step !== undefined) return Object.assign(input, { seq, diff });
    if (diff === undefined) return Object.assign(input, { seq });
    const { before: _, attribution: __, digest: ___, step: ____, onDemand: _____, ...change } = input;
    return { seq, ...change, diff };
  }

  #appendHeartbeat(heartbeat: port.Heartbeat): void {
    const entry = this.#objects.find(heartbeat.ref);
    if (entry === undefined || entry.uid !== heartbeat.uid) return;
    entry.heartbeats += 1;
    entry.rv = encodeResourceVersion(heartbeat.resourceVersion);
    this.#objects.save(entry);
  }

  cursor(name: string): string | undefined {
    return this.#read(() => this.#small.cursor(name));
  }

  cursors(prefix: string): Record<string, string> {
    return this.#read(() => this.#small.cursors(prefix));
  }

  delivered(keys: readonly string[]): Set<string> {
    return this.#read(() => this.#deliveries.known(keys));
  }

  head(ref: ObjectRef): port.Head | undefined {
    return this.#read(() => {
      const entry = this.#objects.find(ref);
      if (entry === undefined) return undefined;
      try {
        return { ...headOf(entry), state: this.#revisions.headState(entry.lifeId, entry.seq) };
      } catch (error) {
        // Its next change, or the next list, records it as a whole: damage to one object must not stop the watch of its kind.
        this.#lost(describeRef(ref), error);
        return undefined;
      }
    });
  }

  together<T>(reads: () => T): T {
    return this.#db.inTransaction ? reads() : this.#read(() => this.#inTransaction.deferred(reads) as T);
  }

  *heads(cluster: string, group: string, kind: string, namespace?: string): Generator<port.HeadSummary> {
    const [resource] = this.#read(() => this.#interning.resources({ cluster, group, kind }));
    const namespaceId = namespace === undefined ? undefined : this.#read(() => this.#interning.namespaceIdIfKnown(namespace));
    if (resource === undefined || (namespace !== undefined && namespaceId === undefined)) return;
    for (const entry of this.#objects.live(resource.id, namespaceId)) yield headOf(entry);
  }

  // --- read ---

  change(seq: number): Change | undefined {
    return this.together(() => {
      const row = this.#log.row(seq);
      return row === undefined ? undefined : this.#rebuilt({ ...row, actorSetId: this.#amended(row) });
    });
  }

  attribution(seq: number): Attribution | undefined {
    return this.#read(() => {
      const row = this.#log.row(seq);
      if (row === undefined) return undefined;
      const newest = this.#attributions.newest(seq);
      const evidence = newest === undefined ? [] : this.#attributions.unpack(newest.evidence);
      return { ...this.#interning.actorSet(newest?.actorSetId ?? row.actorSetId), evidence };
    });
  }

  #amended(row: ChangeRow): number {
    return this.#attributions.newest(row.seq)?.actorSetId ?? row.actorSetId;
  }

  changesAfter(seq: number, limit: number): Change[] {
    return this.#read(() => {
      const changes: Change[] = [];
      for (let after = seq; ; ) {
        const rows = this.#log.after(after, limit - changes.length);
        for (const row of rows) {
          after = row.seq;
          try {
            changes.push(this.#rebuilt(row));
          } catch (error) {
            this.#lost(`change ${row.seq}`, error);
          }
        }
        if (rows.length === 0 || changes.length >= limit) return changes;
      }
    });
  }

  /** Says once what is lost, and goes on; throws what is no damage of a record. */
  #lost(where: string, error: unknown): void {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    if (this.#losses.size < LOSSES_TOLD_MAX && !this.#losses.has(where))
      this.#logger?.error({ code: error.code, where }, `${error.message}; run crowsnest db check`);
    if (this.#losses.size < LOSSES_COUNTED_MAX) this.#losses.add(where);
  }

  /** How much of what was read is lost to damage. */
  get losses(): number {
    return this.#losses.size;
  }

  get blockCache(): Blocks['cache'] {
    return this.#blocks.cache;
  }

  #rebuilt(row: ChangeRow): Change {
    const { paths: _, ...summary } = this.#changeQueries.summary(row);
    const { before, after } = this.#revisions.sides(row, summary.type);
    const { candidates } = this.#interning.actorSet(row.actorSetId);
    return { ...summary, candidates, diff: diffOf(summary.type, before, after), state: after };
  }

  changes(query: port.ChangeQuery): port.Page<port.ChangeSummary> {
    return this.together(() => this.#changeQueries.list(query));
  }

  changesNear(ref: ObjectRef, near: { resourceVersion: string } | { fromMs: number; toMs: number }): port.ChangeSummary[] {
    return this.#read(() => {
      const entry = this.#objects.find(ref);
      const rv = 'resourceVersion' in near ? encodeResourceVersion(near.resourceVersion) : undefined;
      const rows: ChangeRow[] = [];
      for (const row of entry === undefined ? [] : this.#newestRows(entry.seq)) {
        if ('resourceVersion' in near ? row.rv !== rv : row.observedMs < near.fromMs || row.observedMs > near.toMs) continue;
        rows.push(row);
        if (rv !== undefined) break;
      }
      return rows.map((row) => this.#changeQueries.summary({ ...row, actorSetId: this.#amended(row) }));
    });
  }

  /** The newest changes of an object, over its latest lives. */
  *#newestRows(seq: number): Generator<ChangeRow> {
    const lives = new Set<number>();
    let left = CHANGES_NEAR_MAX;
    for (const row of this.#log.back(seq)) {
      lives.add(row.lifeId);
      if (lives.size > LIVES_NEAR_MAX || left-- === 0) return;
      yield row;
    }
  }

  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined {
    return this.together(() => {
      const row = 'seq' in at ? (this.#objectQueries.listed(at.seq) ?? this.#log.row(at.seq)) : this.#changeAt(ref, at.atMs);
      const life = row === undefined ? undefined : this.#objects.life(row.lifeId);
      if (row === undefined || life === undefined) return undefined;
      if (life.ref !== ref && objectKey(life.ref) !== objectKey(ref)) return undefined;
      const gone = 'atMs' in at && decodeFlags(row.flags).type === 'DELETED';
      return gone ? undefined : this.#revisions.state(row);
    });
  }

  #changeAt(ref: ObjectRef, atMs: number): ChangeRow | undefined {
    const entry = this.#objects.find(ref);
    return entry === undefined ? undefined : this.#objectQueries.changeAt(entry, atMs);
  }

  changesWith(query: port.WordQuery, beforeSeq: number, limit: number): number[] | undefined {
    return this.#read(() => this.#fullText?.find(query, beforeSeq, limit));
  }

  mayHold(seq: number, text: string): boolean {
    return this.#read(() => {
      const row = this.#log.row(seq);
      return row !== undefined && this.#revisions.mayHold(row, text);
    });
  }

  *history(ref: ObjectRef, from?: { seq: number }): Generator<port.ChangeSummary> {
    // Read by read, so that a row that is damaged is told of as one.
    const rows = this.#history.back(ref, from?.seq);
    for (;;) {
      const summary = this.#read(() => {
        const { value: row, done } = rows.next();
        return done === true ? undefined : this.#changeQueries.summary({ ...row, actorSetId: this.#amended(row) });
      });
      if (summary === undefined) return;
      yield summary;
    }
  }

  blame(ref: ObjectRef, options: { seq?: number; msMax?: number } = {}): ReturnType<port.Store['blame']> {
    const endMs = performance.now() + (options.msMax ?? Number.POSITIVE_INFINITY);
    return this.together(() => this.#history.blame(ref, options.seq, () => performance.now() > endMs));
  }

  objects(query: port.ObjectQuery): port.Page<port.ObjectSummary> {
    return this.together(() => this.#objectQueries.list(query));
  }

  series(query: port.SeriesQuery): port.SeriesData[] {
    return this.#read(() => this.#series.query(query));
  }

  seriesWindows(query: port.WindowQuery): port.WindowResult {
    return this.together(() => this.#series.windows(query));
  }

  /** See SeriesTable.blocks, deleteBefore and forgetUnused: what retention is made of. */
  get samples(): Pick<SeriesTable, 'blocks' | 'deleteBefore' | 'forgetUnused'> {
    return {
      blocks: (tier) => this.#read(() => this.#series.blocks(tier)),
      deleteBefore: (...given) => this.#guard(() => this.#series.deleteBefore(...given)),
      forgetUnused: (limit) => this.#guard(() => this.#series.forgetUnused(limit)),
    };
  }

  samplesAfter(position: number, limit: number): ReturnType<port.Store['samplesAfter']> {
    return this.#read(() => this.#series.after(position, limit));
  }

  kubeEvents(query: port.KubeEventQuery): ReturnType<port.Store['kubeEvents']> {
    return this.#read(() => this.#kubeEvents.list(query));
  }

  rejects(limit: number): port.Reject[] {
    return this.#read(() => this.#small.rejects(limit));
  }

  gaps(query: port.GapQuery): port.Page<Gap> {
    return this.#read(() => this.#gaps.list(query));
  }

  counts(): port.StoreCounts {
    return this.#read(() => {
      const none = {
        changes: 0,
        objects: 0,
        heartbeats: 0,
        findings: 0,
        pages: 0,
        rejects: 0,
        samples: 0,
        samplesDropped: 0,
        kubeEvents: 0,
        released: 0,
      };
      return { ...none, ...this.#small.totals(), series: this.#series.seriesCount(), bytes: bytesOnDisk(this.#db, this.file) };
    });
  }

  // --- findings and what follows from them ---

  commitAnalysis(batch: Parameters<port.Store['commitAnalysis']>[0]): void {
    this.#write(() => {
      for (const finding of batch.findings) {
        // Judged again, it counts no more.
        if (finding.decision.heard !== undefined && this.#findings.get(finding.id) === undefined) this.#verdicts.count(finding);
      }
      const more = this.#findings.put(batch.findings);
      this.#small.count('findings', more.findings);
      this.#small.count('pages', more.pages);
      for (const alert of batch.alerts ?? []) this.#outbox.putAlert(alert);
      for (const effect of batch.effects ?? []) this.#outbox.addEffect(effect);
      for (const nearMiss of batch.nearMisses ?? []) this.#nearMisses.put(nearMiss);
      this.#small.putCursors(batch.cursors);
      for (const [key, value] of Object.entries(batch.state ?? {})) this.#small.put(key, value);
    });
  }

  finding(id: string): Finding | undefined {
    return this.#read(() => this.#findings.get(id));
  }

  findings(query: port.FindingQuery): port.Page<Finding> {
    return this.together(() => this.#findings.list(query));
  }

  putVerdict(verdict: Verdict): void {
    this.#write(() => this.#verdicts.put(verdict));
  }

  verdicts(): Verdict[] {
    return this.#read(() => this.#verdicts.all());
  }

  verdictHits(): Map<string, VerdictHits> {
    return this.#read(() => this.#verdicts.hits());
  }

  nearMisses(): NearMiss[] {
    return this.#read(() => this.#nearMisses.all());
  }

  alert(id: string): port.AlertRecord | undefined {
    return this.#read(() => this.#outbox.alert(id));
  }

  alertsActive(nowMs: number, keepMs: number): port.AlertRecord[] {
    return this.#read(() => this.#outbox.alertsActive(nowMs, keepMs));
  }

  putAlert(alert: port.AlertRecord): void {
    this.#write(() => this.#outbox.putAlert(alert));
  }

  effectsDue(nowMs: number, limit: number): port.EffectRecord[] {
    return this.#read(() => this.#outbox.effectsDue(nowMs, limit));
  }

  putEffect(effect: port.EffectRecord): void {
    this.#write(() => this.#outbox.putEffect(effect));
  }

  // --- small state ---

  getState(key: string): string | undefined {
    return this.#read(() => this.#small.get(key));
  }

  putState(key: string, value: string): void {
    this.#write(() => this.#small.put(key, value));
  }

  saveSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void {
    this.#write(() => this.#small.putSnapshot(name, snapshot));
  }

  loadSnapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined {
    return this.#read(() => this.#small.snapshot(name));
  }

  // --- upkeep ---

  maintain(options: { msMax?: number } = {}): boolean {
    if (this.readOnly && !this.#canMakeRoom()) return false;
    const endMs = performance.now() + (options.msMax ?? Number.POSITIVE_INFINITY);
    const isOver = () => performance.now() >= endMs;
    this.#objectQueries.forget();
    const bytesMax = this.#bytesMax;
    if (bytesMax === undefined) return this.#guard(() => this.#upkeep.round(isOver, bytesMax));
    this.#capAt(bytesMax);
    try {
      return this.#guard(() => this.#upkeep.round(isOver, bytesMax));
    } finally {
      this.#capAt(bytesMax * WRITTEN_SHARE);
    }
  }

  /** Where it is our own cap that keeps us from writing, letting go of what is old is the way out. */
  #canMakeRoom(share?: number): boolean {
    return this.#full?.code === 'STORE_FULL' && isOverCap(this.#db, this.#bytesMax, share);
  }

  probeWrite(): boolean {
    // Room for little would be gone with the next batch, and a write that fails costs reading back all that was known.
    if (this.#canMakeRoom(PRESSED_SHARE) && this.#retention.isDue(true)) return false;
    const key = 'store/probe';
    try {
      // The write has to be committed and checkpointed for the file itself to have had room for it.
      this.#db.transaction(() => this.#small.put(key, 'x'.repeat(PROBE_BYTES))).immediate();
      this.#db.transaction(() => this.#small.delete(key)).immediate();
      this.#db.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      this.#failed(error);
      return false;
    }
    if (this.#full !== undefined) this.#logger?.info({ file: this.file }, 'the store can be written again');
    this.#full = undefined;
    return true;
  }

  /** Head rows that cannot be written any more are derived again at the next start. */
  close(): void {
    try {
      if (this.#db.open && !this.readOnly) this.#write(() => this.#objects.flush(this.#log.newest()));
    } catch (error) {
      this.#logger?.warn({ file: this.file, error: (error as Error).message }, 'the store closes without its last head rows');
    }
    this.#opened.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  sync(): void {
    if (this.#unsynced) this.#write(() => this.#small.put(SYNCED, String(this.#log.newest())));
  }

  /** The log is synced as a whole, so the next commit that is covers this one too. */
  #syncLater(): void {
    if (!this.#syncs || this.#unsynced || this.#full !== undefined) return;
    this.#db.pragma('synchronous = NORMAL');
    this.#relaxed = true;
  }

  #write<T>(work: () => T): T {
    if (this.#full !== undefined) throw this.#full;
    const relaxed = this.#relaxed;
    if (!relaxed && this.#unsynced) this.#db.pragma('synchronous = FULL');
    this.#relaxed = false;
    try {
      return this.#guard(() => this.#inTransaction.immediate(work) as T);
    } finally {
      this.#unsynced = relaxed;
    }
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** After a failed write nothing cached can be trusted: ids and heads of the rolled-back transaction are in there. */
  #failed(error: unknown): unknown {
    const parts = [
      this.#interning,
      this.#objects,
      this.#log,
      this.#attributions,
      this.#blocks,
      this.#postings,
      this.#times,
      this.#revisions,
      this.#blameMarks,
      this.#newestMarks,
      this.#sampleRetention,
      this.#series,
      this.#kubeEvents,
      this.#findings,
    ];
    for (const part of parts) part.forget();
    const failure = storeError(error, this.file);
    if (isCrowsnestError(failure, 'STORE_FULL') || isCrowsnestError(failure, 'STORE_READ_ONLY')) {
      if (this.#full === undefined) this.#logger?.error({ file: this.file, code: failure.code }, failure.message);
      this.#full = failure;
    }
    return failure;
  }

  #read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.file);
    }
  }
}

/** What a change shows of the step between two states: every leaf of a new life, nothing for a deletion, bookkeeping never. */
export function diffOf(type: Change['type'], before: KubeObject | undefined, after: KubeObject): FieldDiff[] {
  if (type === 'DELETED') return [];
  const diff = type === 'ADDED' || before === undefined ? leavesOf(after) : diffValues(before, after);
  return inPathOrder(diff.filter(({ path }) => !isBookkeepingPath(path)));
}

function headOf(entry: ObjectEntry): port.HeadSummary {
  const { ref, uid, resourceVersion, generation, seq, deleted } = summaryOf(entry);
  return { ref, uid, resourceVersion, generation, seq, deleted };
}

function numberOr(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function openedToRead(file: string): CrowsnestError {
  return new CrowsnestError({ code: 'STORE_READ_ONLY', what: 'the database was opened to be read', where: file });
}

function withDefaults<T extends object>(defaults: T, options: Partial<T>): T {
  const result = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof T)[]) {
    const value = options[key];
    if (value !== undefined) result[key] = value as T[keyof T];
  }
  return result;
}
