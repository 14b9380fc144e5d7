/**
 * What a batch brings, written in one transaction. An object of which the name, the life or the head row lies on a damaged page has no place to go on from:
 * it is left out by name, and the rest of the batch is recorded. So is one with a change of which the actors, the paths or the place in the chain of its object cannot be read or made
 * for damage.
 */
import type { Change } from '../domain/change.ts';
import { describeRef, type ObjectRef, objectKey } from '../domain/object-ref.ts';
import { type Containment, isDamage } from './containment.ts';
import type { ChangeWriter } from './log/change-writer.ts';
import type { SeriesTable } from './series/series.ts';
import type { AppendBatch, Reject } from './store.ts';
import type { StoreParts } from './store-parts.ts';

/** Batches that are looked through before they are written, after an object was found that has no place. */
const LOOKED_THROUGH = 500;

const NOTHING_STORED: ReturnType<SeriesTable['append']> = { stored: 0, dropped: 0 };

export class BatchWriter {
  readonly #parts: StoreParts;
  readonly #writer: ChangeWriter;
  readonly #contained: Containment;
  /** Batches still to be looked through. */
  #lookThrough = 0;
  /** Objects with a change that could not be recorded for what it has of its own; they are left out for as long as batches are looked through. */
  readonly #unnamed = new Set<string>();

  constructor(parts: StoreParts, writer: ChangeWriter, contained: Containment) {
    this.#parts = parts;
    this.#writer = writer;
    this.#contained = contained;
  }

  /** Within a transaction. */
  write(batch: AppendBatch): Change[] {
    const { blocks, times, objects, log, series, kubeEvents, gaps, deliveries, small } = this.#parts;
    const contained = this.#contained;
    this.#writer.unplaced = undefined;
    this.#writer.unnamed = undefined;
    this.#writer.unread = undefined;
    const changes = batch.changes.map((change) => this.#writer.append(change));
    for (const amendment of batch.amendments ?? []) this.#writer.amend(amendment);
    for (const heartbeat of batch.heartbeats ?? []) this.#writer.heartbeat(heartbeat);
    blocks.flush();
    times.forget();
    objects.flushDue(log.newest());
    for (const scrape of batch.scrapes ?? []) {
      const { stored, dropped, reject } = contained.write('open_scrape', () => series.append(scrape), NOTHING_STORED);
      small.count('samples', stored);
      small.count('samplesDropped', dropped);
      if (reject !== undefined) contained.write('reject', () => small.addRejects([reject]), undefined);
    }
    const { kubeEvents: events = [], rejects = [] } = batch;
    const kept = contained.write('kube_event', () => kubeEvents.put(events), 0);
    small.count('kubeEvents', kept);
    contained.write('reject', () => small.addRejects(rejects), undefined);
    contained.write('gap', () => gaps.add(batch.gaps ?? []), undefined);
    contained.write('delivery', () => deliveries.add(batch.deliveries ?? []), undefined);
    small.count('changes', changes.length);
    small.count('heartbeats', batch.heartbeats?.length ?? 0);
    small.count('amendments', batch.amendments?.length ?? 0);
    small.putCursors(batch.cursors);
    return changes;
  }

  /**
   * For a while after an object was found that has no place batches are looked through before they are written, as one that brings it again would cost a
   * transaction that fails.
   */
  withoutKnownLost(batch: AppendBatch): AppendBatch {
    if (this.#lookThrough === 0) return batch;
    this.#lookThrough -= 1;
    if (this.#lookThrough === 0) this.#unnamed.clear();
    return this.withoutLost(batch);
  }

  /**
   * After an attempt that met damage, whether the next one goes further: where the state before a change could not be read, which is then recorded whole, and
   * where a change has something of its own that cannot be read or made, whose object is left out from now on.
   */
  goesFurther(damage: unknown): boolean {
    const { unread, unnamed } = this.#writer;
    const ref = unread ?? unnamed;
    if (ref === undefined) return false;
    this.#contained.tell(describeRef(ref), damage);
    if (unread !== undefined) return true;
    if (this.#unnamed.has(objectKey(ref))) return false;
    this.#unnamed.add(objectKey(ref));
    this.#lookThrough = LOOKED_THROUGH;
    return true;
  }

  /**
   * A batch without the objects whose place cannot be read for damage, and, where the last attempt met `damage` as it made a place, without those that need
   * one. Within no transaction.
   */
  withoutLost(batch: AppendBatch, damage?: unknown): AppendBatch {
    const places = new Map<string, 'there' | 'new' | 'lost'>();
    const butNew = damage !== undefined && this.#writer.unplaced !== undefined;
    const isLost = (ref: ObjectRef) => {
      const key = objectKey(ref);
      const known = places.get(key);
      const place = known ?? (this.#unnamed.has(key) ? 'lost' : this.#placeOf(ref));
      if (known === undefined && butNew && place === 'new') this.#contained.tell(describeRef(ref), damage);
      places.set(key, place);
      return place === 'lost' || (butNew && place === 'new');
    };
    const lost = batch.changes.filter(({ ref }) => isLost(ref));
    const heartbeats = batch.heartbeats?.filter(({ ref }) => !isLost(ref));
    if (lost.length === 0 && heartbeats?.length === batch.heartbeats?.length) return batch;
    const rejects = lost.map(({ ref, observedMs }): Reject => {
      const what = 'its place in the database is damaged: run crowsnest db repair';
      return { cluster: ref.cluster, code: 'STORE_CORRUPT', where: describeRef(ref), what, observedMs };
    });
    const out = new Set(lost);
    const changes = batch.changes.filter((change) => !out.has(change));
    return {
      ...batch,
      changes,
      ...(heartbeats === undefined ? {} : { heartbeats }),
      rejects: [...(batch.rejects ?? []), ...rejects],
    };
  }

  #placeOf(ref: ObjectRef): 'there' | 'new' | 'lost' {
    try {
      return this.#parts.objects.find(ref) === undefined ? 'new' : 'there';
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#lookThrough = LOOKED_THROUGH;
      this.#contained.tell(describeRef(ref), error);
      return 'lost';
    }
  }
}
