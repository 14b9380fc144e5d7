/**
 * First hop of the pipeline: observations in, recorded changes out. For each observation: strip what is bookkeeping, mask secrets, compare
 * with the object's last recorded state, and name who did it. The whole batch and the cursors that cover it are one transaction.
 *
 * What it promises: an observation is recorded once (same uid and resourceVersion is a repeat), as a change or as a heartbeat when nothing
 * but bookkeeping moved or time passed; a new uid under an old name is a new life, with the deletion in between recorded as found, not seen.
 * What a watch tells of an object after something newer is counted as a reject and changes nothing. What a list shows is the truth, even
 * where it is older than what is recorded: then the API server's storage was restored from a backup.
 */

import { type Change, type Observation, UNKNOWN_ACTOR } from '../domain/change.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff } from '../domain/diff/field-diff.ts';
import { isHeartbeat } from '../domain/diff/heartbeat-paths.ts';
import { NumberRangeError } from '../domain/json.ts';
import { type KubeEvent, kubeEventKind, maskKubeEvent } from '../domain/kube-event.ts';
import { scrapeMasking } from '../domain/masking/mask-scrape.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import { describeRef, objectKey, refOf } from '../domain/object-ref.ts';
import { compareResourceVersions } from '../domain/resource-version.ts';
import { ScannedObservation } from '../domain/scanned-observation.ts';
import type { ToldLists } from '../domain/schema-book.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import type { KnownKind } from '../domain/series/controller-ties.ts';
import type { Scrape } from '../domain/series/series.ts';
import { SharedTexts } from '../domain/shared-texts.ts';
import type { ToldVerdict } from '../domain/verdict.ts';
import { attribute } from '../domain/who/attribution.ts';
import type { Claim } from '../domain/who/claim.ts';
import { isOwnWrite } from '../domain/who/own-writes.ts';
import type { AppendBatch, Head, Heartbeat, NewChange, Reject, Store } from '../store/store.ts';
import type { ClaimBook, ClaimSession } from './claim-book.ts';
import { FirstSight } from './first-sight.ts';
import { HeadDigests } from './head-digest.ts';
import { LeafCompare } from './leaf-compare.ts';
import type { KindRules, MaskingBook } from './masking-book.ts';
import { isUnrounding, withoutRemasking } from './remasking.ts';
import { compareSections } from './section-compare.ts';

/** The parts of a Head that comparing needs; also stands for changes of the same batch that are not stored yet. */
type Known = Pick<Head, 'uid' | 'resourceVersion' | 'deleted' | 'state'>;

export interface IngestBatch {
  observations: Observation[];
  scrapes?: AppendBatch['scrapes'];
  claims?: Claim[];
  rejects?: AppendBatch['rejects'];
  gaps?: AppendBatch['gaps'];
  deliveries?: AppendBatch['deliveries'];
  /** Not masked yet. */
  kubeEvents?: KubeEvent[];
  /** These two are taken before all else of the batch, and not recorded by ingest. */
  verdicts?: ToldVerdict[];
  lists?: ToldLists[];
  /** These two are not recorded: they are for the analysis. */
  kinds?: KnownKind[];
  seenToMs?: number;
  cursors?: Record<string, string>;
}

export interface IngestResult {
  changes: Change[];
  heartbeats: number;
  /** Observations that were recorded before. */
  repeats: number;
  /** Observations that came after newer ones of the same object. */
  late: number;
  /** Observations whose text turned out not to be JSON. */
  unreadable: number;
}

export interface Ingest {
  /** Objects of which a digest is in memory. */
  readonly digests: number;
  /** Records one batch; throws what the store throws, and then nothing of the batch is recorded. */
  record(batch: IngestBatch): IngestResult;
  /** A scrape as it may be kept, before anything names its series. */
  masked(scrape: Scrape): Scrape;
}

export interface IngestOptions {
  store: Pick<Store, 'head' | 'append' | 'together'>;
  hash: KeyedHash;
  /** How each kind is masked and compared; without it by names and looks alone, and nothing is listed. */
  masking?: Pick<MaskingBook, 'of'> | undefined;
  /** Joins claims about who wrote; without it managedFields alone tell. */
  claims?: ClaimBook;
  /** Bound of the digests in memory, per cluster. Default 128 MiB, about 100,000 objects of usual size. */
  digestBytesMax?: number;
}

/** Under which masked labels of metrics are listed. */
const LABELS = { group: '', kind: 'Metric' };
const DIGEST_BYTES_MAX = 128 * 1024 * 1024;

