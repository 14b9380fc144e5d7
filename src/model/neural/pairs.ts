/**
 * What pairs alone can tell: how often each feature comes with each other one. The yardstick that a network has to beat; the same question
 * is put to both, and both are asked for the feature that was expected least given the rest.
 */
import type { TrainingVector } from './autoencoder.ts';
import { YES_OR_NO } from './change-vector.ts';

const PRIOR = 2;

export class Pairs {
  readonly #together = new Float64Array(YES_OR_NO * YES_OR_NO);
  readonly #alone = new Float64Array(YES_OR_NO);
  #n = 0;

  learn({ indices }: Pick<TrainingVector, 'indices'>): void {
    this.#n++;
    for (const a of indices) {
      if (a >= YES_OR_NO) break;
      this.#alone[a] = (this.#alone[a] as number) + 1;
      for (const b of indices) {
        if (b >= YES_OR_NO) break;
        const at = a * YES_OR_NO + b;
        this.#together[at] = (this.#together[at] as number) + 1;
      }
    }
  }

  /** Nats: -ln of the chance of the feature that fits worst into the company of any other one of the change. */
  surprise({ indices }: Pick<TrainingVector, 'indices'>): number {
    let worst = 0;
    for (const a of indices) {
      if (a >= YES_OR_NO) break;
      const share = ((this.#alone[a] as number) + 0.5) / (this.#n + 1);
      for (const b of indices) {
        if (b >= YES_OR_NO) break;
        if (a === b) continue;
        const chance = ((this.#together[b * YES_OR_NO + a] as number) + PRIOR * share) / ((this.#alone[b] as number) + PRIOR);
        worst = Math.max(worst, -Math.log(chance));
      }
    }
    return worst;
  }
}
