/** Vectors, weights and what is made of them, without a thread; the network itself on WebAssembly and on TensorFlow.js' plain backend. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { setBackend } from '@tensorflow/tfjs-core';
import type { Change } from '../../../src/domain/change.ts';
import { CrowsnestError } from '../../../src/domain/errors.ts';
import { createScorer, trainAutoencoder, WIDTHS } from '../../../src/model/neural/autoencoder.ts';
import { chooseBackend } from '../../../src/model/neural/backend.ts';
import { VECTOR_WIDTH, vectorOf, YES_OR_NO } from '../../../src/model/neural/change-vector.ts';
import { createNetwork, tensorsAlive } from '../../../src/model/neural/network.ts';
import { HIDDEN_MAX, hiddenOf } from '../../../src/model/neural/odd-company.ts';
import { Pairs } from '../../../src/model/neural/pairs.ts';
import { plantIn, sampleOf, toldApart } from '../../../src/model/neural/planted.ts';
import { seededChance, shuffled } from '../../../src/model/neural/seeded.ts';
import { initialWeights, packWeights, unpackWeights } from '../../../src/model/neural/weights.ts';
import { makeWeekClock } from '../../../src/model/week-clock.ts';
import { wasmFolder } from '../../../src/pipeline/neural/wasm-folder.ts';
import '@tensorflow/tfjs-backend-cpu';

const UTC = makeWeekClock('UTC');
const START = Date.parse('2026-01-05T08:00:00Z');

function changed(fields: Record<string, [unknown, unknown]>, more: Partial<Change> = {}): Change {
  const diff = Object.entries(fields).map(([path, [old, next]]) => ({ op: 'set', path, generic: path, old, new: next }));
  return {
    ...{ seq: 1, uid: 'u', type: 'MODIFIED', origin: 'watch', observedMs: START, resourceVersion: '1', generation: 1 },
    ref: { cluster: 'c', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'n', name: 'k' },
    actor: { name: 'bot:bump', source: 'stream', confidence: 1 },
    ...{ candidates: [], own: false, diff, state: { metadata: {} } },
    ...more,
  } as unknown as Change;
}

function pointOf(fields: Record<string, [unknown, unknown]>, more?: Partial<Change>) {
  const vector = vectorOf(changed(fields, more), UTC);
  assert.ok(vector !== undefined);
  return vector;
}

/** Fields a, b and c of which either none or all three change, though each pair of them is usual with d alone. */
function habit(n: number) {
  const sets = [['a', 'b'], ['b', 'c'], ['a', 'c'], ['d']];
  return Array.from({ length: n }, (_, i) => {
    const fields = Object.fromEntries((sets[i % 4] as string[]).map((name) => [`/spec/${name}`, [1, 2] as [number, number]]));
    return pointOf(fields, { observedMs: START + i * 3_600_000 });
  });
}

before(() => chooseBackend({ wanted: 'wasm', wasmFolder: wasmFolder() }));

describe('the vector of a change', () => {
  test('is the same for the same change, and rising and bounded', () => {
    const one = pointOf({ '/spec/a': [1, 2], '/spec/b': ['x', 'y'] });
    assert.deepEqual(one, pointOf({ '/spec/a': [1, 2], '/spec/b': ['x', 'y'] }));
    assert.deepEqual(
      [...one.indices],
      [...one.indices].sort((a, b) => a - b),
    );
    assert.ok(one.indices.every((index) => index < VECTOR_WIDTH));
    assert.ok(one.values.every((value) => value > 0 && value <= 1));
  });

  test('differs by field, actor, kind, verb and hour', () => {
    const usual = pointOf({ '/spec/a': [1, 2] });
    const others = [
      pointOf({ '/spec/b': [1, 2] }),
      pointOf({ '/spec/a': [1, 2] }, { actor: { name: 'user:x', source: 'stream', confidence: 1 } }),
      pointOf({ '/spec/a': [1, 2] }, { ref: { ...changed({}).ref, kind: 'Topic' } }),
      pointOf({ '/spec/a': [1, 2] }, { type: 'DELETED' }),
      pointOf({ '/spec/a': [1, 2] }, { observedMs: START + 5 * 3_600_000 }),
      pointOf({ '/spec/a': [1, 900] }),
    ];
    for (const other of others) assert.notDeepEqual({ ...other, names: 0 }, { ...usual, names: 0 });
  });

  test('no number of any size, infinite or not a number, leaves its bounds', () => {
    for (const values of [
      [1, Number.MAX_VALUE],
      [0, -5],
      ['NaN', 'Infinity'],
      [-1e308, 1e308],
      ['1e999', 3],
    ]) {
      const { values: out } = pointOf({ '/spec/a': values as [unknown, unknown] });
      assert.ok(
        out.every((value) => Number.isFinite(value) && value >= 0 && value <= 1),
        String(values),
      );
    }
  });

  test('a change of ten thousand fields stays small, and is asked for a few of them', () => {
    const fields = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`/spec/f${i}`, [1, 2]]));
    const vector = pointOf(fields as Record<string, [unknown, unknown]>);
    assert.ok(vector.indices.length <= VECTOR_WIDTH);
    assert.equal(hiddenOf(vector).length, HIDDEN_MAX);
  });

  test('what is nobody’s act has none', () => {
    assert.equal(vectorOf(changed({ '/spec/a': [1, 2] }, { own: true }), UTC), undefined);
    assert.equal(vectorOf(changed({ '/spec/a': [1, 2] }, { origin: 'list' }), UTC), undefined);
    assert.equal(vectorOf(changed({ '/status/phase': ['a', 'b'] }), UTC), undefined);
  });
});

