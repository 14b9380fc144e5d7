/**
 * The thread that holds TensorFlow.js: it trains and scores, knows no store and no clock, and is ended when nothing is to be done. Whatever
 * it does, the main thread goes on.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createScorer, type Scorer } from '../../model/neural/autoencoder.ts';
import { type Backend, chooseBackend } from '../../model/neural/backend.ts';
import type { OddCompany } from '../../model/neural/odd-company.ts';
import { type TrainingFigures, trainAndMeasure } from '../../model/neural/training.ts';
import { packWeights, unpackWeights } from '../../model/neural/weights.ts';
import { type PackedVectors, unpackVectors } from './packed-vectors.ts';
import { restoreUtil } from './restore-util.ts';
import { wasmFolder } from './wasm-folder.ts';

export interface NeuralThreadData {
  backend: 'auto' | Backend;
}

export type NeuralOrder =
  | { type: 'train'; seed: number; vectors: PackedVectors }
  | { type: 'score'; weights: Uint8Array; name: string; vectors: PackedVectors };

/** Each order ends with `trained`, `scored` or `failed`. */
export type NeuralNotice =
  | { type: 'ready'; backend: Backend; why: string | undefined }
  | { type: 'progress'; share: number }
  | { type: 'trained'; weights: Uint8Array; figures: TrainingFigures; cpuSeconds: number }
  | { type: 'scored'; found: OddCompany[] }
  | { type: 'failed'; message: string };

/** How often progress is told. */
const PROGRESS_STEP = 0.02;

if (parentPort !== null) await run(parentPort, workerData as NeuralThreadData);

async function run(main: MessagePort, { backend: wanted }: NeuralThreadData): Promise<void> {
  restoreUtil();
  const tell = (notice: NeuralNotice) => main.postMessage(notice);
  const { backend, why } = await chooseBackend({ wanted, wasmFolder: wasmFolder() });
  let scorer: { name: string; scorer: Scorer } | undefined;
  const train = async ({ seed, vectors }: Extract<NeuralOrder, { type: 'train' }>) => {
    const spent = process.threadCpuUsage();
    let told = 0;
    const onProgress = (share: number) => {
      if (share - told < PROGRESS_STEP) return;
      told = share;
      tell({ type: 'progress', share });
    };
    const { weights, figures } = await trainAndMeasure({ vectors: unpackVectors(vectors), seed, onProgress });
    const { user, system } = process.threadCpuUsage(spent);
    tell({ type: 'trained', weights: packWeights(weights), figures, cpuSeconds: (user + system) / 1e6 });
  };
  const score = ({ weights, name, vectors }: Extract<NeuralOrder, { type: 'score' }>) => {
    if (scorer?.name !== name) {
      scorer?.scorer.dispose();
      scorer = { name, scorer: createScorer(unpackWeights(weights)) };
    }
    tell({ type: 'scored', found: scorer.scorer.score(unpackVectors(vectors)) });
  };
  // One at a time, so that answers come in the order of the orders.
  let last = Promise.resolve();
  main.on('message', (order: NeuralOrder) => {
    last = last
      .then(() => (order.type === 'train' ? train(order) : score(order)))
      .catch((error: Error) => tell({ type: 'failed', message: error.message }));
  });
  tell({ type: 'ready', backend, why });
}
