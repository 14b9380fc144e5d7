/**
 * Which paths an update moved, as one object for all updates that move the same ones in the same order: how they are ordered in the record
 * and what a writer's fieldsV1 has of them is then found once. Kept as a tree of what follows what, begun anew beyond its bound.
 */
import { ownsPath, type Writing } from './attribution.ts';
import { partOf } from './field-path.ts';
import type { JsonObject } from './json.ts';
import type { PathNode } from './path-node.ts';

const KEPT_MAX = 10_000;
/** Sets of fieldsV1 that are remembered for the same paths. */
const OWNERS_MAX = 64;

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
