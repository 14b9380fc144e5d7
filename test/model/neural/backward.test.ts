/** The way back through the layers, which is written out, beside the slopes of the textbook's loss as differences show them. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chooseBackend } from '../../../src/model/neural/backend.ts';
import { createNetwork, type NetworkShape, tensorsAlive } from '../../../src/model/neural/network.ts';
import { seededChance } from '../../../src/model/neural/seeded.ts';
import { initialWeights } from '../../../src/model/neural/weights.ts';
import { wasmFolder } from '../../../src/pipeline/neural/wasm-folder.ts';

const WIDTHS = [12, 8, 3, 7] as const;
const ROWS = 5;
const STEPS = 20;
const LEARNING_RATE = 8e-3;
const DIFFERENCE = 1e-6;
const chance = seededChance(5);
const drawn = (count: number) => Float32Array.from({ length: count }, () => chance());
const flat = (weights: ReturnType<typeof initialWeights>) => weights.flatMap(({ kernel, bias }) => [...kernel, ...bias]);

interface Lesson {
  output: NetworkShape['output'];
  inputs: Float32Array;
  targets: Float32Array;
}

/** Mean over all numbers that come out: cross entropy, or distance. Weights lie layer by layer, each kernel row by row before its bias. */
function lossOf(weights: readonly number[], { output, inputs, targets }: Lesson): number {
  const width = WIDTHS.at(-1) as number;
  let sum = 0;
  for (let row = 0; row < ROWS; row++) {
    let values = [...inputs.subarray(row * WIDTHS[0], (row + 1) * WIDTHS[0])];
    let from = 0;
    WIDTHS.slice(1).forEach((outputs, layer) => {
      const bias = from + values.length * outputs;
      const out = Array.from({ length: outputs }, (_, o) =>
        values.reduce(
          (total, value, i) => total + value * (weights[from + i * outputs + o] as number),
          weights[bias + o] as number,
        ),
      );
      from = bias + outputs;
      values = layer === WIDTHS.length - 2 ? out : out.map((value) => Math.max(0, value));
    });
    values.forEach((value, i) => {
      const wanted = targets[row * width + i] as number;
      const p = 1 / (1 + Math.exp(-value));
      sum += output === 'linear' ? Math.abs(value - wanted) : -wanted * Math.log(p) - (1 - wanted) * Math.log(1 - p);
    });
  }
  return sum / targets.length;
}

/** Adam (Kingma and Ba, 2014) on the slopes that small differences show. */
function learntByDifferences(lesson: Lesson): { losses: number[]; weights: number[] } {
  const weights = flat(initialWeights(WIDTHS, seededChance(1)));
  const [first, second] = [weights.map(() => 0), weights.map(() => 0)];
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    losses.push(lossOf(weights, lesson));
    const slopes = weights.map((weight, i) => {
      const moved = (by: number) => lossOf(weights.with(i, weight + by), lesson);
      return (moved(DIFFERENCE) - moved(-DIFFERENCE)) / (2 * DIFFERENCE);
    });
    slopes.forEach((slope, i) => {
      first[i] = 0.9 * (first[i] as number) + 0.1 * slope;
      second[i] = 0.999 * (second[i] as number) + 0.001 * slope ** 2;
      const [mean, square] = [(first[i] as number) / (1 - 0.9 ** step), (second[i] as number) / (1 - 0.999 ** step)];
      weights[i] = (weights[i] as number) - (LEARNING_RATE * mean) / (Math.sqrt(square) + 1e-7);
    });
  }
  return { losses, weights };
}

before(() => chooseBackend({ wanted: 'wasm', wasmFolder: wasmFolder() }));

describe('a network learns along the slopes of its loss', () => {
  for (const output of ['sigmoid', 'linear'] as const)
    test(`with ${output} at its end`, () => {
      const lesson = { output, inputs: drawn(ROWS * WIDTHS[0]), targets: drawn(ROWS * (WIDTHS.at(-1) as number)) };
      const alive = tensorsAlive();
      const network = createNetwork(initialWeights(WIDTHS, seededChance(1)), { output, learningRate: LEARNING_RATE });
      const losses = Array.from({ length: STEPS }, () => network.learn(lesson.inputs, lesson.targets));
      const weights = flat(network.weights());
      network.dispose();
      assert.equal(tensorsAlive(), alive, 'nothing is left behind');
      const other = learntByDifferences(lesson);
      assert.ok((losses.at(-1) as number) < (losses[0] as number) - 0.02, 'something was learnt');
      for (const [i, loss] of losses.entries()) assert.ok(Math.abs(loss - (other.losses[i] as number)) < 1e-4, `loss ${i}`);
      for (const [i, weight] of weights.entries())
        assert.ok(Math.abs(weight - (other.weights[i] as number)) < 1e-3, `weight ${i}: ${weight}, ${other.weights[i]}`);
    });
});
