/** Spans merged into large ones in small steps: readable all the while, left in order by whoever stops in between, each on its own. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import Database from 'better-sqlite3';
import type { Change } from '../../src/domain/change.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { isWhole } from '../../src/store/log/revision-codec.ts';
import { decodeBlock, encodeBlock } from '../../src/store/pack/block-codec.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, state } from './new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-large-spans-'));
after(() => rmSync(folder, { recursive: true }));

const SHAPE = { changesPerSpan: 16, spansPerMerge: 2, changesPerLargeSpan: 128, bytesPerLargeBlock: 1_000, walkCacheBytes: 0 };
const CHANGES = 400;
const OBJECTS = 7;

/** Every object changes in every span, so that each span has patches of all. */
function record(store: SqliteStore, changes: number): Change[] {
  const states = new Map<string, KubeObject>();
  return Array.from({ length: changes }, (_, i) => {
    const name = `k${i % OBJECTS}`;
    const before = states.get(name);
    const object = state(name, String(i + 1), { n: i, same: 'x'.repeat(200) });
    states.set(name, object);
    return store.append({ changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: i })] });
  }).flat();
}

function assertStates(store: SqliteStore, changes: readonly Change[]): void {
  for (const { ref, seq, state: expected } of changes) assert.deepEqual(store.stateAt(ref, { seq }), expected, `after ${seq}`);
  assert.deepEqual(
    store.statesAfter(changes),
    changes.map(({ state: expected }) => expected),
    'all at once',
  );
}

function keys(file: string): { spans: number[]; blocks: number[] } {
  using db = opened(file);
  const pluck = (sql: string) => db.prepare<[], number>(sql).pluck().all();
  return {
    spans: pluck('SELECT block_key FROM span ORDER BY last_seq'),
    blocks: pluck('SELECT DISTINCT span_seq FROM block ORDER BY abs(span_seq)'),
  };
}

function opened(file: string): Database.Database & Disposable {
  const db = new Database(file);
  return Object.assign(db, { [Symbol.dispose]: () => db.close() });
}

it('a revision in a large span is read from that span alone', () => {
  const file = join(folder, 'alone.db');
  const changes: Change[] = [];
  {
    using store = openSqliteStore({ file, ...SHAPE, stepsMax: 1_000 });
    changes.push(...record(store, CHANGES));
    store.maintain();
  }
  const large = keys(file).spans.filter((key) => key < 0);
  assert.equal(large.length, 3);
  const [first, second] = [-(large[0] as number), -(large[1] as number)];
  {
    using db = opened(file);
    db.prepare('DELETE FROM block WHERE span_seq <> ?').run(-second);
  }
  using store = openSqliteStore({ file, ...SHAPE });
  assertStates(
    store,
    changes.filter(({ seq }) => seq > first && seq <= second),
  );
  assert.throws(() => assertStates(store, changes.slice(0, first)), { code: 'STORE_CORRUPT' });
});

it('a revision in a large span is read without the rows of the changes before it', () => {
  const file = join(folder, 'by-place.db');
  const changes: Change[] = [];
  {
    using store = openSqliteStore({ file, ...SHAPE, stepsMax: 1_000 });
    changes.push(...record(store, CHANGES));
    store.maintain();
  }
  const large = keys(file).spans.filter((key) => key < 0);
  {
    using db = opened(file);
    db.prepare('UPDATE change SET previous = NULL').run();
  }
  using store = openSqliteStore({ file, ...SHAPE, stepsMax: 1_000 });
  assertStates(store, changes.slice(0, -(large.at(-1) as number)));
});

