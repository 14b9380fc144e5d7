/** Goes on writing to a record at a steady rate, through the real way in, in the process that also answers: what the service does in a busy hour. */
import type { Random } from '../src/demo/random.ts';
import type { JsonObject } from '../src/domain/json.ts';
import { keyedHash } from '../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../src/domain/object-ref.ts';
import { pauseAfter, UPKEEP_MS } from '../src/pipeline/housekeeping.ts';
import { createIngest, type Ingest } from '../src/pipeline/ingest.ts';
import type { Store } from '../src/store/store.ts';
import { CLUSTER, namespaceName } from './synthetic-cluster.ts';
import { controllerStep, editStep, KINDS } from './synthetic-object.ts';
import type { WorkClock } from './work-clock.ts';

const OBJECTS = 2_000;
/** What a watch delivers at most in one batch. */
const BATCH_MAX = 200;
const BATCH_MS = 10;
/** As the service does it. */
const MAINTAIN_MS = 1_000;
const BY_CONTROLLERS = 0.82;

export class LoadWriter {
  readonly #store: Store;
  readonly #random: Random;
  readonly #ingest: Ingest;
  readonly #objects: KubeObject[] = [];
  readonly #perMs: number;
  readonly #clock: WorkClock;
  readonly #fromMs: number;
  #version: number;
  #observedMs: number;
  #maintainMs: number;
  written = 0;
  /** The longest that one turn of upkeep held up everything else. */
  upkeepMaxMs = 0;

  constructor(store: Store, random: Random, { perSecond, clock }: { perSecond: number; clock: WorkClock }) {
    this.#store = store;
    this.#clock = clock;
    this.#random = random;
    this.#perMs = perSecond / 1000;
    this.#ingest = createIngest({ store, hash: keyedHash(Buffer.from('a key that only benches use')) });
    for (let i = 0; this.#objects.length < OBJECTS; i++) {
      const { items } = store.objects({ cluster: CLUSTER, namespace: namespaceName(i), limit: 500 });
      if (items.length === 0) break;
      for (const { ref } of items) this.#objects.push(store.head(ref)?.state as KubeObject);
    }
    // Above any version that the history has or that an earlier run wrote.
    this.#version = 1_000_000_000 + store.counts().changes;
    this.#observedMs = store.changes({ limit: 1 }).items[0]?.observedMs ?? 0;
    if (this.#objects.length === 0) throw new Error('there is no object that could be written to');
    this.#fromMs = clock.nowMs();
    this.#maintainMs = this.#fromMs;
  }

  /** When the next batch is due; a watch delivers what has come since the last. */
  get nextMs(): number {
    return this.#fromMs + this.written / this.#perMs + BATCH_MS;
  }

  /** Writes what is due by now, and the upkeep that is due. */
  turn(): void {
    const nowMs = this.#clock.nowMs();
    const due = Math.min(BATCH_MAX, Math.floor((nowMs - this.#fromMs) * this.#perMs) - this.written);
    if (due >= BATCH_MS * this.#perMs) {
      const { changes } = this.#ingest.record({ observations: Array.from({ length: due }, () => this.#next()) });
      this.written += due;
      if (changes.length < due) throw new Error(`${due - changes.length} of ${due} writes led to no change`);
    }
    if (nowMs < this.#maintainMs) return;
    const fromMs = this.#clock.nowMs();
    const more = this.#store.maintain({ msMax: UPKEEP_MS });
    const tookMs = this.#clock.nowMs() - fromMs;
    this.#maintainMs = this.#clock.nowMs() + (more ? pauseAfter(tookMs, this.#store.isPressed) : MAINTAIN_MS);
    this.upkeepMaxMs = Math.max(this.upkeepMaxMs, tookMs);
  }

  #next(): Parameters<Ingest['record']>[0]['observations'][number] {
    const random = this.#random;
    const i = random.int(0, this.#objects.length - 1);
    const before = this.#objects[i] as KubeObject;
    this.#version += 1;
    this.#observedMs += 1;
    const generation = Number(before.metadata.generation ?? 1);
    const byController = random.chance(BY_CONTROLLERS);
    const { section, after } = byController
      ? controllerStep(random, before.status as JsonObject, generation, this.#observedMs)
      : editStep(random, before.spec as JsonObject);
    const metadata = {
      ...before.metadata,
      resourceVersion: String(this.#version),
      generation: generation + (byController ? 0 : 1),
    };
    // A step that happens to lead where the object stands is no change; this makes sure that each is.
    const marked = { ...after, writes: this.#version };
    const object = { ...before, [section]: marked, metadata } as KubeObject;
    this.#objects[i] = object;
    const actor = KINDS.find(({ kind }) => kind === object.kind)?.controller ?? 'somebody';
    return { cluster: CLUSTER, type: 'MODIFIED', object, observedMs: this.#observedMs, origin: 'watch', actor };
  }
}
