import type { ObjectRef } from '../../domain/object-ref.ts';
import type { Held } from '../../domain/recent.ts';

/**
 * What is known of an object apart from its state. Mutable: `moved` and `save` of `Objects` see to its row. A class, so that all its fields lie in one place:
 * there are as many as objects.
 */
export class ObjectEntry implements Held {
  readonly objectId: number;
  ref: ObjectRef;
  lifeId: number;
  uid: string;
  /** Newest change. */
  seq: number;
  /** Newest resourceVersion, heartbeats included; as stored (see row-codec). */
  rv: number | string;
  generation: number | null;
  deleted: boolean;
  /** Patches since the last full state. */
  depth: number;
  changes: number;
  heartbeats: number;
  readonly firstMs: number;
  lastMs: number;
  /** What the links of its next change are made from (see `nextLinks`), where it has more than one; read from the log when it is first needed. */
  marks: number[] | undefined = undefined;
  /** The generation of entries it is one of; another than `Objects`' own once it has been let go of. */
  generationOfEntries: number;
  weight = 1;
  used = false;

  constructor(standing: Standing, generationOfEntries: number) {
    this.objectId = standing.objectId;
    this.ref = standing.ref;
    this.lifeId = standing.lifeId;
    this.uid = standing.uid;
    this.seq = standing.seq;
    this.rv = standing.rv;
    this.generation = standing.generation;
    this.deleted = standing.deleted;
    this.depth = standing.depth;
    this.changes = standing.changes;
    this.heartbeats = standing.heartbeats;
    this.firstMs = standing.firstMs;
    this.lastMs = standing.lastMs;
    this.generationOfEntries = generationOfEntries;
  }
}

/** What an entry begins with. */
type Standing = Omit<ObjectEntry, 'marks' | 'generationOfEntries' | keyof Held>;
