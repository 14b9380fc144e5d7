/** A small network that says how a series goes on, one for all series: 40 - 32 - 16 - 3. Trained on the earlier part of what is recorded. */
import { createNetwork } from './network.ts';
import { seededChance, shuffled } from './seeded.ts';
import { type EvenSeries, HORIZONS, INPUTS, type SeriesWindow, targetsAt, windowAt } from './series-window.ts';
import { initialWeights, type Weights } from './weights.ts';

export const FORECASTER_WIDTHS = [INPUTS, 32, 16, HORIZONS.length] as const;
const SHAPE = { output: 'linear', learningRate: 2e-3 } as const;
const BATCH = 256;
const ROWS = 400_000;
const WINDOWS_MAX = 100_000;

export interface ForecasterLesson {
  series: readonly EvenSeries[];
  /** Of each series, the steps before this share are learnt from. */
  share: number;
  seed: number;
  onProgress?: (share: number) => void;
}

/** Undefined where the series hold nothing to learn from. */
export function trainForecaster(lesson: ForecasterLesson): { weights: Weights; windows: number; loss: number } | undefined {
  const chance = seededChance(lesson.seed);
  const examples = examplesOf(lesson);
  if (examples.length < BATCH) return undefined;
  const network = createNetwork(initialWeights(FORECASTER_WIDTHS, chance), SHAPE);
  try {
    let [rows, loss] = [0, 0];
    while (rows < ROWS) {
      const order = shuffled(examples.length, chance);
      let sum = 0;
      for (let from = 0; from < order.length; from += BATCH) {
        const batch = order.subarray(from, from + BATCH);
        const inputs = new Float32Array(batch.length * INPUTS);
        const targets = new Float32Array(batch.length * HORIZONS.length);
        batch.forEach((index, row) => {
          const example = examples[index] as (typeof examples)[number];
          inputs.set(example.inputs, row * INPUTS);
          targets.set(example.targets, row * HORIZONS.length);
        });
        sum += network.learn(inputs, targets) * batch.length;
        rows += batch.length;
        lesson.onProgress?.(Math.min(1, rows / ROWS));
      }
      loss = sum / order.length;
    }
    return { weights: network.weights(), windows: examples.length, loss };
  } finally {
    network.dispose();
  }
}

function examplesOf({ series, share }: ForecasterLesson): { inputs: Float32Array; targets: Float32Array }[] {
  const furthest = HORIZONS[HORIZONS.length - 1] as number;
  const steps = series.reduce((sum, { values }) => sum + Math.floor(values.length * share), 0);
  const stride = Math.max(1, Math.ceil(steps / WINDOWS_MAX));
  const out: { inputs: Float32Array; targets: Float32Array }[] = [];
  for (const one of series) {
    const end = Math.floor(one.values.length * share) - furthest;
    for (let at = 0; at < end; at += stride) {
      const window = windowAt(one, at);
      if (window === undefined) continue;
      const targets = targetsAt(one, at, window);
      if (targets.every(Number.isFinite)) out.push({ inputs: window.inputs, targets });
    }
  }
  return out;
}

/** Medians by horizon, in units of the series. */
export function forecastAll(weights: Weights, windows: readonly SeriesWindow[]): number[][] {
  if (windows.length === 0) return [];
  const network = createNetwork(weights, SHAPE);
  const inputs = new Float32Array(windows.length * INPUTS);
  windows.forEach((window, row) => {
    inputs.set(window.inputs, row * INPUTS);
  });
  const said = network.predict(inputs);
  network.dispose();
  return windows.map(({ last, scale }, row) =>
    HORIZONS.map((_, i) => last + scale * (said[row * HORIZONS.length + i] as number)),
  );
}
