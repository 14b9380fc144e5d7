/** The neural thread as the rest of the program sees it: started by the first order, ended by `close` or after a while without one. */
import { Worker } from 'node:worker_threads';
import type { TrainingVector } from '../../model/neural/autoencoder.ts';
import type { Backend } from '../../model/neural/backend.ts';
import type { OddCompany } from '../../model/neural/odd-company.ts';
import type { TrainingFigures } from '../../model/neural/training.ts';
import type { NeuralNotice, NeuralOrder, NeuralThreadData } from './neural-thread.ts';
import { buffersOf, packVectors } from './packed-vectors.ts';

const HEAP_MB = 512;

export interface NeuralWorker {
  /** Rejects where the thread fails or is closed meanwhile. */
  train(lesson: { vectors: readonly TrainingVector[]; seed: number; onProgress: (share: number) => void }): Promise<{
    weights: Uint8Array;
    figures: TrainingFigures;
    backend: Backend;
    /** Of the thread. */
    cpuSeconds: number;
  }>;
  /** One for each vector. `name` tells weights apart, so that the same ones are set up once. */
  score(asked: { vectors: readonly TrainingVector[]; weights: Uint8Array; name: string }): Promise<OddCompany[]>;
  readonly running: boolean;
  /** Ends the thread, whatever it is at; the next order starts another. */
  close(): Promise<void>;
}

type Answer = Extract<NeuralNotice, { type: 'trained' | 'scored' }>;

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  onProgress: ((share: number) => void) | undefined;
}

export interface NeuralWorkerOptions {
  backend: NeuralThreadData['backend'];
  /** Told once for each thread. */
  onStart?: (started: { backend: Backend; why: string | undefined }) => void;
}

export function createNeuralWorker({ backend: wanted, onStart }: NeuralWorkerOptions): NeuralWorker {
  let worker: Worker | undefined;
  let backend: Backend = 'wasm';
  /** Orders are answered in turn. */
  let queue: Waiting[] = [];

  const start = (): Worker => {
    const data: NeuralThreadData = { backend: wanted };
    const started = new Worker(new URL('./neural-thread.ts', import.meta.url), {
      workerData: data,
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    });
    const fail = (error: Error) => {
      if (worker === started) worker = undefined;
      const waiting = queue;
      queue = [];
      for (const { reject } of waiting) reject(error);
    };
    started.on('error', fail);
    started.on('exit', () => {
      if (worker === started) fail(new Error('the neural thread ended'));
    });
    started.on('message', (notice: NeuralNotice) => {
      if (notice.type === 'ready') {
        backend = notice.backend;
        onStart?.(notice);
      } else if (notice.type === 'progress') queue[0]?.onProgress?.(notice.share);
      else {
        const asked = queue.shift();
        // A thread with nothing to do must not keep the program from ending.
        if (queue.length === 0) started.unref();
        if (notice.type === 'failed') asked?.reject(new Error(notice.message));
        else asked?.resolve(notice);
      }
    });
    return started;
  };

  const ask = (order: NeuralOrder, onProgress?: (share: number) => void): Promise<Answer> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      queue.push({ resolve, reject, onProgress });
      worker.postMessage(order, buffersOf(order.vectors));
    });

  return {
    async train({ vectors, seed, onProgress }) {
      const answer = await ask({ type: 'train', seed, vectors: packVectors(vectors) }, onProgress);
      if (answer.type !== 'trained') throw new Error('the neural thread answered another order');
      return { weights: answer.weights, figures: answer.figures, cpuSeconds: answer.cpuSeconds, backend };
    },
    async score({ vectors, weights, name }) {
      const answer = await ask({ type: 'score', weights, name, vectors: packVectors(vectors) });
      if (answer.type !== 'scored') throw new Error('the neural thread answered another order');
      return answer.found;
    },
    get running() {
      return worker !== undefined;
    },
    async close() {
      const ending = worker;
      worker = undefined;
      const waiting = queue;
      queue = [];
      for (const { reject } of waiting) reject(new Error('the neural thread was closed'));
      await ending?.terminate();
    },
  };
}
