/** Head rows are written some at a time, behind the log: what they promise holds after every batch, and whoever opens the file finds each object. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { createRandom } from '../../src/demo/random.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { newChange, refTo, state } from './new-changes.ts';

const OBJECTS = 60;
const BATCHES = 120;

for (const options of [
  { behindMax: 20, savedAtOnce: 3 },
  { behindMax: 37, savedAtOnce: 1 },
])
  it(`rows hold at least what they say after every batch (${JSON.stringify(options)})`, () => {
    const file = join(temporaryFolder(), 'heads.db');
    const random = createRandom(`head rows ${options.behindMax}`);
    const states = new Map<string, KubeObject>();
    using store = openSqliteStore({ file, entriesMax: 5, ...options });
    const db = new Database(file, { readonly: true });
    const through = db.prepare<[], string>("SELECT value FROM small_state WHERE key = 'store/heads-through'").pluck();
    const behind = db
      .prepare<[number], number>(
        `SELECT count(*) FROM change c JOIN life l ON l.id = c.life_id LEFT JOIN head h ON h.object_id = l.object_id
         WHERE c.seq <= ? AND coalesce(h.seq, 0) < c.seq`,
      )
      .pluck();
    const steps = new Set<number>();
    let version = 1;
    for (let batch = 0; batch < BATCHES; batch++) {
      const names = random.sample(
        Array.from({ length: OBJECTS }, (_, i) => `k${i}`),
        random.int(1, 4),
      );
      const changes = names.map((name) => {
        const before = states.get(name);
        const object = state(name, String(version), { n: version++ });
        states.set(name, object);
        return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before });
      });
      store.append({ changes });
      const last = Number(through.get() ?? 0);
      steps.add(last);
      assert.equal(behind.get(last), 0, `after batch ${batch} rows are said to hold all up to ${last}`);
    }
    assert.ok(steps.size > 2, 'rows were written more than once on the way');
    db.close();

    const copy = join(temporaryFolder(), 'killed.db');
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
    using again = openSqliteStore({ file: copy });
    for (const [name, object] of states) {
      assert.equal(again.head(refTo(name))?.resourceVersion, object.metadata.resourceVersion, name);
      assert.deepEqual(again.head(refTo(name))?.state?.spec, object.spec, name);
    }
  });

it('finds the places of objects again before it says how far their rows hold, also where the first batch after a kill moves none', async () => {
  const file = join(temporaryFolder(), 'heads.db');
  const copy = join(temporaryFolder(), 'killed.db');
  {
    using store = openSqliteStore({ file });
    const objects = Array.from({ length: 3 }, (_, i) => state(`k${i}`, '1', { n: 0 }));
    store.append({ changes: objects.map((object) => newChange('ADDED', object)) });
    for (let n = 1; n <= 10; n++) {
      const before = state('k1', String(n), { n: n - 1 });
      store.append({ changes: [newChange('MODIFIED', state('k1', String(n + 1), { n }), { before })] });
    }
    for (const end of ['', '-wal']) copyFileSync(`${file}${end}`, `${copy}${end}`);
  }
  {
    using store = openSqliteStore({ file: copy, behindMax: 5 });
    store.append({ changes: [], cursors: { probe: '1' } });
    assert.equal(store.head(refTo('k1'))?.resourceVersion, '11');
  }
  assert.deepEqual((await checkDatabase({ file: copy })).problems, []);
});
