/** The first sight of an object as a change. Its leaves are named when somebody asks for them, which for most of a first list nobody does. */

import type { Actor, ChangeOrigin, Observation } from '../domain/change.ts';
import { isBookkeepingPath } from '../domain/diff/bookkeeping.ts';
import { type FieldDiff, inPathOrder, leavesOf } from '../domain/diff/field-diff.ts';
import type { KubeObject, ObjectRef } from '../domain/object-ref.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import { attributeFirst } from '../domain/who/attribution.ts';
import { isCanary } from '../domain/who/own-writes.ts';
import type { NewChange } from '../store/store.ts';

export class FirstSight implements NewChange {
  /** Given by the store. */
  seq = 0;
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly type = 'ADDED';
  readonly origin: ChangeOrigin;
  readonly observedMs: number;
  readonly resourceVersion: string;
  readonly generation: number | undefined;
  actor: Actor;
  candidates: Actor[];
  attribution: NewChange['attribution'];
  readonly own: boolean;
  /** Masked. */
  readonly state: KubeObject;
  readonly before = undefined;
  readonly lists: ListKeys | undefined;
  readonly onDemand = true;
  digest: NewChange['digest'];
  #diff: FieldDiff[] | undefined;

  constructor(
    { object, observedMs, origin, actor: stated }: Observation,
    ref: ObjectRef,
    state: KubeObject,
    lists: ListKeys | undefined,
  ) {
    const { actor, candidates } = attributeFirst(object, state, stated, lists);
    const { uid, resourceVersion, generation } = object.metadata;
    this.ref = ref;
    this.uid = uid;
    this.origin = origin;
    this.observedMs = observedMs;
    this.resourceVersion = resourceVersion;
    this.generation = typeof generation === 'number' ? generation : undefined;
    this.actor = actor;
    this.candidates = candidates;
    this.own = isCanary(object);
    this.state = state;
    this.lists = lists;
  }

  get diff(): FieldDiff[] {
    this.#diff ??= inPathOrder(leavesOf(this.state, this.lists).filter(({ path }) => !isBookkeepingPath(path)));
    return this.#diff;
  }
}