export function createIngest(options: IngestOptions): Ingest {
  return new PipelineIngest(options);
}

/** What a batch comes to, while it is gone through. */
interface Recording {
  session: ClaimSession | undefined;
  /** Newest of what is about to be stored, by name. */
  overlay: Map<string, Known>;
  /** What was told by sections and is not in `overlay` yet, which only comparing as a whole needs. */
  touched: { ref: ObjectRef; uid: string; resourceVersion: string; change: NewChange | undefined }[];
  changes: NewChange[];
  heartbeats: NonNullable<AppendBatch['heartbeats']>;
  rejects: Reject[];
  repeats: number;
  late: number;
}

class PipelineIngest implements Ingest {
  readonly #options: IngestOptions;
  readonly #digests: HeadDigests;
  readonly #leaves: LeafCompare;
  readonly #texts = new SharedTexts();
  readonly #maskScrape: ReturnType<typeof scrapeMasking>;

  constructor(options: IngestOptions) {
    this.#options = options;
    this.#leaves = new LeafCompare(options.hash);
    this.#maskScrape = scrapeMasking(options.hash);
    this.#digests = new HeadDigests(options.digestBytesMax ?? DIGEST_BYTES_MAX);
  }

  get digests(): number {
    return this.#digests.size;
  }

  masked(scrape: Scrape): Scrape {
    const masking = this.#options.masking?.of({ cluster: scrape.cluster, ...LABELS }, scrape.tsMs);
    return this.#maskScrape(scrape, masking?.found);
  }

  record(batch: IngestBatch): IngestResult {
    const { store, hash, claims, masking } = this.#options;
    const session = claims?.begin(batch.claims);
    const recording: Recording = {
      ...{ session, overlay: new Map(), touched: [], changes: [], heartbeats: [], rejects: [] },
      ...{ repeats: 0, late: 0 },
    };
    try {
      const takeAll = () => {
        for (const observation of batch.observations) this.#take(observation, recording);
      };
      if (store.together === undefined) takeAll();
      else store.together(takeAll);
      const { changes, heartbeats, rejects, repeats, late } = recording;
      const recorded = store.append({
        changes,
        amendments: session?.amendments,
        heartbeats: heartbeats.map((heartbeat) => asOfBatch(heartbeat, this.#known(heartbeat.ref, recording))),
        scrapes: batch.scrapes,
        // What is wrong with what came is often said in its own words.
        rejects: [...(batch.rejects ?? []), ...rejects].map((reject) => mask({ ...reject }, hash)),
        gaps: batch.gaps,
        deliveries: batch.deliveries,
        kubeEvents: batch.kubeEvents?.map((event) => maskKubeEvent(event, hash, masking?.of(kubeEventKind(event), event.lastMs))),
        cursors: batch.cursors,
      });
      session?.commit();
      return { changes: recorded, heartbeats: heartbeats.length, repeats, late, unreadable: rejects.length - late };
    } catch (error) {
      // They speak of what was to be stored.
      this.#digests.clear();
      throw error;
    }
  }

  #take(observation: Observation, recording: Recording): void {
    try {
      if (!(observation instanceof ScannedObservation) || !this.#takeScanned(observation, recording))
        this.#takeWhole(observation, recording);
    } catch (error) {
      const { scanned } = observation;
      if (scanned === undefined || !(error instanceof SyntaxError)) throw error;
      // It may have been taken up before the fault was found.
      this.#digests.drop(observation.cluster, scanned.uid);
      const ref = { kind: scanned.kind, namespace: scanned.namespace, name: scanned.name };
      const { cluster, observedMs } = observation;
      const where = describeRef(ref);
      const what = error instanceof NumberRangeError ? error.message : 'the text is not valid JSON';
      recording.rejects.push({ cluster, code: 'OBJECT_INVALID', where, what, observedMs });
    }
  }

  /** The newest of a name, this batch included. */
  #known(ref: ObjectRef, recording: Recording): Known | undefined {
    const { store } = this.#options;
    const { overlay, touched } = recording;
    for (const one of touched) {
      const key = objectKey(one.ref);
      if (one.change !== undefined) overlay.set(key, knownBy(one.change));
      else overlay.set(key, knownAs(overlay.get(key) ?? headOnDemand(store, one), one.resourceVersion));
    }
    touched.length = 0;
    return overlay.get(objectKey(ref)) ?? store.head(ref);
  }

