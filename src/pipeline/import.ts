/**
 * Records changes that were recorded before: those of an export, or of a stream. They are taken as they are said to be and not compared with
 * what is there, apart from two things: what is recorded already is passed over, so that the same lines may come again; and what is older
 * than the newest change of its object is counted and left out, since nothing can be put between changes that are recorded.
 */

import type { Actor, Change } from '../domain/change.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { diffValues, type FieldDiff, leavesOf } from '../domain/diff/field-diff.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import { type KubeObject, type ObjectRef, objectKey, refOf, resourceKey } from '../domain/object-ref.ts';
import { Recent } from '../domain/recent.ts';
import { compareResourceVersions } from '../domain/resource-version.ts';
import type { ToldLists } from '../domain/schema-book.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import type { ToldVerdict } from '../domain/verdict.ts';
import { attribute } from '../domain/who/attribution.ts';
import type { Attribution } from '../domain/who/claim-join.ts';
import { isOwnWrite } from '../domain/who/own-writes.ts';
import type { ChangeSummary, NewChange, Store } from '../store/store.ts';
import { type TakenVerdict, takeToldVerdict, type VerdictStore } from './told-verdicts.ts';

/** What of a change follows neither from the object nor from the time. */
export interface RecordedBeside {
  actor: Actor;
  candidates: Actor[];
  own: boolean;
  /** It stands for changes of its object before it that the export does not hold. */
  checkpoint?: boolean;
  /** What became known later of who it was. */
  attribution?: Attribution | undefined;
}

/** A change as a line tells it. */
export interface ToldChange {
  cluster: string;
  type: Change['type'];
  origin: Change['origin'];
  observedMs: number;
  object: KubeObject;
  /** Who the stream says it was, where nothing else is known. */
  actorName: string | undefined;
  beside: RecordedBeside | undefined;
}

export type ImportStore = Pick<Store, 'append' | 'head'> & VerdictStore;

export interface Importer {
  readonly counts: { imported: number; known: number; older: number };
  add(told: ToldChange): void;
  /** By which keys the diffs of changes added from now on name items of lists. */
  know(told: ToldLists): void;
  /** What a person said behind the last change that was added. */
  say(told: ToldVerdict): TakenVerdict['outcome'];
  /** Records what waits; to be called at the end. */
  flush(): void;
}

/** What is recorded of an object. */
interface Recorded {
  /** How many changes there are of each identity that no line has matched yet. */
  left: Map<string, number>;
  newest: Pick<ChangeSummary, 'uid' | 'resourceVersion' | 'observedMs' | 'type'> | undefined;
  /** The lines have come to the newest change that is recorded, so what follows comes after it. */
  reached: boolean;
}

const BATCH_CHANGES = 200;
/** Changes whose identities are kept in memory. */
const IDENTITIES_MAX = 500_000;

export function createImporter(options: { store: ImportStore; hash: KeyedHash }): Importer {
  return new StoreImporter(options);
}

class StoreImporter implements Importer {
  readonly counts = { imported: 0, known: 0, older: 0 };
  readonly #store: ImportStore;
  readonly #hash: KeyedHash;
  readonly #recorded = new Recent<string, Recorded>(IDENTITIES_MAX);
  #batch: NewChange[] = [];
  #last: { ref: ObjectRef; identity: string } | undefined;
  readonly #lists = new Map<string, ListKeys | undefined>();
  /** Newest states of this batch. */
  #states = new Map<string, { uid: string; state: KubeObject }>();

  constructor({ store, hash }: { store: ImportStore; hash: KeyedHash }) {
    this.#store = store;
    this.#hash = hash;
  }

  know(told: ToldLists): void {
    this.#lists.set(resourceKey(told), told.lists);
  }

