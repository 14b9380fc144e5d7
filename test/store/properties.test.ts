/** What holds for any input: random JSON through patches, blocks, seals and columns comes back as it was. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, type Json, type JsonObject } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { decodeBlock, encodeBlock, RecordBytes } from '../../src/store/pack/block-codec.ts';
import {
  decodeFlags,
  decodeResourceVersion,
  decodeUid,
  encodeFlags,
  encodeResourceVersion,
  encodeUid,
} from '../../src/store/pack/row-codec.ts';
import { ByteReader, ByteWriter } from '../../src/store/pack/varint.ts';
import { decodeRun, decodeScrape, encodeRun, encodeScrape } from '../../src/store/series/sample-codec.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, refTo, state } from './new-changes.ts';

/** Objects as literals are, so that they compare equal to what a decoder makes. */
const PLAIN = { noNullPrototype: true };
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const spec = fc.dictionary(fc.string({ maxLength: 6 }), json, { maxKeys: 6 }) as fc.Arbitrary<JsonObject>;

describe('any history', () => {
  it('is rebuilt exactly, whichever way it was cut into batches, spans and blocks', () => {
    const step = fc.record({
      object: fc.integer({ min: 0, max: 3 }),
      spec,
      gone: fc.boolean(),
      /** The clock of who tells goes back at times. */
      lateMs: fc.constantFrom(0, 0, 15, 40),
      maintain: fc.constantFrom('no', 'a step', 'all'),
    });
    const shape = fc.record({
      changesPerSpan: fc.integer({ min: 1, max: 9 }),
      spansPerMerge: fc.integer({ min: 2, max: 4 }),
      bytesPerBlock: fc.integer({ min: 1, max: 2_000 }),
      changesPerLargeSpan: fc.integer({ min: 1, max: 20 }),
      bytesPerLargeBlock: fc.integer({ min: 1, max: 2_000 }),
      changesPerNewestMark: fc.integer({ min: 1, max: 20 }),
      stepsMax: fc.integer({ min: 0, max: 5 }),
      headCacheBytes: fc.constantFrom(0, 1_000, 1e6),
      walkCacheBytes: fc.constantFrom(0, 1_000, 1e6),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), shape, (steps, options) => {
        using store = openSqliteStore({ file: ':memory:', ...options });
        const states = new Map<number, KubeObject>();
        const lives = new Map<number, number>();
        const appended = steps.flatMap((one, i) => {
          const before = states.get(one.object);
          const life = lives.get(one.object) ?? 0;
          const deleted = one.gone && before !== undefined;
          const content = deleted ? (before.spec as JsonObject) : one.spec;
          const object = state(`k${one.object}`, String(i + 1), content, { uid: `uid-${one.object}-${life}` });
          if (deleted) {
            states.delete(one.object);
            lives.set(one.object, life + 1);
          } else states.set(one.object, object);
          const type = deleted ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
          const changes = store.append({ changes: [newChange(type, object, { before, observedMs: 100 + i * 10 - one.lateMs })] });
          if (one.maintain !== 'no') store.maintain(one.maintain === 'all' ? {} : { msMax: 0 });
          return changes;
        });
        store.maintain();
        const read = store.changesAfter(0, 1_000);
        assert.equal(canonicalJson(read as unknown as Json), canonicalJson(appended as unknown as Json));
        for (const { seq, ref, state: expected } of appended.toReversed()) {
          assert.equal(canonicalJson(store.stateAt(ref, { seq }) as Json), canonicalJson(expected));
        }
        for (let atMs = 50; atMs < 100 + steps.length * 10; atMs += 25) {
          const there: [string, number][] = [];
          for (let n = 0; n < 4; n++) {
            const then = appended.findLast(({ ref, observedMs }) => ref.name === `k${n}` && observedMs <= atMs);
            const expected = then === undefined || then.type === 'DELETED' ? null : then.state;
            assert.equal(
              canonicalJson((store.stateAt(refTo(`k${n}`), { atMs }) ?? null) as Json),
              canonicalJson(expected as Json),
            );
            if (then !== undefined && expected !== null) there.push([then.ref.name, then.seq]);
          }
          const listed = store.objects({ atMs, limit: 10 }).items.map(({ ref, seq }): [string, number] => [ref.name, seq]);
          assert.deepEqual(listed.sort(), there.sort(), `at ${atMs}`);
          for (const { ref, seq } of store.objects({ atMs, limit: 10, namespace: 'streaming' }).items)
            assert.deepEqual(store.stateAt(ref, { seq }), store.stateAt(ref, { atMs }));
        }
        for (const [object, expected] of states) {
          assert.equal(canonicalJson(store.head(refTo(`k${object}`))?.state as Json), canonicalJson(expected));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('codecs', () => {
  it('blocks give back each record by its seq', () => {
    const records = fc.uniqueArray(
      fc.record({ seq: fc.integer({ min: 1, max: 2 ** 50 }), text: fc.string({ unit: 'grapheme' }) }, PLAIN),
      {
        selector: ({ seq }) => seq,
      },
    );
    fc.assert(
      fc.property(records, (all) => {
        const block = decodeBlock(encodeBlock(all, 3));
        assert.deepEqual(block.records(), all);
        for (const { seq, text } of all) assert.equal(block.textAt(block.indexOf(seq)), text);
        assert.equal(block.indexOf(0), -1);
        const moved = all.map(({ seq }, i) => new RecordBytes(seq, { bytes: block.data, ...block.placeAt(i) }));
        assert.deepEqual(decodeBlock(encodeBlock(moved, 3)).records(), all, 'as well from the bytes of another block');
      }),
    );
  });

  it('columns of samples give back every float64 bit for bit', () => {
    const value = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 49)),
    );
    const samples = fc.array(fc.record({ seriesId: fc.integer({ min: 1, max: 6 }), value }, PLAIN), {
      minLength: 1,
      maxLength: 8,
    });
    const scrape = fc.record(
      { targetId: fc.integer({ min: 1, max: 3 }), tsMs: fc.integer({ min: -5, max: 2e12 }), samples },
      PLAIN,
    );
    fc.assert(
      fc.property(fc.array(scrape, { maxLength: 20 }), (scrapes) => {
        const run = scrapes.map((one, i) => ({
          ...one,
          id: 7 + i * 3,
          samples: one.samples.toSorted((a, b) => a.seriesId - b.seriesId),
        }));
        assert.deepEqual(decodeRun(encodeRun(run, 3)), run);
        const only = new Set([2, 5]);
        const some = run.map((one) => ({ ...one, samples: one.samples.filter(({ seriesId }) => only.has(seriesId)) }));
        assert.deepEqual(decodeRun(encodeRun(run, 3), only), some);
        for (const one of run) assert.deepEqual(decodeScrape(encodeScrape(one.samples)), one.samples);
      }),
    );
  });

  it('columns of a row give back what went in', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String), fc.bigInt().map(String)), (text) => {
        assert.equal(decodeResourceVersion(encodeResourceVersion(text)), text);
        assert.equal(decodeUid(encodeUid(text)), text);
      }),
    );
    fc.assert(fc.property(fc.uuid(), (uid) => assert.equal(decodeUid(encodeUid(uid)), uid)));
    for (const type of ['ADDED', 'MODIFIED', 'DELETED'] as const) {
      for (const origin of ['watch', 'list', 'relist', 'replay', 'push'] as const) {
        for (const record of ['none', 'full', 'patch'] as const) {
          for (const own of [true, false]) {
            const bits = encodeFlags({ type, origin, own, record });
            assert.ok(origin === 'push' || bits < 128, 'one byte');
            assert.deepEqual(decodeFlags(bits), { type, origin, own, record });
          }
        }
      }
    }
  });

  it('varints hold whole numbers up to 2^53 - 1 and notice their end', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeNat()), (numbers) => {
        const writer = new ByteWriter();
        for (const number of numbers) writer.varint(number);
        const reader = new ByteReader(writer.finish());
        assert.deepEqual(
          numbers.map(() => reader.varint()),
          numbers,
        );
        assert.equal(reader.done, true);
        assert.throws(() => reader.varint(), RangeError);
      }),
    );
  });
});
