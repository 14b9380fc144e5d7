/**
 * The rows of changes: what happened when and by whom, without states. Rows are added and read, never changed.
 *
 * The changes of one object form a chain from its newest back to its first. Each row says where the one before it lies (`previous`) and,
 * every second one, where one further back does (`jump`), so that a place in a long history is found in few steps. Where a jump leads
 * follows from the row's ordinal alone: to the ordinal without its lowest set bit, as in a Fenwick tree. Appending then needs the places of
 * as many changes as the ordinal has bits set, and no index.
 */
import type Database from 'better-sqlite3';
import { Recent } from '../../domain/recent.ts';
import { corruptRecord } from '../store-errors.ts';

export interface ChangeRow {
  seq: number;
  lifeId: number;
  /** See row-codec. */
  flags: number;
  observedMs: number;
  rv: number | string;
  generation: number | null;
  actorSetId: number;
  pathsetId: number | null;
  /** Which change of its object, from 1. */
  ordinal: number;
  /** How far back in the log its object's change before it lies; null for the first. */
  previous: number | null;
  /** The same for the one it jumps to; null where that is `previous`, or nothing. */
  jump: number | null;
}

/** Where a change about to be added stands in its object's chain. */
export type ChainLinks = Pick<ChangeRow, 'ordinal' | 'previous' | 'jump'>;

/** As much of a row as it takes to follow a chain. */
export type ChainStep = Pick<ChangeRow, 'seq' | 'lifeId' | 'flags' | 'previous'>;

export const CHANGE_COLUMNS = `c.seq, c.life_id AS lifeId, c.flags, c.observed_ms AS observedMs, c.rv, c.generation,
  c.actor_set_id AS actorSetId, c.pathset_id AS pathsetId, c.ordinal, c.previous, c.jump`;

/** Links that are lost, and what lies before them, that are remembered. */
const LOST_MAX = 10_000;
/** Nothing lies before one. */
const NOTHING = 0;

/** On the way back along a chain: the last change beyond a place and where the one before it lies, or the change on the way whose row is missing. */
type OldestAfter = { seq: number; previous: number } | { lost: number };

export class ChangeLog {
  readonly #sql;
  #newest: number | undefined;
  /**
   * Of changes whose rows are missing from their object's chain, which nothing but damage does: the change of the object before it, for which the log was gone
   * through. By object too, as of which one it was is known from what leads to it. Holds for good: rows are only added behind.
   */
  readonly #beforeLost = new Recent<string, number>(LOST_MAX);

