/** Vectors on their way into the neural thread: three arrays that are handed over, not copied, in place of a hundred thousand objects. */
import type { TrainingVector } from '../../model/neural/autoencoder.ts';

export interface PackedVectors {
  indices: Uint16Array<ArrayBuffer>;
  values: Float32Array<ArrayBuffer>;
  /** Where each vector ends. */
  ends: Uint32Array<ArrayBuffer>;
}

export function packVectors(vectors: readonly TrainingVector[]): PackedVectors {
  const total = vectors.reduce((sum, { indices }) => sum + indices.length, 0);
  const packed = { indices: new Uint16Array(total), values: new Float32Array(total), ends: new Uint32Array(vectors.length) };
  let at = 0;
  vectors.forEach(({ indices, values }, i) => {
    packed.indices.set(indices, at);
    packed.values.set(values, at);
    at += indices.length;
    packed.ends[i] = at;
  });
  return packed;
}

export function unpackVectors({ indices, values, ends }: PackedVectors): TrainingVector[] {
  return Array.from(ends, (end, i) => {
    const from = i === 0 ? 0 : (ends[i - 1] as number);
    return { indices: indices.subarray(from, end), values: values.subarray(from, end) };
  });
}

export function buffersOf({ indices, values, ends }: PackedVectors): ArrayBuffer[] {
  return [indices.buffer, values.buffer, ends.buffer];
}
