import type { Gap } from '../../domain/gap.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { ScannedObject } from '../../domain/scan/object-scan.ts';
import { ScannedObservation } from '../../domain/scanned-observation.ts';
import type { Reject } from '../../store/store.ts';
import type { Sink, SourceBatch } from '../source.ts';
import type { Found } from './list-comparison.ts';

/** An object as parsed, as scanned, or both. */
export type Delivered = Pick<Found, 'type' | 'origin'> & { object?: KubeObject | undefined; scanned?: ScannedObject | undefined };

export interface BatchBuilderOptions {
  cluster: string;
  /** The name this stream's position is stored under. */
  cursorName: string;
  sink: Sink;
  observationsMax: number;
  /** The objects are metadata only. */
  partial?: boolean | undefined;
}

/** Gathers what came in one read into batches for the sink, so that one commit covers many events and none waits for more to come. */
export class BatchBuilder {
  readonly #options: BatchBuilderOptions;
  #batch: SourceBatch & { rejects: Reject[]; gaps: Gap[] } = { observations: [], rejects: [], gaps: [] };

  constructor(options: BatchBuilderOptions) {
    this.#options = options;
  }

  get isFull(): boolean {
    const { observations, rejects } = this.#batch;
    return observations.length >= this.#options.observationsMax || rejects.length >= this.#options.observationsMax;
  }

  add(found: Delivered, observedMs: number): void {
    const { type, object, scanned, origin } = found;
    const { cluster, partial } = this.#options;
    const fields = { cluster, type, observedMs, origin };
    if (partial !== true && scanned !== undefined) this.#batch.observations.push(new ScannedObservation(fields, scanned, object));
    else if (object !== undefined) this.#batch.observations.push({ ...fields, object, ...(partial === true ? { partial } : {}) });
  }

  reject(reject: Omit<Reject, 'cluster'>): void {
    this.#batch.rejects.push({ cluster: this.#options.cluster, ...reject });
  }

  gap(gap: Gap): void {
    this.#batch.gaps.push(gap);
  }

  /** Delivers what was gathered, in order, and waits until it is durable. `cursor` says how far all of it goes. */
  async flush(cursor?: string): Promise<void> {
    const batch = this.#batch;
    const empty = batch.observations.length === 0 && batch.rejects.length === 0 && batch.gaps.length === 0;
    if (empty && cursor === undefined) return;
    this.#batch = { observations: [], rejects: [], gaps: [] };
    if (cursor !== undefined) batch.cursors = { [this.#options.cursorName]: cursor };
    await this.#options.sink(batch);
  }
}
