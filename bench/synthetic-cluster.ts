/**
 * A made-up history of a large cluster, the same for the same seed however long it gets: many kinds, namespaces of a hundred objects, few objects that
 * change all the time and many that hardly do, controllers that write most of it, births and deaths. Each change is what the pipeline would hand to
 * the store for an update that a watch told by sections (src/pipeline/section-compare.ts).
 */
import { createRandom, type Random } from '../src/demo/random.ts';
import type { Actor } from '../src/domain/change.ts';
import { diffValues, leavesOf, makePatch } from '../src/domain/diff/field-diff.ts';
import type { Json, JsonObject } from '../src/domain/json.ts';
import { type KubeObject, refOf } from '../src/domain/object-ref.ts';
import type { NewChange } from '../src/store/store.ts';
import { controllerStep, editStep, KINDS, newObject, type SyntheticKind } from './synthetic-object.ts';
import { Zipf } from './zipf.ts';

export const CLUSTER = 'synthetic';
export const START_MS = Date.UTC(2025, 10, 27);
export const OBJECTS_PER_NAMESPACE = 100;
/** Ten million changes are a year. */
export const MEAN_GAP_MS = 3_154;

export interface SyntheticOptions {
  seed: number;
  namespaces?: number;
}

const NAMESPACES = 200;
const PEOPLE = 150;
const SKEW = 0.9;
const DEATHS = 0.004;
/** Of what is born where something died, how much takes its name. */
const SAME_NAME = 0.25;
const BY_CONTROLLERS = 0.82;
const BY_FLUX = 0.12;

interface Slot {
  kind: SyntheticKind;
  namespace: string;
  name: string;
  uid: string;
  state: KubeObject | undefined;
  generation: number;
  /** What the pipeline keeps of an object's newest state. */
  digest: { seq: number };
  length: number;
}

export const FLUX: Actor = { name: 'kustomize-controller', source: 'managedFields', confidence: 0.6, operation: 'Apply' };

export class SyntheticCluster {
  readonly #random: Random;
  readonly #slots: Slot[];
  readonly #popularity: Zipf;
  readonly #people: Zipf;
  /** Places whose object is gone or not there yet, in the order they are filled. */
  readonly #empty: Slot[];
  #nowMs = START_MS;
  #version = 1_000;

  constructor({ seed, namespaces = NAMESPACES }: SyntheticOptions) {
    this.#random = createRandom(seed);
    const shape = this.#random.fork('slots');
    this.#slots = Array.from({ length: namespaces * OBJECTS_PER_NAMESPACE }, (_, i) => ({
      kind: shape.pick(KINDS),
      namespace: namespaceName(Math.floor(i / OBJECTS_PER_NAMESPACE)),
      ...{ name: '', uid: '', state: undefined, generation: 0, digest: { seq: 0 }, length: 0 },
    }));
    this.#popularity = new Zipf(this.#slots.length, SKEW);
    this.#people = new Zipf(PEOPLE, SKEW);
    this.#empty = [...this.#slots].reverse();
    // Rank and namespace have nothing to do with each other.
    this.#slots = shape.sample(this.#slots, this.#slots.length);
  }

  /** The next change. It must be appended before the one after the next batch is asked for. */
  next(): NewChange {
    this.#nowMs += this.#random.int(0, 2 * MEAN_GAP_MS);
    this.#version += this.#random.int(1, 5);
    const unborn = this.#empty.pop();
    if (unborn !== undefined) return this.#birth(unborn);
    const slot = this.#slots[this.#popularity.rank(this.#random.next())] as Slot;
    return this.#random.chance(DEATHS) ? this.#death(slot) : this.#step(slot);
  }

  #birth(slot: Slot): NewChange {
    const random = this.#random;
    const again = slot.name !== '' && random.chance(SAME_NAME);
    if (!again) slot.name = `${slot.kind.kind.toLowerCase()}-${random.hex(6)}`;
    slot.uid = uuid(random);
    const { kind, namespace, name, uid } = slot;
    slot.generation = 1;
    slot.digest = { seq: 0 };
    slot.state = this.#dressed(newObject(random, { kind, namespace, name, uid, atMs: this.#nowMs }), slot);
    slot.length = JSON.stringify(slot.state).length;
    return this.#change(slot, { type: 'ADDED', actor: FLUX, state: slot.state, diff: leavesOf(slot.state), digest: slot.digest });
  }

  #death(slot: Slot): NewChange {
    const state = this.#dressed(slot.state as KubeObject, slot);
    this.#empty.push(slot);
    return this.#change(slot, { type: 'DELETED', actor: FLUX, state, diff: [], before: slot.state });
  }

  #step(slot: Slot): NewChange {
    const random = this.#random;
    const chance = random.next();
    const before = slot.state as KubeObject;
    const byController = chance < BY_CONTROLLERS;
    const { section, after } = byController
      ? controllerStep(random, before.status as JsonObject, slot.generation, this.#nowMs)
      : editStep(random, before.spec as JsonObject);
    if (!byController) slot.generation += 1;
    const state = this.#dressed({ ...before, [section]: after } as KubeObject, slot);
    slot.state = state;
    const patch = makePatch(before[section] as Json, after);
    return this.#change(slot, {
      type: 'MODIFIED',
      actor: byController ? controllerOf(slot.kind) : chance < BY_CONTROLLERS + BY_FLUX ? FLUX : this.#person(),
      state,
      diff: diffValues(before[section] as Json, after, `/${section}`),
      digest: slot.digest,
      step: { patch: patch === undefined ? '' : JSON.stringify({ d: { [section]: patch } }), length: slot.length },
    });
  }

  #change(slot: Slot, more: Pick<NewChange, 'type' | 'actor' | 'state' | 'diff'> & Partial<NewChange>): NewChange {
    return {
      ref: refOf(CLUSTER, more.state),
      uid: slot.uid,
      origin: 'watch',
      observedMs: this.#nowMs,
      resourceVersion: String(this.#version),
      generation: slot.generation,
      candidates: [more.actor],
      own: false,
      before: undefined,
      ...more,
    };
  }

  #dressed(state: KubeObject, slot: Slot): KubeObject {
    const metadata = { ...state.metadata, resourceVersion: String(this.#version), generation: slot.generation };
    return { ...state, metadata };
  }

  #person(): Actor {
    return {
      name: personName(this.#people.rank(this.#random.next())),
      source: 'admission',
      confidence: 0.99,
      fieldManager: 'kubectl-edit',
    };
  }
}

export function namespaceName(i: number): string {
  return `team-${String(i).padStart(3, '0')}`;
}

export function personName(i: number): string {
  return `person-${i}@example.org`;
}

export function controllerOf(kind: SyntheticKind): Actor {
  return { name: kind.controller, source: 'managedFields', confidence: 0.6, operation: 'Update' };
}

function uuid(random: Random): string {
  return [8, 4, 4, 4, 12].map((digits) => random.hex(digits)).join('-');
}
