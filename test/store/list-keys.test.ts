/** Items of lists by the merge keys of a schema, from the index of paths to blame, across schemas that change and processes that end. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { parseChangeFilter } from '../../src/domain/change-filter.ts';
import { compileChangeFilter } from '../../src/domain/change-match.ts';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import type { ListKeys } from '../../src/domain/schema-tree.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { openSqliteReader, openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { NewChange, Store } from '../../src/store/store.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { newChange, refTo, state } from './new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'list-keys-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function listsBy(...keys: string[]): ListKeys | undefined {
  const ports = { 'x-kubernetes-list-map-keys': keys, items: {} };
  return readKindSchema({ properties: { spec: { properties: { ports } } } }).mergeKeys;
}

/** One object's life, each step with the lists of the schema as of then. */
function life(name: string, steps: readonly [JsonObject, ListKeys | undefined][], from = 1): NewChange[] {
  let before: KubeObject | undefined;
  return steps.map(([spec, lists], i) => {
    const object = state(name, String(from + i), spec);
    const all = before === undefined ? leavesOf(object, lists) : diffValues(before, object, '', lists);
    const diff = all.filter(({ path }) => !isBookkeepingPath(path));
    const change = newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, lists, diff });
    before = object;
    return change;
  });
}

const ports = (tcp: number, udp: number): JsonObject => ({
  ports: [
    { name: 'dns', port: 53, protocol: 'TCP', host: tcp },
    { name: 'dns-udp', port: 53, protocol: 'UDP', host: udp },
  ],
});
const BOTH = listsBy('port', 'protocol');
const NAMED = listsBy('name');

const pathsOf = (store: Store, seq: number) => store.change(seq)?.diff.map(({ path }) => path);
const blamed = (store: Store, name: string, seq?: number) =>
  Object.fromEntries(
    (store.blame(refTo(name), seq === undefined ? {} : { seq })?.fields ?? []).map((field) => [field.path, field.seq]),
  );

for (const [what, open] of [
  ['on disk', () => openSqliteStore({ file: join(folder, 'told.db') })],
  ['in memory', openMemoryStore],
] as const)
  it(`items are named as the schema of their time named them: ${what}`, () => {
    const store = open();
    const steps: [JsonObject, ListKeys | undefined][] = [
      [ports(1, 1), undefined],
      [ports(1, 2), undefined],
      [ports(1, 3), BOTH],
      [ports(2, 3), BOTH],
      [ports(2, 4), NAMED],
      [ports(2, 5), undefined],
    ];
    // In one batch and in several.
    const changes = life('orders', steps);
    store.append({ changes: changes.slice(0, 3) });
    for (const change of changes.slice(3)) store.append({ changes: [change] });
    assert.deepEqual(
      [2, 3, 4, 5, 6].map((seq) => pathsOf(store, seq)?.join()),
      [
        '/spec/ports/[name=dns-udp]/host',
        '/spec/ports/[port=53,protocol=UDP]/host',
        '/spec/ports/[port=53,protocol=TCP]/host',
        '/spec/ports/[name=dns-udp]/host',
        '/spec/ports/[name=dns-udp]/host',
      ],
    );
    const kind = refTo('orders');
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 99].map((seq) => store.lists(kind, seq)),
      [undefined, undefined, BOTH, BOTH, NAMED, undefined, undefined],
    );
    assert.equal(store.lists({ ...kind, kind: 'Topic' }, 3), undefined);
    assert.deepEqual(blamed(store, 'orders', 4)['/spec/ports/[port=53,protocol=UDP]/host'], 3);
    assert.deepEqual(blamed(store, 'orders', 4)['/spec/ports/[port=53,protocol=TCP]/host'], 4);
    assert.deepEqual(blamed(store, 'orders')['/spec/ports/[name=dns]/host'], 4, 'across schemas');
    assert.deepEqual(blamed(store, 'orders')['/spec/ports/[name=dns]/port'], 1);
    store.close();
  });

it('the index of paths finds an item by its keys, and a process that comes later names it by the same', async () => {
  const file = join(folder, 'index.db');
  {
    using store = openSqliteStore({ file });
    store.append({
      changes: life('orders', [
        [ports(1, 1), BOTH],
        [ports(1, 2), BOTH],
        [ports(2, 2), BOTH],
        [{ ...ports(2, 2), n: 1 }, BOTH],
      ]),
    });
    store.append({
      changes: life(
        'topics',
        [
          [ports(1, 1), BOTH],
          [ports(1, 2), BOTH],
        ],
        10,
      ),
    });
    // As a restart before the server told the schema, which it told again then.
    store.append({
      changes: life(
        'later',
        [
          [ports(1, 1), undefined],
          [ports(1, 2), BOTH],
        ],
        20,
      ),
    });
  }
  const asked = (store: Store, text: string) => {
    const filter = compileChangeFilter(parseChangeFilter(text, 0));
    const { items } = store.changes({ ...filter.bounds, limit: 100 });
    return items.flatMap((row) =>
      filter.fitsRow(row) && (filter.fitsFields?.(row.type, store.change(row.seq)?.diff ?? []) ?? true) ? [row.seq] : [],
    );
  };
  for (const open of [() => openSqliteStore({ file }), () => openSqliteReader({ file })]) {
    using store = open();
    assert.deepEqual(asked(store, 'path:spec.ports[port=53,protocol=UDP].host'), [8, 6, 2]);
    assert.deepEqual(asked(store, 'path:spec.ports[port=53,protocol=TCP].host'), [3]);
    assert.deepEqual(asked(store, 'path:spec.ports[port=53,*].host name:orders'), [3, 2]);
    assert.deepEqual(asked(store, 'path:spec.ports[*].host value:2'), [8, 6, 3, 2]);
  }
  const db = new Database(file);
  assert.equal(db.prepare('SELECT count(*) FROM list_keys').pluck().get(), 3, 'a row where it changed');
  db.close();
  assert.deepEqual((await checkDatabase({ file })).problems, []);
});

