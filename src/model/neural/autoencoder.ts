/**
 * The denoising autoencoder: 300 - 64 - 16 - 64 - 300, trained to restore a change of which some features were hidden. It learns which
 * combinations go together beyond the pairs that the closed forms count.
 */
import { type ChangeVector, VECTOR_WIDTH, YES_OR_NO } from './change-vector.ts';
import { createNetwork, type Network } from './network.ts';
import { hiddenOf, type OddCompany, oddCompanyOf, rowsOf } from './odd-company.ts';
import { type Chance, seededChance, shuffled } from './seeded.ts';
import { initialWeights, type Weights } from './weights.ts';

export const WIDTHS = [VECTOR_WIDTH, 64, 16, 64, VECTOR_WIDTH] as const;
const SHAPE = { output: 'sigmoid', learningRate: 8e-3 } as const;
/** Large batches cost least for each row; of few changes small ones, so that there are enough steps. */
const BATCH_MAX = 256;
const BATCH_MIN = 32;
const BATCHES_MIN = 32;
const EPOCHS = 3;
/** Few changes need more rounds until anything is learnt. */
const ROWS_MIN = 60_000;
const EPOCHS_MAX = 40;
const HIDDEN_SHARE = 0.25;
const SCORED_ROWS = 2_048;

export type TrainingVector = Pick<ChangeVector, 'indices' | 'values'>;

export interface Training {
  vectors: readonly TrainingVector[];
  seed: number;
  /** After every few batches. */
  onProgress?: (done: { rows: number; of: number; loss: number }) => void;
}

export interface Trained {
  weights: Weights;
  /** Mean over the last round, in nats for each feature. */
  loss: number;
}

export function trainAutoencoder({ vectors, seed, onProgress }: Training): Trained {
  const chance = seededChance(seed);
  const network = createNetwork(initialWeights(WIDTHS, chance), SHAPE);
  try {
    const epochs = Math.max(EPOCHS, Math.min(EPOCHS_MAX, Math.ceil(ROWS_MIN / vectors.length)));
    const size = Math.max(BATCH_MIN, Math.min(BATCH_MAX, Math.floor(vectors.length / BATCHES_MIN)));
    const of = epochs * vectors.length;
    let rows = 0;
    let loss = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = shuffled(vectors.length, chance);
      let sum = 0;
      for (let from = 0; from < order.length; from += size) {
        const batch = Array.from(order.subarray(from, from + size), (i) => vectors[i] as TrainingVector);
        const { inputs, targets } = noisy(batch, chance);
        sum += network.learn(inputs, targets) * batch.length;
        rows += batch.length;
        onProgress?.({ rows, of, loss: sum / Math.min(order.length, from + size) });
      }
      loss = sum / order.length;
    }
    return { weights: network.weights(), loss };
  } finally {
    network.dispose();
  }
}

/** Inputs with some features hidden, and what they are to be restored to. */
function noisy(batch: readonly TrainingVector[], chance: Chance): { inputs: Float32Array; targets: Float32Array } {
  const targets = new Float32Array(batch.length * VECTOR_WIDTH);
  const inputs = new Float32Array(targets.length);
  batch.forEach(({ indices, values }, row) => {
    indices.forEach((index, i) => {
      const at = row * VECTOR_WIDTH + index;
      targets[at] = values[i] as number;
      inputs[at] = index < YES_OR_NO && chance() < HIDDEN_SHARE ? 0 : (values[i] as number);
    });
  });
  return { inputs, targets };
}

export interface Scorer {
  score(vectors: readonly TrainingVector[]): OddCompany[];
  dispose(): void;
}

export function createScorer(weights: Weights): Scorer {
  const network: Network = createNetwork(weights, SHAPE);
  return {
    score(vectors) {
      const out: OddCompany[] = [];
      for (let from = 0; from < vectors.length; ) {
        const asked: { vector: TrainingVector; hidden: number[] }[] = [];
        let rows = 0;
        for (; from < vectors.length && rows < SCORED_ROWS; from++) {
          const vector = vectors[from] as TrainingVector;
          const hidden = hiddenOf(vector);
          asked.push({ vector, hidden });
          rows += hidden.length + 1;
        }
        const inputs = new Float32Array(rows * VECTOR_WIDTH);
        let at = 0;
        for (const { vector, hidden } of asked) {
          inputs.set(rowsOf(vector, hidden), at);
          at += (hidden.length + 1) * VECTOR_WIDTH;
        }
        const guessed = network.predict(inputs);
        at = 0;
        for (const { vector, hidden } of asked) {
          const end = at + (hidden.length + 1) * VECTOR_WIDTH;
          out.push(oddCompanyOf(vector, hidden, guessed.subarray(at, end)));
          at = end;
        }
      }
      return out;
    },
    dispose: () => network.dispose(),
  };
}
