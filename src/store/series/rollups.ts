/** The rollups of samples by tier: made from sealed runs of scrapes, a run at a time, and put together as they become many. */
import type Database from 'better-sqlite3';
import { corruptRecord } from '../store-errors.ts';
import { decodeRollups, encodeRollups, joinRollups, type Rollups, rollUp, seriesOfRollups } from './rollup-codec.ts';
import type { StoredScrape } from './sample-codec.ts';

const MINUTE_MS = 60_000;
/** How long a span of a tier is. */
export const SPAN_MS = { 1: 5 * MINUTE_MS, 2: 60 * MINUTE_MS } as const;
export type RollupTier = keyof typeof SPAN_MS;

/** So many rollups of one level become one of the next, unless they are large. */
const PER_MERGE = 8;
const LEVEL_MAX = 2;
const COMPRESSION_LEVEL = 9;
/** What is put together for good is compressed harder, as it is read for long. */
const MERGED_COMPRESSION_LEVEL = 15;

interface RollupRow {
  id: number;
  firstScrape: number;
  lastScrape: number;
  msMin: number;
  msMax: number;
  data: Buffer;
}

export interface RollupBlock {
  lastScrape: number;
  msMin: number;
  msMax: number;
  bytes: number;
}

export class RollupTable {
  readonly #db: Database.Database;
  readonly #mergeBytesMax: number;
  readonly #sql;

  constructor(db: Database.Database, mergeBytesMax: number) {
    this.#db = db;
    this.#mergeBytesMax = mergeBytesMax;
    const columns = 'id, first_scrape AS firstScrape, last_scrape AS lastScrape, ms_min AS msMin, ms_max AS msMax, data';
    this.#sql = {
      through: db.prepare<[number], number>('SELECT through FROM rollup_progress WHERE tier = ?').pluck(),
      setThrough: db.prepare<[number, number]>('INSERT OR REPLACE INTO rollup_progress (tier, through) VALUES (?, ?)'),
      add: db.prepare<[number, number, number, number, number, number, Buffer]>(
        'INSERT INTO rollup (tier, level, first_scrape, last_scrape, ms_min, ms_max, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ),
      level: db.prepare<[number], { level: number }>(
        `SELECT level FROM rollup WHERE tier = ? AND level < ${LEVEL_MAX} GROUP BY level HAVING count(*) >= ${PER_MERGE} ORDER BY level`,
      ),
      oldest: db.prepare<[number, number, number], RollupRow>(
        `SELECT ${columns} FROM rollup WHERE tier = ? AND level = ? ORDER BY last_scrape LIMIT ?`,
      ),
      setAside: db.prepare<[number]>(`UPDATE rollup SET level = ${LEVEL_MAX + 1} WHERE id = ?`),
      delete: db.prepare<[number]>('DELETE FROM rollup WHERE id = ?'),
      between: db.prepare<[number, number, number, number], RollupRow>(
        `SELECT ${columns} FROM rollup WHERE tier = ? AND last_scrape > ? AND ms_max >= ? AND ms_min <= ? ORDER BY last_scrape`,
      ),
      blocks: db.prepare<[number], RollupBlock & { id: number }>(
        `SELECT id, last_scrape AS lastScrape, ms_min AS msMin, ms_max AS msMax, length(data) AS bytes FROM rollup
         WHERE tier = ? ORDER BY last_scrape`,
      ),
      begins: db.prepare<[number], number | null>('SELECT min(ms_min) FROM rollup WHERE tier = ?').pluck(),
      ofTier: db.prepare<[number, number], RollupRow>(
        `SELECT ${columns} FROM rollup WHERE tier = ? AND last_scrape > ? ORDER BY last_scrape`,
      ),
    };
  }

  /** Leaves out a run that cannot be read. */
  pass(lastScrape: number): void {
    this.#sql.setThrough.run(1, lastScrape);
  }

  /** Up to which scrape the tier covers what was recorded. */
  through(tier: RollupTier): number {
    return this.#sql.through.get(tier) ?? 0;
  }

