/**
 * Metric samples: a row per scrape while young, columns of a run of scrapes later (sample-codec), rolled up by run (rollups). The names of
 * series are kept apart (series-names).
 */
import type Database from 'better-sqlite3';
import type { Scrape } from '../../domain/series/series.ts';
import { blocksBefore, type SampleTier, type SeriesBlocks } from '../series-retention.ts';
import type { PlacedSample, Reject, SeriesData, SeriesQuery, WindowQuery, WindowResult } from '../store.ts';
import { corruptRecord } from '../store-errors.ts';
import { RollupTable } from './rollups.ts';
import { decodeRun, decodeScrape, encodeRun, encodeScrape, type StoredSample, type StoredScrape } from './sample-codec.ts';
import { SeriesNames } from './series-names.ts';
import { readWindows } from './series-windows.ts';

export interface SeriesOptions {
  /** Scrapes are sealed in runs of at least so many samples… */
  samplesPerRun: number;
  /** …and of so many scrapes of each target on the average, so that a series' values lie beside each other, … */
  scrapesPerRun: number;
  /** …but of no more samples than this, so that sealing and reading stay short. */
  samplesPerRunMax: number;
  /** Rollups are put together up to so many compressed bytes, so that it is short work. */
  mergeBytesMax: number;
  /** Samples of series beyond this many are dropped, and counted. */
  seriesMax: number;
}

export const SERIES_DEFAULTS: SeriesOptions = {
  samplesPerRun: 50_000,
  scrapesPerRun: 240,
  samplesPerRunMax: 400_000,
  mergeBytesMax: 200_000,
  seriesMax: 200_000,
};

const COMPRESSION_LEVEL = 9;
/** Targets of which it is said that samples were dropped. */
const NAMED_TARGETS_MAX = 1_000;
/** Scrapes read in one go. */
const CHUNK = 64;

interface RunRow {
  firstScrape: number;
  lastScrape: number;
  msMin: number;
  msMax: number;
  data: Buffer;
}

interface ScrapeRow {
  id: number;
  targetId: number;
  tsMs: number;
  data: Buffer;
}

export class SeriesTable {
  readonly #db: Database.Database;
  readonly #options: SeriesOptions;
  readonly #names: SeriesNames;
  readonly #rollups: RollupTable;
  /** Targets whose dropped samples were named since the start. */
  readonly #namedTargets = new Set<string>();
  /** The newest scrape, kept by the store that writes: each batch of changes asks what came beside it. */
  #newest: number | undefined;
  readonly #sql;

