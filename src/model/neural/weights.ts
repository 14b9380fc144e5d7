/** The weights of a small network as plain data: made from a seed, packed to bytes and back. What they are trained with is not known here. */
import { createHash } from 'node:crypto';
import { CrowsnestError } from '../../domain/errors.ts';
import type { Chance } from './seeded.ts';

export interface Layer {
  inputs: number;
  outputs: number;
  /** Row by row, one row for each input. */
  kernel: Float32Array;
  bias: Float32Array;
}
export type Weights = readonly Layer[];

const MAGIC = 'crowsnest-weights-1';
const HEAD_MAX = 4_096;

/** Uniform within the bounds of Glorot and Bengio, which keep the spread of activations from layer to layer. */
export function initialWeights(widths: readonly number[], chance: Chance): Weights {
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] as number;
    const bound = Math.sqrt(6 / (inputs + outputs));
    const kernel = Float32Array.from({ length: inputs * outputs }, () => (2 * chance() - 1) * bound);
    return { inputs, outputs, kernel, bias: new Float32Array(outputs) };
  });
}

export function widthsOf(weights: Weights): number[] {
  return weights.length === 0 ? [] : [(weights[0] as Layer).inputs, ...weights.map(({ outputs }) => outputs)];
}

/** One line of JSON, then all numbers as little-endian float32. */
export function packWeights(weights: Weights): Uint8Array {
  const numbers = weights.flatMap(({ kernel, bias }) => [kernel, bias]);
  const body = Buffer.alloc(4 * numbers.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of numbers) for (const value of part) at = body.writeFloatLE(value, at);
  const head = JSON.stringify({ format: MAGIC, widths: widthsOf(weights), sha256: sumOf(body) });
  return Buffer.concat([Buffer.from(`${head}\n`), body]);
}

/** Throws CrowsnestError STORE_CORRUPT where the bytes are not what `packWeights` wrote. */
export function unpackWeights(bytes: Uint8Array): Weights {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = all.subarray(0, HEAD_MAX).indexOf(10);
  let head: { format?: unknown; widths?: unknown; sha256?: unknown } = {};
  try {
    head = JSON.parse(all.toString('utf8', 0, Math.max(0, end))) as typeof head;
  } catch {
    // Said below, with the other ways of not being weights.
  }
  const body = all.subarray(end + 1);
  const widths = Array.isArray(head.widths) ? (head.widths as number[]) : [];
  const layers = widths.slice(1).map((outputs, i) => ({ inputs: widths[i] as number, outputs }));
  const length = layers.reduce((sum, { inputs, outputs }) => sum + 4 * outputs * (inputs + 1), 0);
  if (head.format !== MAGIC || layers.length === 0 || length !== body.length || head.sha256 !== sumOf(body))
    throw new CrowsnestError({
      code: 'STORE_CORRUPT',
      what: 'the weights of a network cannot be read',
      todo: 'Go back to another version; the next training makes a new one',
    });
  let at = 0;
  const read = (count: number) => Float32Array.from({ length: count }, (_, i) => body.readFloatLE(at + 4 * i));
  return layers.map(({ inputs, outputs }) => {
    const kernel = read(inputs * outputs);
    at += 4 * kernel.length;
    const bias = read(outputs);
    at += 4 * bias.length;
    return { inputs, outputs, kernel, bias };
  });
}

function sumOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
