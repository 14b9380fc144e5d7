/** The way from a generic path to the sets that have it (`path_pathset`), from the sets. */
import type Database from 'better-sqlite3';
import { Interning } from '../log/interning.ts';

/** Fills an empty one; within a transaction. */
export function fillPathSets(db: Database.Database): void {
  const interning = new Interning(db);
  const add = db.prepare<[number, number]>('INSERT INTO path_pathset (path_id, pathset_id) VALUES (?, ?)');
  for (const set of setsOf(db)) for (const path of interning.pathset(set)) add.run(interning.pathId(path), set);
}

/** True where it leaves out a set, or names one that does not have the path. */
export function arePathSetsWrong(db: Database.Database): boolean {
  const interning = new Interning(db);
  const stored = db.prepare<[number, number], 1>('SELECT 1 FROM path_pathset WHERE path_id = ? AND pathset_id = ?').pluck();
  let expected = 0;
  for (const set of setsOf(db))
    for (const path of interning.pathset(set)) {
      const id = interning.pathIdIfKnown(path);
      if (id === undefined || stored.get(id, set) === undefined) return true;
      expected += 1;
    }
  return expected !== db.prepare<[], number>('SELECT count(*) FROM path_pathset').pluck().get();
}

function setsOf(db: Database.Database): number[] {
  return db.prepare<[], number>('SELECT id FROM pathset NOT INDEXED ORDER BY id').pluck().all();
}
