import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { NewChange } from '../../src/store/store.ts';
import { checkStore } from '../contract/check-store.ts';
import { history, newChange, refTo, state } from './new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = () => join(folder, `${files++}.db`);

checkStore('SqliteStore in memory', () => openSqliteStore({ file: ':memory:' }));
checkStore('SqliteStore on a file', () => openSqliteStore({ file: file() }));
checkStore('SqliteStore with tiny blocks and caches', () =>
  openSqliteStore({
    file: file(),
    ...{ changesPerSpan: 3, spansPerMerge: 2, bytesPerBlock: 200, cacheBytes: 2_000, stepsMax: 4 },
    ...{ headCacheBytes: 0, walkCacheBytes: 0, entriesMax: 2, samplesPerRun: 3, scrapesPerRun: 1 },
  }),
);

it('knows each object again after a rolled-back batch and after a restart', () => {
  const path = file();
  const changes = history(
    'orders',
    Array.from({ length: 30 }, (_, i) => ({ i, text: 'x'.repeat(300) })),
    1,
  );
  const first = openSqliteStore({ file: path });
  first.append({ changes: changes.slice(0, 20) });
  const broken = { ...(changes[21] as NewChange), observedMs: null } as unknown as NewChange;
  assert.throws(() => first.append({ changes: [changes[20] as NewChange, broken] }));
  assert.deepEqual([first.head(refTo('orders'))?.seq, first.objects({ limit: 1 }).items[0]?.changes], [20, 20]);
  first.append({ changes: changes.slice(20, 25) });
  first.close();
  using second = openSqliteStore({ file: path });
  second.append({ changes: changes.slice(25) });
  assert.deepEqual([second.head(refTo('orders'))?.seq, second.objects({ limit: 1 }).items[0]?.changes], [30, 30]);
  changes.forEach(({ state }, i) => {
    assert.deepEqual(second.stateAt(refTo('orders'), { seq: i + 1 })?.spec, state.spec);
  });
});

it('takes no more than 160 bytes a change for small changes of many objects, everything included', () => {
  const path = file();
  const store = openSqliteStore({ file: path });
  const states = new Map<number, KubeObject>();
  for (let round = 0, version = 1; round < 100; round++) {
    const batch = Array.from({ length: 100 }, (_, i) => {
      const object = state(`k${i}`, String(version++), {
        n: round * i,
        fixed: 'y'.repeat(2_000),
        hash: `${(round * 7919 + i * 104729) % 1e9}`,
      });
      const before = states.get(i);
      states.set(i, object);
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before });
    });
    store.append({ changes: batch });
    store.maintain();
  }
  store.close();
  const perChange = statSync(path).size / 10_000;
  assert.ok(perChange < 160, `${perChange} bytes`);
});
