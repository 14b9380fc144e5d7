/**
 * The thread that holds TensorFlow.js: it reads changes from the database beside its writer, trains and scores, knows no clock, and is ended
 * when nothing is to be done. Whatever it does, the main thread goes on.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createScorer, type Scorer } from './model/neural/autoencoder.ts';
import { chooseBackend } from './model/neural/backend.ts';
import { measureForecasts } from './model/neural/forecast-figures.ts';
import { trainForecaster } from './model/neural/forecaster.ts';
import { hasEarned } from './model/neural/forecaster-standing.ts';
import { outlooksOf } from './model/neural/outlook.ts';
import { trainAndMeasure } from './model/neural/training.ts';
import { packWeights, unpackWeights } from './model/neural/weights.ts';
import { type Feed, type FollowedChange, feedOf, seenOf, vectorsIn } from './pipeline/neural/followed-change.ts';
import { gaugesOf } from './pipeline/neural/gauge-series.ts';
import type {
  Lesson,
  MadeForecaster,
  NamedWeights,
  NeuralNotice,
  NeuralOrder,
  NeuralThreadData,
} from './pipeline/neural/neural-orders.ts';
import { unpackVectors } from './pipeline/neural/packed-vectors.ts';
import { restoreUtil } from './pipeline/neural/restore-util.ts';
import { wasmFolder } from './pipeline/neural/wasm-folder.ts';
import { yieldToOthers } from './pipeline/neural/yield-to-others.ts';
import { readKeyFile } from './store/seal/store-key.ts';
import { openSqliteReader } from './store/sqlite-store.ts';

/** How often progress is told. */
const PROGRESS_STEP = 0.02;
/** Changes read in one transaction: a long one would keep the database's log from being taken in. */
const PAGE = 2_000;
/** A forecaster is measured on what comes after this share of each series. */
const LEARNT_SHARE = 0.7;

if (parentPort !== null) await run(parentPort, workerData as NeuralThreadData);

async function run(main: MessagePort, { backend: wanted, source }: NeuralThreadData): Promise<void> {
  yieldToOthers();
  restoreUtil();
  const tell = (notice: NeuralNotice) => main.postMessage(notice);
  const { backend, why } = await chooseBackend({ wanted, wasmFolder: wasmFolder() });

  const database = () => {
    if (source === undefined) throw new Error('the thread was given no database');
    return openSqliteReader({ file: source.file, keys: source.keyFile === undefined ? undefined : readKeyFile(source.keyFile) });
  };
  const timeZone = source?.timeZone ?? 'UTC';
  const feed: Feed = {
    changes(after, limit) {
      using store = database();
      return feedOf(store, timeZone).changes(after, limit);
    },
    scores(time, scoreMin) {
      using store = database();
      return feedOf(store, timeZone).scores(time, scoreMin);
    },
  };
  /** The next page, which is asked for slice by slice: to open the database and its blocks costs more than to read them. */
  let page: FollowedChange[] = [];
  const slice = (after: number, limit: number): FollowedChange[] => {
    const rest = page.filter(({ seq }) => seq > after);
    // A page that begins later than asked for may lack what is between.
    const isNext = rest.length > 0 && (rest.length < page.length || page[0]?.seq === after + 1);
    page = isNext ? rest : feed.changes(after, PAGE);
    return page.slice(0, limit);
  };

  const outlook = async (order: Extract<NeuralOrder, { type: 'outlook' }>) => {
    const spent = process.threadCpuUsage();
    const gauges = readGauges(order.fromMs, order.toMs);
    const series = gauges.map((gauge) => gauge.series);
    let weights = order.weights === undefined ? undefined : unpackWeights(order.weights);
    let made: MadeForecaster | undefined;
    const trained = order.seed === undefined ? undefined : trainForecaster({ series, share: LEARNT_SHARE, seed: order.seed });
    if (trained !== undefined) {
      const { windows, loss } = trained;
      const figures = { ...measureForecasts(series, LEARNT_SHARE, trained.weights), windows, loss };
      const { user, system } = process.threadCpuUsage(spent);
      made = { weights: packWeights(trained.weights), figures, cpuSeconds: (user + system) / 1e6 };
      weights = hasEarned(figures) ? trained.weights : undefined;
    }
    tell({ type: 'outlook', made, outlooks: outlooksOf(gauges, weights) });
  };
  const readGauges = (fromMs: number, toMs: number) => {
    using store = database();
    return gaugesOf(store, fromMs, toMs);
  };

  let scorer: { name: string; scorer: Scorer } | undefined;
  const scorerOf = ({ name, weights }: NamedWeights): Scorer => {
    if (scorer?.name !== name) {
      scorer?.scorer.dispose();
      scorer = { name, scorer: createScorer(unpackWeights(weights)) };
    }
    return scorer.scorer;
  };

  const train = async ({ seed, atLeast, vectors: given, range }: Lesson) => {
    const spent = process.threadCpuUsage();
    const vectors = given === undefined ? [] : unpackVectors(given);
    if (range !== undefined) for (const vector of vectorsIn(feed, range, PAGE)) vectors.push(vector);
    if (vectors.length < atLeast) return tell({ type: 'trained', made: undefined });
    let told = 0;
    const onProgress = (share: number) => {
      if (share - told < PROGRESS_STEP) return;
      told = share;
      tell({ type: 'progress', share });
    };
    const { weights, figures } = trainAndMeasure({ vectors, seed, onProgress });
    const { user, system } = process.threadCpuUsage(spent);
    tell({ type: 'trained', made: { weights: packWeights(weights), figures, cpuSeconds: (user + system) / 1e6 } });
  };

  const obey = async (order: NeuralOrder): Promise<void> => {
    if (order.type === 'train') return train(order);
    if (order.type === 'outlook') return outlook(order);
    if (order.type === 'score') {
      const found = scorerOf(order.network).score(unpackVectors(order.vectors));
      return tell({ type: 'scored', found });
    }
    const changes = slice(order.after, order.limit);
    const vectors = changes.flatMap(({ vector }) => vector ?? []);
    const found = order.network === undefined ? [] : scorerOf(order.network).score(vectors);
    tell({ type: 'read', seen: seenOf(feed, changes, found) });
  };

  // One at a time, so that answers come in the order of the orders.
  let last = Promise.resolve();
  main.on('message', (order: NeuralOrder) => {
    last = last.then(() => obey(order)).catch((error: Error) => tell({ type: 'failed', message: error.message }));
  });
  tell({ type: 'ready', backend, why });
}
