/** What is old keeps less, and what stays is as it was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRandom } from '../../../src/demo/random.ts';
import type { Change } from '../../../src/domain/change.ts';
import type { JsonObject } from '../../../src/domain/json.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import type { Verdict } from '../../../src/domain/verdict.ts';
import { RUN } from '../../../src/store/log/posting-runs.ts';
import { DAY_MS } from '../../../src/store/log/retention-plan.ts';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite-store.ts';
import { newChange, refTo, state } from '../new-changes.ts';
import { pageAbout } from '../page-about.ts';
import { assertListedAsKept } from './listed-as-kept.ts';

interface Step {
  object: number;
  spec: JsonObject;
  gone: boolean;
  hours: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  object: fc.integer({ min: 0, max: 4 }),
  spec: fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.oneof(fc.integer(), fc.string({ maxLength: 80 })), {
    minKeys: 1,
    noNullPrototype: true,
  }) as fc.Arbitrary<JsonObject>,
  gone: fc.nat(9).map((n) => n === 0),
  hours: fc.integer({ min: 0, max: 9 }),
});

/** Appends a history one change at a time and returns what was recorded. */
function play(store: SqliteStore, steps: readonly Step[]): Change[] {
  const states = new Map<number, KubeObject>();
  const lives = new Map<number, number>();
  let ms = 0;
  return steps.flatMap(({ object: i, spec, gone, hours }, n) => {
    ms += hours * 3_600_000;
    const before = states.get(i);
    const life = lives.get(i) ?? 0;
    const deleted = gone && before !== undefined;
    const object = state(`k${i}`, String(n + 1), deleted ? (before.spec as JsonObject) : spec, { uid: `uid-${i}-${life}` });
    if (deleted) {
      states.delete(i);
      lives.set(i, life + 1);
    } else states.set(i, object);
    const type = deleted ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
    return store.append({ changes: [newChange(type, object, { before, observedMs: ms })] });
  });
}

/** Upkeep until nothing is due any more. */
function upkeep(store: SqliteStore): void {
  for (let released = -1; released !== store.counts().released; ) {
    released = store.counts().released;
    store.maintain();
  }
}

const shapes: fc.Arbitrary<Partial<SqliteStoreOptions>> = fc.record({
  changesPerSpan: fc.integer({ min: 1, max: 9 }),
  spansPerMerge: fc.integer({ min: 2, max: 4 }),
  bytesPerBlock: fc.integer({ min: 1, max: 1_500 }),
  changesPerLargeSpan: fc.integer({ min: 1, max: 30 }),
  bytesPerLargeBlock: fc.integer({ min: 1, max: 1_500 }),
  changesPerNewestMark: fc.integer({ min: 1, max: 30 }),
  stepsMax: fc.integer({ min: 0, max: 5 }),
  headCacheBytes: fc.constantFrom(0, 1e6),
  walkCacheBytes: fc.constantFrom(0, 1e6),
});
/** As they are of a cluster where little happens: an object's next change is in another one. */
const SMALL_SPANS = { changesPerSpan: 64, spansPerMerge: 4 };
const dayOf = ({ observedMs }: { observedMs: number }) => Math.floor(observedMs / DAY_MS);

