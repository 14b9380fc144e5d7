import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clearRow, reachRow } from '../../../src/model/habits/columns.ts';
import { RowTable } from '../../../src/model/habits/row-table.ts';
import { AskedMap } from '../asked-map.ts';

test('an object keeps its row, across a snapshot too', () => {
  const table = new RowTable();
  assert.deepEqual(
    ['a', 'b', 'a'].map((name) => table.rowOf(name)),
    [0, 1, 0],
  );
  const restored = new RowTable();
  restored.load(structuredClone(table.save()));
  assert.deepEqual(
    ['c', 'b', 'a'].map((name) => restored.rowOf(name)),
    [2, 1, 0],
  );
  assert.equal(restored.nameOf(2), 'c');
});

test('when the table is full, the object seen least recently gives its row to the next, and what was known of it is forgotten', () => {
  const figures = { edits: new Uint32Array() };
  const table = new RowTable({ max: 3, forget: (row) => clearRow(figures, row) });
  for (const name of ['a', 'b', 'c', 'a']) {
    const row = table.rowOf(name);
    reachRow(figures, row);
    figures.edits[row] = 7;
  }
  assert.equal(table.rowOf('d'), 1);
  assert.equal(table.nameOf(1), 'd');
  assert.deepEqual([...figures.edits.subarray(0, 3)], [7, 0, 7]);
  assert.deepEqual([...table.save().rows.keys()], ['c', 'a', 'd']);
});

test('who gives way in a full table is not looked for anew each time', () => {
  const max = 10;
  const rows = new AskedMap(Array.from({ length: max }, (_, row): [string, number] => [`${row}`, row]));
  const table = new RowTable({ max });
  table.load({ rows });
  for (let i = max; i < 1_000; i++) assert.equal(table.rowOf(`${i}`), i % max);
  assert.equal(rows.asked, 1);
});

test('columns grow to any row, by less than double, and keep what they hold', () => {
  const figures = { atMs: new Float64Array(), known: new Uint8Array() };
  for (let row = 0; row < 1_000; row++) {
    reachRow(figures, row);
    figures.atMs[row] = row + 0.5;
    figures.known[row] = 1;
  }
  assert.equal(figures.atMs[999], 999.5);
  assert.equal(figures.atMs[3], 3.5);
  assert.equal(figures.known.length, figures.atMs.length);
  assert.ok(figures.atMs.length < 1_300, `${figures.atMs.length} rows`);
  clearRow(figures, 999);
  clearRow(figures, 1_000_000);
  assert.deepEqual([figures.atMs[999], figures.known[999]], [0, 0]);
});
