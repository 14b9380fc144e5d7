/**
 * Which paths an update moved, as one object for all updates that move the same ones in the same order: how they are ordered in the record
 * and what a writer's fieldsV1 has of them is then found once. Kept as a tree of what follows what, begun anew beyond its bound.
 */
import { nameWriters, ownsPath, type Writing } from './attribution.ts';
import type { Actor } from './change.ts';
import { partOf } from './field-path.ts';
import type { JsonObject } from './json.ts';
import type { ManagedForm } from './managed-writers.ts';
import type { PathNode } from './path-node.ts';

const KEPT_MAX = 10_000;
/** Sets of fieldsV1, and forms of managedFields, that are remembered for the same paths. */
const OWNERS_MAX = 64;

/** Shared by all changes of which it is true: not to be modified. */
export interface Named {
  actor: Actor;
  candidates: Actor[];
}

/** All of them are set, none is added or removed. */
export class MovedPaths implements Writing {
  readonly paths: readonly string[];
  readonly kept: number;
  readonly statusOnly: boolean;
  /** Which of them is first by rising path, which second, and so on. */
  readonly order: readonly number[];
  /** All of them in that order, each on a line of its own. */
  readonly lines: string;
  readonly after = new Map<PathNode, MovedPaths>();
  readonly #owned = new Map<JsonObject, number>();
  /** By who of its writers wrote last, as bits. */
  readonly #named = new Map<ManagedForm, Map<number, Named>>();

  constructor(paths: readonly string[]) {
    this.paths = paths;
    this.kept = paths.length;
    this.statusOnly = paths.length > 0 && paths.every((path) => partOf(path) === 'status');
    this.order = paths.map((_, i) => i).sort((a, b) => ((paths[a] as string) < (paths[b] as string) ? -1 : 1));
    this.lines = this.order.map((i) => `\n${paths[i]}`).join('');
  }

  ownsSome(fields: JsonObject): boolean {
    return this.owned(fields) > 0;
  }

  /** Sets that come again are the same object (see managed-text.ts). */
  owned(fields: JsonObject): number {
    let owned = this.#owned.get(fields);
    if (owned === undefined) {
      owned = this.paths.filter((path) => ownsPath(fields, path)).length;
      if (this.#owned.size >= OWNERS_MAX) this.#owned.clear();
      this.#owned.set(fields, owned);
    }
    return owned;
  }

  /** Who moved them, by managedFields of a form and when each of its writers wrote. */
  namedBy(form: ManagedForm, timesMs: readonly number[]): Named {
    const newestMs = Math.max(...timesMs);
    let newest = 0;
    for (let i = 0; i < timesMs.length; i++) if (timesMs[i] === newestMs) newest |= 1 << i;
    let byNewest = this.#named.get(form);
    if (byNewest === undefined) {
      if (this.#named.size >= OWNERS_MAX) this.#named.clear();
      byNewest = new Map();
      this.#named.set(form, byNewest);
    }
    let named = byNewest.get(newest);
    if (named === undefined) {
      named = nameWriters(
        form.writers.filter((_, i) => (newest & (1 << i)) !== 0),
        this,
      );
      byNewest.set(newest, named);
    }
    return named;
  }
}

export class MovedPathsTree {
  #none = new MovedPaths([]);
  #size = 0;

  get none(): MovedPaths {
    return this.#none;
  }

  with(paths: MovedPaths, node: PathNode): MovedPaths {
    let more = paths.after.get(node);
    if (more === undefined) {
      if (this.#size >= KEPT_MAX) {
        this.#none = new MovedPaths([]);
        this.#size = 0;
      }
      this.#size += 1;
      more = new MovedPaths([...paths.paths, node.path]);
      paths.after.set(node, more);
    }
    return more;
  }
}