describe('weights', () => {
  test('are those of their seed, and come back from bytes as they were', () => {
    const weights = initialWeights(WIDTHS, seededChance(7));
    assert.deepEqual(initialWeights(WIDTHS, seededChance(7)), weights);
    assert.notDeepEqual(initialWeights(WIDTHS, seededChance(8)), weights);
    const bytes = packWeights(weights);
    assert.ok(bytes.length < 170_000, `${bytes.length} bytes`);
    assert.deepEqual(unpackWeights(bytes), weights);
  });

  test('are refused when a byte is another, or missing', () => {
    const bytes = packWeights(initialWeights([3, 2], seededChance(1)));
    const torn = [
      bytes.subarray(0, -1),
      Uint8Array.from(bytes, (byte, i) => (i === bytes.length - 2 ? byte ^ 1 : byte)),
      Buffer.from('{}\n'),
      Buffer.alloc(0),
    ];
    for (const some of torn)
      assert.throws(
        () => unpackWeights(some),
        (error) => error instanceof CrowsnestError && error.code === 'STORE_CORRUPT',
      );
  });
});

test('chance is uniform, and a shuffle loses nothing', () => {
  const chance = seededChance(3);
  const mean = Array.from({ length: 10_000 }, chance).reduce((sum, value) => sum + value, 0) / 10_000;
  assert.ok(Math.abs(mean - 0.5) < 0.02, String(mean));
  assert.deepEqual(
    [...shuffled(100, chance)].sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, i) => i),
  );
});

test('the same weights score the same to 1e-4 on WebAssembly and in plain JavaScript', async () => {
  const points = habit(80);
  const { weights } = trainAutoencoder({ vectors: points, seed: 1 });
  const inputs = new Float32Array(points.length * VECTOR_WIDTH);
  points.forEach(({ indices, values }, row) => {
    indices.forEach((index, i) => {
      inputs[row * VECTOR_WIDTH + index] = values[i] as number;
    });
  });
  const on = async (backend: string) => {
    assert.equal(await setBackend(backend), true);
    const network = createNetwork(weights, { output: 'sigmoid', learningRate: 1e-3 });
    const scorer = createScorer(weights);
    const out = { guessed: network.predict(inputs), found: scorer.score(points) };
    network.dispose();
    scorer.dispose();
    return out;
  };
  const [plain, wasm] = [await on('cpu'), await on('wasm')];
  let most = 0;
  plain.guessed.forEach((value, i) => {
    most = Math.max(most, Math.abs(value - (wasm.guessed[i] as number)));
  });
  assert.ok(most > 0 || plain.guessed.length > 0);
  assert.ok(most <= 1e-4, `guesses differ by up to ${most}`);
  plain.found.forEach((one, i) => {
    assert.ok(Math.abs(one.surprise - (wasm.found[i]?.surprise ?? Number.NaN)) <= 1e-4);
  });
});

test('a combination of three that never came is odder than the pairs it is made of, and nothing is left behind', async () => {
  const before = tensorsAlive();
  const points = habit(400);
  const progress: number[] = [];
  const { weights, loss } = trainAutoencoder({
    vectors: points,
    seed: 1,
    onProgress: ({ rows, of }) => progress.push(rows / of),
  });
  assert.equal(progress.at(-1), 1);
  assert.ok(loss < 0.1, `loss ${loss}`);
  const scorer = createScorer(weights);
  const at = { observedMs: START + 13 * 24 * 3_600_000 };
  const fields = (names: string[]) => Object.fromEntries(names.map((name) => [`/spec/${name}`, [1, 2] as [number, number]]));
  const usual = scorer.score([['a', 'b'], ['b', 'c'], ['a', 'c'], ['d']].map((names) => pointOf(fields(names), at)));
  const [triple] = scorer.score([pointOf(fields(['a', 'b', 'c']), at)]);
  const most = Math.max(...usual.map(({ surprise }) => surprise));
  assert.ok((triple?.surprise ?? 0) > 2 * most, `triple ${triple?.surprise}, usual up to ${most}`);
  assert.ok((triple?.feature ?? YES_OR_NO) < YES_OR_NO);
  scorer.dispose();
  assert.equal(tensorsAlive(), before);
});

test('made-up combinations never happened, and pairs tell some of them', () => {
  const points = habit(400);
  const planted = plantIn(points, seededChance(1));
  assert.ok(planted.length > 100);
  const essence = ({ indices }: { indices: Uint16Array }) => [...indices].filter((index) => index < YES_OR_NO).join();
  const real = new Set(points.map(essence));
  assert.ok(planted.every((one) => !real.has(essence(one))));
  const pairs = new Pairs();
  for (const point of points) pairs.learn(point);
  const told = toldApart(
    planted.map((one) => pairs.surprise(one)),
    points.map((one) => pairs.surprise(one)),
    0.01,
  );
  assert.ok(told > 0.3 && told <= 1, String(told));
  assert.equal(toldApart([1, 1], [1, 1], 0.01), 0, 'a tie is not told');
  assert.deepEqual(sampleOf([1, 2, 3], 5, seededChance(1)), [1, 2, 3]);
  assert.equal(sampleOf(points, 7, seededChance(1)).length, 7);
});
