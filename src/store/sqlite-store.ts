import type Database from 'better-sqlite3';
import type { Change } from '../domain/change.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import { describeRef, type KubeObject, type ObjectRef } from '../domain/object-ref.ts';
import type { NearMiss } from '../domain/review.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import type { Verdict, VerdictHits } from '../domain/verdict.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import type { Logger } from '../telemetry/logger.ts';
import { BatchWriter } from './batch-writer.ts';
import { Containment, isDamage } from './containment.ts';
import type { DerivedTable } from './derived.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase, openToRead } from './file/database.ts';
import { bytesOnDisk } from './file/file-size.ts';
import type { Blocks } from './log/blocks.ts';
import { ChangeReader } from './log/change-reader.ts';
import { ChangeWriter } from './log/change-writer.ts';
import type { ObjectEntry } from './log/object-entry.ts';
import { summaryOf } from './log/object-query.ts';
import type { KeyRing } from './seal/store-key.ts';
import { claimKeys, createValueSeal } from './seal/value-seal.ts';
import type { SeriesTable } from './series/series.ts';
import type * as port from './store.ts';
import { storeError } from './store-errors.ts';
import { forgetCached, type PartOptions, partsOf, type StoreParts } from './store-parts.ts';
import { Transactions } from './transactions.ts';
import { isAskedLately, sliceMs } from './upkeep.ts';
import { Writability } from './writability.ts';

export interface SqliteStoreOptions extends DatabaseOptions, PartOptions {
  logger?: Logger;
  /** A cap on the size of the file. What is old goes before it is reached; reaching it all the same is STORE_FULL. No cap by default. */
  bytesMax?: number | undefined;
  /** States, findings' values and snapshots are encrypted with the newest of them. */
  keys?: KeyRing | undefined;
}

