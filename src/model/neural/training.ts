/** One training from changes to figures: learn from the older part, be measured on the newest, which was not learnt from. */
import { createScorer, type TrainingVector, trainAutoencoder } from './autoencoder.ts';
import { Pairs } from './pairs.ts';
import { plantIn, sampleOf, toldApart } from './planted.ts';
import { seededChance } from './seeded.ts';
import type { Weights } from './weights.ts';

/** The newest share of the changes is kept back, for measuring. */
const HELD_SHARE = 0.1;
const MEASURED_MAX = 2_000;
const FALSE_SHARE = 0.01;

export interface TrainingFigures {
  trainedOn: number;
  /** Mean over the last round, in nats for each feature. */
  loss: number;
  /** Real changes measured on, and odd ones made of them. */
  measured: number;
  planted: number;
  /** Share of the planted ones told apart at one false alarm in 100 real changes. */
  toldByNetwork: number;
  toldByPairs: number;
}

export interface Lesson {
  /** In the order of the stream. */
  vectors: readonly TrainingVector[];
  seed: number;
  onProgress?: (share: number) => void;
}

export function trainAndMeasure({ vectors, seed, onProgress }: Lesson): { weights: Weights; figures: TrainingFigures } {
  const cut = vectors.length - Math.floor(vectors.length * HELD_SHARE);
  const learnt = vectors.slice(0, cut);
  const { weights, loss } = trainAutoencoder({
    vectors: learnt,
    seed,
    onProgress: ({ rows, of }) => onProgress?.(rows / of),
  });
  const chance = seededChance(seed + 1);
  const real = sampleOf(vectors.slice(cut), MEASURED_MAX, chance);
  const planted = plantIn(real, chance);
  const pairs = new Pairs();
  for (const vector of learnt) pairs.learn(vector);
  const scorer = createScorer(weights);
  const byNetwork = (some: readonly TrainingVector[]) => scorer.score(some).map(({ surprise }) => surprise);
  const byPairs = (some: readonly TrainingVector[]) => some.map((vector) => pairs.surprise(vector));
  const figures: TrainingFigures = {
    trainedOn: learnt.length,
    loss,
    measured: real.length,
    planted: planted.length,
    toldByNetwork: toldApart(byNetwork(planted), byNetwork(real), FALSE_SHARE),
    toldByPairs: toldApart(byPairs(planted), byPairs(real), FALSE_SHARE),
  };
  scorer.dispose();
  return { weights, figures };
}
