/** What is said between the main thread and the neural thread. Each order ends with `read`, `trained`, `scored` or `failed`. */
import type { Backend } from '../../model/neural/backend.ts';
import type { ForecasterFigures } from '../../model/neural/forecaster-standing.ts';
import type { OddCompany } from '../../model/neural/odd-company.ts';
import type { Outlook } from '../../model/neural/outlook.ts';
import type { TrainingFigures } from '../../model/neural/training.ts';
import type { Range, SeenChange } from './followed-change.ts';
import type { PackedVectors } from './packed-vectors.ts';

export interface NeuralThreadData {
  backend: 'auto' | Backend;
  /** The database that changes are read from; without one only what is handed over is worked on. */
  source: { file: string; keyFile: string | undefined; timeZone: string } | undefined;
}

/** `name` tells weights apart, so that the same ones are set up once. */
export interface NamedWeights {
  name: string;
  weights: Uint8Array;
}

/** Either vectors that are handed over, or a range to read. */
export interface Lesson {
  seed: number;
  /** Of fewer changes nothing is made. */
  atLeast: number;
  vectors?: PackedVectors;
  range?: Range;
}

export type NeuralOrder =
  | { type: 'read'; after: number; limit: number; network: NamedWeights | undefined }
  | ({ type: 'train' } & Lesson)
  | {
      type: 'outlook';
      /** Series are read from here. */
      fromMs: number;
      toMs: number;
      /** Trains first where it is given. */
      seed: number | undefined;
      weights: Uint8Array | undefined;
    }
  | { type: 'score'; network: NamedWeights; vectors: PackedVectors };

export interface Made {
  weights: Uint8Array;
  figures: TrainingFigures;
  /** Of the thread, reading included. */
  cpuSeconds: number;
}

export interface MadeForecaster {
  weights: Uint8Array;
  figures: ForecasterFigures;
  cpuSeconds: number;
}

export type NeuralNotice =
  | { type: 'ready'; backend: Backend; why: string | undefined }
  | { type: 'progress'; share: number }
  | { type: 'read'; seen: SeenChange[] }
  | { type: 'trained'; made: Made | undefined }
  | { type: 'outlook'; made: MadeForecaster | undefined; outlooks: Outlook[] }
  | { type: 'scored'; found: OddCompany[] }
  | { type: 'failed'; message: string };
