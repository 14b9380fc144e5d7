import type { BlindSpot } from '../../domain/blind-spot.ts';
import type { Source } from '../source.ts';

/** A source beside the watches, which can say that it sees nothing. */
export interface PulledSource extends Source {
  blindSpot(): BlindSpot | undefined;
}

/** Since when and why a source fails. */
export class SourceTrouble {
  readonly #cluster: string;
  readonly #what: string;
  #since: { ms: number; reason: string } | undefined;

  constructor(cluster: string, what: string) {
    this.#cluster = cluster;
    this.#what = what;
  }

  failed(reason: string, nowMs: number): void {
    this.#since = { ms: this.#since?.ms ?? nowMs, reason };
  }

  over(): void {
    this.#since = undefined;
  }

  blindSpot(): BlindSpot | undefined {
    if (this.#since === undefined) return undefined;
    const { ms: sinceMs, reason } = this.#since;
    return { cluster: this.#cluster, problem: 'source', what: this.#what, reason, sinceMs };
  }
}
