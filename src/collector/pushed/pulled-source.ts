import type { BlindSpot } from '../../domain/blind-spot.ts';
import type { Source, SourceReach } from '../source.ts';

/** A source beside the watches that Crowsnest goes to itself, and that can say how it stands. */
export interface PulledSource extends Source {
  reach(): SourceReach;
  blindSpot(): BlindSpot | undefined;
}

/** Whether a source is reached, since when, and why not. */
export class Reach {
  readonly #cluster: string;
  readonly #name: string;
  #state: Omit<SourceReach, 'cluster' | 'name'>;

  constructor(cluster: string, name: string, nowMs: number) {
    this.#cluster = cluster;
    this.#name = name;
    this.#state = { state: 'connecting', sinceMs: nowMs };
  }

  failed(reason: string, nowMs: number): void {
    const sinceMs = this.#state.state === 'unreachable' ? this.#state.sinceMs : nowMs;
    this.#state = { state: 'unreachable', sinceMs, reason };
  }

  reached(nowMs: number): void {
    if (this.#state.state !== 'reached') this.#state = { state: 'reached', sinceMs: nowMs };
  }

  current(): SourceReach {
    return { cluster: this.#cluster, name: this.#name, ...this.#state };
  }

  blindSpot(): BlindSpot | undefined {
    const { state, sinceMs, reason = '' } = this.#state;
    if (state !== 'unreachable') return undefined;
    return { cluster: this.#cluster, problem: 'source', what: this.#name, reason, sinceMs };
  }
}
