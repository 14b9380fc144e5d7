/** What is told of the network: which are kept, what each rests on, and how it stands beside what is there without it. */
import type { Backend } from './backend.ts';
import type { ForecasterFigures } from './forecaster-standing.ts';
import type { Outlook } from './outlook.ts';
import type { Standing } from './promotion.ts';
import type { Comparison } from './shadow.ts';
import type { TrainingFigures } from './training.ts';

/** What is kept of any training. */
export interface Training {
  id: number;
  /** Where its weights are. */
  slot: number;
  seed: number;
  /** The last change it was trained or measured on, and when that was, in event time. */
  throughSeq: number;
  throughMs: number;
  backend: Backend;
  /** Wall time of the training. */
  seconds: number;
  /** CPU of the thread for it. */
  cpuSeconds: number;
  bytes: number;
}

export type Kept<Figures> = Training & Figures;
export type NeuralVersion = Kept<TrainingFigures>;
/** Of the forecaster of series; `throughSeq` is 0, as it rests on no change. */
export type ForecasterVersion = Kept<ForecasterFigures>;

export interface NeuralProgress {
  state: 'idle' | 'reading' | 'training' | 'scoring';
  /** Of a training, between 0 and 1. */
  share: number;
}

export interface NeuralView {
  mode: 'shadow' | 'auto';
  /** In use, which need not be the newest. */
  current: NeuralVersion | undefined;
  /** Gone back to by hand. */
  pinned: number | undefined;
  versions: readonly NeuralVersion[];
  progress: NeuralProgress;
  /** Its thread. */
  running: boolean;
  promoted: boolean;
  standing: Standing;
  comparison: Comparison;
  /** The last change followed. */
  seq: number;
  /** Of series, the newest last; `earned` ones compete. */
  forecasters: readonly (ForecasterVersion & { earned: boolean })[];
}

/** What the API and the commands may ask of it. */
export interface NeuralPort {
  view(): NeuralView;
  /** Packed; undefined where they are not kept any more. */
  weights(version: NeuralVersion): Uint8Array | undefined;
  /** Trains as soon as it can, whether due or not. */
  trainNow(): void;
  /** How gauges of controllers go on from now. */
  outlooks(): Promise<Outlook[]>;
  /** Uses an older network until told otherwise, or with undefined the newest again; false where it is not kept. */
  revert(id: number | undefined): boolean;
}
