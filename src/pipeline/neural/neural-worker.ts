/** The neural thread as the rest of the program sees it: started by the first order, ended by `close`. */
import { Worker } from 'node:worker_threads';
import type { Backend } from '../../model/neural/backend.ts';
import type { Outlook } from '../../model/neural/outlook.ts';
import { type Feed, type Range, type SeenChange, seenOf, vectorsIn } from './followed-change.ts';
import type { Made, MadeForecaster, NamedWeights, NeuralNotice, NeuralOrder, NeuralThreadData } from './neural-orders.ts';
import { buffersOf, packVectors } from './packed-vectors.ts';

const HEAP_MB = 512;
const PAGE = 500;
const THREAD = new URL('../../neural-thread.ts', import.meta.url);

export interface NeuralWorker {
  /** The next changes, and what a network makes of them where one is given. Rejects where the thread fails or is closed meanwhile. */
  read(asked: { after: number; limit: number; network: NamedWeights | undefined }): Promise<SeenChange[]>;
  /** Undefined where there are fewer changes than `atLeast`. */
  train(
    lesson: Range & { seed: number; atLeast: number; onProgress: (share: number) => void },
  ): Promise<(Made & { backend: Backend }) | undefined>;
  /** How the gauges of controllers go on; with a seed a forecaster is trained first, where there is enough. */
  outlook(asked: Omit<Extract<NeuralOrder, { type: 'outlook' }>, 'type'>): Promise<{
    made: (MadeForecaster & { backend: Backend }) | undefined;
    outlooks: Outlook[];
  }>;
  readonly running: boolean;
  /** Ends the thread, whatever it is at; the next order starts another. */
  close(): Promise<void>;
}

export interface NeuralWorkerOptions {
  backend: NeuralThreadData['backend'];
  /** A database, which the thread reads by itself, or changes that are handed over to it. */
  source: NonNullable<NeuralThreadData['source']> | Feed;
  /** Told once for each thread. */
  onStart?: (started: { backend: Backend; why: string | undefined }) => void;
}

type Answer = Extract<NeuralNotice, { type: 'read' | 'trained' | 'scored' | 'outlook' }>;
type AnswerOf<Order extends NeuralOrder['type']> = Extract<
  Answer,
  { type: { read: 'read'; train: 'trained'; score: 'scored'; outlook: 'outlook' }[Order] }
>;

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
  onProgress: ((share: number) => void) | undefined;
}

export function createNeuralWorker({ backend: wanted, source, onStart }: NeuralWorkerOptions): NeuralWorker {
  let worker: Worker | undefined;
  let backend: Backend = 'wasm';
  /** Orders are answered in turn. */
  let queue: Waiting[] = [];

  const refuseAll = (error: Error) => {
    const waiting = queue;
    queue = [];
    for (const { reject } of waiting) reject(error);
  };

  const start = (): Worker => {
    const data: NeuralThreadData = { backend: wanted, source: 'changes' in source ? undefined : source };
    const started = new Worker(THREAD, { workerData: data, resourceLimits: { maxOldGenerationSizeMb: HEAP_MB } });
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      refuseAll(error);
    };
    started.on('error', fail);
    started.on('exit', () => fail(new Error('the neural thread ended')));
    started.on('message', (notice: NeuralNotice) => {
      if (worker !== started) return;
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

  const ask = <Type extends NeuralOrder['type']>(
    order: Extract<NeuralOrder, { type: Type }>,
    onProgress?: (share: number) => void,
  ): Promise<AnswerOf<Type>> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      worker.ref();
      queue.push({ resolve: resolve as (answer: Answer) => void, reject, onProgress });
      worker.postMessage(order, 'vectors' in order && order.vectors !== undefined ? buffersOf(order.vectors) : []);
    });

  return {
    async read({ after, limit, network }) {
      if (!('changes' in source)) return (await ask({ type: 'read', after, limit, network })).seen;
      const changes = source.changes(after, limit);
      const vectors = changes.flatMap(({ vector }) => vector ?? []);
      if (network === undefined || vectors.length === 0) return seenOf(source, changes, []);
      return seenOf(source, changes, (await ask({ type: 'score', network, vectors: packVectors(vectors) })).found);
    },
    async train({ seed, atLeast, onProgress, ...range }) {
      const from = 'changes' in source ? { vectors: packVectors(vectorsIn(source, range, PAGE)) } : { range };
      const { made } = await ask({ type: 'train', seed, atLeast, ...from }, onProgress);
      return made === undefined ? undefined : { ...made, backend };
    },
    async outlook(asked) {
      if ('changes' in source) return { made: undefined, outlooks: [] };
      const { made, outlooks } = await ask({ type: 'outlook', ...asked });
      return { made: made === undefined ? undefined : { ...made, backend }, outlooks };
    },
    get running() {
      return worker !== undefined;
    },
    async close() {
      const ending = worker;
      worker = undefined;
      refuseAll(new Error('the neural thread was closed'));
      await ending?.terminate();
    },
  };
}
