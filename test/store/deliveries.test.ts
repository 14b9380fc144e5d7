import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deliveryKey } from '../../src/domain/delivery.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => deliveryKey('test', String(from + i)));
const at = (atMs: number, all: string[]) => ({ changes: [], deliveries: all.map((key) => ({ key, atMs })) });

test('deliveries are bounded in number: the oldest go first', () => {
  const store = openSqliteStore({ file: ':memory:', deliveriesMax: 100 });
  for (let from = 0; from < 1000; from += 50) store.append(at(1000, keys(from, from + 50)));
  assert.equal(store.delivered(keys(900, 1000)).size, 100);
  assert.equal(store.delivered(keys(0, 900)).size, 0);
  store.close();
});

test('deliveries are bounded in age, and telling one again does not make it younger', () => {
  const store = openSqliteStore({ file: ':memory:', deliveryAgeMsMax: 1000 });
  store.append(at(0, keys(0, 10)));
  store.append(at(900, keys(5, 15)));
  assert.equal(store.delivered(keys(0, 15)).size, 15);
  store.append(at(1500, keys(15, 16)));
  assert.deepEqual(store.delivered(keys(0, 16)), new Set(keys(10, 16)));
  store.append(at(100_000, keys(16, 17)));
  assert.deepEqual(store.delivered(keys(0, 17)), new Set(keys(16, 17)));
  store.close();
});

test('a late flood is forgotten in steps, none of which takes long', () => {
  const store = openSqliteStore({ file: ':memory:', deliveryAgeMsMax: 1000 });
  store.append(at(0, keys(0, 10_000)));
  store.append(at(5000, keys(10_000, 10_001)));
  const left = store.delivered(keys(0, 10_000)).size;
  assert.ok(left > 0 && left < 10_000, `${left} left`);
  for (let i = 0; i < 10; i++) store.append(at(5000, keys(20_000 + i, 20_001 + i)));
  assert.equal(store.delivered(keys(0, 10_000)).size, 0);
  store.close();
});