  add(told: ToldChange): void {
    const ref = refOf(told.cluster, told.object);
    const recorded = this.#recordedOf(ref);
    const { uid, resourceVersion } = told.object.metadata;
    const identity = identityOf({ uid, resourceVersion, type: told.type });
    const left = recorded.left.get(identity) ?? 0;
    this.#last = { ref, identity };
    if (left > 0) {
      recorded.left.set(identity, left - 1);
      this.counts.known += 1;
      recorded.reached ||= recorded.newest !== undefined && identityOf(recorded.newest) === identity && left === 1;
    } else if (recorded.reached || comesAfter(told, recorded.newest)) {
      recorded.reached = true;
      this.#batch.push(this.#changeOf(told, ref));
      if (this.#batch.length >= BATCH_CHANGES) this.flush();
    } else this.counts.older += 1;
  }

  say(told: ToldVerdict): TakenVerdict['outcome'] {
    this.flush();
    const seq = this.#seqOfLast();
    return takeToldVerdict(told, { store: this.#store, hash: this.#hash, ...(seq === undefined ? {} : { seq }) }).outcome;
  }

  /** Undefined where nothing was added, or the change was left out. */
  #seqOfLast(): number | undefined {
    if (this.#last === undefined) return undefined;
    const { ref, identity } = this.#last;
    for (const change of this.#store.history(ref)) if (identityOf(change) === identity) return change.seq;
    return undefined;
  }

  flush(): void {
    this.#store.append({ changes: this.#batch });
    this.counts.imported += this.#batch.length;
    this.#batch = [];
    this.#states.clear();
  }

  #recordedOf(ref: ObjectRef): Recorded {
    const key = objectKey(ref);
    let recorded = this.#recorded.get(key);
    if (recorded === undefined) {
      // What was added is asked for again once it is forgotten, so it has to be there.
      if (this.#states.has(key)) this.flush();
      recorded = this.#read(ref);
      this.#recorded.set(key, recorded, recorded.left.size + 1);
    }
    return recorded;
  }

  #read(ref: ObjectRef): Recorded {
    const left = new Map<string, number>();
    let newest: ChangeSummary | undefined;
    for (const change of this.#store.history(ref)) {
      newest ??= change;
      left.set(identityOf(change), (left.get(identityOf(change)) ?? 0) + 1);
    }
    return { left, newest, reached: newest === undefined };
  }

  #changeOf(told: ToldChange, ref: ObjectRef): NewChange {
    const { type, origin, observedMs, object } = told;
    const { uid, resourceVersion, generation } = object.metadata;
    const key = objectKey(ref);
    const state = mask(withoutManagedFields(object), this.#hash);
    const known = this.#states.get(key) ?? this.#store.head(ref);
    const before = known?.uid === uid && type !== 'ADDED' ? known.state : undefined;
    const lists = this.#lists.get(resourceKey(ref));
    const diff = type === 'DELETED' ? [] : diffOf(before, state, lists);
    this.#states.set(key, { uid, state });
    return {
      ...{ ref, uid, type, origin, observedMs, resourceVersion, diff, state, before, lists },
      generation: typeof generation === 'number' ? generation : undefined,
      ...besideOf(told, diff),
    };
  }
}

function besideOf(
  { beside, object, actorName, type }: ToldChange,
  diff: FieldDiff[],
): Pick<NewChange, 'actor' | 'candidates' | 'own' | 'attribution' | 'checkpoint'> {
  if (beside !== undefined) {
    const { checkpoint, ...rest } = beside;
    return checkpoint === true ? { ...rest, checkpoint } : rest;
  }
  return { ...attribute(object, diff, actorName, type === 'DELETED'), own: isOwnWrite(object, diff) };
}

function identityOf({ uid, resourceVersion, type }: Pick<ChangeSummary, 'uid' | 'resourceVersion' | 'type'>): string {
  return `${uid}\0${resourceVersion}\0${type}`;
}

function comesAfter({ object, observedMs }: ToldChange, newest: Recorded['newest']): boolean {
  if (newest === undefined) return true;
  const { uid, resourceVersion } = object.metadata;
  const order = uid === newest.uid ? compareResourceVersions(resourceVersion, newest.resourceVersion) : undefined;
  if (order === 'newer' || order === 'older') return order === 'newer';
  return observedMs >= newest.observedMs;
}

function diffOf(before: KubeObject | undefined, after: KubeObject, lists: ListKeys | undefined): FieldDiff[] {
  const diff = before === undefined ? leavesOf(after, lists) : diffValues(before, after, '', lists);
  return diff.filter(({ path }) => !isBookkeepingPath(path));
}

function withoutManagedFields(object: KubeObject): KubeObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as KubeObject['metadata'] };
}
