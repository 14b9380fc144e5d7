import type Database from 'better-sqlite3';
import type { Change } from '../domain/change.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import { describeRef, type KubeObject, type ObjectRef } from '../domain/object-ref.ts';
import type { NearMiss } from '../domain/review.ts';
import type { Verdict, VerdictHits } from '../domain/verdict.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import type { Logger } from '../telemetry/logger.ts';
import { Containment, isDamage } from './containment.ts';
import type { DerivedTable } from './derived.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase, openToRead } from './file/database.ts';
import { bytesOnDisk, pageSize } from './file/file-size.ts';
import { Room } from './file/room.ts';
import type { Blocks } from './log/blocks.ts';
import { ChangeReader } from './log/change-reader.ts';
import { ChangeWriter } from './log/change-writer.ts';
import type { ObjectEntry } from './log/object-entry.ts';
import { summaryOf } from './log/object-query.ts';
import type { KeyRing } from './seal/store-key.ts';
import { claimKeys, createValueSeal } from './seal/value-seal.ts';
import type { SeriesTable } from './series/series.ts';
import type * as port from './store.ts';
import { fullError, storeError } from './store-errors.ts';
import { forgetCached, type PartOptions, partsOf, type StoreParts } from './store-parts.ts';
import { isAskedLately, isOverCap, PRESSED_SHARE, sliceMs } from './upkeep.ts';

export interface SqliteStoreOptions extends DatabaseOptions, PartOptions {
  logger?: Logger;
  /** A cap on the size of the file. What is old goes before it is reached; reaching it all the same is STORE_FULL. No cap by default. */
  bytesMax?: number | undefined;
  /** States, findings' values and snapshots are encrypted with the newest of them. */
  keys?: KeyRing | undefined;
}

