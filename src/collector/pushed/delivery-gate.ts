import type { Delivery } from '../../domain/delivery.ts';
import type { Store } from '../../store/store.ts';
import type { Sink, SourceBatch } from '../source.ts';

/** One thing told from outside, with what it brings. */
export interface Told {
  key: string;
  brings: Pick<SourceBatch, 'observations' | 'scrapes' | 'claims'>;
}

const PORTION = 256;

/**
 * Lets through what was not told before. The store remembers keys in the transaction that records what they brought; what is on its way there is
 * remembered here, so that two tellings at the same instant are one as well.
 */
export class DeliveryGate {
  readonly #store: Pick<Store, 'delivered'>;
  readonly #sink: Sink;
  readonly #inFlight = new Map<string, Promise<void>>();

  constructor(store: Pick<Store, 'delivered'>, sink: Sink) {
    this.#store = store;
    this.#sink = sink;
  }

  /** Resolves once everything new among `told`, and the rejects, are durable; with how many were told before. Rejects with what the sink rejects. */
  async deliver(told: readonly Told[], more: { atMs: number; rejects?: SourceBatch['rejects'] }): Promise<{ repeated: number }> {
    // What others are recording under these keys is known or has failed afterwards; in the latter case it is ours to record. From the last look
    // to the note below nothing waits, so that nobody can come in between.
    for (let others = this.#othersOf(told); others.size > 0; others = this.#othersOf(told)) await Promise.allSettled(others);
    const known = this.#store.delivered(told.map(({ key }) => key));
    const fresh = told.filter(({ key }) => !known.has(key) && known.add(key));
    const rejects = more.rejects ?? [];
    if (fresh.length > 0 || rejects.length > 0) {
      const recording = this.#record(fresh, more.atMs, rejects);
      for (const { key } of fresh) this.#inFlight.set(key, recording);
      try {
        await recording;
      } finally {
        for (const { key } of fresh) this.#inFlight.delete(key);
      }
    }
    return { repeated: told.length - fresh.length };
  }

  /** In portions, so that other sources have their turn; each is whole with its keys, and a telling cut off between two goes on where it was. */
  async #record(fresh: readonly Told[], atMs: number, rejects: NonNullable<SourceBatch['rejects']>): Promise<void> {
    for (let from = 0; from === 0 || from < fresh.length; from += PORTION) {
      await this.#sink(batchOf(fresh.slice(from, from + PORTION), atMs, from === 0 ? rejects : []));
    }
  }

  #othersOf(told: readonly Told[]): Set<Promise<void>> {
    return new Set(told.map(({ key }) => this.#inFlight.get(key)).filter((each) => each !== undefined));
  }
}

function batchOf(fresh: readonly Told[], atMs: number, rejects: NonNullable<SourceBatch['rejects']>): SourceBatch {
  const batch: SourceBatch & { deliveries: Delivery[] } = {
    observations: fresh.flatMap(({ brings }) => brings.observations),
    deliveries: fresh.map(({ key }) => ({ key, atMs })),
    rejects,
  };
  const scrapes = fresh.flatMap(({ brings }) => brings.scrapes ?? []);
  const claims = fresh.flatMap(({ brings }) => brings.claims ?? []);
  if (scrapes.length > 0) batch.scrapes = scrapes;
  if (claims.length > 0) batch.claims = claims;
  return batch;
}
