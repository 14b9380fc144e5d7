import type { Reject } from '../store/store.ts';
import type { Found } from './list-comparison.ts';
import type { Sink, SourceBatch } from './source.ts';

export interface BatchBuilderOptions {
  cluster: string;
  /** The name this stream's position is stored under. */
  cursorName: string;
  sink: Sink;
  observationsMax: number;
}

/** Gathers what came in one read into batches for the sink, so that one commit covers many events and none waits for more to come. */
export class BatchBuilder {
  readonly #options: BatchBuilderOptions;
  #batch: SourceBatch & { rejects: Reject[] } = { observations: [], rejects: [] };

  constructor(options: BatchBuilderOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    return (
      this.#batch.observations.length >= this.#options.observationsMax ||
      this.#batch.rejects.length >= this.#options.observationsMax
    );
  }

  add(found: Found, observedMs: number): void {
    this.#batch.observations.push({ cluster: this.#options.cluster, observedMs, ...found });
  }

  reject(reject: Omit<Reject, 'cluster'>): void {
    this.#batch.rejects.push({ cluster: this.#options.cluster, ...reject });
  }

  /** Delivers what was gathered, in order, and waits until it is durable. `position` covers all of it. */
  async flush(position?: string): Promise<void> {
    const batch = this.#batch;
    if (batch.observations.length === 0 && batch.rejects.length === 0 && position === undefined) return;
    this.#batch = { observations: [], rejects: [] };
    if (position !== undefined) batch.cursors = { [this.#options.cursorName]: position };
    await this.#options.sink(batch);
  }
}
