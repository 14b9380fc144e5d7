/** Of the changes appended last, what postings are made of: from memory as from the table. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { RUN } from '../../../src/store/log/posting-runs.ts';
import { type YoungRow, YoungRows } from '../../../src/store/log/young-rows.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { FLUX, HUMAN, newChange, state } from '../new-changes.ts';

const ROOM = 100;

test('what was added last is there and says what it said, up to the room there is', () => {
  const random = createRandom('young rows');
  const rows = new YoungRows(ROOM);
  const added: YoungRow[] = [];
  for (let seq = 41; seq < 41 + 3 * ROOM; seq++) {
    const [pathsetId, namespaceId] = [random.int(0, 2), random.int(0, 2 ** 32 - 1)];
    const row = { seq, actorSetId: random.int(1, 9), pathsetId, resourceId: 2 ** 31, namespaceId };
    rows.add(row);
    added.push(row);
    const oldest = Math.max(41, seq - ROOM + 1);
    assert.equal(rows.has(oldest, seq), true, `${seq}`);
    assert.equal(rows.has(oldest - 1, seq), false, `${seq}`);
    assert.equal(rows.has(oldest, seq + 1), false, `${seq}`);
    for (const { seq: kept, ...values } of added.slice(-ROOM))
      assert.deepEqual(
        [1, 2, 3, 4].map((dimension) => rows.value(kept, dimension)),
        Object.values(values).map((value) => value || Number.NaN),
      );
  }
});

test('nothing is there once it is forgotten, nor what lies before a gap', () => {
  const rows = new YoungRows(ROOM);
  const row = { actorSetId: 1, pathsetId: 2, resourceId: 3, namespaceId: 4 };
  assert.equal(rows.has(1, 1), false);
  for (const seq of [1, 2, 3]) rows.add({ seq, ...row });
  assert.equal(rows.has(1, 3), true);
  rows.forget();
  assert.equal(rows.has(3, 3), false);
  rows.add({ seq: 4, ...row });
  assert.equal(rows.has(3, 4), false);
  assert.equal(rows.has(4, 4), true);
  rows.add({ seq: 9, ...row });
  assert.equal(rows.has(4, 9), false);
  assert.equal(rows.has(9, 9), true);
});

test('postings say what the rows say, whatever was appended, rolled back and read by another start before they are made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-young-rows-'));
  const file = join(folder, 'a.db');
  const random = createRandom('postings of young rows');
  let at = 0;
  const change = (more = {}) => {
    const [name, namespace] = [`k${random.int(0, 200)}`, `team-${random.int(0, 3)}`];
    const actor = random.int(0, 1) === 0 ? FLUX : HUMAN;
    const object = state(`${namespace}-${name}`, String(++at), { n: at, [`f${random.int(0, 9)}`]: at }, { namespace });
    return newChange('ADDED', object, { actor, candidates: [actor], ...more });
  };
  const append = (store: SqliteStore, count: number) => {
    for (let left = count; left > 0; left -= 64)
      store.append({ changes: Array.from({ length: Math.min(left, 64) }, () => change()) });
  };
  const fails = {
    get diff(): never {
      throw new RangeError('this change cannot be appended');
    },
  };
  try {
    {
      using store = openSqliteStore({ file });
      append(store, RUN - 100);
      const actor = { ...FLUX, name: 'nobody' };
      const changes = [
        ...Array.from({ length: 50 }, () => change({ actor, candidates: [actor] })),
        Object.defineProperties(change(), Object.getOwnPropertyDescriptors(fails)),
      ];
      assert.throws(() => store.append({ changes }), /cannot be appended/);
      append(store, RUN + 300);
      while (store.maintain());
      append(store, RUN / 2);
    }
    {
      using store = openSqliteStore({ file });
      append(store, RUN);
      while (store.maintain());
    }
    const { problems } = await checkDatabase({ file });
    assert.deepEqual(problems, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
