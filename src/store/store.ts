/**
 * The store's port. The embedded implementation is `SqliteStore` (sqlite-store.ts); tests also use it on ':memory:'.
 * Everything here is synchronous because the embedded default is; the async port for a database server comes with PostgreSQL.
 */
import type { BlamedField } from '../domain/blame.ts';
import type { Change, ChangeType } from '../domain/change.ts';
import type { ChangeBounds } from '../domain/change-match.ts';
import type { Delivery } from '../domain/delivery.ts';
import type { Finding, Severity } from '../domain/finding.ts';
import type { Gap, GapReason } from '../domain/gap.ts';
import type { JsonObject } from '../domain/json.ts';
import type { KubeEvent } from '../domain/kube-event.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import type { NearMiss } from '../domain/review.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import type { Sample, Scrape } from '../domain/series/series.ts';
import type { SeriesWindows } from '../domain/series/series-function.ts';
import type { Matcher } from '../domain/series/series-match.ts';
import type { Verdict, VerdictHits } from '../domain/verdict.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import type { SampleTier } from './series-retention.ts';

/** The newest recorded state of an object's name. */
export interface Head {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  generation: number | undefined;
  seq: number;
  deleted: boolean;
  /** Masked, without managedFields. */
  state: KubeObject;
}

export type HeadSummary = Omit<Head, 'state'>;

/** A change about to be recorded; `before` is the object's previous state in the same life, absent for a new life. */
export interface NewChange extends Omit<Change, 'seq'> {
  before: KubeObject | undefined;
  /**
   * What claims said by the time it is recorded. Shown in place of `actor` and `candidates`, which stay what analysis saw and sees again.
   */
  attribution?: Attribution | undefined;
  /**
   * What whoever records keeps of the newest state: the store sets its `seq` to this change, and need not keep the state in memory itself.
   * Before that `seq` is the change whose state it speaks of. `entry` is the store's own, to find the object again without its name.
   */
  digest?: { seq: number; entry?: unknown } | undefined;
  /**
   * How the state follows from the one that `digest` speaks of, so that neither has to be built; taken up where the chain stands there.
   * `patch` is a StatePatch as text, '' for none; `length` is that of the state's text, about; `lines` are the paths of `diff`, each behind a line
   * feed, where they are at hand. `seq` and `diff` of this very object are set then, and it is what `append` returns.
   */
  step?: { patch: string; length: number; lines?: string | undefined };
  /** `diff` is built when somebody asks for it, in the order of `inPathOrder`; `seq` of this very object is set, and it is what `append` returns. */
  onDemand?: boolean;
  /** The merge keys by which `diff` names the items of lists: what is read of the change later names them by the same. */
  lists?: ListKeys | undefined;
  /** It stands for changes of its object that came before it and are not recorded here: as in an export of what retention had let go of. */
  checkpoint?: true;
}

/** What became known later about who made a recorded change. */
export interface Amendment {
  seq: number;
  knownMs: number;
  attribution: Attribution;
}

/** A no-op update (only resourceVersion, managedFields or a heartbeat moved): counted on the object, not a change. */
export interface Heartbeat {
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  observedMs: number;
}

/** Something that was not recorded as a change, counted so that it is never silent. */
export interface Reject {
  cluster: string;
  code: string;
  where: string;
  what: string;
  observedMs: number;
}

export interface AppendBatch {
  changes: NewChange[];
  amendments?: Amendment[] | undefined;
  heartbeats?: Heartbeat[];
  scrapes?: Scrape[];
  rejects?: Reject[];
  /** Stretches of history found missing. */
  gaps?: Gap[];
  /** Masked. */
  kubeEvents?: KubeEvent[];
  /** Identities of what this batch brings; remembered for a while (see `delivered`). */
  deliveries?: Delivery[];
  /** Stream cursors, stored in the same transaction as what they cover: name → opaque position. */
  cursors?: Record<string, string>;
}

export interface Page<T> {
  items: T[];
  /** Opaque; absent on the last page. */
  continue?: string;
}

export interface ChangeQuery extends ChangeBounds {
  type?: ChangeType;
  /** Only changes before this one. */
  beforeSeq?: number;
  limit: number;
  continue?: string;
  /** Milliseconds after which what was found is the answer, with where it stopped; looking at a few more changes comes first. */
  msMax?: number;
}

export interface ChangePage extends Page<ChangeSummary> {
  /** Time was up before the page was full: the last change looked at. `continue` goes on from there. */
  stopped?: { seq: number; observedMs: number };
  /** Changes among those looked at that are lost to damage, of which it is not known whether they fit, or that are no longer kept; newest first. */
  lost?: number[];
}

/** A change without its state and values: what a list shows. */
export interface ChangeSummary extends Omit<Change, 'diff' | 'state' | 'candidates'> {
  /** Generic paths touched; for ADDED and DELETED empty. */
  paths: string[];
  /** It stands for the changes of its object since the one listed before it, which are no longer kept. */
  checkpoint?: true;
}

/** All terms must hold; of a term, all words of one of its alternatives. Words are in lower case, letters and digits only. */
export type WordQuery = readonly (readonly (readonly string[])[])[];