  /** By sections. False where the whole states have to be compared. */
  #takeScanned(observation: ScannedObservation, recording: Recording): boolean {
    if (observation.type === 'DELETED' || observation.origin !== 'watch') return false;
    const digest = this.#digests.of(observation.cluster, observation.scanned);
    if (digest === undefined) return false;
    const { hash, masking } = this.#options;
    const how = masking?.of(digest.ref, observation.observedMs);
    const outcome = compareSections(observation, digest, {
      hash,
      rules: how,
      digests: this.#digests,
      leaves: this.#leaves,
      stateBefore: ({ ref }) => this.#known(ref, recording)?.state,
      masked: (object) => mask(withoutManagedFields(object), hash, { secrets: how?.secrets }),
    });
    if (outcome === undefined) return false;
    const { ref, uid } = digest;
    const { resourceVersion } = observation.scanned;
    if (outcome === 'repeat') recording.repeats++;
    else if (outcome === 'late') this.#late(observation, ref, resourceVersion, recording);
    else if (outcome === 'heartbeat') {
      recording.heartbeats.push({ ref, uid, resourceVersion, observedMs: observation.observedMs });
      recording.touched.push({ ref, resourceVersion, uid, change: undefined });
    } else {
      const [change] = recording.session?.attribute([outcome], () => observation.object) ?? [outcome];
      recording.changes.push(change as NewChange);
      recording.touched.push({ ref, resourceVersion, uid, change: outcome });
    }
    return true;
  }

  #takeWhole(observation: Observation, recording: Recording): void {
    const { hash, masking } = this.#options;
    const { overlay } = recording;
    const { object, cluster, scanned } = observation;
    const ref = this.#texts.ref(refOf(cluster, object));
    const key = objectKey(ref);
    const known = this.#known(ref, recording);
    const how = masking?.of(ref, observation.observedMs);
    const outcome = compare(observation, ref, known, hash, how);
    const { uid, resourceVersion } = object.metadata;
    if (outcome === 'repeat') recording.repeats++;
    else if (outcome === 'late') this.#late(observation, ref, resourceVersion, recording);
    else if (outcome === 'heartbeat') {
      recording.heartbeats.push({ ref, uid, resourceVersion, observedMs: observation.observedMs });
      if (known !== undefined) overlay.set(key, knownAs(known, resourceVersion));
      const digest = this.#digests.get(cluster, uid);
      // What is served under two kinds, as OpenShift's Project and its Namespace, has one uid.
      if (digest !== undefined && objectKey(digest.ref) === key) digest.resourceVersion = resourceVersion;
    } else {
      if (known !== undefined) this.#digests.drop(cluster, known.uid);
      this.#digests.drop(cluster, uid);
      const last = outcome.at(-1);
      if (last !== undefined && last.type !== 'DELETED' && scanned !== undefined)
        last.digest = this.#digests.keep(ref, scanned, { state: last.state, secrets: how?.secrets });
      recording.changes.push(...(recording.session?.attribute(outcome, () => object) ?? outcome));
      if (last !== undefined) overlay.set(key, knownBy(last));
    }
  }

  #late({ cluster, observedMs }: Observation, ref: ObjectRef, resourceVersion: string, recording: Recording): void {
    const what = `resourceVersion ${resourceVersion} came after a newer one`;
    recording.late++;
    recording.rejects.push({ cluster, code: 'EVENT_OUT_OF_ORDER', where: describeRef(ref), what, observedMs });
  }
}

/** Only counted in this batch: its state is the recorded one, read when somebody asks for it. */
function headOnDemand(store: Pick<Store, 'head'>, { ref, uid, resourceVersion }: Recording['touched'][number]): Known {
  return {
    uid,
    resourceVersion,
    deleted: false,
    get state() {
      return store.head(ref)?.state as KubeObject;
    },
  };
}

/** The store takes heartbeats up after the batch's changes, of which a later one of the object has moved on. */
function asOfBatch(heartbeat: Heartbeat, known: Known | undefined): Heartbeat {
  return known?.uid === heartbeat.uid ? { ...heartbeat, resourceVersion: known.resourceVersion } : heartbeat;
}

/** A change of this batch as the newest state of its object; the state itself may still have to be built. */
function knownBy(change: NewChange): Known {
  const { uid, resourceVersion, type } = change;
  return {
    uid,
    resourceVersion,
    deleted: type === 'DELETED',
    get state() {
      return change.state;
    },
  };
}

