/**
 * What an actor's edits are about: which fields, by their last name, they replace. A bot that moves a tag in every other edit is no news when it moves one
 * that rested so far.
 */

import type { ChangeEvent, Field } from '../features.ts';
import { hashOf } from '../hash.ts';
import { dropOldest, touch } from './counts.ts';

const ACTORS_MAX = 2_000;
const LEAVES_MAX = 256;
const LATELY_MAX = 32;

interface Leaf {
  /** Edits that replaced such a field. */
  n: number;
}

interface Doings {
  edits: number;
  leaves: Map<string, Leaf>;
  /** Of a person: when they last moved a field of a kind, by its hash, on whatever object; the latest last. */
  lately: Map<number, number>;
}

export interface RepertoireState {
  actors: Map<string, Doings>;
}

export class Repertoire {
  #state: RepertoireState = { actors: new Map() };

  /** Probability that an edit by this actor replaces a field so named. */
  moving(actor: string, { leaf }: Pick<Field, 'leaf'>): number {
    const doings = this.#state.actors.get(actor);
    return doings === undefined ? 0 : (doings.leaves.get(leaf)?.n ?? 0) / (doings.edits + 2);
  }

  /** The same, of somebody who may do so yet (Krichevsky-Trofimov). */
  share(actor: string, { leaf }: Pick<Field, 'leaf'>): number {
    const doings = this.#state.actors.get(actor);
    return ((doings?.leaves.get(leaf)?.n ?? 0) + 0.5) / ((doings?.edits ?? 0) + 2);
  }

  /** When a person last moved this field of the kind, on whatever object; undefined where they never did or did much else since. */
  lastMs(actor: string, { ofKind }: Pick<Field, 'ofKind'>): number | undefined {
    const lately = this.#state.actors.get(actor)?.lately;
    return lately === undefined || lately.size === 0 ? undefined : lately.get(hashOf(ofKind));
  }

  learn({ type, actor, atMs, fields, machine }: ChangeEvent): void {
    if (type !== 'MODIFIED') return;
    const doings = touch(this.#state.actors, actor.name, ACTORS_MAX, newDoings);
    doings.edits++;
    if (!machine) for (const { op, ofKind } of fields) if (op === 'set') note(doings.lately, hashOf(ofKind), atMs);
    const [first] = fields;
    if (first === undefined) return;
    if (fields.length === 1) {
      if (first.op === 'set') count(doings, first.leaf);
      return;
    }
    const names = new Set<string>();
    for (const { op, leaf } of fields) if (op === 'set') names.add(leaf);
    for (const name of names) count(doings, name);
  }

  save(): RepertoireState {
    return this.#state;
  }

  load(state: RepertoireState): void {
    this.#state = state;
  }
}

function newDoings(): Doings {
  return { edits: 0, leaves: new Map(), lately: new Map() };
}

function newLeaf(): Leaf {
  return { n: 0 };
}

function note(lately: Map<number, number>, key: number, atMs: number): void {
  lately.delete(key);
  lately.set(key, atMs);
  if (lately.size > LATELY_MAX) dropOldest(lately);
}

function count({ leaves }: Doings, name: string): void {
  touch(leaves, name, LEAVES_MAX, newLeaf).n++;
}
