/** What retention meets in the middle of its work is damaged: that stays as it is, and the rest goes all the same. */
import assert from 'node:assert/strict';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { DAY_MS } from '../../../src/store/log/retention-plan.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { newChange, refTo, state } from '../new-changes.ts';
import { leavesOf, overwritePages } from '../overwritten-pages.ts';

const folder = temporaryFolder();
const OPTIONS = { changesPerSpan: 32, spansPerMerge: 3, changesPerLargeSpan: 200, bytesPerLargeBlock: 8_000 };
const OBJECTS = 31;
const CHANGES = 3_000;
const WHOLE = join(folder, 'whole.db');
const states = new Map<string, KubeObject>();

function add(store: SqliteStore, from: number, count: number): void {
  for (let n = from; n < from + count; n += 20) {
    const changes = Array.from({ length: 20 }, (_, i) => {
      const name = `k${((n + i) * 7919) % OBJECTS}`;
      const before = states.get(name);
      const object = state(name, String(n + i), { v: n + i, [`f${(n + i) % 9}`]: `${'words '.repeat(10)}${i}` });
      states.set(name, object);
      const observedMs = ((n + i) * DAY_MS) / 300;
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs });
    });
    store.append({ changes });
    for (let round = 0; round < 4; round++) store.maintain();
  }
}

{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  add(store, 1, CHANGES);
}

const OLDEST = 'SELECT id FROM block WHERE span_seq = (SELECT block_key FROM span ORDER BY last_seq LIMIT 1) ORDER BY id LIMIT 1';
const HOW: [what: string, sql: string][] = [
  ['a block does not decode', `UPDATE block SET data = zeroblob(length(data)) WHERE id = (${OLDEST})`],
  ['the change of a record is lost', 'DELETE FROM change WHERE seq = 100'],
  ['the place of an object is lost', 'DELETE FROM head WHERE object_id = 3'],
  ['a life is lost', 'DELETE FROM life WHERE id = 3'],
];

function copied(what: string, sql?: string): string {
  const file = join(folder, `${what.replaceAll(' ', '-')}.db`);
  copyFileSync(WHOLE, file);
  const db = new Database(file);
  if (sql !== undefined) db.exec(sql);
  db.close();
  return file;
}

/** Overwrites the first leaf page of a table. */
function pageLost(table: string): string {
  const file = copied(`a-page-of-${table}`);
  overwritePages(file, (db) => leavesOf(db, table).slice(0, 1));
  return file;
}

function released(file: string): { released: number; losses: number } {
  using store = openSqliteStore({ file, ...OPTIONS, keepChangesMs: 2 * DAY_MS, keepCheckpointsMs: 4 * DAY_MS });
  for (let round = 0; round < 1_000; round++) store.maintain();
  assert.equal(store.change(CHANGES)?.seq, CHANGES);
  return { released: store.counts().released, losses: store.losses };
}

describe('retention goes on behind what is damaged:', () => {
  const expected = released(copied('whole-copy')).released;
  it('there is something to let go of', () => assert.ok(expected > 1_500, String(expected)));

  for (const [what, sql] of HOW)
    it(what, () => {
      const { released: gone, losses } = released(copied(what, sql));
      assert.ok(gone > expected / 3, `${gone} of ${expected}`);
      assert.ok(losses > 0, 'it was told');
    });

  for (const table of ['block', 'change'])
    it(`a page of ${table} is lost`, () => {
      const { released: gone, losses } = released(pageLost(table));
      assert.ok(gone > expected / 3, `${gone} of ${expected}`);
      assert.ok(losses > 0, 'it was told');
    });
});

it('a database at its cap is written to, whatever is damaged of what is old', () => {
  const file = copied('at its cap', HOW[0]?.[1]);
  const bytesMax = 1_000_000;
  using store = openSqliteStore({ file, ...OPTIONS, bytesMax });
  for (const n of Array.from({ length: 40 }, (_, i) => CHANGES + 1 + i * 200)) add(store, n, 200);
  assert.ok(statSync(file).size <= bytesMax, `${statSync(file).size} bytes`);
  assert.ok(store.counts().released > 1_000, `${store.counts().released} let go of`);
  assert.deepEqual(store.head(refTo('k5'))?.state.spec, states.get('k5')?.spec);
});
