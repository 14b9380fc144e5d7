/** Statements are planned once, whatever is bound; what is bound reaches them as it is. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import Database from 'better-sqlite3';
import { openDatabase, openToRead } from '../../../src/store/file/database.ts';
import { planOnce, withoutValues } from '../../../src/store/file/steady-plans.ts';

/** An index that only serves where the kind is 1, which a plan made without the value cannot know. */
const SCHEMA = 'CREATE TABLE t (a, kind); CREATE INDEX of_ones ON t (a) WHERE kind = 1';
const ASKED = 'EXPLAIN QUERY PLAN SELECT a FROM t WHERE kind = ? ORDER BY a LIMIT ?';

function plans(db: Database.Database): string[] {
  db.exec(SCHEMA);
  const statement = db.prepare<[number, number], { detail: string }>(ASKED);
  return [2, 1, 2].map((kind) =>
    statement
      .all(kind, 10)
      .map(({ detail }) => detail)
      .join(),
  );
}

test('a statement is not planned anew for other values', () => {
  const [first, ...later] = plans(planOnce(new Database(':memory:')));
  assert.deepEqual(later, [first, first]);
  const anew = plans(new Database(':memory:'));
  assert.notEqual(anew[1], anew[0], 'by itself SQLite does plan anew, or nothing of this is needed any more');
});

test('so are those of a store, opened to write or to read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-plans-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'store.db');
  const { db, close } = openDatabase({ file });
  const [first, ...later] = plans(db);
  assert.deepEqual(later, [first, first]);
  close();
  const reader = openToRead(file);
  const statement = reader.prepare<[number, number], { detail: string }>(ASKED);
  const [of1, of2] = [1, 2].map((kind) => statement.all(kind, 10).map(({ detail }) => detail));
  assert.deepEqual(of1, of2);
  reader.close();
});

test('what is bound comes as it is, whatever its type', () => {
  const db = planOnce(new Database(':memory:'));
  db.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, value)');
  const values = ['text', '12', 1.5, 12n, Buffer.from([0, 255]), null];
  const put = db.prepare('INSERT INTO t (value) VALUES (?)');
  for (const value of values) put.run(value);
  const types = db.prepare('SELECT typeof(value) FROM t WHERE id > @after ORDER BY id LIMIT @limit').pluck();
  assert.deepEqual(types.all({ after: 0, limit: 10 }), ['text', 'text', 'real', 'integer', 'blob', 'null']);
  const of = db.prepare('SELECT id FROM t WHERE value = ?').pluck();
  assert.deepEqual([of.get('12'), of.get(12), of.get(1.5), of.get(Buffer.from([0, 255]))], [2, 4, 3, 5]);
});

test('only parameters are touched', () => {
  assert.equal(
    withoutValues(`SELECT a ->> '$.x?', "b?" FROM t WHERE a = ? AND b IN (?, @c) -- why?\n LIMIT ?1`),
    `SELECT a ->> '$.x?', "b?" FROM t WHERE a = +? AND b IN (+?, +@c) -- why?\n LIMIT +?1`,
  );
});
