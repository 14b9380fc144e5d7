import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLUSTER, namespaceName, OBJECTS_PER_NAMESPACE, SyntheticCluster } from '../../bench/synthetic-cluster.ts';
import { KINDS } from '../../bench/synthetic-object.ts';
import { Zipf } from '../../bench/zipf.ts';
import { canonicalJson } from '../../src/domain/json.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const CHANGES = 6_000;

test('the store gives back every state of the made-up history as it was made', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const cluster = new SyntheticCluster({ seed: 1, namespaces: 3 });
  const told: string[] = [];
  for (let n = 0; n < CHANGES; n += 200) {
    const changes = Array.from({ length: 200 }, () => cluster.next());
    for (const { state } of changes) told.push(canonicalJson(state));
    store.append({ changes });
    store.maintain();
  }
  const changes = store.changesAfter(0, CHANGES);
  assert.deepEqual(
    changes.map(({ state }) => canonicalJson(state)),
    told,
  );
  const types = new Set(changes.map(({ type }) => type));
  assert.deepEqual([...types].sort(), ['ADDED', 'DELETED', 'MODIFIED']);
  const lives = new Map(changes.map(({ ref, uid }) => [`${ref.kind} ${ref.namespace} ${ref.name}`, uid]));
  assert.ok(new Set(changes.map(({ uid }) => uid)).size > lives.size, 'some name is taken again');
});

test('namespaces hold a hundred objects, but for those just gone', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const cluster = new SyntheticCluster({ seed: 2, namespaces: 2 });
  for (let n = 0; n < CHANGES; n += 100) store.append({ changes: Array.from({ length: 100 }, () => cluster.next()) });
  for (const i of [0, 1]) {
    const { items } = store.objects({ cluster: CLUSTER, namespace: namespaceName(i), limit: 1_000 });
    assert.ok(items.length >= OBJECTS_PER_NAMESPACE - 1 && items.length <= OBJECTS_PER_NAMESPACE, String(items.length));
  }
});

test('the same seed makes the same history, however much of it is asked for at once; another seed another', () => {
  const text = (seed: number) => {
    const cluster = new SyntheticCluster({ seed, namespaces: 1 });
    return JSON.stringify(Array.from({ length: 500 }, () => cluster.next()));
  };
  assert.equal(text(1), text(1));
  assert.notEqual(text(1), text(2));
  assert.ok(KINDS.length >= 20);
  assert.ok(KINDS.every(({ kind, group, version }) => kind !== '' && group !== '' && version !== ''));
});

test('few ranks are drawn often, all can be', () => {
  const zipf = new Zipf(1_000, 0.9);
  assert.equal(zipf.rank(0), 0);
  assert.equal(zipf.rank(1 - Number.EPSILON), 999);
  const shareOf = (ranks: number) =>
    Array.from({ length: 10_000 }, (_, i) => zipf.rank(i / 10_000)).filter((rank) => rank < ranks).length / 10_000;
  assert.ok(shareOf(10) > 0.2 && shareOf(10) < 0.35, String(shareOf(10)));
  assert.ok(shareOf(500) < 0.97);
});