const PROBE = 'store/probe';
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
  readonly #batches: BatchWriter;
  readonly #reader: ChangeReader;
  readonly #transactions: Transactions;
  readonly #writability: Writability;
  /** When somebody was last answered. */
  #answeredMs = Number.NEGATIVE_INFINITY;
  /** What turned out to be damaged. */
  readonly #losses = new Set<string>();

  constructor(options: SqliteStoreOptions, opened: OpenDatabase) {
    this.file = options.file;
    this.#opened = opened;
    this.#logger = options.logger;
    const db = opened.db;
    this.#db = db;
    const seal = createValueSeal(options.keys, options.file);
    claimKeys(db, options.keys, options.file);
    const containment = new Containment((what, error) => this.#lost(what, error));
    this.#containment = containment;
    this.#parts = partsOf({ db, checkpoints: opened.checkpoints, seal, containment }, options);
    this.#writability = new Writability({
      ...{ db, file: options.file, logger: options.logger },
      canLetGo: () => this.#parts.upkeep.canMakeRoom,
      writeAndRemove: (length) => {
        db.transaction(() => this.#parts.small.put(PROBE, 'x'.repeat(length))).immediate();
        db.transaction(() => this.#parts.small.delete(PROBE)).immediate();
      },
    });
    this.#transactions = new Transactions({
      ...{ db, file: options.file, parts: this.#parts, containment },
      writability: this.#writability,
    });
    this.#batches = new BatchWriter(this.#parts, new ChangeWriter({ ...this.#parts, containment }), containment);
    this.#reader = new ChangeReader({ ...this.#parts, containment });
    if (options.bytesMax !== undefined) this.limitBytes(options.bytesMax);
    if (db.readonly) this.#writability.refuse(openedToRead(options.file));
  }

  get readOnly(): boolean {
    return this.#writability.refusal !== undefined;
  }

  get isPressed(): boolean {
    return this.#writability.isPressed;
  }

  /** Sets the cap on the size of the file; what is there already stays. */
  limitBytes(bytesMax: number): void {
    this.#writability.limitBytes(bytesMax);
  }

  // --- record ---

  append(batch: port.AppendBatch): Change[] {
    const known = batch.changes.map(({ digest }) => digest?.seq);
    // What was noted of newest states in the attempt that failed is not so.
    const again = () => {
      for (const [i, { digest }] of batch.changes.entries())
        if (digest !== undefined) Object.assign(digest, { seq: known[i], entry: undefined });
    };
    const batches = this.#batches;
    let rest = this.#transactions.read(() => batches.withoutKnownLost(batch));
    // A change may be met twice: as the state before it is read, and for what it has of its own.
    let further = 2 * batch.changes.length;
    for (let tries = 0; ; tries++) {
      try {
        return this.#writability.batch(() => this.#transactions.write(() => batches.write(rest), again));
      } catch (error) {
        if (!isDamage(error)) throw error;
        if (further-- > 0 && batches.goesFurther(error)) {
          rest = this.#transactions.read(() => batches.withoutLost(batch));
          tries = -1;
          again();
          continue;
        }
        if (tries > 1) throw error;
        // First without what turns out to be damaged, then without what needs a place where none can be made.
        const { length } = rest.changes;
        rest = this.#transactions.read(() => batches.withoutLost(batch, tries > 0 ? error : undefined));
        if (tries > 0 && rest.changes.length === length) throw error;
        again();
      }
    }
  }

  cursor(name: string): string | undefined {
    return this.#transactions.read(() => this.#parts.small.cursor(name));
  }

  cursors(prefix: string): Record<string, string> {
    return this.#transactions.read(() => this.#parts.small.cursors(prefix));
  }

  delivered(keys: readonly string[]): Set<string> {
    const known = () => this.#parts.deliveries.known(keys);
    return this.#transactions.read(() => this.#containment.read('delivery', known, new Set<string>()));
  }

  head(ref: ObjectRef): port.Head | undefined {
    return this.#transactions.read(() => {
      try {
        const entry = this.#parts.objects.find(ref);
        if (entry === undefined) return undefined;
        return { ...headOf(entry), state: this.#parts.revisions.headState(entry.lifeId, entry.seq) };
      } catch (error) {
        // Its next change, or the next list, records it as a whole: damage to one object must not stop the watch of its kind.
        this.#lost(describeRef(ref), error);
        return undefined;
      }
    });
  }

  together<T>(reads: () => T): T {
    return this.#transactions.together(reads);
  }

  /** What people ask, as far as the store can tell. */
  #answer<T>(reads: () => T): T {
    try {
      return this.together(reads);
    } finally {
      this.#answeredMs = performance.now();
    }
  }

  *heads(cluster: string, group: string, kind: string, namespace?: string): Generator<port.HeadSummary> {
    const [resource] = this.#transactions.read(() => this.#parts.interning.resources({ cluster, group, kind }));
    const namespaceId =
      namespace === undefined ? undefined : this.#transactions.read(() => this.#parts.interning.namespaceIdIfKnown(namespace));
    if (resource === undefined || (namespace !== undefined && namespaceId === undefined)) return;
    const live = this.#parts.objects.live(resource.id, namespaceId);
    for (
      let next = this.#transactions.read(() => live.next());
      next.done !== true;
      next = this.#transactions.read(() => live.next())
    )
      yield headOf(next.value);
  }

  // --- read ---

  change(seq: number): Change | undefined {
    return this.together(() => this.#reader.change(seq));
  }

  lists(kind: Pick<ObjectRef, 'cluster' | 'group' | 'kind'>, seq: number): ListKeys | undefined {
    return this.#transactions.read(() => this.#reader.lists(kind, seq));
  }

  attribution(seq: number): Attribution | undefined {
    return this.#transactions.read(() => this.#reader.attribution(seq));
  }

  changesAfter(seq: number, limit: number): Change[] {
    return this.#transactions.read(() => this.#reader.after(seq, limit, (row, error) => this.#lost(`change ${row.seq}`, error)));
  }

  /** Says once what is lost, and goes on; throws what is no damage of a record. */
  #lost(where: string, met: unknown): void {
    const error = storeError(met, this.file);
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

  summary(seq: number): port.ChangeSummary | undefined {
    return this.#transactions.read(() => this.#reader.summary(seq));
  }

  changesNear(...given: Parameters<port.Store['changesNear']>): port.ChangeSummary[] {
    return this.#transactions.read(() => this.#reader.near(...given));
  }

  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined {
    return this.#answer(() => this.#reader.stateAt(ref, at));
  }

  statesAfter(changes: readonly { ref: ObjectRef; seq: number }[]): (KubeObject | undefined)[] {
    return this.#answer(() => this.#reader.statesAfter(changes));
  }

  changesWith(query: port.WordQuery, beforeSeq: number, limit: number): number[] | undefined {
    return this.#transactions.read(() => this.#parts.fullText?.find(query, beforeSeq, limit));
  }

  mayHold(seq: number, text: string): boolean {
    return this.#transactions.read(() => this.#reader.mayHold(seq, text));
  }

  history(ref: ObjectRef, from?: { seq: number }): Iterable<port.ChangeSummary> {
    return this.#reader.history(ref, from?.seq, (work) => this.#transactions.read(work));
  }

  blame(ref: ObjectRef, options: { seq?: number; msMax?: number } = {}): ReturnType<port.Store['blame']> {
    const endMs = performance.now() + (options.msMax ?? Number.POSITIVE_INFINITY);
    return this.#answer(() => this.#parts.history.blame(ref, options.seq, () => performance.now() > endMs));
  }

  objects(query: port.ObjectQuery): port.Page<port.ObjectSummary> {
    return this.#answer(() => this.#parts.objectQueries.list(query));
  }

  series(query: port.SeriesQuery): port.SeriesData[] {
    return this.#transactions.read(() => this.#parts.series.query(query));
  }

  seriesWindows(query: port.WindowQuery): port.WindowResult {
    return this.together(() => this.#parts.series.windows(query));
  }

  /** See SeriesTable.blocks, deleteBefore and forgetUnused: what retention is made of. */
  get samples(): Pick<SeriesTable, 'blocks' | 'deleteBefore' | 'forgetUnused'> {
    return {
      blocks: (tier) => this.#transactions.read(() => this.#parts.series.blocks(tier)),
      deleteBefore: (...given) => this.#transactions.guard(() => this.#parts.series.deleteBefore(...given)),
      forgetUnused: (limit) => this.#transactions.guard(() => this.#parts.series.forgetUnused(limit)),
    };
  }

  samplesAfter(position: number, limit: number): ReturnType<port.Store['samplesAfter']> {
    return this.#transactions.read(() => this.#parts.series.after(position, limit));
  }

  kubeEvents(query: port.KubeEventQuery): ReturnType<port.Store['kubeEvents']> {
    return this.#transactions.read(() => this.#parts.kubeEvents.list(query));
  }

  rejects(limit: number): port.Reject[] {
    return this.#transactions.read(() => this.#parts.small.rejects(limit));
  }

  gaps(query: port.GapQuery): port.Page<Gap> {
    return this.#transactions.read(() => this.#parts.gaps.list(query));
  }

  counts(): port.StoreCounts {
    return this.#transactions.read(() => {
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
    this.#transactions.write(() => {
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
    return this.#transactions.read(() => this.#parts.findings.get(id));
  }

  hasFinding(id: string): boolean {
    return this.#transactions.read(() => this.#parts.findings.has(id));
  }

  findings(query: port.FindingQuery): port.Page<Finding> {
    return this.together(() => this.#parts.findings.list(query));
  }

  putVerdict(verdict: Verdict): void {
    this.#transactions.write(() => this.#parts.verdicts.put(verdict));
    this.#parts.retention.evidenceMoved();
  }

  verdicts(): Verdict[] {
    return this.#transactions.read(() => this.#parts.verdicts.all());
  }

  verdictHits(): Map<string, VerdictHits> {
    const hits = () => this.#parts.verdicts.hits();
    return this.#transactions.read(() => this.#containment.read('verdict_hit', hits, new Map<string, VerdictHits>()));
  }

  nearMisses(): NearMiss[] {
    return this.#transactions.read(() => this.#containment.read('near_miss', () => this.#parts.nearMisses.all(), []));
  }

  alert(id: string): port.AlertRecord | undefined {
    return this.#transactions.read(() => this.#parts.outbox.alert(id));
  }

  alertsActive(nowMs: number, keepMs: number): port.AlertRecord[] {
    return this.#transactions.read(() => this.#parts.outbox.alertsActive(nowMs, keepMs));
  }

  putAlert(alert: port.AlertRecord): void {
    this.#transactions.write(() => this.#parts.outbox.putAlert(alert));
  }

  effectsDue(nowMs: number, limit: number): port.EffectRecord[] {
    return this.#transactions.read(() => this.#parts.outbox.effectsDue(nowMs, limit));
  }

  putEffect(effect: port.EffectRecord): void {
    this.#transactions.write(() => this.#parts.outbox.putEffect(effect));
  }

  roundedThrough(): number {
    return this.#transactions.read(() => Number(this.#parts.small.get('store/rounded-through') ?? 0));
  }

  // --- small state ---

  getState(key: string): string | undefined {
    return this.#transactions.read(() => this.#parts.small.get(key));
  }

  putState(key: string, value: string): void {
    this.#transactions.write(() => this.#parts.small.put(key, value));
  }

  saveSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void {
    this.#transactions.write(() => this.#parts.small.putSnapshot(name, snapshot));
  }

  loadSnapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined {
    return this.#transactions.read(() => this.#parts.small.snapshot(name));
  }

  // --- upkeep ---

  maintain(options: { msMax?: number } = {}): boolean {
    if (this.readOnly && !this.#writability.canMakeRoom()) return false;
    const nowMs = performance.now();
    const { upkeep } = this.#parts;
    const isAsked = isAskedLately(nowMs - this.#answeredMs);
    const isBehind = this.#transactions.read(() => this.#containment.read('how far upkeep is', () => upkeep.isBehind, true));
    const endMs = nowMs + sliceMs(options.msMax ?? Number.POSITIVE_INFINITY, { isAsked, isBehind });
    const isOver = () => performance.now() >= endMs;
    this.#parts.objectQueries.forget();
    const { bytesMax } = this.#writability;
    const failed = (task: string, error: unknown) => {
      this.#lost(`upkeep of ${task}`, error);
      this.#containment.leavesOut(error);
      forgetCached(this.#parts);
    };
    return this.#writability.underWholeCap(() =>
      this.#transactions.guard(() => upkeep.round(isOver, { bytesMax, isAsked, failed })),
    );
  }

  /** Has tables made anew that follow from the record, which `remake` then does: a piece each time, until it says false. */
  setAside(tables: readonly DerivedTable[]): void {
    for (const table of tables) this.#transactions.guard(() => this.#parts.derived.setAside(table));
  }

  remake(): boolean {
    return this.#transactions.guard(() => this.#parts.upkeep.remake());
  }

  probeWrite(): boolean {
    return this.#writability.probe();
  }

  /** Head rows that cannot be written any more are derived again at the next start. */
  close(): void {
    try {
      if (this.#db.open && !this.readOnly) this.#transactions.write(() => this.#parts.objects.flush(this.#parts.log.newest()));
    } catch (error) {
      this.#logger?.warn({ file: this.file, error: (error as Error).message }, 'the store closes without its last head rows');
    }
    this.#opened.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function headOf(entry: ObjectEntry): port.HeadSummary {
  const { ref, uid, resourceVersion, generation, seq, deleted } = summaryOf(entry);
  return { ref, uid, resourceVersion, generation, seq, deleted };
}

function openedToRead(file: string): CrowsnestError {
  return new CrowsnestError({ code: 'STORE_READ_ONLY', what: 'the database was opened to be read', where: file });
}