export interface ObjectQuery {
  cluster?: string;
  group?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  /** Objects as they were at this time; default now. */
  atMs?: number;
  includeDeleted?: boolean;
  limit: number;
  continue?: string;
}

export interface ObjectSummary extends HeadSummary {
  changes: number;
  heartbeats: number;
  firstMs: number;
  lastMs: number;
}

export interface FindingQuery {
  cluster?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  detector?: string;
  severity?: Severity;
  verdict?: 'page' | 'record';
  scoreMin?: number;
  fromMs?: number;
  toMs?: number;
  limit: number;
  continue?: string;
}

export interface PlacedSample extends Sample {
  /** Of the scrape it came with; rises by one from scrape to scrape. */
  position: number;
}

export interface SeriesQuery {
  cluster?: string;
  metric?: string;
  /** Exact label matches. */
  labels?: Record<string, string>;
  fromMs: number;
  toMs: number;
  /** At most this many series. */
  limit: number;
}

export interface SeriesData {
  cluster: string;
  metric: string;
  labels: Record<string, string>;
  /** [milliseconds, value], rising time. */
  samples: [number, number][];
}

/** Steps are aligned to the epoch; one that reaches into the time counts as a whole. */
export interface WindowQuery {
  /** All must match. */
  matchers: readonly Matcher[];
  fromMs: number;
  toMs: number;
  stepMs: number;
  /** More series than this are QUERY_TOO_LARGE. */
  seriesMax: number;
  /** Samples (or spans of rollups) that may be read for it; more are QUERY_TOO_LARGE. */
  workMax: number;
}

export interface WindowResult {
  /** What it was read from; figures that are not rolled up yet are from finer tiers. */
  tier: SampleTier;
  /** As asked for, or longer where only rollups reach back so far. */
  stepMs: number;
  /** Those that have a sample in the time. */
  series: SeriesWindows[];
}

export interface GapQuery {
  cluster?: string;
  group?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  reason?: GapReason;
  /** Only gaps of whole kinds, or only those of objects. */
  of?: 'kinds' | 'objects';
  /** Gaps that reach into this time. */
  fromMs?: number;
  toMs?: number;
  limit: number;
  continue?: string;
}

export interface KubeEventQuery {
  /** The version does not matter. */
  ref: Omit<ObjectRef, 'version'>;
  fromMs?: number;
  toMs?: number;
  limit: number;
}

/** An alert on its way to Alertmanager; the outbox survives restarts. Times are wall clock. */
export interface AlertRecord {
  /** Hash of the full label set: Alertmanager's identity. */
  id: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  generatorURL: string;
  startsMs: number;
  /** When it resolves (or resolved). */
  endsMs: number;
  findingId: string;
}

/** A write to the cluster on its way: a Kubernetes Event or an annotation. At most one per (type, object life, episode). */
export interface EffectRecord {
  id: string;
  type: 'event' | 'annotate';
  ref: ObjectRef;
  uid: string;
  resourceVersion: string;
  payload: JsonObject;
  state: 'pending' | 'done' | 'failed';
  attempts: number;
  nextMs: number;
  error?: string;
}

export interface StoreCounts {
  changes: number;
  objects: number;
  heartbeats: number;
  /** How often it became known afterwards who had made a change. */
  amendments: number;
  findings: number;
  pages: number;
  rejects: number;
  samples: number;
  /** Samples of new series beyond the most that are kept. */
  samplesDropped: number;
  series: number;
  /** Kubernetes Events that are kept. */
  kubeEvents: number;
  /** Changes recorded once and no longer kept, but for their number by day. */
  released: number;
  bytes: number;
}

export interface Store {
  readonly file: string;
  /** True after a full or read-only disk made writes fail; `probeWrite` clears it. */
  readonly readOnly: boolean;
  /** So near to the cap on its size that upkeep has to keep up with what is written, or that waits. */
  readonly isPressed: boolean;

  // --- record ---
  /**
   * One transaction. Returns the changes with their seq. Throws STORE_FULL / STORE_READ_ONLY / STORE_LOCKED and then nothing is stored.
   */
  append(batch: AppendBatch): Change[];
  cursor(name: string): string | undefined;
  cursors(prefix: string): Record<string, string>;
  /** Those of the delivery keys that were recorded before; the oldest are forgotten by number and age. */
  delivered(keys: readonly string[]): Set<string>;
  head(ref: ObjectRef): Head | undefined;
  /** Runs reads as one, which spares each of them the taking and giving back of the database's locks. */
  together?<T>(reads: () => T): T;
  /** Live objects of one kind, for the comparison after a relist. `namespace` undefined = all. */
  heads(cluster: string, group: string, kind: string, namespace?: string): Iterable<HeadSummary>;

