/**
 * Lets go of what is old, by age and, when the database nears its cap, by age order: first all but the last change of an object and day, later all but
 * evidence and each object's newest state. Works block by block of sealed revisions, a small transaction each, so that writing never waits long; a
 * process killed in between goes on where it stopped.
 *
 * Ages count from the newest time recorded and not from the wall clock, so that a recording of last year is kept like one of today.
 */
import type Database from 'better-sqlite3';
import { type Containment, isDamage } from '../containment.ts';
import { CHECKPOINT_BIT, decodeFlags, decodeResourceVersion, withRecordShape } from '../pack/row-codec.ts';
import { corruptRecord } from '../store-errors.ts';
import { type Blocks, placeIn } from './blocks.ts';
import type { ChangeLog, ChangeRow } from './change-log.ts';
import { NextChanges } from './next-changes.ts';
import type { Life, Objects } from './objects.ts';
import type { Postings } from './postings.ts';
import { ALL, CHECKPOINTS, type Due, DueSpans, type KeptFrom, type SpanRow, STATISTICS } from './retention-due.ts';
import type { RetentionOptions } from './retention-options.ts';
import { checkpointsOf, DAY_MS, evidenceOf, type KeptChange, planOf } from './retention-plan.ts';
import { bareOf, encodeFull, encodePatch } from './revision-codec.ts';
import type { Revisions } from './revisions.ts';
import { compareByPlace, type Place, type PlacedRecord } from './young-records.ts';

/** Changes gathered in a step. */
const GATHERED = 2_048;
/** A checkpoint has the whole state where its change had a patch on the one before: more of them than one in so many changes free nothing. */
const CHANGES_PER_CHECKPOINT_MIN = 4;

interface BlockRow {
  id: number;
  /** Of its first record. */
  namespaceId: number;
  resourceId: number;
  lifeId: number;
  seq: number;
}

/** The changes of a span by life. A large one has more than one step may read, so they are gathered some thousand at a time. */
interface Gathered {
  key: number;
  through: number;
  changes: number;
  lives: Map<number, OfLife>;
  /** The lives in the order of their places, once all are gathered. */
  inOrder: OfLife[];
  /** Undefined where it is to be asked for anew. */
  evidence: ReadonlySet<number> | undefined;
}

interface OfLife {
  life: Life;
  seqs: number[];
}

/** Without a block it is all of the span. */
interface Damaged {
  span: SpanRow;
  tier: number;
  blockId: number | undefined;
}

/** The changes of one life whose place is a block. */
interface Part {
  life: Life;
  rows: ChangeRow[];
}

/** How a part is thinned, and the records of its block, which change with it. */
interface Thinning {
  span: SpanRow;
  tier: number;
  evidence: ReadonlySet<number>;
  records: Map<number, PlacedRecord>;
}

interface Parts {
  db: Database.Database;
  blocks: Blocks;
  log: ChangeLog;
  objects: Objects;
  postings: Postings;
  revisions: Revisions;
  containment: Containment;
  /** Changes within a time that findings rest on, the most telling first. */
  evidence: (fromMs: number, toMs: number) => number[];
  /** Counts what is let go of, in the same transaction. */
  released: (changes: number) => void;
}

