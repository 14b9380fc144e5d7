/**
 * Which paths an update moved, as one object for all updates that move the same ones in the same order: how they are ordered in the record
 * and what a writer's fieldsV1 has of them is then found once. Kept as a tree of what follows what, begun anew beyond its bound.
 */

import type { Actor } from './change.ts';
import { partOf } from './field-path.ts';
import type { JsonObject } from './json.ts';
import type { PathNode } from './scan/path-node.ts';
import { nameWriters, ownsPath, type Writing } from './who/attribution.ts';
import type { ManagedForm } from './who/managed-writers.ts';

const KEPT_MAX = 10_000;

/** Shared by all changes of which it is true: not to be modified. */
export interface Named {
  actor: Actor;
  candidates: Actor[];
}

/** What is found out once somebody asks: most are but the way to longer ones. */
interface Told {
  paths: readonly string[];
  statusOnly: boolean;
  order: readonly number[];
  lines: string;
}

/** All of them are set, none is added or removed. */
export class MovedPaths implements Writing {
  /** How many. */
  readonly kept: number;
  readonly after = new Map<PathNode, MovedPaths>();
  readonly #before: MovedPaths | undefined;
  readonly #path: string;
  #told: Told | undefined;
  /** Weak, as both are forgotten elsewhere by bounds of their own. */
  readonly #owned = new WeakMap<JsonObject, number>();
  /** By who of its writers wrote last, as bits. */
  readonly #named = new WeakMap<ManagedForm, Map<number, Named>>();

  /** Without arguments there are none. */
  constructor(before?: MovedPaths, path = '') {
    this.#before = before;
    this.#path = path;
    this.kept = before === undefined ? 0 : before.kept + 1;
  }

  get paths(): readonly string[] {
    return this.#all.paths;
  }

  get statusOnly(): boolean {
    return this.#all.statusOnly;
  }

  /** Which of them is first by rising path, which second, and so on. */
  get order(): readonly number[] {
    return this.#all.order;
  }

  /** All of them in that order, each behind a line feed. */
  get lines(): string {
    return this.#all.lines;
  }

  get #all(): Told {
    if (this.#told !== undefined) return this.#told;
    const paths: string[] = [];
    for (let at: MovedPaths = this; at.#before !== undefined; at = at.#before) paths.push(at.#path);
    paths.reverse();
    const order = paths.map((_, i) => i).sort((a, b) => ((paths[a] as string) < (paths[b] as string) ? -1 : 1));
    const statusOnly = paths.length > 0 && paths.every((path) => partOf(path) === 'status');
    this.#told = { paths, statusOnly, order, lines: order.map((i) => `\n${paths[i]}`).join('') };
    return this.#told;
  }

  ownsSome(fields: JsonObject): boolean {
    return this.owned(fields) > 0;
  }

  /** Sets that come again are the same object (see managed-text.ts). */
  owned(fields: JsonObject): number {
    let owned = this.#owned.get(fields);
    if (owned === undefined) {
      owned = this.paths.filter((path) => ownsPath(fields, path)).length;
      this.#owned.set(fields, owned);
    }
    return owned;
  }

  /** Who moved them, by managedFields of a form and which of its writers wrote last, as bits. */
  namedBy(form: ManagedForm, newest: number): Named {
    let byNewest = this.#named.get(form);
    if (byNewest === undefined) {
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
  #none = new MovedPaths();
  #size = 0;

  get none(): MovedPaths {
    return this.#none;
  }

  with(paths: MovedPaths, node: PathNode): MovedPaths {
    let more = paths.after.get(node);
    if (more === undefined) {
      if (this.#size >= KEPT_MAX) {
        this.#none = new MovedPaths();
        this.#size = 0;
      }
      this.#size += 1;
      more = new MovedPaths(paths, node.path);
      paths.after.set(node, more);
    }
    return more;
  }
}