  constructor(db: Database.Database) {
    this.#sql = {
      add: db.prepare(
        `INSERT INTO change (seq, life_id, flags, observed_ms, rv, generation, actor_set_id, pathset_id, ordinal, previous, jump)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ),
      newest: db.prepare<[], number | null>('SELECT max(seq) FROM change').pluck(),
      row: db.prepare<[number], ChangeRow>(`SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq = ?`),
      step: db
        .prepare<[number], [number, number, number | null]>('SELECT life_id, flags, previous FROM change WHERE seq = ?')
        .raw(),
      links: db
        .prepare<[number], [number, number | null, number | null]>('SELECT ordinal, previous, jump FROM change WHERE seq = ?')
        .raw(),
      someLinks: db
        .prepare<[string], [number, number | null, number | null]>(
          'SELECT seq, previous, jump FROM change WHERE seq IN (SELECT value FROM json_each(?))',
        )
        .raw(),
      some: db.prepare<[string], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq IN (SELECT value FROM json_each(?))`,
      ),
      between: db.prepare<[number, number], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq BETWEEN ? AND ? ORDER BY c.seq`,
      ),
      objectOf: db
        .prepare<[number], number>('SELECT l.object_id FROM change c JOIN life l ON l.id = c.life_id WHERE c.seq = ?')
        .pluck(),
      newestOf: db.prepare<[number, number], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq <= ? AND c.life_id IN (SELECT id FROM life WHERE object_id = ?) ORDER BY c.seq DESC LIMIT 1`,
      ),
      after: db.prepare<[number, number], ChangeRow>(
        `SELECT ${CHANGE_COLUMNS} FROM change c WHERE c.seq > ? ORDER BY c.seq LIMIT ?`,
      ),
    };
  }

  forget(): void {
    this.#newest = undefined;
    this.#beforeLost.clear();
  }

  /** The newest seq given; 0 before the first. */
  newest(): number {
    this.#newest ??= this.#sql.newest.get() ?? 0;
    return this.#newest;
  }

  /** Appends a row under the next seq, which it returns. */
  add(row: Omit<ChangeRow, 'seq'>): number {
    const seq = this.newest() + 1;
    const { lifeId, flags, observedMs, rv, generation, actorSetId, pathsetId, ordinal, previous, jump } = row;
    this.#sql.add.run(seq, lifeId, flags, observedMs, rv, generation, actorSetId, pathsetId, ordinal, previous, jump);
    this.#newest = seq;
    return seq;
  }

  row(seq: number): ChangeRow | undefined {
    return this.#sql.row.get(seq);
  }

  /** Those of some places that are still kept, by seq. */
  rows(seqs: readonly number[]): Map<number, ChangeRow> {
    return new Map(this.#sql.some.all(JSON.stringify(seqs)).map((row) => [row.seq, row]));
  }

  after(seq: number, limit: number): ChangeRow[] {
    return this.#sql.after.all(seq, limit);
  }

  /** Those of a stretch of the log that are still kept, by rising seq. */
  between(first: number, last: number): ChangeRow[] {
    return this.#sql.between.all(first, last);
  }

  /** The object's change before this one, whatever its life; undefined where there is none, or it is no longer kept. Where its row is lost, the one before that. */
  before(row: ChangeRow): ChangeRow | undefined {
    if (row.previous === null) return undefined;
    const before = row.seq - row.previous;
    return this.row(before) ?? this.#overGap(before, this.#sql.objectOf.get(row.seq));
  }

  /** The changes of an object from `seq` back to its first, newest first. */
  *back(seq: number, objectId: number): Generator<ChangeRow> {
    for (let row = this.newestUpTo(seq, seq, objectId); row !== undefined; row = this.before(row)) yield row;
  }

  /** The newest change of an object before one whose row is missing from its chain; undefined where it is not known of which object that was. */
  #overGap(lost: number, objectId: number | undefined): ChangeRow | undefined {
    if (objectId === undefined) return undefined;
    const key = `${objectId} ${lost}`;
    const known = this.#beforeLost.get(key);
    if (known === NOTHING) return undefined;
    // That one may be no longer kept.
    const row = (known === undefined ? undefined : this.row(known)) ?? this.#sql.newestOf.get((known ?? lost) - 1, objectId);
    this.#beforeLost.set(key, row?.seq ?? NOTHING);
    return row;
  }

  /** The same as `back` where the whole rows are not asked for. Throws STORE_CORRUPT at a missing link: what is built on what lies before it would be wrong. */
  *stepsBack(seq: number, known?: ChangeRow): Generator<ChainStep> {
    for (let step: ChainStep | undefined = known ?? this.#step(seq); step !== undefined; ) {
      yield step;
      if (step.previous === null) return;
      const before: number = step.seq - step.previous;
      step = this.#step(before);
      if (step === undefined) throw corruptRecord('a change is missing from the chain of its object', `change ${before}`);
    }
  }

  #step(seq: number): ChainStep | undefined {
    const row = this.#sql.step.get(seq);
    return row === undefined ? undefined : { seq, lifeId: row[0], flags: row[1], previous: row[2] };
  }

  /** The newest change up to `seqMax` of the object whose change `seq` is; which one that is may be known. */
  newestUpTo(seq: number, seqMax: number, objectId?: number): ChangeRow | undefined {
    const ofObject = () => objectId ?? this.#sql.objectOf.get(seq);
    for (let from = seq; from > seqMax; ) {
      const after = this.#oldestAfter(from, seqMax);
      if (after === undefined) return undefined;
      if ('previous' in after) return this.row(after.previous) ?? this.#overGap(after.previous, ofObject());
      const before = this.#overGap(after.lost, ofObject());
      if (before === undefined || before.seq <= seqMax) return before;
      from = before.seq;
    }
    return this.row(seq) ?? this.#overGap(seq, objectId);
  }

  /**
   * Where the newest change up to `seqMax` of each of some objects lies, of which `seqs` are changes; undefined where there is none. All chains are followed
   * at once, a link of each with every question to the database, which costs a third of asking for each link alone.
   */
  newestSeqsUpTo(seqs: readonly number[], seqMax: number): (number | undefined)[] {
    const found: (number | undefined)[] = seqs.map((seq) => (seq <= seqMax ? seq : undefined));
    let walks: { i: number; at: number; instead?: number }[] = seqs.flatMap((at, i) => (at > seqMax ? [{ i, at }] : []));
    while (walks.length > 0) {
      const links = new Map<number, [number, number | null, number | null]>();
      for (const link of this.#sql.someLinks.all(JSON.stringify(walks.map(({ at }) => at)))) links.set(link[0], link);
      const next: typeof walks = [];
      for (const { i, at, instead } of walks) {
        const link = links.get(at);
        // What a jump leads to may no longer be kept; the one before always is, as long as any further back are.
        if (link === undefined && instead !== undefined) next.push({ i, at: instead });
        else if (link === undefined) found[i] = this.newestUpTo(at, seqMax, this.#sql.objectOf.get(seqs[i] as number))?.seq;
        const [, previous, jump] = link ?? [at, null, null];
        if (previous === null) continue;
        if (at - previous <= seqMax) found[i] = at - previous;
        else if (jump !== null && at - jump > seqMax) next.push({ i, at: at - jump, instead: at - previous });
        else next.push({ i, at: at - previous });
      }
      walks = next;
    }
    return found;
  }

  /** The change whose `previous` is `target`, on the way back from `seq`, a later change of the same object. */
  successor(seq: number, target: number): number | undefined {
    const after = this.#oldestAfter(seq, target);
    return after !== undefined && 'previous' in after && after.previous === target ? after.seq : undefined;
  }

  /** From `seq` to the last change beyond `seqMax`; undefined where there is none before. */
  #oldestAfter(seq: number, seqMax: number): OldestAfter | undefined {
    let links = this.#sql.links.get(seq);
    for (let at = seq; at > seqMax; ) {
      if (links === undefined) return { lost: at };
      const [, previous, jump] = links;
      if (previous === null) return undefined;
      if (at - previous <= seqMax) return { seq: at, previous: at - previous };
      // What a jump leads to may no longer be kept; the one before always is, as long as any further back are.
      const jumped = jump !== null && at - jump > seqMax ? this.#sql.links.get(at - jump) : undefined;
      at -= jumped === undefined ? previous : (jump as number);
      links = jumped ?? this.#sql.links.get(at);
    }
    return undefined;
  }

  /**
   * The changes that later ones jump to, oldest first: those of the ordinals that remain as the lowest set bit is taken from `seq`'s, again
   * and again. 0 stands for one no longer kept. `ordinal` is that of `seq`, whose row may be lost.
   */
  marks(seq: number, ordinal: number): number[] {
    const marks: number[] = [];
    let links = this.#sql.links.get(seq);
    let left = ordinal;
    for (let at = seq; left > 0; left &= left - 1) {
      marks.push(at);
      const back = links === undefined ? null : (links[2] ?? (links[0] % 2 === 1 ? links[1] : null));
      at = back === null ? 0 : at - back;
      links = at === 0 ? undefined : this.#sql.links.get(at);
      if (links === undefined) at = 0;
    }
    return marks.reverse();
  }
}

/**
 * The links of an object's next change, under `seq`, whose marks so far are `marks` (see `ChangeLog.marks`), and the marks of the new change: an array
 * of just their size, since one that is pushed to has room for sixteen more, and each object keeps one.
 */
export function nextLinks(marks: readonly number[], ordinal: number, seq: number): { links: ChainLinks; marks: number[] } {
  const before = marks.at(-1);
  let left = marks.length;
  for (let bit = ordinal; bit % 2 === 0 && bit > 0 && left > 0; bit /= 2) left -= 1;
  const next = new Array<number>(left + 1);
  for (let i = 0; i < left; i++) next[i] = marks[i] as number;
  next[left] = seq;
  const target = left === 0 ? undefined : marks[left - 1];
  const jumps = ordinal % 2 === 0 && target !== undefined && target !== 0;
  const previous = before === undefined || before === 0 ? null : seq - before;
  return { links: { ordinal, previous, jump: jumps ? seq - target : null }, marks: next };
}