export class Retention {
  readonly #parts: Parts;
  readonly #options: RetentionOptions;
  readonly #sql;
  readonly #nextChanges: NextChanges;
  readonly #spans: DueSpans;
  /** Of a sealed span, of which nothing is added to: it is true also after a write that was rolled back. */
  #gathered: Gathered | undefined;
  /** The block that is worked on, if it has come to that. */
  #blockId: number | undefined;
  /** What met damage last; where it does so again it is to be left as it is. Once may be due to what can be done without, and is from then on. */
  #damaged: (Damaged & { again: boolean }) | undefined;
  constructor(parts: Parts, options: RetentionOptions) {
    this.#parts = parts;
    this.#options = options;
    const { db } = parts;
    this.#nextChanges = new NextChanges(db);
    this.#spans = new DueSpans(db, parts.log, options);
    const block =
      'SELECT id, namespace_id AS namespaceId, resource_id AS resourceId, life_id AS lifeId, seq FROM block WHERE span_seq = ?';
    const inOrder = 'ORDER BY namespace_id, resource_id, life_id, seq LIMIT 1';
    this.#sql = {
      livesAfter: db
        .prepare<[number, number, number], [number, number]>(
          'SELECT seq, life_id FROM change WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?',
        )
        .raw(),
      block: db.prepare<[number, number], BlockRow>(`${block} AND tier < ? ${inOrder}`),
      firstBlock: db.prepare<[number], number>(`SELECT id FROM block WHERE span_seq = ? ${inOrder}`).pluck(),
      nextBlock: db.prepare<[number, number, number, number, number], BlockRow>(
        `${block} AND (namespace_id, resource_id, life_id, seq) > (?, ?, ?, ?) ${inOrder}`,
      ),
      blockDone: db.prepare<[number, number]>('UPDATE block SET tier = ? WHERE id = ?'),
      spanDone: db.prepare<[number, number]>('UPDATE span SET tier = ? WHERE last_seq = ?'),
      update: db.prepare<[number, number | null, number]>('UPDATE change SET flags = ?, previous = ? WHERE seq = ?'),
      relink: db.prepare<[number | null, number]>('UPDATE change SET previous = ? WHERE seq = ?'),
      delete: db.prepare<[string]>('DELETE FROM change WHERE seq IN (SELECT value FROM json_each(?))'),
      deleteAttributions: db.prepare<[string]>('DELETE FROM attribution WHERE change_seq IN (SELECT value FROM json_each(?))'),
      count: db.prepare<[string]>(
        `INSERT INTO change_daily (day, resource_id, namespace_id, actor_set_id, changes)
         SELECT c.observed_ms / ${DAY_MS}, o.resource_id, o.namespace_id, c.actor_set_id, count(*)
         FROM change c JOIN life l ON l.id = c.life_id JOIN object o ON o.id = l.object_id
         WHERE c.seq IN (SELECT value FROM json_each(?)) GROUP BY 1, 2, 3, 4
         ON CONFLICT DO UPDATE SET changes = changes + excluded.changes`,
      ),
    };
  }

  /**
   * Works off one block where something is due, and says how many changes it let go of; undefined when nothing is due. `overCap` makes the oldest due
   * whatever its age. A block in which something is damaged stays as it is: that is thrown, and the next step goes on behind it.
   */
  step(overCap: boolean): number | undefined {
    if (this.#damaged?.again === true) return this.#leave(this.#damaged);
    const due = this.#spans.due(overCap);
    if (due === undefined) return undefined;
    this.#blockId = undefined;
    try {
      return this.#workOff(due);
    } catch (error) {
      if (isDamage(error)) this.#met({ span: due.span, tier: due.tier, blockId: this.#blockId });
      throw error;
    }
  }

  #met(damaged: Damaged): void {
    const before = this.#damaged;
    const again = before?.span.key === damaged.span.key && before.tier === damaged.tier && before.blockId === damaged.blockId;
    this.#damaged = { ...damaged, again };
  }

  /** Where not even that can be noted of the block, its whole span stays. */
  #leave({ span, tier, blockId }: Damaged): number {
    this.#gathered = undefined;
    this.#damaged = blockId === undefined ? undefined : { span, tier, blockId: undefined, again: true };
    this.#parts.db
      .transaction(() => {
        this.#parts.blocks.touched(span.key);
        if (blockId === undefined) this.#sql.spanDone.run(tier, span.lastSeq);
        else this.#sql.blockDone.run(tier, blockId);
      })
      .immediate();
    this.#damaged = undefined;
    return 0;
  }

  #workOff(due: Due): number {
    const gathered = this.#gather(due.span);
    if (gathered === undefined) return 0;
    if (due.forRoom === true && gathered.lives.size * CHANGES_PER_CHECKPOINT_MIN > gathered.changes) {
      this.#spans.dropShare(due.span);
      return 0;
    }
    gathered.evidence ??= this.#evidence(due.span);
    const { evidence } = gathered;
    return this.#parts.db.transaction(() => this.#work(due, gathered, evidence)).immediate();
  }

  /** There are more or other findings that changes are kept for; a span is worked on for a while. */
  evidenceMoved(): void {
    if (this.#gathered !== undefined) this.#gathered.evidence = undefined;
  }

  isDue(overCap: boolean): boolean {
    return this.#spans.due(overCap) !== undefined;
  }

  /** Of what was before no more than statistics are kept; undefined where all is. */
  keptFrom(): KeptFrom | undefined {
    return this.#spans.keptFrom();
  }

  /** Whether more than statistics are kept of the time of a change. */
  keepsMore(seq: number): boolean {
    return this.#spans.tierOf(seq) < STATISTICS;
  }

  /** Undefined while not all of the span's changes are gathered. */
  #gather(span: SpanRow): Gathered | undefined {
    if (this.#gathered?.key !== span.key)
      this.#gathered = {
        ...{ key: span.key, through: span.firstSeq - 1, changes: 0, lives: new Map(), inOrder: [] },
        evidence: undefined,
      };
    const gathered = this.#gathered;
    if (gathered.through >= span.lastSeq) return gathered;
    const rows = this.#sql.livesAfter.all(gathered.through, span.lastSeq, GATHERED);
    for (const [seq, lifeId] of rows) {
      const known = gathered.lives.get(lifeId);
      if (known !== undefined) {
        known.seqs.push(seq);
        continue;
      }
      const life = this.#parts.objects.life(lifeId);
      // Damage, which the check of the database names; everything else goes on.
      if (life === undefined) continue;
      gathered.lives.set(lifeId, { life, seqs: [seq] });
    }
    gathered.changes += rows.length;
    gathered.through = rows.length < GATHERED ? span.lastSeq : (rows.at(-1)?.[0] ?? span.lastSeq);
    if (gathered.through < span.lastSeq) return undefined;
    const placeOf = ({ life }: OfLife) => placeIn(span, life, 0);
    gathered.inOrder = [...gathered.lives.values()].sort((a, b) => compareByPlace(placeOf(a), placeOf(b)));
    return gathered;
  }

  #work({ span, tier }: Due, gathered: Gathered, evidence: ReadonlySet<number>): number {
    if (tier === CHECKPOINTS && this.#sql.firstBlock.get(span.key) === undefined) this.#parts.blocks.addEmpty(span.key);
    const block = this.#sql.block.get(span.key, tier);
    if (block === undefined) {
      this.#parts.blocks.touched(span.key);
      this.#sql.spanDone.run(tier, span.lastSeq);
      this.#gathered = undefined;
      return 0;
    }
    this.#blockId = block.id;
    const records = this.#parts.blocks.records(block.id, span);
    const bySeq = new Map(records.map((record) => [record.seq, record]));
    const goneRows: ChangeRow[] = [];
    for (const part of this.#partsOf(span, block, gathered))
      goneRows.push(...this.#thin(part, { span, tier, evidence, records: bySeq }));
    this.#letGo(goneRows);
    if (bySeq.size === 0 && tier >= STATISTICS) this.#parts.blocks.remove(block.id);
    else {
      this.#parts.blocks.rewrite(block.id, [...bySeq.values()]);
      this.#sql.blockDone.run(tier, block.id);
    }
    return goneRows.length;
  }

  /** The changes whose place is a block, by life, whether they have a record or not. */
  #partsOf(span: SpanRow, block: BlockRow, gathered: Gathered): Part[] {
    const { log } = this.#parts;
    const isFirst = this.#sql.firstBlock.get(span.key) === block.id;
    const next = this.#sql.nextBlock.get(span.key, block.namespaceId, block.resourceId, block.lifeId, block.seq);
    const parts: Part[] = [];
    const isOutside = (last: Place, first: Place) =>
      (!isFirst && compareByPlace(last, block) < 0) || (next !== undefined && compareByPlace(first, next) >= 0);
    const { inOrder } = gathered;
    const lastPlace = ({ life, seqs }: OfLife) => placeIn(span, life, seqs.at(-1) as number);
    for (
      let at = isFirst ? 0 : firstIndex(inOrder, (one) => compareByPlace(lastPlace(one), block) >= 0);
      at < inOrder.length;
      at++
    ) {
      const { life, seqs } = inOrder[at] as OfLife;
      const placeOf = (seq: number) => placeIn(span, life, seq);
      if (isOutside(placeOf(seqs.at(-1) as number), placeOf(seqs[0] as number))) break;
      const rows = seqs.flatMap((seq) => {
        const row = isOutside(placeOf(seq), placeOf(seq)) ? undefined : log.row(seq);
        return row === undefined ? [] : [row];
      });
      if (rows.length > 0) parts.push({ life, rows });
    }
    return parts;
  }

  /** Keeps of a part what its tier keeps, sees to records and links, and returns what is to be let go of. */
  #thin({ life, rows }: Part, { span, tier, evidence, records }: Thinning): ChangeRow[] {
    const { objects } = this.#parts;
    const head = objects.newestChange(life.objectId);
    if (head === undefined) throw corruptRecord('an object has no head', `object ${life.objectId}`);
    const wanted = tier === CHECKPOINTS ? checkpointsOf(rows, evidence) : evidenceOf(rows, evidence);
    const last = rows.at(-1) as ChangeRow;
    let next: { seq: number | undefined } | undefined;
    const after = () => {
      next ??= { seq: this.#nextChanges.after(last.seq, life.id, span.lastSeq) ?? this.#parts.log.successor(head, last.seq) };
      return next.seq;
    };
    if (tier >= STATISTICS && (last.seq === head ? !isGone(last) || this.#hasOlder(rows, wanted) : this.#isBuiltOn(last, after)))
      wanted.add(last.seq);
    const { kept, gone } = planOf(rows, wanted);
    if (gone.length === 0 && kept.every(({ record }) => record === 'same')) return [];
    // States have to be built before anything that they are built from goes.
    const written = kept.map((one, i) => this.#recordOf(one, kept[i - 1]));
    for (const { seq } of gone) records.delete(seq);
    let before = this.#beforeOf(rows[0] as ChangeRow);
    for (const [i, { row, folds }] of kept.entries()) {
      const text = written[i];
      if (text !== undefined) records.set(row.seq, { text: text.text, ...placeIn(span, life, row.seq) });
      const flags = (text === undefined ? row.flags : withRecordShape(row.flags, text.shape)) | (folds ? CHECKPOINT_BIT : 0);
      const previous = before === undefined ? null : row.seq - before;
      if (flags !== row.flags || previous !== row.previous) this.#sql.update.run(flags, previous, row.seq);
      before = row.seq;
    }
    if (before !== last.seq && head !== last.seq) this.#relink(after(), before);
    return gone;
  }

  /** The change before a part. Read anew: an earlier life of the object, thinned just now, may have moved the link. */
  #beforeOf(first: ChangeRow): number | undefined {
    const { log } = this.#parts;
    const previous = log.row(first.seq)?.previous ?? null;
    if (previous === null || log.row(first.seq - previous) === undefined) return undefined;
    return first.seq - previous;
  }

  /** Whether anything stays before the last change of a part: an object is known for as long as something of it is kept. */
  #hasOlder(rows: readonly ChangeRow[], wanted: ReadonlySet<number>): boolean {
    return wanted.size > 0 || this.#beforeOf(rows[0] as ChangeRow) !== undefined;
  }

  /**
   * Whether the next change of the object needs this one: where all changes are kept, as what it changed and what there was as their time began, and where a
   * finding rests on it, as what it changed.
   */
  #isBuiltOn(row: ChangeRow, next: () => number | undefined): boolean {
    if (isGone(row)) return false;
    const { log, evidence } = this.#parts;
    const after = next();
    if (after === undefined) return false;
    if (this.#spans.tierOf(after) === ALL) return true;
    const ms = log.row(after)?.observedMs;
    return ms !== undefined && evidence(ms, ms).includes(after);
  }

  /** The change after a run of which the end may be gone: what comes before it now. */
  #relink(after: number | undefined, before: number | undefined): void {
    if (after !== undefined) this.#sql.relink.run(before === undefined ? null : after - before, after);
  }

  #recordOf(
    { row, record }: KeptChange,
    before: KeptChange | undefined,
  ): { shape: 'full' | 'patch' | 'none'; text: string } | undefined {
    if (record === 'same') return undefined;
    const { revisions } = this.#parts;
    const state = revisions.state(row);
    const columns = { resourceVersion: decodeResourceVersion(row.rv), generation: row.generation ?? undefined };
    if (record === 'patch' && before !== undefined) {
      const text = encodePatch(bareOf(revisions.state(before.row)), bareOf(state), state, columns);
      if (text !== undefined) return { shape: 'patch', text };
    }
    return { shape: 'full', text: encodeFull(bareOf(state), state, columns) };
  }

  #letGo(rows: readonly ChangeRow[]): void {
    if (rows.length === 0) return;
    const { objects, postings } = this.#parts;
    const seqs = JSON.stringify(rows.map(({ seq }) => seq));
    this.#sql.count.run(seqs);
    postings.remove(rows.map(({ seq }) => seq));
    this.#parts.containment.write('attribution', () => void this.#sql.deleteAttributions.run(seqs), undefined);
    this.#sql.delete.run(seqs);
    this.#parts.released(rows.length);
    for (const row of rows) {
      const life = isGone(row) ? objects.life(row.lifeId) : undefined;
      if (life === undefined || objects.newestChange(life.objectId) !== row.seq) continue;
      objects.remove(life);
      this.#parts.blocks.livesGone();
    }
  }

  #evidence({ msMin, msMax, firstSeq, lastSeq }: SpanRow): ReadonlySet<number> {
    const named = this.#parts.evidence(msMin, msMax).filter((seq) => seq >= firstSeq && seq <= lastSeq);
    return new Set(named.slice(0, Math.ceil((lastSeq - firstSeq + 1) * this.#options.evidenceShare)));
  }
}

/** The place of the first entry that passes; behind it all do. */
function firstIndex<T>(entries: readonly T[], passes: (entry: T) => boolean): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(entries[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function isGone(row: ChangeRow | undefined): boolean {
  return row !== undefined && decodeFlags(row.flags).type === 'DELETED';
}