  /** Rolls up a sealed run, the next one after `through(1)`. */
  add(scrapes: readonly StoredScrape[], run: { firstScrape: number; lastScrape: number; msMin: number; msMax: number }): void {
    const data = encodeRollups(rollUp(scrapes, SPAN_MS[1]), COMPRESSION_LEVEL);
    this.#db.transaction(() => {
      this.#sql.add.run(1, 0, run.firstScrape, run.lastScrape, run.msMin, run.msMax, data);
      this.#sql.setThrough.run(1, run.lastScrape);
    })();
  }

  /** Puts rollups of a level together, eight or as many as are short work, once there are eight. True when it did. */
  merge(): boolean {
    for (const tier of [1, 2] as const) {
      const level = this.#sql.level.get(tier)?.level;
      if (level === undefined) continue;
      this.#merge(tier, level);
      return true;
    }
    return false;
  }

  /** The first merge of five-minute rollups makes those of an hour too, as their samples are at hand. */
  #merge(tier: RollupTier, level: number): void {
    this.#db.transaction(() => {
      const rows = this.#fewEnough(this.#sql.oldest.all(tier, level, PER_MERGE));
      // Large ones stay as they are, but for the first level: its hours are wanted.
      if (rows.length === 1 && level > 0) return void this.#sql.setAside.run((rows[0] as RollupRow).id);
      const damaged = rows.filter((row) => !isReadable(row));
      // Left alone and out of the way: a question that needs it is told, all others are answered.
      for (const { id } of damaged) this.#sql.setAside.run(id);
      if (damaged.length > 0) return;
      const joined: Rollups = new Map();
      for (const row of rows) joinRollups(joined, decoded(row));
      for (const { id } of rows) this.#sql.delete.run(id);
      this.#insert(tier, level + 1, rows, joined);
      if (tier !== 1 || level !== 0) return;
      const hours: Rollups = new Map();
      joinRollups(hours, joined, SPAN_MS[2] / SPAN_MS[1]);
      this.#insert(2, 0, rows, hours);
      this.#sql.setThrough.run(2, (rows.at(-1) as RollupRow).lastScrape);
    })();
  }

  /** The first ones that are short work together, one at least. */
  #fewEnough(rows: RollupRow[]): RollupRow[] {
    let bytes = 0;
    return rows.filter(({ data }, i) => {
      bytes += data.length;
      return i === 0 || bytes <= this.#mergeBytesMax;
    });
  }

  #insert(tier: RollupTier, level: number, rows: readonly RollupRow[], rollups: Rollups): void {
    const [first, last] = [rows[0] as RollupRow, rows.at(-1) as RollupRow];
    const [msMin, msMax] = [Math.min(...rows.map((row) => row.msMin)), Math.max(...rows.map((row) => row.msMax))];
    const data = encodeRollups(rollups, MERGED_COMPRESSION_LEVEL);
    this.#sql.add.run(tier, level, first.firstScrape, last.lastScrape, msMin, msMax, data);
  }

  /** Rollups of some series that may tell of the time, in the order in which their samples came, of scrapes after `afterScrape`. */
  *between(tier: RollupTier, afterScrape: number, fromMs: number, toMs: number, only: ReadonlySet<number>): Generator<Rollups> {
    for (const row of this.#sql.between.iterate(tier, afterScrape, fromMs, toMs)) yield decoded(row, only);
  }

  begins(tier: RollupTier): number | undefined {
    return this.#sql.begins.get(tier) ?? undefined;
  }

  blocks(tier: RollupTier): (RollupBlock & { id: number })[] {
    return this.#sql.blocks.all(tier);
  }

  delete(id: number): void {
    this.#sql.delete.run(id);
  }

  /** All series that a rollup tells of: those of an hour, then what these do not cover yet. */
  *seriesIds(): Generator<number> {
    for (const row of this.#sql.ofTier.iterate(2, 0)) yield* headsOf(row);
    for (const row of this.#sql.ofTier.iterate(1, 0)) yield* headsOf(row);
  }
}

function decoded({ id, data }: RollupRow, only?: ReadonlySet<number>): Rollups {
  try {
    return decodeRollups(data, only);
  } catch (error) {
    throw corruptRecord('a block of rollups is damaged', `rollup ${id}`, error);
  }
}

function isReadable({ data }: RollupRow): boolean {
  try {
    seriesOfRollups(data);
    return true;
  } catch {
    return false;
  }
}

function headsOf({ id, data }: RollupRow): number[] {
  try {
    return seriesOfRollups(data);
  } catch (error) {
    throw corruptRecord('a block of rollups is damaged', `rollup ${id}`, error);
  }
}
