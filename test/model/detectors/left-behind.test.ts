import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../src/domain/json.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { leftBehind } from '../../../src/model/detectors/left-behind.ts';

const changeTo = (state: Json) => ({ state: state as unknown as KubeObject });
const told = (old: Json, next: Json, partner: Json) =>
  leftBehind(changeTo({ spec: { partner } }), { old, next }, '/spec/partner');

test('what was replaced, up to the borders of names, still stands in the partner', () => {
  assert.equal(told('v1.2.3', 'v1.2.4', 'v1.2.3'), 'v1.2.3');
  assert.equal(told('https://a.p1.example.com/x', 'https://a.p2.example.com/x', 'http://a.p1.example.com/y'), 'a.p1.example.com');
  assert.equal(told(250, 500, 250), '250');
  assert.equal(told('pool-4711-17', 'pool-4711-18', 'about pool-4711-17'), 'pool-4711-17');
});

test('a partner that has another value, the new one as well, or the old one within a longer word is no copy', () => {
  assert.equal(told('1.2.3', '1.2.4', '7.0.0'), undefined);
  assert.equal(told('1.2.3', '1.2.4', 'from 1.2.3 to 1.2.4'), undefined);
  assert.equal(told(25, 50, '250Mi'), undefined);
  assert.equal(told('alpha', 'beta', 'alphabet'), undefined);
});

test('one letter, a switch and a value that came or went say nothing', () => {
  assert.equal(told('a', 'b', 'a'), undefined);
  assert.equal(told(true, false, true), undefined);
  assert.equal(leftBehind(changeTo({ spec: { partner: 'abc' } }), { old: 'abc', next: undefined }, '/spec/partner'), undefined);
});

test('items are found by key, by position and, of a generic path, all of them', () => {
  const state = {
    spec: {
      hosts: [
        { name: 'a/b', tls: ['old.example.com'] },
        { name: 'c', tls: ['x.example.com'] },
      ],
    },
  };
  const field = { old: 'old.example.com', next: 'new.example.com' };
  assert.equal(leftBehind(changeTo(state), field, '/spec/hosts/[name=a~1b]/tls/[0]'), 'old.example.com');
  assert.equal(leftBehind(changeTo(state), field, '/spec/hosts/[*]/tls/[*]'), 'old.example.com');
  assert.equal(leftBehind(changeTo(state), field, '/spec/hosts/[name=c]/tls/[0]'), undefined);
  assert.equal(leftBehind(changeTo(state), field, '/spec/hosts/[name=gone]/tls/[9]'), undefined);
  assert.equal(leftBehind(changeTo(state), field, '/spec/toString'), undefined);
});

test('an item whose name has become an object is no item of that name', () => {
  const state = {
    spec: {
      hosts: [
        { name: 'a', tls: 'old' },
        { name: { toString: 1 }, tls: 'new' },
        { name: ['a'], tls: 'new' },
      ],
    },
  };
  assert.equal(leftBehind(changeTo(state), { old: 'old', next: 'new' }, '/spec/hosts/[name=a]/tls'), 'old');
});

test('where the partner is to be had by itself, the whole state is not built', () => {
  const asked: string[] = [];
  const change = {
    get state(): never {
      throw new Error('built');
    },
    member(top: string, key: string): Json {
      asked.push(`${top} ${key}`);
      return { of: ['v1.2.3'] };
    },
  };
  assert.equal(leftBehind(change, { old: 'v1.2.3', next: 'v1.2.4' }, '/spec/a~1b/of/[0]'), 'v1.2.3');
  assert.equal(leftBehind(change, { old: 'x', next: 'y' }, '/spec/c'), undefined);
  assert.deepEqual(asked, ['spec a/b']);
});

test('an item that is named by several keys is found by them', () => {
  const ports = [
    { port: 53, protocol: 'UDP', host: 'new' },
    { port: 53, protocol: 'TCP', host: 'old' },
  ];
  const of = (name: string) =>
    leftBehind(changeTo({ spec: { ports } }), { old: 'old', next: 'new' }, `/spec/ports/[${name}]/host`);
  assert.equal(of('port=53,protocol=TCP'), 'old');
  assert.equal(of('port=53,protocol=UDP'), undefined);
});
