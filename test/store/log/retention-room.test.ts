/** Where room is short what is old goes whatever its age: what is kept is as it was, and a flood over many objects is kept up with. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../../src/demo/random.ts';
import type { Change } from '../../../src/domain/change.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { newChange, refTo, state } from '../new-changes.ts';
import { pageAbout } from '../page-about.ts';
import { assertListedAsKept } from './listed-as-kept.ts';

const ROOM = 1e9;

/** A flood: one object after the other changes, as they do where a controller goes through all of its kind. */
class Flood {
  readonly #objects: number;
  readonly #random = createRandom('flood of many');
  readonly #states = new Map<string, KubeObject>();
  #n = 0;

  constructor(objects: number) {
    this.#objects = objects;
  }

  next(count: number) {
    return Array.from({ length: count }, () => {
      this.#n += 1;
      const name = `k${this.#n % this.#objects}`;
      const before = this.#states.get(name);
      const labels =
        before === undefined
          ? Array.from({ length: 12 }, () => this.#random.hex(6))
          : (before.spec as { labels: string[] }).labels;
      const object = state(name, String(this.#n), { n: this.#n, status: this.#random.hex(6), labels });
      this.#states.set(name, object);
      return newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: this.#n });
    });
  }

  check(store: SqliteStore): void {
    for (const [name, object] of this.#states) assert.deepEqual(store.head(refTo(name))?.state, object, name);
  }
}

/** Upkeep may find no room either, and goes on in the next slice. */
function slice(store: SqliteStore): void {
  try {
    store.maintain({ msMax: 0 });
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'STORE_FULL');
  }
}

it('a flood over many objects does not wait at the cap, and evidence stays', async () => {
  const file = join(temporaryFolder(), 'flood.db');
  const bytesMax = 2_000_000;
  const flood = new Flood(2_500);
  let full = 0;
  {
    using store = openSqliteStore({ file, bytesMax });
    let flagged: Change | undefined;
    for (let batch = 0; batch < 450; batch++) {
      const changes = flood.next(100);
      for (;;) {
        try {
          const recorded = store.append({ changes });
          if (batch === 40) flagged = recorded[7] as Change;
          break;
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'STORE_FULL');
          full += 1;
          for (let slices = 0; !store.probeWrite(); slices++) {
            assert.ok(slices < 2_000, `there is no room after ${slices} slices`);
            slice(store);
          }
        }
      }
      if (batch === 41) store.commitAnalysis({ findings: [pageAbout(flagged as Change)] });
      for (let slices = 0; slices < 12; slices++) slice(store);
    }
    const { released } = store.counts();
    assert.equal(full, 0, `recording waited ${full} times`);
    assert.ok(released > 8_000, `${released} let go of`);
    flood.check(store);
    const { seq, diff, ref } = flagged as Change;
    assert.deepEqual(store.change(seq)?.diff, diff);
    const listed = store.changes({ name: ref.name, limit: 1_000 }).items;
    assert.ok(
      listed.some((one) => one.seq === seq - 2_500),
      'with the change before it',
    );
  }
  assert.deepEqual((await checkDatabase({ file })).problems, []);
});

it('what is known of the database stays where a batch is refused for want of room, and recording goes on once there is some', () => {
  const file = join(temporaryFolder(), 'refused.db');
  const flood = new Flood(50);
  using store = openSqliteStore({ file, bytesMax: 1_500_000 });
  const record = () => store.append({ changes: flood.next(100) });
  for (let batch = 0; batch < 12; batch++) record();
  store.maintain();
  store.change(1);
  const state = store.head(refTo('k7'))?.state;
  const { bytes } = store.blockCache;
  assert.ok(bytes > 0, 'a block is kept for reading');
  const full = () => {
    for (let batch = 0; batch < 1_000; batch++) {
      const changes = flood.next(100);
      try {
        store.append({ changes });
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'STORE_FULL');
        return changes;
      }
    }
    return assert.fail('it is never full');
  };
  const refused = full();
  assert.equal(store.blockCache.bytes, bytes);
  assert.notEqual(state, undefined);
  const newest = store.counts().changes;
  for (let slices = 0; !store.probeWrite(); slices++) {
    assert.ok(slices < 2_000, `there is no room after ${slices} slices`);
    slice(store);
  }
  assert.deepEqual(
    store.append({ changes: refused }).map(({ seq }) => seq),
    refused.map((_, i) => newest + 1 + i),
  );
  flood.check(store);
});

const step = fc.record({
  object: fc.integer({ min: 0, max: 7 }),
  value: fc.integer({ min: 0, max: 99 }),
  gone: fc.nat(14).map((n) => n === 0),
});
const shapes = fc.record({
  changesPerSpan: fc.integer({ min: 1, max: 9 }),
  spansPerMerge: fc.integer({ min: 2, max: 4 }),
  bytesPerBlock: fc.integer({ min: 1, max: 1_500 }),
  changesPerLargeSpan: fc.integer({ min: 1, max: 30 }),
  bytesPerLargeBlock: fc.integer({ min: 1, max: 1_500 }),
  changesPerNewestMark: fc.integer({ min: 1, max: 30 }),
});

it('leaves what is kept as it was, however often and at whatever place room is short', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      shapes,
      fc.integer({ min: 1, max: 40 }),
      (floods, shape, slices) => {
        using store = openSqliteStore({ file: ':memory:', ...shape });
        const states = new Map<string, KubeObject>();
        const lives = new Map<string, number>();
        const recorded: Change[] = [];
        for (const steps of floods) {
          store.limitBytes(ROOM);
          assert.ok(store.probeWrite());
          for (const { object: i, value, gone } of steps) {
            const name = `k${i}`;
            const before = states.get(name);
            const deleted = gone && before !== undefined;
            const life = lives.get(name) ?? 0;
            const spec = deleted ? (before.spec as { v: number }) : { v: value, same: 'x'.repeat(100) };
            const object = state(name, String(recorded.length + 1), spec, { uid: `uid-${i}-${life}` });
            if (deleted) {
              states.delete(name);
              lives.set(name, life + 1);
            } else states.set(name, object);
            recorded.push(
              ...store.append({
                changes: [newChange(deleted ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED', object, { before })],
              }),
            );
          }
          store.maintain();
          const flagged = recorded.findLast(({ type }) => type === 'MODIFIED');
          if (flagged !== undefined) store.commitAnalysis({ findings: [pageAbout(flagged)] });
          store.limitBytes(1);
          for (let n = 0; n < slices; n++) slice(store);
          const kept = new Set(store.changes({ limit: 1_000 }).items.map(({ seq }) => seq));
          for (const change of recorded)
            if (kept.has(change.seq))
              assert.deepEqual(store.change(change.seq)?.state, change.state, `state after ${change.seq}`);
          if (flagged !== undefined) assert.ok(kept.has(flagged.seq), 'evidence stays');
          assertListedAsKept(store, recorded, kept);
          for (const [name, object] of states) assert.deepEqual(store.head(refTo(name))?.state, object, name);
          assert.equal(kept.size + store.counts().released, recorded.length);
        }
      },
    ),
    { numRuns: 40 },
  );
});
