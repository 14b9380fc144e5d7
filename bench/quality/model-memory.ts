/**
 * What the model's state takes in memory: a made-up cluster of 100,000 objects of 48 kinds, born, then changed by controllers and people; and
 * as many controllers' series as may be followed, each as long as it gets. Measured by letting go of the model and collecting garbage.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Change } from '../../src/domain/change.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { createModel } from '../../src/model/ensemble.ts';
import type { Model } from '../../src/model/model.ts';
import { SERIES_MAX } from '../../src/model/series/series-watch.ts';
import { mulberry32 } from '../random.ts';
import { CLUSTER, OBJECTS_PER_NAMESPACE, SyntheticCluster } from '../synthetic-cluster.ts';

export interface MemoryOptions {
  objects: number;
  changes: number;
  seed: number;
}

export interface MemoryResult extends MemoryOptions {
  kinds: number;
  /** Of what is learnt of changes. */
  changesMiB: number;
  bytesPerObject: number;
  /** Of SERIES_MAX series. */
  seriesMiB: number;
  snapshotMiB: number;
}

const SERIES_ROWS = 1_500;
const SCRAPE_MS = 15 * 60_000;

export function measureModelMemory(options: MemoryOptions): MemoryResult {
  const { objects, changes, seed } = options;
  const cluster = new SyntheticCluster({ seed, namespaces: Math.ceil(objects / OBJECTS_PER_NAMESPACE) });
  const kinds = new Set<string>();
  let snapshotMiB = 0;
  const ofChanges = stateOf((model) => {
    for (let seq = 1; seq <= objects + changes; seq++) {
      const change = twoOfAKind({ ...cluster.next(), seq });
      kinds.add(`${change.ref.group} ${change.ref.kind}`);
      model.observe(change);
    }
    snapshotMiB = mebibytes(model.snapshot().length);
  });
  const ofSeries = stateOf((model) => {
    for (const scrape of fullOfSeries(seed)) model.observeScrape(scrape);
  });
  return {
    ...options,
    kinds: kinds.size,
    changesMiB: mebibytes(ofChanges),
    bytesPerObject: Math.round(ofChanges / objects),
    seriesMiB: mebibytes(ofSeries),
    snapshotMiB,
  };
}

/** The kinds of the synthetic cluster, each in two groups by namespace, as two dozen are too few. */
function twoOfAKind(change: Change): Change {
  const { namespace, group } = change.ref;
  const isOther = (namespace ?? '').charCodeAt((namespace ?? '').length - 1) % 2 === 1;
  return isOther ? { ...change, ref: { ...change.ref, group: `other.${group}` } } : change;
}

function* fullOfSeries(seed: number): Generator<Scrape> {
  const random = mulberry32(seed);
  for (let row = 0; row < SERIES_ROWS; row++) {
    const samples = Array.from({ length: SERIES_MAX }, (_, i) => {
      return { metric: 'workqueue_depth', labels: { name: `controller-${i}` }, value: Math.floor(20 * random() ** 4) };
    });
    yield { cluster: CLUSTER, target: 'made', tsMs: row * SCRAPE_MS, samples };
  }
}

/** Bytes that go with the model. */
function stateOf(fill: (model: Model) => void): number {
  const holder: { model: Model | undefined } = { model: createModel() };
  fill(holder.model as Model);
  const withIt = usedBytes();
  holder.model = undefined;
  return withIt - usedBytes();
}

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

function mebibytes(bytes: number): number {
  return Math.round((bytes / 2 ** 20) * 10) / 10;
}
