import assert from 'node:assert/strict';
import { test } from 'node:test';
import { searchSteps } from '../../src/api/change-search.ts';
import { parseChangeFilter } from '../../src/domain/change-filter.ts';
import { compileChangeFilter } from '../../src/domain/change-match.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { history } from './new-changes.ts';

const SPECS: JsonObject[] = [
  { image: 'registry.example.org/team/app:v1', note: 'first' },
  { image: 'registry.example.org/team/app:v2', note: 'first' },
  { image: 'registry.example.org/team/app:v2', note: 'Größe AND NOT "quoted"' },
  { image: 'registry.example.org/team/app:v2' },
];

async function find(store: SqliteStore, q: string): Promise<number[]> {
  const steps = searchSteps(asAsync(store), compileChangeFilter(parseChangeFilter(q, 0)), {});
  const seqs: number[] = [];
  for await (const { found } of steps) seqs.push(...found.map(({ seq }) => seq));
  return seqs;
}

test('changes are found by the words of what fields became', async () => {
  using store = openSqliteStore({ file: ':memory:', fullText: true });
  store.append({ changes: history('orders', SPECS, 1) });
  const cases: [string, number[]][] = [
    ['text:team', [2, 1]],
    ['text:TEAM,quoted', [3, 2, 1]],
    ['text:"team v2"', [2]],
    ['text:team/app:v1', [1]],
    ['text:team text:first', [1]],
    ['text:grösse', []],
    ['text:größe', [3]],
    ['text:not', [3]],
    ['text:team -type:ADDED', [2]],
    ['text:team kind:Topic', []],
  ];
  for (const [q, expected] of cases) assert.deepEqual(await find(store, q), expected, q);
});

test('without the index a search for words is refused with what it needs', async () => {
  using store = openSqliteStore({ file: ':memory:' });
  await assert.rejects(find(store, 'text:team'), /REQUEST_INVALID: .*--full-text/);
});

test('a change that is no longer kept leaves no words behind', async () => {
  const retention = { changesPerSpan: 4, spansPerMerge: 2, keepChangesMs: 86_400_000 };
  using store = openSqliteStore({ file: ':memory:', fullText: true, ...retention });
  const specs = Array.from({ length: 80 }, (_, i) => ({ note: `word${i}` }));
  for (const [i, change] of history('orders', specs, 1).entries()) {
    store.append({ changes: [{ ...change, observedMs: i * 3_600_000 }] });
    store.maintain();
  }
  const kept = [...store.history(changeRef())].map(({ seq }) => seq);
  assert.ok(kept.length < 80);
  for (let seq = 1; seq <= 80; seq++) {
    assert.deepEqual(store.changesWith([[[`word${seq - 1}`]]], 1_000, 10), kept.includes(seq) ? [seq] : [], `change ${seq}`);
  }
});

function changeRef() {
  return history('orders', [{}], 1)[0]!.ref;
}