it('what a value became is looked for where keys of the schema moved it to another item', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const by = (a: string, b: string): JsonObject => ({
    ports: [
      { port: 1, x: a },
      { port: 2, x: b },
    ],
  });
  const swapped: JsonObject = {
    ports: [
      { port: 2, x: 'aa' },
      { port: 1, x: 'bb' },
    ],
  };
  store.append({
    changes: life('orders', [
      [by('aa', 'bb'), listsBy('port')],
      [swapped, listsBy('port')],
    ]),
  });
  assert.deepEqual(
    store.change(2)?.diff.map(({ path, new: now }) => `${path} ${now}`),
    ['/spec/ports/[port=1]/x bb', '/spec/ports/[port=2]/x aa'],
  );
  // The patch moved the numbers alone.
  for (const value of ['aa', 'bb']) assert.ok(store.mayHold(2, value), value);
});

it('a batch that fails leaves no keys behind', () => {
  const file = join(folder, 'failed.db');
  using store = openSqliteStore({ file });
  store.append({ changes: life('orders', [[ports(1, 1), undefined]]) });
  const [, second] = life('orders', [
    [ports(1, 1), BOTH],
    [ports(1, 2), BOTH],
  ]) as [NewChange, NewChange];
  const broken = { ...second, observedMs: undefined as unknown as number };
  assert.throws(() => store.append({ changes: [broken] }));
  store.append({ changes: [second] });
  assert.equal(pathsOf(store, 2)?.join(), '/spec/ports/[port=53,protocol=UDP]/host');
});

it('keys that are damaged cost the names of items alone, and are found by a check', async () => {
  const file = join(folder, 'damaged.db');
  {
    using store = openSqliteStore({ file });
    store.append({
      changes: life('orders', [
        [ports(1, 1), BOTH],
        [ports(1, 2), BOTH],
      ]),
    });
  }
  const db = new Database(file);
  db.prepare('UPDATE list_keys SET data = ?').run(Buffer.from('nothing'));
  db.close();
  {
    using store = openSqliteStore({ file });
    assert.equal(pathsOf(store, 2)?.join(), '/spec/ports/[name=dns-udp]/host');
    store.append({ changes: life('topics', [[ports(1, 1), BOTH]], 5) });
    assert.equal(
      store.change(3)?.diff.some(({ path }) => path.includes('[port=53,protocol=UDP]')),
      true,
    );
  }
  assert.match(JSON.stringify((await checkDatabase({ file })).problems), /merge keys of a kind do not decode/);
});

describe('blame', () => {
  const names = ['a', 'b', 'c', 'd'];
  const keys = [1, 2].flatMap((port) => ['TCP', 'UDP'].map((protocol) => ({ port, protocol })));
  /** No two have the same keys, which an API server refuses; but which name goes with which keys changes. */
  const apart = fc
    .tuple(fc.shuffledSubarray(names), fc.shuffledSubarray(keys), fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }))
    .map(([named, keyed, hosts]) =>
      named.slice(0, keyed.length).map((name, i): JsonObject => ({ name, ...keyed[i], host: hosts[i] as number })),
    );
  const spec = fc.record({ ports: apart, mode: fc.constantFrom('x', 'y') });
  /** A schema for some changes on end, as it changes seldom. */
  const eras = fc.array(fc.tuple(fc.constantFrom(undefined, BOTH, NAMED), fc.array(spec, { minLength: 1, maxLength: 12 })), {
    minLength: 1,
    maxLength: 4,
  });

  function plainly(states: readonly KubeObject[], lists: readonly (ListKeys | undefined)[]): Record<string, number> {
    const last = lists.at(-1);
    const setBy = new Map(leavesOf(states[0] as KubeObject, last).map(({ path }) => [path, 1]));
    for (let i = 1; i < states.length; i++)
      for (const { op, path } of diffValues(states[i - 1], states[i], '', last)) if (op !== 'remove') setBy.set(path, i + 1);
    const fields = leavesOf(states.at(-1) as KubeObject, last).filter(({ path }) => !isBookkeepingPath(path));
    return Object.fromEntries(fields.map(({ path }) => [path, setBy.get(path) as number]));
  }

  it('says what the differences of all states say, named by the schema of the state that is asked for', () => {
    fc.assert(
      fc.property(eras, fc.array(fc.nat(), { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (told, asked, changesPerMark) => {
        using store = openSqliteStore({ file: ':memory:', changesPerSpan: 8, bytesPerSpan: 4_096, changesPerMark });
        const steps = told.flatMap(([lists, specs]) =>
          specs.map((one): [JsonObject, ListKeys | undefined] => [one as JsonObject, lists]),
        );
        const changes = life('orders', steps);
        for (let i = 0; i < changes.length; i += 5) {
          store.append({ changes: changes.slice(i, i + 5) });
          if (i % 3 === 0) store.maintain();
        }
        for (const one of [steps.length - 1, ...asked]) {
          const to = (one % steps.length) + 1;
          const expected = plainly(
            changes.slice(0, to).map((change) => change.state),
            steps.slice(0, to).map(([, lists]) => lists),
          );
          assert.deepEqual(blamed(store, 'orders', to), expected, `as of ${to}`);
        }
      }),
      { numRuns: 200 },
    );
  });
});