  constructor(db: Database.Database, options: SeriesOptions) {
    this.#db = db;
    this.#options = options;
    this.#names = new SeriesNames(db, options.seriesMax);
    this.#rollups = new RollupTable(db, options.mergeBytesMax);
    const run =
      'first_scrape AS firstScrape, last_scrape AS lastScrape, ms_min AS msMin, ms_max AS msMax, data FROM scrape_block';
    const scrape = 'id, target_id AS targetId, ts_ms AS tsMs, data FROM open_scrape';
    this.#sql = {
      target: db.prepare<[string, string], number>('SELECT id FROM target WHERE cluster = ? AND name = ?').pluck(),
      targetAdd: db.prepare<[string, string]>('INSERT INTO target (cluster, name) VALUES (?, ?)'),
      newest: db
        .prepare<[], number>(
          `SELECT max(coalesce((SELECT max(id) FROM open_scrape), 0), coalesce((SELECT max(last_scrape) FROM scrape_block), 0),
             coalesce((SELECT max(through) FROM rollup_progress), 0))`,
        )
        .pluck(),
      append: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO open_scrape (id, target_id, ts_ms, samples, data) VALUES (?, ?, ?, ?, ?)',
      ),
      sizes: db.prepare<[], { id: number; targetId: number; samples: number }>(
        'SELECT id, target_id AS targetId, samples FROM open_scrape ORDER BY id',
      ),
      openThrough: db.prepare<[number], ScrapeRow>(`SELECT ${scrape} WHERE id <= ? ORDER BY id`),
      openDelete: db.prepare<[number]>('DELETE FROM open_scrape WHERE id <= ?'),
      openAfter: db.prepare<[number, number], ScrapeRow>(`SELECT ${scrape} WHERE id > ? ORDER BY id LIMIT ?`),
      openAll: db.prepare<[number, number], ScrapeRow>(`SELECT ${scrape} WHERE ts_ms BETWEEN ? AND ? ORDER BY id`),
      openBetween: db.prepare<[number, number], ScrapeRow>(`SELECT ${scrape} WHERE ts_ms BETWEEN ? AND ?`),
      seal: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO scrape_block (first_scrape, last_scrape, ms_min, ms_max, data) VALUES (?, ?, ?, ?, ?)',
      ),
      blockAfter: db.prepare<[number], { data: Buffer }>(
        'SELECT data FROM scrape_block WHERE last_scrape > ? ORDER BY last_scrape LIMIT 1',
      ),
      runAfter: db.prepare<[number], RunRow>(`SELECT ${run} WHERE last_scrape > ? ORDER BY last_scrape LIMIT 1`),
      runsBetween: db.prepare<[number, number, number], RunRow>(
        `SELECT ${run} WHERE last_scrape > ? AND ms_max >= ? AND ms_min <= ? ORDER BY last_scrape`,
      ),
      runs: db.prepare<[], SeriesBlocks>(
        'SELECT last_scrape AS id, last_scrape AS lastScrape, ms_min AS msMin, ms_max AS msMax, length(data) AS bytes FROM scrape_block ORDER BY last_scrape',
      ),
      begins: db
        .prepare<[], number | null>(
          'SELECT min(ms) FROM (SELECT min(ms_min) AS ms FROM scrape_block UNION ALL SELECT min(ts_ms) FROM open_scrape)',
        )
        .pluck(),
      runDelete: db.prepare<[number]>('DELETE FROM scrape_block WHERE last_scrape = ?'),
      blocksBetween: db.prepare<[number, number], { data: Buffer }>(
        'SELECT data FROM scrape_block WHERE ms_max >= ? AND ms_min <= ?',
      ),
    };
  }

  forget(): void {
    this.#newest = undefined;
    this.#names.forget();
  }

  /** Returns how many samples it stored and dropped. Of a series that is on a page twice the first sample counts. */
  append(scrape: Scrape): { stored: number; dropped: number; reject?: Reject } {
    const samples: StoredSample[] = [];
    let dropped = 0;
    for (const { metric, labels, value, stale } of scrape.samples) {
      const seriesId = this.#names.idFor(scrape.cluster, metric, labels);
      if (seriesId === undefined) dropped += 1;
      else samples.push(stale ? { seriesId, value: Number.NaN, stale } : { seriesId, value });
    }
    samples.sort((a, b) => a.seriesId - b.seriesId);
    const once = samples.filter(({ seriesId }, i) => i === 0 || samples[i - 1]?.seriesId !== seriesId);
    if (once.length > 0) {
      const id = this.#newestId() + 1;
      this.#sql.append.run(id, this.#targetId(scrape), scrape.tsMs, once.length, encodeScrape(once));
      this.#newest = id;
    }
    return { stored: once.length, dropped, ...(dropped === 0 ? {} : this.#rejectOnce(scrape, dropped)) };
  }

  #rejectOnce({ cluster, target, tsMs }: Scrape, dropped: number): { reject?: Reject } {
    const key = `${cluster} ${target}`;
    if (this.#namedTargets.has(key) || this.#namedTargets.size >= NAMED_TARGETS_MAX) return {};
    this.#namedTargets.add(key);
    const what = `${dropped} samples of new series are dropped: there are ${this.#options.seriesMax} series already`;
    return { reject: { cluster, code: 'SERIES_LIMIT', where: target, what, observedMs: tsMs } };
  }

  #newestId(): number {
    const newest = this.#newest ?? this.#sql.newest.get() ?? 0;
    if (!this.#db.readonly) this.#newest = newest;
    return newest;
  }

  seriesCount(): number {
    return this.#names.count();
  }

  /** Whole scrapes after a position, at least one where there is one, then as many as `limit` samples hold. */
  after(position: number, limit: number): { position: number; samples: PlacedSample[] } {
    const samples: PlacedSample[] = [];
    if (position >= this.#newestId()) return { position, samples };
    let reached = position;
    for (const scrape of this.#scrapesAfter(position)) {
      if (samples.length > 0 && samples.length + scrape.samples.length > limit) break;
      for (const { seriesId, value, stale } of scrape.samples) {
        if (!stale) samples.push({ key: this.#names.key(seriesId), tsMs: scrape.tsMs, value, position: scrape.id });
      }
      reached = scrape.id;
    }
    return { position: reached, samples };
  }

  query(query: SeriesQuery): SeriesData[] {
    const wanted = new Map<number, SeriesData>();
    for (const { id, ...key } of this.#names.select(query.metric)) {
      if (wanted.size >= query.limit) break;
      if (query.cluster !== undefined && query.cluster !== key.cluster) continue;
      if (!Object.entries(query.labels ?? {}).every(([name, value]) => key.labels[name] === value)) continue;
      wanted.set(id, { ...key, samples: [] });
    }
    if (wanted.size === 0) return [];
    const ids = new Set(wanted.keys());
    for (const { data } of this.#sql.blocksBetween.all(query.fromMs, query.toMs)) {
      for (const scrape of decodeSealed(data, ids)) collect(scrape, wanted, query);
    }
    for (const row of this.#sql.openBetween.all(query.fromMs, query.toMs)) collect(scrapeOf(row), wanted, query);
    for (const { samples } of wanted.values()) samples.sort(([a], [b]) => a - b);
    return [...wanted.values()];
  }

  /** What each series comes to in each step of a time. */
  windows(query: WindowQuery): WindowResult {
    return readWindows(query, {
      names: this.#names,
      rollups: this.#rollups,
      begins: (tier) => this.#begins(tier),
      runs: (after, fromMs, toMs) => this.#runsBetween(after, fromMs, toMs),
      open: (fromMs, toMs) => this.#sql.openAll.all(fromMs, toMs).map(scrapeOf),
      decodeRun: decodeSealed,
    });
  }

  #begins(tier: SampleTier): number | undefined {
    if (tier !== 'raw') return this.#rollups.begins(tier === '5m' ? 1 : 2);
    return this.#sql.begins.get() ?? undefined;
  }

  *#runsBetween(after: number, fromMs: number, toMs: number): Generator<Buffer> {
    for (const { data } of this.#sql.runsBetween.iterate(after, fromMs, toMs)) yield data;
  }

  /** Seals full runs, and takes a step of rolling up; a transaction each. True when anything was done. */
  maintain(): boolean {
    const { samplesPerRun, scrapesPerRun, samplesPerRunMax } = this.#options;
    let [samples, scrapes] = [0, 0];
    let targets = new Set<number>();
    let worked = false;
    for (const { id, targetId, samples: more } of this.#sql.sizes.all()) {
      samples += more;
      scrapes += 1;
      targets.add(targetId);
      const isFull = samples >= samplesPerRun && scrapes >= scrapesPerRun * targets.size;
      if (!isFull && samples < samplesPerRunMax) continue;
      this.#seal(id);
      [samples, scrapes, targets, worked] = [0, 0, new Set(), true];
    }
    return this.#rollUpNext() || this.#rollups.merge() || worked;
  }

  #rollUpNext(): boolean {
    const run = this.#sql.runAfter.get(this.#rollups.through(1));
    if (run === undefined) return false;
    let scrapes: StoredScrape[];
    try {
      scrapes = decodeRun(run.data);
    } catch {
      // Whoever reads it is told; it must not hold up what came after.
      this.#rollups.pass(run.lastScrape);
      return true;
    }
    this.#rollups.add(scrapes, run);
    return true;
  }

  /** How much each tier holds, by block; the oldest first. */
  blocks(tier: SampleTier): SeriesBlocks[] {
    return tier === 'raw' ? this.#sql.runs.all() : this.#rollups.blocks(tier === '5m' ? 1 : 2);
  }

  /**
   * Deletes the oldest blocks of a tier that end before a time, at most `blocksMax` of them: a small batch. Of raw samples only what is
   * rolled up and not after `throughScrape` (where analysis is). Returns how many are gone; fewer than `blocksMax` when there are no more.
   */
  deleteBefore(tier: SampleTier, beforeMs: number, blocksMax: number, throughScrape = Number.MAX_SAFE_INTEGER): number {
    const covered =
      tier === 'raw' ? this.#rollups.through(1) : tier === '5m' ? this.#rollups.through(2) : Number.MAX_SAFE_INTEGER;
    const last = tier === 'raw' ? Math.min(covered, throughScrape) : covered;
    const doomed = blocksBefore(this.blocks(tier), { beforeMs, blocksMax, lastScrape: last });
    this.#db.transaction(() => {
      for (const { id } of doomed) {
        if (tier === 'raw') this.#sql.runDelete.run(id);
        else this.#rollups.delete(id);
      }
    })();
    return doomed.length;
  }

  /** Forgets at most `limit` names of series of which no sample and no rollup is left; reads all rollups of an hour for it. */
  forgetUnused(limit: number): number {
    const used = new Set(this.#rollups.seriesIds());
    for (const { samples } of this.#scrapesAfter(this.#rollups.through(1)))
      for (const { seriesId } of samples) used.add(seriesId);
    return this.#names.deleteUnused(used, limit);
  }

  #seal(lastId: number): void {
    this.#db.transaction(() => {
      const scrapes = this.#sql.openThrough.all(lastId).map(scrapeOf);
      const times = scrapes.map(({ tsMs }) => tsMs);
      const data = encodeRun(scrapes, COMPRESSION_LEVEL);
      this.#sql.seal.run(scrapes[0]?.id ?? lastId, lastId, Math.min(...times), Math.max(...times), data);
      this.#sql.openDelete.run(lastId);
    })();
  }

  *#scrapesAfter(position: number): Generator<StoredScrape> {
    let reached = position;
    for (;;) {
      const block = this.#sql.blockAfter.get(reached);
      if (block === undefined) break;
      for (const scrape of decodeSealed(block.data)) {
        if (scrape.id <= reached) continue;
        yield scrape;
        reached = scrape.id;
      }
    }
    for (;;) {
      const rows = this.#sql.openAfter.all(reached, CHUNK);
      for (const row of rows) yield scrapeOf(row);
      if (rows.length < CHUNK) return;
      reached = rows.at(-1)?.id ?? reached;
    }
  }

  #targetId(scrape: Scrape): number {
    const known = this.#sql.target.get(scrape.cluster, scrape.target);
    return known ?? Number(this.#sql.targetAdd.run(scrape.cluster, scrape.target).lastInsertRowid);
  }
}

function scrapeOf({ id, targetId, tsMs, data }: ScrapeRow): StoredScrape {
  return { id, targetId, tsMs, samples: decodeScrape(data) };
}

function decodeSealed(data: Buffer, only?: ReadonlySet<number>): StoredScrape[] {
  try {
    return decodeRun(data, only);
  } catch (error) {
    throw corruptRecord('a block of samples is damaged', 'scrape_block', error);
  }
}

function collect(scrape: { tsMs: number; samples: StoredSample[] }, wanted: Map<number, SeriesData>, query: SeriesQuery): void {
  if (scrape.tsMs < query.fromMs || scrape.tsMs > query.toMs) return;
  for (const { seriesId, value, stale } of scrape.samples) {
    if (!stale) wanted.get(seriesId)?.samples.push([scrape.tsMs, value]);
  }
}
