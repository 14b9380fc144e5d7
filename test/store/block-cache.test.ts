/** Blocks that were read: kept within their bound, given back at once when they go, and told as metrics. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { Registry } from 'prom-client';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { decodeBlock, encodeBlock } from '../../src/store/pack/block-codec.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { publishStoreMetrics } from '../../src/store/store-metrics.ts';
import { newChange, state } from './new-changes.ts';

const OBJECTS = 40;
const CHANGES = 800;
const CACHE_BYTES = 12_000;

it('states are read right through a cache smaller than what is read, whose bytes and misses are metrics', async () => {
  using store = openSqliteStore({
    file: ':memory:',
    ...{ changesPerSpan: 16, spansPerMerge: 2, changesPerLargeSpan: 128, bytesPerLargeBlock: 4_000, bytesPerBlock: 4_000 },
    ...{ cacheBytes: CACHE_BYTES, headCacheBytes: 0, walkCacheBytes: 0 },
  });
  const states = new Map<string, KubeObject>();
  const changes = Array.from({ length: CHANGES }, (_, i) => {
    const name = `k${i % OBJECTS}`;
    const before = states.get(name);
    const object = state(name, String(i + 1), { n: i, same: `${name} `.repeat(60) });
    states.set(name, object);
    return store.append({ changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before })] });
  }).flat();
  store.maintain();
  const registry = new Registry();
  publishStoreMetrics(store, registry);
  const metric = async (name: string) =>
    (await registry.getSingleMetric(`crowsnest_${name}`)?.get())?.values[0]?.value ?? Number.NaN;
  const read = async () => {
    for (const { ref, seq, state: expected } of changes) assert.deepEqual(store.stateAt(ref, { seq }), expected, `after ${seq}`);
    assert.ok((await metric('store_block_cache_bytes')) <= CACHE_BYTES);
    return metric('store_blocks_inflated');
  };
  const once = await read();
  const twice = await read();
  assert.ok(once > 10 && twice > once + 10, `${once}, then ${twice}: not everything fits`);
  assert.ok((await metric('store_block_cache_bytes')) > 0);
});

it('what is given back is gone at once', () => {
  const block = decodeBlock(encodeBlock([{ seq: 7, text: JSON.stringify({ x: 'y'.repeat(100_000) }) }], 3));
  const at = block.indexOf(7);
  assert.equal(block.textAt(at).length, 100_008);
  block.free();
  assert.equal(block.data.buffer.byteLength, 0, 'its memory is no longer there');
  assert.throws(() => block.indexOf(7), TypeError, 'nor that of what lies where in it');
});

it('a block is packed into one buffer: what it was put together from would wait for the garbage collector', () => {
  const text = randomBytes(200_000).toString('base64');
  encodeBlock([{ seq: 7, text }], 3);
  const before = process.memoryUsage().arrayBuffers;
  const packed = encodeBlock([{ seq: 7, text }], 3);
  const taken = process.memoryUsage().arrayBuffers - before;
  assert.ok(packed.length > 150_000, `${packed.length}`);
  assert.ok(taken <= packed.buffer.byteLength + 4_096, `${taken} bytes for a block of ${packed.length}`);
  assert.equal(decodeBlock(packed).textAt(0), text);
});

it('what a block was read from is given back at once', () => {
  using store = openSqliteStore({
    file: ':memory:',
    ...{ changesPerSpan: 16, bytesPerBlock: 100_000, cacheBytes: 0, headCacheBytes: 0, walkCacheBytes: 0 },
  });
  const changes = Array.from({ length: 64 }, (_, i) => {
    const object = state(`k${i}`, String(i + 1), { noise: randomBytes(20_000).toString('base64') });
    return store.append({ changes: [newChange('ADDED', object)] });
  }).flat();
  store.maintain();
  let left = 0;
  const read = () => {
    for (const { ref, seq, state: expected } of changes) {
      const before = process.memoryUsage().arrayBuffers;
      const found = store.stateAt(ref, { seq });
      // What the collector frees from one read to the next does not count.
      left += Math.max(0, process.memoryUsage().arrayBuffers - before);
      assert.deepEqual(found, expected);
    }
  };
  // Some blocks stay open: from then on each that is read takes the place of another.
  read();
  left = 0;
  read();
  assert.ok(left < 500_000, `${left} bytes of buffers are left behind by reading ${changes.length} states of 27,000`);
});