describe('daily checkpoints', () => {
  it('are the states of the ends of days, and everything younger is whole', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 80 }),
        shapes,
        fc.integer({ min: 0, max: 6 }),
        (steps, shape, days) => {
          using store = openSqliteStore({ file: ':memory:', ...shape, keepChangesMs: days * DAY_MS });
          const recorded = play(store, steps);
          upkeep(store);
          const kept = new Map(store.changes({ limit: 1_000 }).items.map((one) => [one.seq, one]));
          const newest = Math.max(...recorded.map(({ observedMs }) => observedMs));
          for (const [i, change] of recorded.entries()) {
            const { seq, ref, observedMs } = change;
            const later = recorded.slice(i + 1).find((one) => one.ref.name === ref.name);
            const mustStay =
              later === undefined ||
              dayOf(later) !== dayOf(change) ||
              change.type === 'DELETED' ||
              observedMs >= newest - days * DAY_MS;
            if (mustStay) assert.ok(kept.has(seq), `change ${seq} is gone`);
            if (kept.has(seq)) assert.deepEqual(store.change(seq)?.state, change.state, `state after ${seq}`);
            else assert.equal(store.change(seq), undefined);
          }
          assertListedAsKept(store, recorded, kept);
          for (const name of new Set(recorded.map(({ ref }) => ref.name))) {
            const own = recorded.filter(({ ref }) => ref.name === name);
            assert.deepEqual(store.head(refTo(name))?.state, own.at(-1)?.state);
            for (let ms = DAY_MS - 1; ms < newest; ms += DAY_MS) {
              const then = own.findLast((one) => one.observedMs <= ms);
              const expected = then === undefined || then.type === 'DELETED' ? undefined : then.state;
              assert.deepEqual(store.stateAt(refTo(name), { atMs: ms }), expected, `${name} at the end of day ${ms / DAY_MS}`);
            }
          }
          assert.equal(kept.size + store.counts().released, recorded.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('say that they stand for more than themselves', () => {
    using store = openSqliteStore({ file: ':memory:', changesPerSpan: 4, keepChangesMs: DAY_MS });
    play(store, hourly(0, 200));
    upkeep(store);
    const first = store.changes({ name: 'k0', limit: 1_000 }).items.at(-1);
    assert.equal(first?.checkpoint, true);
    assert.equal(store.changes({ name: 'k0', limit: 1 }).items[0]?.checkpoint, undefined);
  });
});

describe('beside a merge', () => {
  it('a span that is done is not merged any more, also where that had begun', (t) => {
    const shape = { changesPerSpan: 8, spansPerMerge: 4, bytesPerBlock: 400, changesPerLargeSpan: 64, bytesPerLargeBlock: 400 };
    using store = openSqliteStore({ file: ':memory:', ...shape, keepChangesMs: DAY_MS, keepCheckpointsMs: 3 * DAY_MS });
    const all = hourly(0, 600).map((one, i) => ({ ...one, object: i % 3, hours: i % 3 === 0 ? 1 : 0 }));
    const recorded = play(store, all);
    // Looking at the time is what takes time, so that a slice of n is n steps: retention's last block, some steps of a merge of the same span, its end.
    let looks = 0;
    t.mock.method(performance, 'now', () => looks++);
    const random = createRandom('slices');
    for (let n = 0; n < 3_000; n++) store.maintain({ msMax: random.int(0, 12) });
    assert.ok(store.counts().released > 300, `${store.counts().released} let go of`);
    const newest = recorded.findLast(({ ref }) => ref.name === 'k0');
    assert.deepEqual(store.head(refTo('k0'))?.state, newest?.state);
  });
});

describe('statistics', () => {
  it('leave the newest state of each object, what is young, and the number of changes by day', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 5, maxLength: 80 }),
        shapes,
        fc.integer({ min: 0, max: 3 }),
        (steps, shape, days) => {
          using store = openSqliteStore({ file: ':memory:', ...shape, keepChangesMs: 0, keepCheckpointsMs: days * DAY_MS });
          const recorded = play(store, steps);
          upkeep(store);
          const kept = new Set(store.changes({ limit: 1_000 }).items.map(({ seq }) => seq));
          for (const change of recorded)
            if (kept.has(change.seq)) assert.deepEqual(store.change(change.seq)?.state, change.state);
          for (const name of new Set(recorded.map(({ ref }) => ref.name))) {
            const own = recorded.filter(({ ref }) => ref.name === name);
            const last = own.at(-1) as Change;
            if (last.type !== 'DELETED') assert.deepEqual(store.head(refTo(name))?.state, last.state);
            const listed = store.changes({ name, limit: 1_000 }).items.map(({ seq }) => seq);
            assert.deepEqual(
              listed,
              own
                .map(({ seq }) => seq)
                .filter((seq) => kept.has(seq))
                .toReversed(),
              name,
            );
          }
          assert.equal(kept.size + store.counts().released, recorded.length);
          const again = play(store, [
            { object: 0, spec: { a: 1 }, gone: false, hours: 0 },
            { object: 0, spec: { a: 2 }, gone: false, hours: 0 },
          ]);
          assert.deepEqual(store.head(refTo('k0'))?.state, again.at(-1)?.state, 'recording goes on');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keep what a younger change builds on no longer than until that is thinned too', () => {
    const days = 10;
    const kept = { keepChangesMs: days * DAY_MS, keepCheckpointsMs: days * DAY_MS };
    using store = openSqliteStore({ file: ':memory:', ...SMALL_SPANS, ...kept });
    const [objects, changes, everyMs] = [200, 12_000, 20 * 60_000];
    const random = createRandom('what is built on');
    const states = new Map<string, KubeObject>();
    const seen: { name: string; ms: number }[] = [];
    // Most objects change every few days: less often than a span is long, more often than changes are kept.
    for (let n = 1; n <= changes; n++) {
      const name = `k${random.int(0, objects - 1)}`;
      const [before, ms] = [states.get(name), n * everyMs];
      const object = state(name, String(n), { n, same: 'x'.repeat(200) });
      states.set(name, object);
      seen.push({ name, ms });
      store.append({ changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: ms })] });
      if (n % 20 === 0) upkeep(store);
    }
    const now = changes * everyMs;
    const left = changes - store.counts().released;
    const young = seen.filter(({ ms }) => ms >= now - days * DAY_MS).length;
    // Some days are not over for the whole of a span; twice the age has to come before it is looked for again.
    assert.ok(left < 2.5 * young, `${left} of ${changes} are left, ${young} of them from within ${days} days`);
    for (const [name, object] of states) assert.deepEqual(store.head(refTo(name))?.state, object, name);
    const beginMs = now - (days - 1) * DAY_MS;
    for (const name of states.keys()) {
      const was = seen.findLastIndex((one) => one.name === name && one.ms <= beginMs);
      const version = store.stateAt(refTo(name), { atMs: beginMs })?.metadata.resourceVersion;
      assert.equal(version, was < 0 ? undefined : String(was + 1), `${name} as the time began of which all is kept`);
    }
  });

  it('spare what an alert rests on, with the change before it', () => {
    using store = openSqliteStore({
      file: ':memory:',
      changesPerSpan: 20,
      spansPerMerge: 100,
      keepChangesMs: 0,
      keepCheckpointsMs: 0,
      evidenceShare: 0.1,
    });
    const recorded = play(store, hourly(0, 200));
    const flagged = recorded[29] as Change;
    const { seq } = flagged;
    store.commitAnalysis({ findings: [pageAbout(flagged)] });
    upkeep(store);
    assert.deepEqual(store.change(seq)?.diff, flagged.diff);
    const listed = store.changes({ name: 'k0', limit: 1_000 }).items.map((one) => one.seq);
    assert.ok(listed.includes(seq) && listed.includes(seq - 1), 'evidence is on the way back from the newest');
    assert.ok(!listed.includes(seq + 5));
  });

  it('spare what turns out to be evidence while its span is worked on', () => {
    const sizes = { changesPerSpan: 100, spansPerMerge: 100, bytesPerBlock: 500 };
    using store = openSqliteStore({ file: ':memory:', ...sizes, keepChangesMs: 0, keepCheckpointsMs: 0, evidenceShare: 0.1 });
    const recorded = play(store, hourly(0, 400));
    while (store.counts().released === 0) store.maintain({ msMax: 0 });
    assert.ok(store.counts().released < 50, 'the rest of the span is still there');
    const flagged = recorded[89] as Change;
    store.commitAnalysis({ findings: [pageAbout(flagged)] });
    upkeep(store);
    assert.deepEqual(store.change(flagged.seq)?.diff, flagged.diff);
    assert.equal(store.change(flagged.seq - 5), undefined);
  });

  it('spare what somebody called wrong, until that is taken back', () => {
    for (const takenBack of [false, true]) {
      using store = openSqliteStore({
        ...{ file: ':memory:', changesPerSpan: 20, spansPerMerge: 100, keepChangesMs: 0, keepCheckpointsMs: 0 },
        evidenceShare: 0.1,
      });
      const recorded = play(store, hourly(0, 200));
      const { seq, observedMs } = recorded[29] as Change;
      const verdict: Verdict = {
        ...{ id: 'v', findingId: 'f', verdict: 'wrong', by: 'ann', givenMs: 0, expiresMs: 1 },
        ...{ scope: { cluster: 'test' }, place: { seq, position: 0 }, change: { seq, ms: observedMs } },
      };
      store.putVerdict(verdict);
      if (takenBack) store.putVerdict({ ...verdict, withdrawn: { by: 'ann', ms: 1, place: { seq, position: 0 } } });
      upkeep(store);
      const listed = store.changes({ name: 'k0', limit: 1_000 }).items.map((one) => one.seq);
      assert.equal(listed.includes(seq), !takenBack);
      assert.ok(!listed.includes(seq + 5));
    }
  });
});