it('where the beginning of a life in a large span is lost, no state of another object takes its place', () => {
  const file = join(folder, 'beginning.db');
  const changes: Change[] = [];
  {
    using store = openSqliteStore({ file, ...SHAPE, stepsMax: 1_000 });
    changes.push(...record(store, CHANGES));
    store.maintain();
  }
  const second = -(keys(file).spans.filter((key) => key < 0)[1] as number);
  let lost = 0;
  {
    using db = opened(file);
    const put = db.prepare('UPDATE block SET data = ? WHERE id = ?');
    const blocks = db.prepare<[number], { id: number; data: Buffer }>('SELECT id, data FROM block WHERE span_seq = ?');
    for (const { id, data } of blocks.all(-second)) {
      const records = decodeBlock(data).records();
      for (const each of records.filter(({ text }) => isWhole(text))) {
        each.text = '{}';
        lost += 1;
      }
      put.run(encodeBlock(records, 3), id);
    }
  }
  assert.equal(lost, OBJECTS);
  using store = openSqliteStore({ file, ...SHAPE, stepsMax: 1_000 });
  for (const { ref, seq } of changes) assert.equal(store.stateAt(ref, { seq })?.metadata.name, ref.name, `after ${seq}`);
});

it('is read and written between any two steps', () => {
  using store = openSqliteStore({ file: ':memory:', ...SHAPE, headCacheBytes: 0 });
  const changes = record(store, CHANGES);
  let steps = 0;
  for (; store.maintain({ msMax: 0 }); steps++) {
    assertStates(store, changes.slice(steps % 50, (steps % 50) + 200));
    if (steps % 10 === 0)
      store.append({ changes: [newChange('ADDED', state(`late${steps}`, String(1_000 + steps), { steps }))] });
  }
  assert.ok(steps > 20, `${steps} steps`);
  assertStates(store, changes);
});

/** So little happens that no span is sorted by namespace. */
const SPARSE = { msPerLargeSpan: 0, changesPerLargeSpan: 1e9 };

/** Objects of two kinds in three namespaces, in turn; going on from what was recorded before. */
function recordSpread(store: SqliteStore, changes: number, before: readonly Change[] = []): Change[] {
  const states = new Map(before.map((change) => [change.ref.name, change.state]));
  return Array.from({ length: changes }, (_, n) => {
    const i = before.length + n;
    const [name, namespace] = [`k${i % 12}`, `namespace-${i % 3}`];
    const kind = i % 2 === 0 ? 'Kafka' : 'KafkaTopic';
    const old = states.get(name);
    const object = { ...state(name, String(i + 1), { n: i, same: 'x'.repeat(200) }, { namespace }), kind } as KubeObject;
    states.set(name, object);
    return store.append({
      changes: [newChange(old === undefined ? 'ADDED' : 'MODIFIED', object, { before: old, observedMs: i })],
    });
  }).flat();
}

it('what a namespace held lies together where much happens', async () => {
  const file = join(folder, 'together.db');
  const changes: Change[] = [];
  {
    using store = openSqliteStore({ file, ...SHAPE });
    changes.push(...recordSpread(store, CHANGES));
    store.maintain();
    assertStates(store, changes);
  }
  assert.deepEqual((await checkDatabase({ file })).problems, []);
  const last = -(keys(file)
    .spans.filter((key) => key < 0)
    .at(-1) as number);
  const kept = 'namespace-1';
  {
    using db = opened(file);
    const blocks = db.prepare('SELECT namespace_id FROM block WHERE span_seq < 0 ORDER BY id').pluck().all();
    assert.ok(new Set(blocks).size === 3 && blocks.length > 9, `blocks of namespaces ${blocks}`);
    // A block begins with the rest of the namespace before it.
    db.prepare(`DELETE FROM block WHERE span_seq < 0 AND namespace_id > (SELECT id FROM namespace WHERE name = ?)`).run(kept);
    db.prepare('DELETE FROM block WHERE span_seq > 0').run();
  }
  using store = openSqliteStore({ file, ...SHAPE });
  const inLarge = changes.filter(({ seq }) => seq <= last);
  assertStates(
    store,
    inLarge.filter(({ ref }) => ref.namespace === kept),
  );
  const others = inLarge.filter(({ ref }) => ref.namespace === 'namespace-2').slice(-12);
  assert.throws(() => assertStates(store, others), { code: 'STORE_CORRUPT' });
});