function knownAs(known: Known, resourceVersion: string): Known {
  return {
    uid: known.uid,
    resourceVersion,
    deleted: known.deleted,
    get state() {
      return known.state;
    },
  };
}

/** What one observation amounts to, given what is known of its name. Pure. */
export function compare(
  observation: Observation,
  ref: ObjectRef,
  known: Known | undefined,
  hash: KeyedHash,
  rules?: KindRules,
): NewChange[] | 'repeat' | 'heartbeat' | 'late' {
  const { object, origin } = observation;
  const { uid, resourceVersion } = object.metadata;
  const sameLife = known !== undefined && known.uid === uid;
  const deleted = observation.type === 'DELETED';
  const listed = origin === 'list' || origin === 'relist';
  // A push and a watch of the same object do not wait for each other, so either may bring what the other has told, or overtaken.
  const told = origin === 'watch' || origin === 'push';
  const sameVersion = sameLife && known.resourceVersion === resourceVersion;
  // A list that shows an object again under its old uid comes from a storage that was set back to before the deletion.
  if (sameLife && known.deleted && (deleted || !listed)) return 'repeat';
  if (sameVersion && !deleted && told) return 'repeat';
  if (told && !(sameLife && deleted) && isOlder(resourceVersion, known)) return 'late';
  if (origin === 'push' && deleted && known !== undefined && !sameLife && !known.deleted) return 'late';

  const lists = rules?.lists;
  const masked = mask(withoutManagedFields(object), hash, rules);
  // What was recorded before a kind was asked for as metadata only stays as it was last seen.
  const state = observation.partial === true && sameLife ? { ...known.state, ...masked } : masked;
  if (deleted) {
    // A deletion found by comparison names the object only; what it was is what we knew.
    const last = sameLife && isBare(object) ? known.state : state;
    return [
      changeOf(observation, ref, { type: 'DELETED', state: last, diff: [], before: sameLife ? known.state : undefined, lists }),
    ];
  }
  if (sameLife && !known.deleted) {
    const before = known.state;
    const moved = diffValues(before, state, '', lists);
    const diff = meaningful(withoutRemasking(moved, { before, after: state, hash, secrets: rules?.secrets, lists }));
    if (sameVersion && isUnrounding(diff)) return 'repeat';
    if (isHeartbeat(ref.kind, diff)) return sameVersion ? 'repeat' : 'heartbeat';
    return [changeOf(observation, ref, { type: 'MODIFIED', state, diff, before, lists })];
  }
  const added = new FirstSight(observation, ref, state, lists);
  return known === undefined || known.deleted ? [added] : [deletionBetween(observation, ref, known, lists), added];
}

function isOlder(resourceVersion: string, known: Known | undefined): boolean {
  return known !== undefined && compareResourceVersions(resourceVersion, known.resourceVersion) === 'older';
}

function meaningful(diff: FieldDiff[]): FieldDiff[] {
  return diff.filter((field) => !isBookkeepingPath(field.path));
}

function changeOf(
  observation: Observation,
  ref: ObjectRef,
  { type, state, diff, before, lists }: Pick<NewChange, 'type' | 'state' | 'diff' | 'before' | 'lists'>,
): NewChange {
  const { object, observedMs, origin } = observation;
  const { actor, candidates } = attribute(object, diff, observation.actor, type === 'DELETED');
  const generation = object.metadata.generation;
  return {
    ref,
    uid: object.metadata.uid,
    type,
    origin,
    observedMs,
    resourceVersion: object.metadata.resourceVersion,
    generation: typeof generation === 'number' ? generation : undefined,
    actor,
    candidates,
    own: isOwnWrite(object, diff),
    diff,
    state,
    before,
    lists,
  };
}

/** The end of a former life that nobody reported: found when its name came back with another uid. */
function deletionBetween(observation: Observation, ref: ObjectRef, known: Known, lists: ListKeys | undefined): NewChange {
  return {
    ref,
    uid: known.uid,
    type: 'DELETED',
    origin: 'relist',
    observedMs: observation.observedMs,
    resourceVersion: known.resourceVersion,
    generation: undefined,
    actor: UNKNOWN_ACTOR,
    candidates: [],
    own: false,
    diff: [],
    state: known.state,
    before: known.state,
    lists,
  };
}

function isBare(object: KubeObject): boolean {
  return Object.keys(object).every((key) => key === 'apiVersion' || key === 'kind' || key === 'metadata');
}

/** managedFields move on every write and say who, not what; attribution reads them before they are dropped here. */
function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as KubeObject['metadata'] };
}
