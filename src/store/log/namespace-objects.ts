/**
 * Which objects a namespace has had, and when those that are gone were last changed, as their head rows tell. Where objects come and go, a namespace has
 * had twenty times those it has: their rows lie all over the table, and reading them was most of a page. Kept of the namespaces that were asked about.
 */
import type Database from 'better-sqlite3';
import { Recent } from '../../domain/recent.ts';

/** By rising id. */
interface Known {
  ids: number[];
  /** When it was deleted; infinite where it is there. */
  goneMs: number[];
  seqs: number[];
}

/** Objects, of all namespaces together. */
const KNOWN_MAX = 100_000;

export class NamespaceObjects {
  readonly #standings: Database.Statement<[resources: string, namespaceId: number], [number, number, number, number]>;
  readonly #resources: () => number[];
  readonly #known = new Recent<number, Known>(KNOWN_MAX);

  /** `resources` are the ids of all there are. */
  constructor(db: Database.Database, resources: () => number[]) {
    this.#resources = resources;
    this.#standings = db
      .prepare<[string, number], [number, number, number, number]>(
        `SELECT n.id, h.deleted, h.last_ms, h.seq FROM json_each(?) r
         CROSS JOIN object n ON n.resource_id = r.value AND n.namespace_id = ? CROSS JOIN head h ON h.object_id = n.id ORDER BY n.id`,
      )
      .raw();
  }

  forget(namespaceId?: number): void {
    if (namespaceId === undefined) this.#known.clear();
    else this.#known.delete(namespaceId);
  }

  /** An object was made. */
  added(namespaceId: number, objectId: number): void {
    const known = this.#known.get(namespaceId);
    if (known === undefined) return;
    // The number of one that was removed may be given again.
    if (objectId <= (known.ids.at(-1) ?? 0)) {
      this.forget(namespaceId);
      return;
    }
    known.ids.push(objectId);
    known.goneMs.push(Number.POSITIVE_INFINITY);
    known.seqs.push(0);
    this.#known.set(namespaceId, known, known.ids.length);
  }

  /** A head row was written. That an object is gone by now need not be known; that one is there again has to be. */
  saved(namespaceId: number, objectId: number): void {
    const known = this.#known.get(namespaceId);
    const at = known === undefined ? -1 : placeOf(known.ids, objectId);
    if (known !== undefined && at >= 0 && known.goneMs[at] !== Number.POSITIVE_INFINITY) this.forget(namespaceId);
  }

  /** All but those beyond `after` and `idMax` that were gone by a time, with no later change up to `seqMax`. */
  notGone(namespaceId: number, by: { atMs: number; seqMax: number; after: number; idMax: number }): number[] {
    const { ids, goneMs, seqs } = this.#known.get(namespaceId) ?? this.#look(namespaceId);
    const found: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      if (id <= by.after || id > by.idMax) continue;
      if ((goneMs[i] as number) > by.atMs || (seqs[i] as number) > by.seqMax) found.push(id);
    }
    return found;
  }

  #look(namespaceId: number): Known {
    const known: Known = { ids: [], goneMs: [], seqs: [] };
    for (const [objectId, deleted, lastMs, seq] of this.#standings.all(JSON.stringify(this.#resources()), namespaceId)) {
      known.ids.push(objectId);
      known.goneMs.push(deleted === 0 ? Number.POSITIVE_INFINITY : lastMs);
      known.seqs.push(seq);
    }
    this.#known.set(namespaceId, known, known.ids.length);
    return known;
  }
}

/** By halves; -1 where it is not there. */
function placeOf(ids: readonly number[], id: number): number {
  let [from, to] = [0, ids.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((ids[middle] as number) < id) from = middle + 1;
    else to = middle;
  }
  return ids[from] === id ? from : -1;
}