for (const [dense, byNamespace] of [
  [16, 0],
  [112, 1],
] as const)
  it(`merges spans of two orders into one of the order of most: ${dense} of 128 changes by namespace`, async () => {
    const file = join(folder, `mixed-${dense}.db`);
    const small = { ...SHAPE, changesPerLargeSpan: 128, msPerLargeSpan: 1e9 };
    const changes: Change[] = [];
    {
      using store = openSqliteStore({ file, ...small, ...SPARSE });
      changes.push(...recordSpread(store, 128 - dense));
      store.maintain();
    }
    {
      using store = openSqliteStore({ file, ...small, changesPerLargeSpan: 1e9, msPerLargeSpan: 1e12 });
      changes.push(...recordSpread(store, dense, changes));
      store.maintain();
    }
    {
      using store = openSqliteStore({ file, ...small });
      store.maintain();
      assertStates(store, changes);
    }
    using db = opened(file);
    assert.deepEqual(db.prepare('SELECT level, by_namespace FROM span').raw().all(), [[2, byNamespace]]);
    assert.deepEqual((await checkDatabase({ file })).problems, []);
  });

it('what a merge leaves that was broken off is no damage, and is swept out', async () => {
  const file = join(folder, 'broken-off.db');
  const changes: Change[] = [];
  let left = { before: 0, after: 0 };
  {
    using store = openSqliteStore({ file, ...SHAPE });
    changes.push(...record(store, CHANGES));
    store.maintain();
  }
  // As a process leaves it that was killed before a merge was done, and another that was killed right after.
  {
    using db = opened(file);
    const copy = db.prepare(
      'INSERT INTO block (span_seq, resource_id, life_id, seq, data) SELECT ?, resource_id, life_id, seq, data FROM block WHERE id = (SELECT max(id) FROM block)',
    );
    copy.run(-CHANGES);
    copy.run(32);
  }
  const known = new Set(keys(file).spans);
  left = { ...left, before: keys(file).blocks.filter((key) => !known.has(key)).length };
  assert.deepEqual((await checkDatabase({ file })).problems, []);
  {
    using store = openSqliteStore({ file, ...SHAPE });
    store.maintain();
    assertStates(store, changes);
  }
  left = { ...left, after: keys(file).blocks.filter((key) => !known.has(key)).length };
  assert.deepEqual(left, { before: 2, after: 0 });
});

for (const order of ['', ' DESC'])
  it(`blocks of which the span is lost to damage stay, though they belong to none: ${order === '' ? 'the oldest' : 'the newest'}`, () => {
    const file = join(folder, `lost-span${order}.db`);
    const changes: Change[] = [];
    {
      using store = openSqliteStore({ file, ...SHAPE });
      changes.push(...record(store, CHANGES));
      store.maintain();
    }
    const lost = order === '' ? keys(file).spans.slice(0, 2) : keys(file).spans.slice(-2);
    {
      using db = opened(file);
      db.prepare(`DELETE FROM span WHERE last_seq IN (SELECT last_seq FROM span ORDER BY last_seq${order} LIMIT 2)`).run();
    }
    for (let times = 0; times < 3; times++) {
      using store = openSqliteStore({ file, ...SHAPE });
      const more = Array.from({ length: 40 }, (_, n) => state(`new-${times}-${n}`, String(99_000 + n), { n }));
      for (const object of more) store.append({ changes: [newChange('ADDED', object)] });
      for (let rounds = 0; rounds < 5; rounds++) store.maintain();
    }
    const after = new Set(keys(file).blocks);
    assert.ok(lost.every((key) => after.has(key)));
  });

it('merges what is whole though a block beside it is damaged', () => {
  const file = join(folder, 'damaged.db');
  {
    using store = openSqliteStore({ file, ...SHAPE, changesPerLargeSpan: 1e9 });
    record(store, CHANGES);
    store.maintain();
  }
  {
    using db = opened(file);
    db.prepare("UPDATE block SET data = x'00' WHERE span_seq = 32").run();
  }
  using store = openSqliteStore({ file, ...SHAPE });
  store.maintain();
  assert.equal(store.losses, 1);
  store.maintain();
  assert.equal(keys(file).spans.filter((key) => key < 0).length > 0, true);
});
