/**
 * First hop of the pipeline: observations in, recorded changes out. For each observation: strip what is bookkeeping, mask secrets, compare
 * with the object's last recorded state, and name who did it. The whole batch and the cursors that cover it are one transaction.
 *
 * What it promises: an observation is recorded once (same uid and resourceVersion is a repeat), as a change or as a heartbeat when nothing
 * but bookkeeping moved or time passed; a new uid under an old name is a new life, with the deletion in between recorded as found, not seen.
 * What a watch tells of an object after something newer is counted as a reject and changes nothing. What a list shows is the truth, even
 * where it is older than what is recorded: then the API server's storage was restored from a backup.
 */
import { attribute } from '../domain/attribution.ts';
import { isBookkeepingPath } from '../domain/bookkeeping.ts';
import { type Change, type Observation, UNKNOWN_ACTOR } from '../domain/change.ts';
import type { Claim } from '../domain/claim.ts';
import { diffValues, type FieldDiff, leavesOf } from '../domain/field-diff.ts';
import { isHeartbeat } from '../domain/heartbeat-paths.ts';
import { type KubeEvent, maskKubeEvent } from '../domain/kube-event.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import { describeRef, objectKey, refOf } from '../domain/object-ref.ts';
import { isOwnWrite } from '../domain/own-writes.ts';
import type { KeyedHash } from '../domain/redact.ts';
import { mask } from '../domain/redact.ts';
import { compareResourceVersions } from '../domain/resource-version.ts';
import type { AppendBatch, Head, NewChange, Reject, Store } from '../store/store.ts';
import type { ClaimBook } from './claim-book.ts';

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
  /** Not recorded: for the analysis. */
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
}

export interface Ingest {
  /** Records one batch; throws what the store throws, and then nothing of the batch is recorded. */
  record(batch: IngestBatch): IngestResult;
}

export interface IngestOptions {
  store: Pick<Store, 'head' | 'append'>;
  hash: KeyedHash;
  /** Joins claims about who wrote; without it managedFields alone tell. */
  claims?: ClaimBook;
}

export function createIngest({ store, hash, claims }: IngestOptions): Ingest {
  return {
    record(batch) {
      const session = claims?.begin(batch.claims);
      const overlay = new Map<string, Known>();
      const changes: NewChange[] = [];
      const heartbeats: NonNullable<AppendBatch['heartbeats']> = [];
      const late: NonNullable<AppendBatch['rejects']> = [];
      let repeats = 0;
      for (const observation of batch.observations) {
        const ref = refOf(observation.cluster, observation.object);
        const key = objectKey(ref);
        const known = overlay.get(key) ?? store.head(ref);
        const outcome = compare(observation, ref, known, hash);
        if (outcome === 'repeat') repeats++;
        else if (outcome === 'late') late.push(lateReject(observation, ref));
        else if (outcome === 'heartbeat') {
          const { uid, resourceVersion } = observation.object.metadata;
          heartbeats.push({ ref, uid, resourceVersion, observedMs: observation.observedMs });
          if (known !== undefined) overlay.set(key, { ...known, resourceVersion });
        } else {
          changes.push(...(session?.attribute(outcome, observation.object) ?? outcome));
          const last = outcome.at(-1);
          if (last !== undefined)
            overlay.set(key, {
              uid: last.uid,
              resourceVersion: last.resourceVersion,
              deleted: last.type === 'DELETED',
              state: last.state,
            });
        }
      }
      const recorded = store.append({
        changes,
        amendments: session?.amendments,
        heartbeats,
        scrapes: batch.scrapes,
        rejects: late.length === 0 ? batch.rejects : [...(batch.rejects ?? []), ...late],
        gaps: batch.gaps,
        deliveries: batch.deliveries,
        kubeEvents: batch.kubeEvents?.map((event) => maskKubeEvent(event, hash)),
        cursors: batch.cursors,
      });
      session?.commit();
      return { changes: recorded, heartbeats: heartbeats.length, repeats, late: late.length };
    },
  };
}

/** What one observation amounts to, given what is known of its name. Pure. */
export function compare(
  observation: Observation,
  ref: ObjectRef,
  known: Known | undefined,
  hash: KeyedHash,
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

  const masked = mask(withoutManagedFields(object), hash);
  // What was recorded before a kind was asked for as metadata only stays as it was last seen.
  const state = observation.partial === true && sameLife ? { ...known.state, ...masked } : masked;
  if (deleted) {
    // A deletion found by comparison names the object only; what it was is what we knew.
    const last = sameLife && isBare(object) ? known.state : state;
    return [changeOf(observation, ref, 'DELETED', last, [], sameLife ? known.state : undefined)];
  }
  if (sameLife && !known.deleted) {
    const diff = meaningful(diffValues(known.state, state));
    if (isHeartbeat(ref.kind, diff)) return sameVersion ? 'repeat' : 'heartbeat';
    return [changeOf(observation, ref, 'MODIFIED', state, diff, known.state)];
  }
  const added = changeOf(observation, ref, 'ADDED', state, meaningful(leavesOf(state)), undefined);
  return known === undefined || known.deleted ? [added] : [deletionBetween(observation, ref, known), added];
}

function isOlder(resourceVersion: string, known: Known | undefined): boolean {
  return known !== undefined && compareResourceVersions(resourceVersion, known.resourceVersion) === 'older';
}

function lateReject({ cluster, object, observedMs }: Observation, ref: ObjectRef): Reject {
  const what = `resourceVersion ${object.metadata.resourceVersion} came after a newer one`;
  return { cluster, code: 'EVENT_OUT_OF_ORDER', where: describeRef(ref), what, observedMs };
}

function meaningful(diff: FieldDiff[]): FieldDiff[] {
  return diff.filter((field) => !isBookkeepingPath(field.path));
}

function changeOf(
  observation: Observation,
  ref: ObjectRef,
  type: NewChange['type'],
  state: KubeObject,
  diff: FieldDiff[],
  before: KubeObject | undefined,
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
  };
}

/** The end of a former life that nobody reported: found when its name came back with another uid. */
function deletionBetween(observation: Observation, ref: ObjectRef, known: Known): NewChange {
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
