import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedNames } from '../../../src/model/habits/shared-names.ts';

test('a name keeps its number while anybody uses it', () => {
  const names = new SharedNames();
  const a = names.take('a');
  const b = names.take('b');
  assert.equal(names.take('a'), a);
  names.drop(a);
  assert.equal(names.find('a'), a);
  assert.equal(names.nameOf(b), 'b');
});

test('a name that nobody uses any more is forgotten, and its number goes to the next', () => {
  const names = new SharedNames();
  for (let i = 0; i < 1_000; i++) names.drop(names.take(`value-${i}`));
  assert.equal(names.find('value-3'), -1);
  assert.equal(names.take('next'), 0);
  assert.equal(names.save().names.length, 1);
});

test('goes on from a copy of its state', () => {
  const names = new SharedNames();
  names.take('gone');
  names.take('kept');
  names.drop(names.find('gone'));
  const copy = new SharedNames();
  copy.load(structuredClone(names.save()));
  assert.equal(copy.find('gone'), -1);
  assert.equal(copy.find('kept'), 1);
  assert.equal(copy.take('new'), 0);
});
