import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowLists } from '../../../src/model/habits/row-lists.ts';

const listOf = (lists: RowLists, row: number) => Array.from({ length: lists.length(row) }, (_, i) => lists.at(row, i));

test('rows are the lists they would be apart, whatever is inserted, written and forgotten in which order', () => {
  const value = fc.oneof(fc.nat(300), fc.nat(0xffff_ffff));
  const act = fc.record({
    row: fc.nat(6),
    what: fc.constantFrom('insert', 'insert', 'insert', 'put', 'forget'),
    where: fc.nat(1_000),
    values: fc.array(value, { minLength: 1, maxLength: 6 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
      const lists = new RowLists();
      const expected = Array.from({ length: 7 }, (): number[] => []);
      for (const { row, what, where, values } of acts) {
        const list = expected[row] as number[];
        if (what === 'forget') {
          lists.forget(row);
          list.length = 0;
        } else if (what === 'insert') {
          const at = where % (list.length + 1);
          lists.insert(row, at, values);
          list.splice(at, 0, ...values);
        } else if (list.length > 0) {
          const at = where % list.length;
          lists.put(row, at, values[0] as number);
          list[at] = values[0] as number;
        }
      }
      expected.forEach((list, row) => {
        assert.deepEqual(listOf(lists, row), list);
      });
    }),
    { seed: 11, numRuns: 200 },
  );
});

test('rooms given back are used again', () => {
  const lists = new RowLists();
  const fill = () => {
    for (let i = 0; i < 9; i++) for (let row = 0; row < 50; row++) lists.insert(row, i, [i]);
  };
  fill();
  const { used } = lists.save();
  for (let row = 0; row < 50; row++) lists.forget(row);
  fill();
  assert.ok(lists.save().used <= used, `${lists.save().used} after ${used}`);
});

test('lists that grow together leave little room that nothing fits into', () => {
  const lists = new RowLists();
  const [rows, numbers] = [2_000, 24];
  for (let i = 0; i < numbers; i++) for (let row = 0; row < rows; row++) lists.insert(row, i, [i]);
  const share = lists.save().numbers.length / (rows * numbers);
  assert.ok(share < 1.5, `${share} times what is held`);
  for (let row = 0; row < rows; row += 97) assert.deepEqual(listOf(lists, row), [...Array(numbers).keys()]);
});

test('numbers take four bytes from the first that needs them', () => {
  const lists = new RowLists();
  lists.insert(3, 0, [1, 65_535]);
  assert.ok(lists.save().numbers instanceof Uint16Array);
  lists.insert(3, 2, [65_536]);
  assert.ok(lists.save().numbers instanceof Uint32Array);
  assert.deepEqual(listOf(lists, 3), [1, 65_535, 65_536]);
});

test('goes on from a copy of its state', () => {
  const lists = new RowLists();
  lists.insert(0, 0, [1, 2, 3]);
  const copy = new RowLists();
  copy.load(structuredClone(lists.save()));
  copy.insert(0, 1, [9]);
  assert.deepEqual(listOf(copy, 0), [1, 9, 2, 3]);
  assert.deepEqual(listOf(lists, 0), [1, 2, 3]);
});
