/** Metric samples: a row per scrape while young, columns of a run of scrapes later (sample-codec). */
import type Database from 'better-sqlite3';
import { Recent } from '../domain/recent.ts';
import type { Sample, Scrape, SeriesKey } from '../domain/series.ts';
import { decodeRun, decodeScrape, encodeRun, encodeScrape, type StoredSample, type StoredScrape } from './sample-codec.ts';
import type { SeriesData, SeriesQuery } from './store.ts';
import { corruptRecord } from './store-errors.ts';

export interface SeriesOptions {
  /** Scrapes are sealed in runs once their samples are this many. */
  samplesPerRun: number;
}

export const SERIES_DEFAULTS: SeriesOptions = { samplesPerRun: 50_000 };

const COMPRESSION_LEVEL = 9;
/** Scrapes read in one go. */
const CHUNK = 64;

interface ScrapeRow {
  id: number;
  targetId: number;
  tsMs: number;
  data: Buffer;
}

export class SeriesTable {
  readonly #db: Database.Database;
  readonly #options: SeriesOptions;
  readonly #ids = new Recent<string, number>(100_000);
  readonly #keys = new Recent<number, SeriesKey>(100_000);
  readonly #sql;

  constructor(db: Database.Database, options: SeriesOptions) {
    this.#db = db;
    this.#options = options;
    const scrape = 'id, target_id AS targetId, ts_ms AS tsMs, data FROM open_scrape';
    this.#sql = {
      find: db
        .prepare<[string, string, string], number>('SELECT id FROM series WHERE metric = ? AND cluster = ? AND labels = ?')
        .pluck(),
      add: db.prepare<[string, string, string]>('INSERT INTO series (metric, cluster, labels) VALUES (?, ?, ?)'),
      key: db.prepare<[number], KeyRow>('SELECT cluster, metric, labels FROM series WHERE id = ?'),
      all: db.prepare<[], KeyRow & { id: number }>('SELECT id, cluster, metric, labels FROM series ORDER BY id'),
      ofMetric: db.prepare<[string], KeyRow & { id: number }>(
        'SELECT id, cluster, metric, labels FROM series WHERE metric = ? ORDER BY id',
      ),
      target: db.prepare<[string, string], number>('SELECT id FROM target WHERE cluster = ? AND name = ?').pluck(),
      targetAdd: db.prepare<[string, string]>('INSERT INTO target (cluster, name) VALUES (?, ?)'),
      newest: db
        .prepare<[], number>(
          'SELECT max(coalesce((SELECT max(id) FROM open_scrape), 0), coalesce((SELECT max(last_scrape) FROM scrape_block), 0))',
        )
        .pluck(),
      append: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO open_scrape (id, target_id, ts_ms, samples, data) VALUES (?, ?, ?, ?, ?)',
      ),
      sizes: db.prepare<[], { id: number; samples: number }>('SELECT id, samples FROM open_scrape ORDER BY id'),
      openThrough: db.prepare<[number], ScrapeRow>(`SELECT ${scrape} WHERE id <= ? ORDER BY id`),
      openDelete: db.prepare<[number]>('DELETE FROM open_scrape WHERE id <= ?'),
      openAfter: db.prepare<[number, number], ScrapeRow>(`SELECT ${scrape} WHERE id > ? ORDER BY id LIMIT ?`),
      openBetween: db.prepare<[number, number], ScrapeRow>(`SELECT ${scrape} WHERE ts_ms BETWEEN ? AND ?`),
      seal: db.prepare<[number, number, number, number, Buffer]>(
        'INSERT INTO scrape_block (first_scrape, last_scrape, ms_min, ms_max, data) VALUES (?, ?, ?, ?, ?)',
      ),
      blockAfter: db.prepare<[number], { data: Buffer }>(
        'SELECT data FROM scrape_block WHERE last_scrape > ? ORDER BY last_scrape LIMIT 1',
      ),
      blocksBetween: db.prepare<[number, number], { data: Buffer }>(
        'SELECT data FROM scrape_block WHERE ms_max >= ? AND ms_min <= ?',
      ),
    };
  }

  forget(): void {
    this.#ids.clear();
    this.#keys.clear();
  }

  /** Returns how many samples it stored. */
  append(scrape: Scrape): number {
    if (scrape.samples.length === 0) return 0;
    const samples = scrape.samples.map(({ metric, labels, value }) => ({
      seriesId: this.#seriesId(scrape.cluster, metric, labels),
      value,
    }));
    samples.sort((a, b) => a.seriesId - b.seriesId);
    const id = (this.#sql.newest.get() ?? 0) + 1;
    this.#sql.append.run(...[id, this.#targetId(scrape), scrape.tsMs, samples.length], encodeScrape(samples));
    return samples.length;
  }

  /** Whole scrapes after a position, at least one where there is one, then as many as `limit` samples hold. */
  after(position: number, limit: number): { position: number; samples: Sample[] } {
    const samples: Sample[] = [];
    let reached = position;
    for (const scrape of this.#scrapesAfter(position)) {
      if (samples.length > 0 && samples.length + scrape.samples.length > limit) break;
      for (const { seriesId, value } of scrape.samples) samples.push({ key: this.#key(seriesId), tsMs: scrape.tsMs, value });
      reached = scrape.id;
    }
    return { position: reached, samples };
  }

  query(query: SeriesQuery): SeriesData[] {
    const wanted = new Map<number, SeriesData>();
    for (const row of query.metric === undefined ? this.#sql.all.all() : this.#sql.ofMetric.all(query.metric)) {
      if (wanted.size >= query.limit) break;
      const { cluster, metric, labels } = keyOf(row);
      if (query.cluster !== undefined && query.cluster !== cluster) continue;
      if (!Object.entries(query.labels ?? {}).every(([name, value]) => labels[name] === value)) continue;
      wanted.set(row.id, { cluster, metric, labels, samples: [] });
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

  /** Seals full runs, a transaction each. True when anything was done. */
  maintain(): boolean {
    let samples = 0;
    let worked = false;
    for (const { id, samples: more } of this.#sql.sizes.all()) {
      samples += more;
      if (samples < this.#options.samplesPerRun) continue;
      this.#seal(id);
      samples = 0;
      worked = true;
    }
    return worked;
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

  #seriesId(cluster: string, metric: string, labels: Record<string, string>): number {
    const text = JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
    const key = `${cluster}\0${metric}\0${text}`;
    let id = this.#ids.get(key) ?? this.#sql.find.get(metric, cluster, text);
    if (id === undefined) id = Number(this.#sql.add.run(metric, cluster, text).lastInsertRowid);
    this.#ids.set(key, id);
    return id;
  }

  #key(id: number): SeriesKey {
    let key = this.#keys.get(id);
    if (key === undefined) {
      const row = this.#sql.key.get(id);
      if (row === undefined) throw corruptRecord('samples belong to no series', `series ${id}`);
      key = keyOf(row);
      this.#keys.set(id, key);
    }
    return key;
  }

  #targetId(scrape: Scrape): number {
    const known = this.#sql.target.get(scrape.cluster, scrape.target);
    return known ?? Number(this.#sql.targetAdd.run(scrape.cluster, scrape.target).lastInsertRowid);
  }
}

interface KeyRow {
  cluster: string;
  metric: string;
  labels: string;
}

function keyOf({ cluster, metric, labels }: KeyRow): SeriesKey {
  return { cluster, metric, labels: JSON.parse(labels) as Record<string, string> };
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
  for (const { seriesId, value } of scrape.samples) wanted.get(seriesId)?.samples.push([scrape.tsMs, value]);
}
