/** Builds changes for the model's tests: a small cluster with a clock of its own and no randomness but a seeded one. */
import type { Change, ChangeType } from '../../src/domain/change.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type KubeObject, objectKey, refOf } from '../../src/domain/object-ref.ts';

/** Monday 2026-01-05 00:00 UTC. */
export const MONDAY_MS = Date.UTC(2026, 0, 5);
export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The object of tests that have one: what it is called plays no part. */
export const ONLY = { name: 'only', row: 0 };

/** A small seeded generator (mulberry32): numbers in [0, 1). */
export function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface Edit {
  atMs: number;
  actor: string;
  kind?: string;
  group?: string;
  namespace?: string;
  name?: string;
  type?: ChangeType;
  /** The whole spec after the change; of a deletion the last one is taken. */
  spec?: JsonObject;
  status?: JsonObject;
  metadata?: JsonObject;
  own?: boolean;
  origin?: Change['origin'];
}

/** Keeps the last state of each object, so that an edit needs to say only what it makes of it. */
export class Stream {
  readonly #last = new Map<string, KubeObject>();
  readonly #cluster: string;
  #seq = 0;

  constructor(cluster = 'test') {
    this.#cluster = cluster;
  }

  change(edit: Edit): Change {
    const { kind = 'Kafka', group = 'kafka.example', namespace = 'streaming', name = 'orders' } = edit;
    this.#seq++;
    const object: KubeObject = {
      apiVersion: `${group}/v1`,
      kind,
      metadata: { name, namespace, uid: `${kind}-${namespace}-${name}`, resourceVersion: String(this.#seq), ...edit.metadata },
    };
    const ref = refOf(this.#cluster, object);
    const key = objectKey(ref);
    const before = this.#last.get(key);
    const spec = edit.spec ?? (before?.spec as JsonObject | undefined);
    if (spec !== undefined) object.spec = spec;
    const status = edit.status ?? (before?.status as JsonObject | undefined);
    if (status !== undefined) object.status = status;
    const type = edit.type ?? (before === undefined ? 'ADDED' : 'MODIFIED');
    const diff = type === 'ADDED' ? leavesOf(object) : type === 'DELETED' ? [] : diffValues(before, object);
    if (type === 'DELETED') this.#last.delete(key);
    else this.#last.set(key, object);
    const actor = { name: edit.actor, source: 'stream' as const, confidence: 1 };
    return {
      seq: this.#seq,
      ref,
      uid: object.metadata.uid,
      type,
      origin: edit.origin ?? 'replay',
      observedMs: edit.atMs,
      resourceVersion: object.metadata.resourceVersion,
      generation: undefined,
      actor,
      candidates: [actor],
      own: edit.own ?? false,
      diff,
      state: object,
    };
  }
}

export interface HabitOptions {
  seed: number;
  days: number;
  objects?: number;
}

/**
 * Weeks of plain habit: flux bumps image tags around the clock, alice and bob edit replicas of their own kinds in office hours,
 * settings such as `tls` and `retention` rest.
 */
export function habit(stream: Stream, { seed, days, objects = 8 }: HabitOptions): Change[] {
  const random = makeRandom(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const changes: Change[] = [];
  const specs = new Map<string, JsonObject>();
  const places = [
    { kind: 'Kafka', group: 'kafka.example', namespace: 'streaming', owner: 'alice' },
    { kind: 'Route', group: 'gateway.example', namespace: 'ai', owner: 'bob' },
  ];
  for (const place of places) {
    for (let i = 0; i < objects; i++) {
      const spec: JsonObject = {
        image: `registry.example/${place.kind.toLowerCase()}:1.0.0`,
        replicas: 3,
        memory: '4Gi',
        tls: { enabled: true },
        retention: 168,
        host: `${place.kind.toLowerCase()}-${i}.apps.example.com`,
      };
      specs.set(`${place.kind}${i}`, spec);
      changes.push(
        stream.change({ ...place, actor: 'flux', atMs: MONDAY_MS + i * 10_000, name: `${place.kind.toLowerCase()}-${i}`, spec }),
      );
    }
  }
  const plan: { atMs: number; place: (typeof places)[number]; i: number; byFlux: boolean }[] = [];
  for (let day = 0; day < days; day++) {
    for (let n = 0; n < 6; n++) {
      const place = pick(places);
      const i = Math.floor(random() * objects);
      const byFlux = random() < 0.6;
      if (!byFlux && day % 7 >= 5) continue;
      const hour = byFlux ? Math.floor(random() * 24) : 9 + Math.floor(random() * 8);
      const atMs = MONDAY_MS + day * DAY_MS + hour * HOUR_MS + Math.floor(random() * HOUR_MS);
      plan.push({ atMs: Math.max(atMs, MONDAY_MS + HOUR_MS), place, i, byFlux });
    }
  }
  plan.sort((a, b) => a.atMs - b.atMs);
  for (const [release, { atMs, place, i, byFlux }] of plan.entries()) {
    const key = `${place.kind}${i}`;
    const before = specs.get(key) as JsonObject;
    const spec: JsonObject = byFlux
      ? { ...before, image: `registry.example/${place.kind.toLowerCase()}:1.0.${release + 1}` }
      : { ...before, replicas: 3 + ((Number(before.replicas) - 2) % 3) };
    specs.set(key, spec);
    const actor = byFlux ? 'flux' : place.owner;
    changes.push(stream.change({ ...place, actor, atMs, name: `${place.kind.toLowerCase()}-${i}`, spec }));
  }
  return changes;
}
