/**
 * Which values each object's own paths had, packed: one array for an object, in which for each path lie its name, how often it was seen, how often with
 * a value not known at the time, the number of tokens, then each token with its count. An object whose one field changed takes a fifth of what Maps of
 * Maps would.
 */
import type { TokenCounts } from './counts.ts';

const PATHS_MAX = 48;
const TOKENS_MAX = 12;

type Packed = readonly (string | number)[];
/** Where the figures of a path lie, counted from its name. */
const SEEN = 1;
const FRESH = 2;
const TOKENS = 3;
const FIRST_TOKEN = 4;

/** By row of the object. */
export type OwnValuesState = Map<number, Packed>;

export class OwnValues {
  #objects: OwnValuesState = new Map();

  /** What is known of a path of an object, undefined where it never had a value that was kept. */
  get(row: number, path: string): TokenCounts | undefined {
    const packed = this.#objects.get(row);
    const at = packed === undefined ? -1 : placeOf(packed, path);
    return packed === undefined || at < 0 ? undefined : unpack(packed, at);
  }

  /** Counts a sighting on a path that is known; false where it is not. */
  count(row: number, path: string, token: string): boolean {
    const packed = this.#objects.get(row);
    const at = packed === undefined ? -1 : placeOf(packed, path);
    if (packed === undefined || at < 0) return false;
    this.#objects.set(row, counted(packed, at, token));
    return true;
  }

  /** Begins a path with its first sighting, unless the object has too many. */
  begin(row: number, path: string, token: string): void {
    const packed = this.#objects.get(row) ?? [];
    if (pathsIn(packed) < PATHS_MAX) this.#objects.set(row, [...packed, path, 1, 1, 1, token, 1]);
  }

  forget(row: number): void {
    this.#objects.delete(row);
  }

  save(): OwnValuesState {
    return this.#objects;
  }

  load(state: OwnValuesState): void {
    this.#objects = state;
  }
}

function figure(packed: Packed, at: number): number {
  return packed[at] as number;
}

/** Where the next path begins. */
function after(packed: Packed, at: number): number {
  return at + FIRST_TOKEN + 2 * figure(packed, at + TOKENS);
}

function placeOf(packed: Packed, path: string): number {
  for (let at = 0; at < packed.length; at = after(packed, at)) if (packed[at] === path) return at;
  return -1;
}

function pathsIn(packed: Packed): number {
  let paths = 0;
  for (let at = 0; at < packed.length; at = after(packed, at)) paths++;
  return paths;
}

function unpack(packed: Packed, at: number): TokenCounts {
  const seen = new Map<string, number>();
  for (let i = at + FIRST_TOKEN; i < after(packed, at); i += 2) seen.set(packed[i] as string, figure(packed, i + 1));
  return { n: figure(packed, at + SEEN), fresh: figure(packed, at + FRESH), seen };
}

/** With one sighting more; at TOKENS_MAX the rarest token gives way, oldest first. Copied to fit: a growing array keeps room for a dozen more. */
function counted(packed: Packed, at: number, token: string): Packed {
  const end = after(packed, at);
  let rarest = at + FIRST_TOKEN;
  for (let i = at + FIRST_TOKEN; i < end; i += 2) {
    if (packed[i] === token) {
      return packed.with(i + 1, figure(packed, i + 1) + 1).with(at + SEEN, figure(packed, at + SEEN) + 1);
    }
    if (figure(packed, i + 1) < figure(packed, rarest + 1)) rarest = i;
  }
  const isFull = figure(packed, at + TOKENS) >= TOKENS_MAX;
  const grown = packed.toSpliced(end, 0, token, 1);
  if (isFull) grown.splice(rarest, 2);
  else grown[at + TOKENS] = figure(packed, at + TOKENS) + 1;
  grown[at + SEEN] = figure(packed, at + SEEN) + 1;
  grown[at + FRESH] = figure(packed, at + FRESH) + 1;
  return grown;
}
