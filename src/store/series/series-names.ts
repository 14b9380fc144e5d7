/** The names of series and the numbers they have in the file. */
import type Database from 'better-sqlite3';
import { Recent } from '../../domain/recent.ts';
import type { SeriesKey } from '../../domain/series/series.ts';
import { corruptRecord } from '../store-errors.ts';

const CACHED_MAX = 100_000;

interface KeyRow {
  cluster: string;
  metric: string;
  labels: string;
}

export class SeriesNames {
  readonly #seriesMax: number;
  readonly #ids = new Recent<string, number>(CACHED_MAX);
  readonly #keys = new Recent<number, SeriesKey>(CACHED_MAX);
  #count: number | undefined;
  readonly #sql;

  constructor(db: Database.Database, seriesMax: number) {
    this.#seriesMax = seriesMax;
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
      metrics: db.prepare<[], string>('SELECT DISTINCT metric FROM series ORDER BY metric').pluck(),
      count: db.prepare<[], number>('SELECT count(*) FROM series').pluck(),
      ids: db.prepare<[], number>('SELECT id FROM series ORDER BY id').pluck(),
      delete: db.prepare<[number]>('DELETE FROM series WHERE id = ?'),
      deleteAll: db.transaction((ids: readonly number[]) => {
        for (const id of ids) this.#sql.delete.run(id);
      }),
    };
  }

  forget(): void {
    this.#ids.clear();
    this.#keys.clear();
    this.#count = undefined;
  }

  count(): number {
    this.#count ??= this.#sql.count.get() ?? 0;
    return this.#count;
  }

  /** Undefined for a new series where there are too many already. */
  idFor(cluster: string, metric: string, labels: Record<string, string>): number | undefined {
    // Pages list labels in the same order each time, so that they need sorting only when they are new.
    const key = `${cluster}\0${metric}\0${JSON.stringify(labels)}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const text = JSON.stringify(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
    let id = this.#sql.find.get(metric, cluster, text);
    if (id === undefined) {
      const count = this.count();
      if (count >= this.#seriesMax) return undefined;
      id = Number(this.#sql.add.run(metric, cluster, text).lastInsertRowid);
      this.#count = count + 1;
    }
    this.#ids.set(key, id);
    return id;
  }

  key(id: number): SeriesKey {
    let key = this.#keys.get(id);
    if (key === undefined) {
      const row = this.#sql.key.get(id);
      if (row === undefined) throw corruptRecord('samples belong to no series', `series ${id}`);
      key = keyOf(row);
      this.#keys.set(id, key);
    }
    return key;
  }

  /** All series, or those of a metric, or of the metrics that pass. */
  *select(metric: string | ((metric: string) => boolean) | undefined): Generator<SeriesKey & { id: number }> {
    if (typeof metric === 'function') {
      for (const name of this.#sql.metrics.all()) if (metric(name)) yield* this.select(name);
      return;
    }
    const rows = metric === undefined ? this.#sql.all.iterate() : this.#sql.ofMetric.iterate(metric);
    for (const row of rows) yield { id: row.id, ...keyOf(row) };
  }

  deleteUnused(used: ReadonlySet<number>, limit: number): number {
    const unused = this.#sql.ids
      .all()
      .filter((id) => !used.has(id))
      .slice(0, limit);
    this.#sql.deleteAll(unused);
    if (unused.length > 0) this.forget();
    return unused.length;
  }
}

function keyOf({ cluster, metric, labels }: KeyRow): SeriesKey {
  return { cluster, metric, labels: JSON.parse(labels) as Record<string, string> };
}