/** Bytes written to find out whether there is room again, about what a batch takes. */
const PROBE_BYTES = 64 * 1024;
/** Of the cap on bytes; the rest is upkeep's, since letting go of something takes some pages before it gives others back. */
const WRITTEN_SHARE = 0.97;
/** Written when there is nothing else to write with which the log is synced. */
const SYNCED = 'store/synced';
/** Losses that are logged, and that are counted. */
const LOSSES_TOLD_MAX = 100;
const LOSSES_COUNTED_MAX = 100_000;

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
  readonly #parts: StoreParts;
  readonly #containment: Containment;
  readonly #writer: ChangeWriter;
  readonly #reader: ChangeReader;
  /** Made once, as making it costs more than a small transaction. */
  readonly #inTransaction: Database.Transaction<(work: () => unknown) => unknown>;
  #bytesMax: number | undefined;
  readonly #room: Room;
  /** A write succeeded since there was no room: the next one is tried, whatever those before it took. */
  #isProbed = false;
  #full: CrowsnestError | undefined;
  /** The log has that nothing can be written, and for this reason (a code). */
  #fullTold: string | undefined;
  /** Opened to survive a loss of power. */
  readonly #syncs: boolean;
  /** The next write may be synced with the one after it. */
  #relaxed = false;
  /** When somebody was last answered. */
  #answeredMs = Number.NEGATIVE_INFINITY;
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
    this.#room = new Room(db);
    const seal = createValueSeal(options.keys, options.file);
    claimKeys(db, options.keys, options.file);
    const containment = new Containment((what, error) => this.#lost(what, storeError(error, options.file)));
    this.#containment = containment;
    this.#parts = partsOf({ db, checkpoints: opened.checkpoints, seal, containment }, options);
    this.#writer = new ChangeWriter({ ...this.#parts, containment });
    this.#reader = new ChangeReader({ ...this.#parts, containment });
    if (options.bytesMax !== undefined) this.limitBytes(options.bytesMax);
    if (db.readonly) this.#full = openedToRead(options.file);
  }

  get readOnly(): boolean {
    return this.#full !== undefined;
  }

  get isPressed(): boolean {
    return isOverCap(this.#db, this.#bytesMax, PRESSED_SHARE);
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
    const { blocks, times, objects, log, series, kubeEvents, gaps, deliveries, small } = this.#parts;
    const contained = this.#containment;
    if (options?.synced === 'later') this.#syncLater();
    const known = batch.changes.map(({ digest }) => digest?.seq);
    const work = () => {
      const changes = batch.changes.map((change) => this.#writer.append(change));
      for (const amendment of batch.amendments ?? []) this.#writer.amend(amendment);
      for (const heartbeat of batch.heartbeats ?? []) this.#writer.heartbeat(heartbeat);
      blocks.flush();
      times.forget();
      objects.flushDue(log.newest());
      for (const scrape of batch.scrapes ?? []) {
        const none: ReturnType<SeriesTable['append']> = { stored: 0, dropped: 0 };
        const { stored, dropped, reject } = contained.write('open_scrape', () => series.append(scrape), none);
        small.count('samples', stored);
        small.count('samplesDropped', dropped);
        if (reject !== undefined) contained.write('reject', () => small.addRejects([reject]), undefined);
      }
      const { kubeEvents: events = [], rejects = [] } = batch;
      const kept = contained.write('kube_event', () => kubeEvents.put(events), 0);
      small.count('kubeEvents', kept);
      contained.write('reject', () => small.addRejects(rejects), undefined);
      contained.write('gap', () => gaps.add(batch.gaps ?? []), undefined);
      contained.write('delivery', () => deliveries.add(batch.deliveries ?? []), undefined);
      small.count('changes', changes.length);
      small.count('heartbeats', batch.heartbeats?.length ?? 0);
      small.count('amendments', batch.amendments?.length ?? 0);
      small.putCursors(batch.cursors);
      return changes;
    };
    // What was noted of newest states in the attempt that failed is not so.
    const again = () => {
      for (const [i, { digest }] of batch.changes.entries())
        if (digest !== undefined) Object.assign(digest, { seq: known[i], entry: undefined });
    };
    if (this.#bytesMax === undefined) return this.#write(work, again);
    this.#refuseWithoutRoom();
    return this.#room.measured(() => this.#write(work, again));
  }

  /** Throws STORE_FULL where a batch like those before it would not fit under the cap, before any of it is written. */
  #refuseWithoutRoom(): void {
    const isProbed = this.#isProbed;
    this.#isProbed = false;
    if (this.#full === undefined && !isProbed && !this.#room.isThere) this.#isFull(fullError(this.file));
    if (this.#full !== undefined) throw this.#full;
  }

  cursor(name: string): string | undefined {
    return this.#read(() => this.#parts.small.cursor(name));
  }

  cursors(prefix: string): Record<string, string> {
    return this.#read(() => this.#parts.small.cursors(prefix));
  }

  delivered(keys: readonly string[]): Set<string> {
    const known = () => this.#parts.deliveries.known(keys);
    return this.#read(() => this.#containment.read('delivery', known, new Set<string>()));
  }

  head(ref: ObjectRef): port.Head | undefined {
    return this.#read(() => {
      const entry = this.#parts.objects.find(ref);
      if (entry === undefined) return undefined;
      try {
        return { ...headOf(entry), state: this.#parts.revisions.headState(entry.lifeId, entry.seq) };
      } catch (error) {
        // Its next change, or the next list, records it as a whole: damage to one object must not stop the watch of its kind.
        this.#lost(describeRef(ref), error);
        return undefined;
      }
    });
  }

  together<T>(reads: () => T): T {
    return this.#db.inTransaction ? reads() : this.#read(() => this.#readTogether(reads));
  }

  /** What people ask, as far as the store can tell. */
  #answer<T>(reads: () => T): T {
    try {
      return this.together(reads);
    } finally {
      this.#answeredMs = performance.now();
    }
  }

  #readTogether<T>(reads: () => T): T {
    let read: { value: T } | undefined;
    try {
      this.#inTransaction.deferred(() => {
        read = { value: reads() };
      });
    } catch (error) {
      // SQLite ends no transaction in good order in which it met damage, also where that was made do without.
      if (read === undefined || !isDamage(error)) throw error;
    }
    return (read as { value: T }).value;
  }

  *heads(cluster: string, group: string, kind: string, namespace?: string): Generator<port.HeadSummary> {
    const [resource] = this.#read(() => this.#parts.interning.resources({ cluster, group, kind }));
    const namespaceId =
      namespace === undefined ? undefined : this.#read(() => this.#parts.interning.namespaceIdIfKnown(namespace));
    if (resource === undefined || (namespace !== undefined && namespaceId === undefined)) return;
    for (const entry of this.#parts.objects.live(resource.id, namespaceId)) yield headOf(entry);
  }

  // --- read ---

  change(seq: number): Change | undefined {
    return this.together(() => this.#reader.change(seq));
  }

  attribution(seq: number): Attribution | undefined {
    return this.#read(() => this.#reader.attribution(seq));
  }

  changesAfter(seq: number, limit: number): Change[] {
    return this.#read(() => this.#reader.after(seq, limit, (row, error) => this.#lost(`change ${row.seq}`, error)));
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
    return this.#parts.blocks.cache;
  }

  changes(query: port.ChangeQuery): port.ChangePage {
    return this.#answer(() => this.#parts.changeQueries.list(query));
  }

  changesNear(...given: Parameters<port.Store['changesNear']>): port.ChangeSummary[] {
    return this.#read(() => this.#reader.near(...given));
  }

  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined {
    return this.#answer(() => this.#reader.stateAt(ref, at));
  }

  statesAfter(changes: readonly { ref: ObjectRef; seq: number }[]): (KubeObject | undefined)[] {
    return this.#answer(() => this.#reader.statesAfter(changes));
  }

  changesWith(query: port.WordQuery, beforeSeq: number, limit: number): number[] | undefined {
    return this.#read(() => this.#parts.fullText?.find(query, beforeSeq, limit));
  }

  mayHold(seq: number, text: string): boolean {
    return this.#read(() => this.#reader.mayHold(seq, text));
  }

  history(ref: ObjectRef, from?: { seq: number }): Iterable<port.ChangeSummary> {
    return this.#reader.history(ref, from?.seq, (work) => this.#read(work));
  }

  blame(ref: ObjectRef, options: { seq?: number; msMax?: number } = {}): ReturnType<port.Store['blame']> {
    const endMs = performance.now() + (options.msMax ?? Number.POSITIVE_INFINITY);
    return this.#answer(() => this.#parts.history.blame(ref, options.seq, () => performance.now() > endMs));
  }

  objects(query: port.ObjectQuery): port.Page<port.ObjectSummary> {
    return this.#answer(() => this.#parts.objectQueries.list(query));
  }

  series(query: port.SeriesQuery): port.SeriesData[] {
    return this.#read(() => this.#parts.series.query(query));
  }

  seriesWindows(query: port.WindowQuery): port.WindowResult {
    return this.together(() => this.#parts.series.windows(query));
  }

  /** See SeriesTable.blocks, deleteBefore and forgetUnused: what retention is made of. */
  get samples(): Pick<SeriesTable, 'blocks' | 'deleteBefore' | 'forgetUnused'> {
    return {
      blocks: (tier) => this.#read(() => this.#parts.series.blocks(tier)),
      deleteBefore: (...given) => this.#guard(() => this.#parts.series.deleteBefore(...given)),
      forgetUnused: (limit) => this.#guard(() => this.#parts.series.forgetUnused(limit)),
    };
  }

  samplesAfter(position: number, limit: number): ReturnType<port.Store['samplesAfter']> {
    return this.#read(() => this.#parts.series.after(position, limit));
  }

  kubeEvents(query: port.KubeEventQuery): ReturnType<port.Store['kubeEvents']> {
    return this.#read(() => this.#parts.kubeEvents.list(query));
  }

  rejects(limit: number): port.Reject[] {
    return this.#read(() => this.#parts.small.rejects(limit));
  }

  gaps(query: port.GapQuery): port.Page<Gap> {
    return this.#read(() => this.#parts.gaps.list(query));
  }

  counts(): port.StoreCounts {
    return this.#read(() => {
      const none = {
        changes: 0,
        objects: 0,
        heartbeats: 0,
        amendments: 0,
        findings: 0,
        pages: 0,
        rejects: 0,
        samples: 0,
        samplesDropped: 0,
        kubeEvents: 0,
        released: 0,
      };
      return {
        ...none,
        changes: this.#parts.log.newest(),
        ...this.#parts.small.totals(),
        series: this.#containment.read('series', () => this.#parts.series.seriesCount(), 0),
        bytes: bytesOnDisk(this.#db, this.file),
      };
    });
  }

  // --- findings and what follows from them ---

  commitAnalysis(batch: Parameters<port.Store['commitAnalysis']>[0]): void {
    const { findings, verdicts, outbox, nearMisses, small } = this.#parts;
    const contained = this.#containment;
    const count = (finding: Finding) => {
      // Judged again, it counts no more.
      if (finding.decision.heard !== undefined && findings.get(finding.id) === undefined) verdicts.count(finding);
    };
    this.#write(() => {
      for (const finding of batch.findings) contained.write('verdict_hit', () => count(finding), undefined);
      const put = () => findings.put(batch.findings);
      const more = contained.write('finding', put, { findings: 0, pages: 0 });
      small.count('findings', more.findings);
      small.count('pages', more.pages);
      for (const alert of batch.alerts ?? []) contained.write('alert', () => outbox.putAlert(alert), undefined);
      for (const effect of batch.effects ?? []) contained.write('effect', () => outbox.addEffect(effect), undefined);
      for (const nearMiss of batch.nearMisses ?? []) contained.write('near_miss', () => nearMisses.put(nearMiss), undefined);
      small.putCursors(batch.cursors);
      for (const [key, value] of Object.entries(batch.state ?? {})) small.put(key, value);
    });
    if (batch.findings.some(({ decision }) => decision.verdict === 'page')) this.#parts.retention.evidenceMoved();
  }

  finding(id: string): Finding | undefined {
    return this.#read(() => this.#parts.findings.get(id));
  }

  hasFinding(id: string): boolean {
    return this.#read(() => this.#parts.findings.has(id));
  }

  findings(query: port.FindingQuery): port.Page<Finding> {
    return this.together(() => this.#parts.findings.list(query));
  }

  putVerdict(verdict: Verdict): void {
    this.#write(() => this.#parts.verdicts.put(verdict));
    this.#parts.retention.evidenceMoved();
  }

  verdicts(): Verdict[] {
    return this.#read(() => this.#parts.verdicts.all());
  }

  verdictHits(): Map<string, VerdictHits> {
    const hits = () => this.#parts.verdicts.hits();
    return this.#read(() => this.#containment.read('verdict_hit', hits, new Map<string, VerdictHits>()));
  }

  nearMisses(): NearMiss[] {
    return this.#read(() => this.#containment.read('near_miss', () => this.#parts.nearMisses.all(), []));
  }

  alert(id: string): port.AlertRecord | undefined {
    return this.#read(() => this.#parts.outbox.alert(id));
  }

  alertsActive(nowMs: number, keepMs: number): port.AlertRecord[] {
    return this.#read(() => this.#parts.outbox.alertsActive(nowMs, keepMs));
  }

  putAlert(alert: port.AlertRecord): void {
    this.#write(() => this.#parts.outbox.putAlert(alert));
  }

  effectsDue(nowMs: number, limit: number): port.EffectRecord[] {
    return this.#read(() => this.#parts.outbox.effectsDue(nowMs, limit));
  }

  putEffect(effect: port.EffectRecord): void {
    this.#write(() => this.#parts.outbox.putEffect(effect));
  }

  // --- small state ---

  getState(key: string): string | undefined {
    return this.#read(() => this.#parts.small.get(key));
  }

  putState(key: string, value: string): void {
    this.#write(() => this.#parts.small.put(key, value));
  }

  saveSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void {
    this.#write(() => this.#parts.small.putSnapshot(name, snapshot));
  }

  loadSnapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined {
    return this.#read(() => this.#parts.small.snapshot(name));
  }

  // --- upkeep ---

  maintain(options: { msMax?: number } = {}): boolean {
    if (this.readOnly && !this.#canMakeRoom()) return false;
    const nowMs = performance.now();
    const { upkeep } = this.#parts;
    const isAsked = isAskedLately(nowMs - this.#answeredMs);
    const isBehind = this.#read(() => this.#containment.read('how far upkeep is', () => upkeep.isBehind, true));
    const endMs = nowMs + sliceMs(options.msMax ?? Number.POSITIVE_INFINITY, { isAsked, isBehind });
    const isOver = () => performance.now() >= endMs;
    this.#parts.objectQueries.forget();
    const bytesMax = this.#bytesMax;
    const failed = (task: string, error: unknown) => {
      this.#lost(`upkeep of ${task}`, storeError(error, this.file));
      this.#containment.leavesOut(error);
      forgetCached(this.#parts);
    };
    const round = () => this.#guard(() => upkeep.round(isOver, { bytesMax, isAsked, failed }));
    if (bytesMax === undefined) return round();
    this.#capAt(bytesMax);
    try {
      return round();
    } finally {
      this.#capAt(bytesMax * WRITTEN_SHARE);
    }
  }

  /** Has tables made anew that follow from the record, which `remake` then does: a piece each time, until it says false. */
  setAside(tables: readonly DerivedTable[]): void {
    for (const table of tables) this.#guard(() => this.#parts.derived.setAside(table));
  }

  remake(): boolean {
    return this.#guard(() => this.#parts.upkeep.remake());
  }

  /** Where it is our own cap that keeps us from writing, letting go of what is old is the way out. */
  #canMakeRoom(share?: number): boolean {
    return this.#full?.code === 'STORE_FULL' && isOverCap(this.#db, this.#bytesMax, share);
  }

  probeWrite(): boolean {
    // Room for little would be gone with the next batch, and a write that fails costs reading back all that was known.
    const isShort = this.#canMakeRoom(PRESSED_SHARE) || (this.#canMakeRoom() && !this.#room.isThere);
    if (isShort && this.#parts.upkeep.canMakeRoom) return false;
    const key = 'store/probe';
    try {
      // The write has to be committed and checkpointed for the file itself to have had room for it.
      this.#db.transaction(() => this.#parts.small.put(key, 'x'.repeat(PROBE_BYTES))).immediate();
      this.#db.transaction(() => this.#parts.small.delete(key)).immediate();
      this.#db.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      // Nothing that is known follows from what was rolled back here.
      this.#isFull(storeError(error, this.file));
      return false;
    }
    this.#isProbed = true;
    if (this.#fullTold !== undefined) this.#logger?.info({ file: this.file }, 'the store can be written again');
    this.#fullTold = undefined;
    this.#full = undefined;
    return true;
  }

  /** Head rows that cannot be written any more are derived again at the next start. */
  close(): void {
    try {
      if (this.#db.open && !this.readOnly) this.#write(() => this.#parts.objects.flush(this.#parts.log.newest()));
    } catch (error) {
      this.#logger?.warn({ file: this.file, error: (error as Error).message }, 'the store closes without its last head rows');
    }
    this.#opened.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  sync(): void {
    if (this.#unsynced) this.#write(() => this.#parts.small.put(SYNCED, String(this.#parts.log.newest())));
  }

  /** The log is synced as a whole, so the next commit that is covers this one too. */
  #syncLater(): void {
    if (!this.#syncs || this.#unsynced || this.#full !== undefined) return;
    this.#db.pragma('synchronous = NORMAL');
    this.#relaxed = true;
  }

  /** What fails by damage to something that can be done without is done again without it, after `again`. */
  #write<T>(work: () => T, again = () => {}): T {
    if (this.#full !== undefined) throw this.#full;
    const relaxed = this.#relaxed;
    if (!relaxed && this.#unsynced) this.#db.pragma('synchronous = FULL');
    this.#relaxed = false;
    this.#containment.begin();
    // The index of words is written as the transaction ends.
    const atEnd = this.#parts.fullText === undefined ? undefined : 'value_text';
    let ended = false;
    const whole = () => {
      const result = work();
      ended = true;
      return result;
    };
    try {
      for (;;) {
        try {
          return this.#guard(() => {
            this.#parts.objects.ready();
            return this.#inTransaction.immediate(whole) as T;
          });
        } catch (error) {
          if (!this.#containment.leavesOut(error, ended ? atEnd : undefined)) throw error;
          ended = false;
          again();
        }
      }
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

  #failed(error: unknown): unknown {
    forgetCached(this.#parts);
    const failure = storeError(error, this.file);
    this.#isFull(failure);
    return failure;
  }

  /** Nothing is written until that is probed, where a failure says so. */
  #isFull(failure: unknown): void {
    if (!isCrowsnestError(failure, 'STORE_FULL') && !isCrowsnestError(failure, 'STORE_READ_ONLY')) return;
    this.#full = failure;
    // Under our own cap refusals come many a minute in a flood, while room is made: the recorder says so where it has to wait for long.
    if (this.#fullTold === failure.code || this.#canMakeRoom()) return;
    this.#logger?.error({ file: this.file, code: failure.code }, failure.message);
    this.#fullTold = failure.code;
  }

  #read<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.file);
    }
  }
}

function headOf(entry: ObjectEntry): port.HeadSummary {
  const { ref, uid, resourceVersion, generation, seq, deleted } = summaryOf(entry);
  return { ref, uid, resourceVersion, generation, seq, deleted };
}

function openedToRead(file: string): CrowsnestError {
  return new CrowsnestError({ code: 'STORE_READ_ONLY', what: 'the database was opened to be read', where: file });
}
