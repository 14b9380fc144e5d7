/**
 * What an actor's edits are about: which fields, by their last name, they replace, and how often a field that never moved before on its
 * object. A bot that moves a tag in every other edit, on ever new objects, is no news when it moves one more.
 */

import type { ChangeEvent, Field } from '../features.ts';
import { touch } from './counts.ts';

const ACTORS_MAX = 2_000;
const LEAVES_MAX = 256;

interface Leaf {
  /** Edits that replaced such a field; how many of them for the first time on that object. */
  n: number;
  fresh: number;
}

interface Doings {
  edits: number;
  leaves: Map<string, Leaf>;
}

export interface RepertoireState {
  actors: Map<string, Doings>;
}

export class Repertoire {
  #state: RepertoireState = { actors: new Map() };

  /** Probability that an edit by this actor replaces a field so named that never moved before on its object. */
  freshly(actor: string, field: Pick<Field, 'leaf'>): number {
    const doings = this.#state.actors.get(actor);
    const leaf = doings?.leaves.get(field.leaf);
    return doings === undefined || leaf === undefined ? 0 : leaf.fresh / (doings.edits + 2);
  }

  /** `moved` tells how often a path of the object moved before. */
  learn(event: ChangeEvent, moved: (path: string) => number): void {
    if (event.type !== 'MODIFIED') return;
    const doings = touch(this.#state.actors, event.actor.name, ACTORS_MAX, newDoings);
    doings.edits++;
    const [first] = event.fields;
    if (first === undefined) return;
    if (event.fields.length === 1) {
      if (first.op === 'set') count(doings, first.leaf, moved(first.path) === 0);
      return;
    }
    const fresh = new Map<string, boolean>();
    for (const field of event.fields) {
      if (field.op !== 'set') continue;
      const name = field.leaf;
      fresh.set(name, (fresh.get(name) ?? false) || moved(field.path) === 0);
    }
    for (const [name, isFresh] of fresh) count(doings, name, isFresh);
  }

  save(): RepertoireState {
    return this.#state;
  }

  load(state: RepertoireState): void {
    this.#state = state;
  }
}

function newDoings(): Doings {
  return { edits: 0, leaves: new Map() };
}

function newLeaf(): Leaf {
  return { n: 0, fresh: 0 };
}

function count({ leaves }: Doings, name: string, isFresh: boolean): void {
  const leaf = touch(leaves, name, LEAVES_MAX, newLeaf);
  leaf.n++;
  if (isFresh) leaf.fresh++;
}