  // --- read ---
  // Actors are as amended by what became known later, except where analysis reads.
  change(seq: number): Change | undefined;
  /** Who made change `seq`, with the claims that say so; undefined when there is no such change. */
  attribution(seq: number): Attribution | undefined;
  /** The merge keys by which the diff of change `seq` names the items of lists, by its object's kind; undefined where there are none. */
  lists(kind: Pick<ObjectRef, 'cluster' | 'group' | 'kind'>, seq: number): ListKeys | undefined;
  /** Whole changes with seq > after, in order, with actors as they were known when recorded: how analysis catches up. */
  changesAfter(seq: number, limit: number): Change[];
  /** Throws STORE_CORRUPT where more than some thousand of the changes looked at are lost to damage. */
  changes(query: ChangeQuery): ChangePage;
  /** What a list shows of change `seq`. */
  summary(seq: number): ChangeSummary | undefined;
  /**
   * Of the newest changes of an object, over its latest lives, those that led to a resourceVersion (one at most) or were observed within a
   * time: what a claim that comes late may speak of. Cheap, as it is asked for each of them.
   */
  changesNear(ref: ObjectRef, near: { resourceVersion: string } | { fromMs: number; toMs: number }): ChangeSummary[];
  /** Masked state right after change `seq` (which must be of this object), or as of a time. */
  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined;
  /** The states right after some changes, as `stateAt` has each of them. Those of one namespace at a time cost less together. */
  statesAfter(changes: readonly { ref: ObjectRef; seq: number }[]): (KubeObject | undefined)[];
  /**
   * The newest changes before `beforeSeq` by which fields became texts with the words, newest first. Undefined where words are not indexed; only what
   * was recorded while they were is found.
   */
  changesWith(query: WordQuery, beforeSeq: number, limit: number): number[] | undefined;
  /** False where no field became anything that has this text in it by change `seq`. Cheap, and may be true where none did. */
  mayHold(seq: number, text: string): boolean;
  /** The changes of an object, over all its lives, from change `seq` or the newest back to the first. Each is read when it is asked for. */
  history(ref: ObjectRef, from?: { seq: number }): Iterable<ChangeSummary>;
  /**
   * The fields of an object's newest state, or of the one change `seq` led to, each with the change that set it; those that were not found out
   * within `msMax` say so. Undefined when there is no such object, or `seq` is no change of it.
   */
  blame(ref: ObjectRef, options?: { seq?: number; msMax?: number }): { seq: number; fields: BlamedField[] } | undefined;
  objects(query: ObjectQuery): Page<ObjectSummary>;
  series(query: SeriesQuery): SeriesData[];
  /** What each series comes to in each step, from raw samples or rollups. */
  seriesWindows(query: WindowQuery): WindowResult;
  /** Samples of one cluster with (time, insertion) after a position, in order: how series analysis catches up. */
  samplesAfter(position: number, limit: number): { position: number; samples: PlacedSample[] };
  rejects(limit: number): Reject[];
  /** Newest first. */
  gaps(query: GapQuery): Page<Gap>;
  /** Kubernetes Events of one object by the time they last happened, newest first. */
  kubeEvents(query: KubeEventQuery): KubeEvent[];
  counts(): StoreCounts;

  // --- findings and what follows from them ---
  /** One transaction: findings, alerts, effects, the analysis cursor. A finding id stored before is replaced. */
  commitAnalysis(batch: {
    findings: Finding[];
    alerts?: AlertRecord[];
    effects?: EffectRecord[];
    /** One of the same cluster, day and slot is replaced; those of more than 90 days before go. */
    nearMisses?: NearMiss[];
    cursors?: Record<string, string>;
    state?: Record<string, string>;
  }): void;
  finding(id: string): Finding | undefined;
  /** Whether there is one. Cheap, and true also of one that damage keeps from being read. */
  hasFinding(id: string): boolean;
  findings(query: FindingQuery): Page<Finding>;
  /** Stores what somebody said of a finding, in place of what has the same id. A standing "wrong" keeps its change as evidence. */
  putVerdict(verdict: Verdict): void;
  /** All that was ever said, in that order. */
  verdicts(): Verdict[];
  /** By verdict, of findings stored with `decision.heard`; of those that decided nothing there is none. */
  verdictHits(): Map<string, VerdictHits>;
  /** All that are kept, newest day first. */
  nearMisses(): NearMiss[];

  alert(id: string): AlertRecord | undefined;
  /** Alerts not yet forgotten: firing, or resolved less than `keepMs` before nowMs. */
  alertsActive(nowMs: number, keepMs: number): AlertRecord[];
  putAlert(alert: AlertRecord): void;
  effectsDue(nowMs: number, limit: number): EffectRecord[];
  putEffect(effect: EffectRecord): void;

  /** Up to this change whole numbers beyond 2^53 were recorded rounded; 0 where none were. */
  roundedThrough(): number;

  // --- small state ---
  getState(key: string): string | undefined;
  putState(key: string, value: string): void;
  saveSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void;
  loadSnapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined;

  /**
   * Seals full blocks of patches, merges them, lets go of what is too old and lets SQLite check-point; cheap when there is nothing to do.
   * Stops soon after `msMax`, or a part of it where somebody asked something lately, and is true when there may be more to do.
   */
  maintain(options?: { msMax?: number }): boolean;
  /** Tries to write again after a full disk; true when it works. */
  probeWrite(): boolean;
  close(): void;
}