describe('a cap on bytes', () => {
  it('is held by letting go of the oldest, and recording goes on', () => {
    const bytesMax = 1_500_000;
    using store = openSqliteStore({ file: ':memory:', bytesMax, changesPerSpan: 64 });
    const noise = (n: number) =>
      Array.from({ length: 40 }, (_, i) => ((n * 7919 + i * 104_729) % 1_000_003).toString(36)).join('');
    let before: KubeObject | undefined;
    for (let n = 1; n <= 20_000; n++) {
      const object = state('k0', String(n), { noise: noise(n) });
      store.append({
        changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: n * 600_000 })],
      });
      before = object;
      if (n % 64 === 0) store.maintain();
    }
    const { bytes, released, changes } = store.counts();
    assert.ok(bytes <= bytesMax, `${bytes} bytes`);
    assert.ok(released > 5_000, `${released} of ${changes} let go of`);
    assert.deepEqual(store.head(refTo('k0'))?.state, before);
  });
});

describe('a cap on bytes that a flood has reached', () => {
  it('is got away from by upkeep, in slices, and recording goes on', () => {
    const bytesMax = 1_500_000;
    using store = openSqliteStore({ file: ':memory:', bytesMax, changesPerSpan: 64 });
    const random = createRandom('flood');
    const noise = () => Array.from({ length: 100 }, () => random.hex(8)).join('');
    const objects = Array.from({ length: 4_000 }, (_, i) => state('k0', String(i + 1), { noise: noise() }));
    const append = (n: number) =>
      store.append({
        changes: [newChange(n === 0 ? 'ADDED' : 'MODIFIED', objects[n] as KubeObject, n === 0 ? {} : { before: objects[n - 1] })],
      });
    let [n, full] = [0, 0];
    while (n < objects.length) {
      try {
        append(n);
        n += 1;
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'STORE_FULL');
        full += 1;
        for (let slices = 0; !store.probeWrite(); slices++) {
          assert.ok(slices < 500, `after ${slices} slices there is no room yet for change ${n}`);
          store.maintain({ msMax: 0 });
        }
      }
    }
    assert.ok(full > 0, 'the cap was reached');
    assert.ok(store.counts().bytes <= bytesMax);
    assert.deepEqual(store.head(refTo('k0'))?.state, objects.at(-1));
  });
});

describe('postings', () => {
  it('forget what is let go of', () => {
    using store = openSqliteStore({ file: ':memory:', keepChangesMs: 2 * DAY_MS });
    const states = new Map<string, KubeObject>();
    for (let n = 1; n <= RUN + 2_000; ) {
      const changes = [];
      for (let i = 0; i < 500; i++, n++) {
        const name = `k${n % 7}`;
        const before = states.get(name);
        const object = state(name, String(n), { [`f${n % 3}`]: n });
        states.set(name, object);
        changes.push(newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: n * 300_000 }));
      }
      store.append({ changes });
      store.maintain();
    }
    upkeep(store);
    const all = store.changes({ limit: 10_000 }).items;
    assert.ok(store.counts().released > 1_000);
    for (const path of ['/spec/f0', '/spec/f1']) {
      const found = store.changes({ path, limit: 10_000 }).items.map(({ seq }) => seq);
      assert.deepEqual(
        found,
        all.filter(({ paths }) => paths.includes(path)).map(({ seq }) => seq),
      );
    }
  });
});

function hourly(object: number, changes: number): Step[] {
  return Array.from({ length: changes }, (_, i) => ({ object, spec: { i, text: 'x'.repeat(200) }, gone: false, hours: 1 }));
}
