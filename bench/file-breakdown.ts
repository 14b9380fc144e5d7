/** What the bytes of a database file are: pages by table and index, and pages that hold nothing. The file must be at rest. */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

export interface Part {
  /** A table or an index; `(free)` for pages of nobody, `(pointers)` for those that say whose page is whose. */
  name: string;
  bytes: number;
  /** Of these, what its rows fill. */
  payload: number;
}

/** Largest first; together they are the file. */
export function breakdown(file: string): Part[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const parts = db
      .prepare('SELECT name, sum(pgsize) AS bytes, sum(payload) AS payload FROM dbstat GROUP BY name')
      .all() as unknown as Part[];
    const pragma = (name: string) => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() as object)[0]);
    const free = pragma('freelist_count') * pragma('page_size');
    const rest = statSync(file).size - free - parts.reduce((sum, { bytes }) => sum + bytes, 0);
    return [
      ...parts.map((part) => ({ ...part })),
      { name: '(free)', bytes: free, payload: 0 },
      { name: '(pointers)', bytes: rest, payload: 0 },
    ]
      .filter(({ bytes }) => bytes > 0)
      .sort((a, b) => b.bytes - a.bytes);
  } finally {
    db.close();
  }
}

/** Several files as one. */
export function pooled(breakdowns: readonly (readonly Part[])[]): Part[] {
  const sums = new Map<string, Part>();
  for (const { name, bytes, payload } of breakdowns.flat()) {
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, { name, bytes, payload });
    else Object.assign(sum, { bytes: sum.bytes + bytes, payload: sum.payload + payload });
  }
  return [...sums.values()].sort((a, b) => b.bytes - a.bytes);
}
