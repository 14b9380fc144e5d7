import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { newChange, refTo, state } from '../new-changes.ts';

for (const [what, sql] of [
  ['names another change', "UPDATE newest_mark SET data = CAST(x'03' || substr(data, 2) AS BLOB)"],
  ['has lost its last row', 'DELETE FROM newest_mark WHERE chunk = (SELECT max(chunk) FROM newest_mark)'],
  ['has lost a row in the middle', 'DELETE FROM newest_mark WHERE chunk = 1'],
] as const)
  it(`what was there at a time is told all the same where a mark ${what}`, () => {
    const file = join(temporaryFolder(), 'damaged.db');
    const objects = 900;
    const options = { file, changesPerNewestMark: 100 };
    const object = (n: number) => state(`k${n % objects}`, String(n + 1), { n });
    const query = { atMs: objects * 2_000, limit: 10_000 };
    const at = (store: SqliteStore) => store.objects(query).items.map(({ ref, seq }) => `${ref.name} ${seq}`);
    let expected: string[];
    {
      using store = openSqliteStore(options);
      for (let n = 0; n < objects * 4; n++) {
        const before = n < objects ? undefined : object(n - objects);
        store.append({ changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object(n), { before })] });
      }
      while (store.maintain());
      expected = at(store);
    }
    assert.equal(expected.length, objects);
    const db = new Database(file);
    assert.ok(db.prepare(sql).run().changes > 0);
    db.close();
    using store = openSqliteStore(options);
    assert.deepEqual(at(store), expected);
    for (let n = 0; n < objects; n += 50)
      assert.equal(
        store.stateAt(refTo(`k${n}`), { atMs: query.atMs })?.metadata.resourceVersion,
        expected[n]?.split(' ')[1],
        `k${n}`,
      );
    while (store.maintain());
    assert.deepEqual(at(store), expected, 'made again');
  });

it('marks are made though changes are written between any two steps', () => {
  const file = join(temporaryFolder(), 'marks.db');
  const objects = 600;
  using store = openSqliteStore({ file, changesPerNewestMark: 100 });
  const change = (n: number) => {
    const spec = (of: number) => state(`k${of % objects}`, String(of + 1), { n: of });
    return newChange(n < objects ? 'ADDED' : 'MODIFIED', spec(n), n < objects ? {} : { before: spec(n - objects) });
  };
  store.append({ changes: Array.from({ length: objects * 3 }, (_, n) => change(n)) });
  const db = new Database(file, { readonly: true });
  const complete = db
    .prepare<[], number>('SELECT count(*) FROM newest_mark GROUP BY through_seq ORDER BY 1 DESC LIMIT 1')
    .pluck();
  // Some 20 steps a mark; a slice that is over at once is one step, and each part of upkeep has its turn.
  for (let n = objects * 3; n < objects * 3 + 400; n++) {
    store.append({ changes: [change(n)] });
    store.maintain({ msMax: 0 });
  }
  const chunks = complete.get() ?? 0;
  db.close();
  assert.ok(chunks >= 3, `${chunks} of three chunks are marked`);
});
