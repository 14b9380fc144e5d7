import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clearRow, putFigure, reachRow, type Whole } from '../../../src/model/habits/columns.ts';

test('a column is as wide as the largest of its figures asks, and keeps those it had', () => {
  const columns: { n: Whole } = { n: new Uint8Array() };
  reachRow(columns, 70);
  columns.n = putFigure(columns.n, 0, 255);
  assert.equal(columns.n.BYTES_PER_ELEMENT, 1);
  columns.n = putFigure(columns.n, 1, 256);
  assert.equal(columns.n.BYTES_PER_ELEMENT, 2);
  columns.n = putFigure(columns.n, 70, 65_536);
  assert.equal(columns.n.BYTES_PER_ELEMENT, 4);
  reachRow(columns, 1_000);
  assert.deepEqual([columns.n[0], columns.n[1], columns.n[70], columns.n[999]], [255, 256, 65_536, 0]);
  clearRow(columns, 70);
  assert.equal(columns.n[70], 0);
});

test('a figure of four bytes widens a column of one at once', () => {
  const columns: { n: Whole } = { n: new Uint8Array(4) };
  columns.n = putFigure(columns.n, 2, 4_000_000_000);
  assert.deepEqual([...columns.n], [0, 0, 4_000_000_000, 0]);
});
