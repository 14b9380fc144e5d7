/**
 * Which values each object's own paths had, packed: one list of numbers for an object, in which for each path lie its name, how often it was seen, how
 * often with a value not known at the time, the number of tokens, then each token with its count. An object whose one field changed takes a tenth of what
 * Maps of Maps would.
 */
import type { TokenCounts } from './counts.ts';
import { RowLists, type RowListsState } from './row-lists.ts';
import { SharedNames, type SharedNamesState } from './shared-names.ts';

const PATHS_MAX = 48;
const TOKENS_MAX = 12;

/** Where the figures of a path lie, counted from its name. */
const SEEN = 1;
const FRESH = 2;
const TOKENS = 3;
const FIRST_TOKEN = 4;

export interface OwnValuesState {
  /** By row of the object. */
  lists: RowListsState;
  paths: SharedNamesState;
  tokens: SharedNamesState;
}

/** What is known of one token on a path: how often it was seen there, of how many sightings, and how many of these brought something new. */
export interface Sightings {
  seen: number;
  n: number;
  fresh: number;
}

export class OwnValues {
  readonly #lists = new RowLists();
  readonly #paths = new SharedNames();
  readonly #tokens = new SharedNames();

  /** What is known of a path of an object, undefined where it never had a value that was kept. */
  get(row: number, path: string): TokenCounts | undefined {
    const at = this.#placeOf(row, path);
    if (at < 0) return undefined;
    const lists = this.#lists;
    const seen = new Map<string, number>();
    for (let i = at + FIRST_TOKEN; i < this.#after(row, at); i += 2)
      seen.set(this.#tokens.nameOf(lists.at(row, i)), lists.at(row, i + 1));
    return { n: lists.at(row, at + SEEN), fresh: lists.at(row, at + FRESH), seen };
  }

  /** Whether nothing is known of an object. */
  isEmpty(row: number): boolean {
    return this.#lists.length(row) === 0;
  }

  sightings(row: number, path: string, token: string): Sightings | undefined {
    const at = this.#placeOf(row, path);
    if (at < 0) return undefined;
    const lists = this.#lists;
    const place = this.#tokenPlace(row, at, token);
    return {
      seen: place < 0 ? 0 : lists.at(row, place + 1),
      n: lists.at(row, at + SEEN),
      fresh: lists.at(row, at + FRESH),
    };
  }

  /** Counts a sighting on a path that is known; false where it is not. */
  count(row: number, path: string, token: string): boolean {
    const at = this.#placeOf(row, path);
    if (at < 0) return false;
    this.#increment(row, at + SEEN);
    const place = this.#tokenPlace(row, at, token);
    if (place >= 0) {
      this.#increment(row, place + 1);
      return true;
    }
    this.#increment(row, at + FRESH);
    if (this.#lists.at(row, at + TOKENS) >= TOKENS_MAX) this.#giveWay(row, at, token);
    else {
      this.#lists.insert(row, this.#after(row, at), [this.#tokens.take(token), 1]);
      this.#increment(row, at + TOKENS);
    }
    return true;
  }

  /** The rarest token, oldest first, goes; the new one comes last. */
  #giveWay(row: number, at: number, token: string): void {
    const lists = this.#lists;
    const end = this.#after(row, at);
    let rarest = at + FIRST_TOKEN;
    for (let i = rarest; i < end; i += 2) if (lists.at(row, i + 1) < lists.at(row, rarest + 1)) rarest = i;
    this.#tokens.drop(lists.at(row, rarest));
    for (let i = rarest; i < end - 2; i++) lists.put(row, i, lists.at(row, i + 2));
    lists.put(row, end - 2, this.#tokens.take(token));
    lists.put(row, end - 1, 1);
  }

  /** Begins a path with its first sighting, unless the object has too many. */
  begin(row: number, path: string, token: string): void {
    const lists = this.#lists;
    let paths = 0;
    for (let at = 0; at < lists.length(row); at = this.#after(row, at)) paths++;
    if (paths >= PATHS_MAX) return;
    lists.insert(row, lists.length(row), [this.#paths.take(path), 1, 1, 1, this.#tokens.take(token), 1]);
  }

  forget(row: number): void {
    const lists = this.#lists;
    for (let at = 0; at < lists.length(row); at = this.#after(row, at)) {
      this.#paths.drop(lists.at(row, at));
      for (let i = at + FIRST_TOKEN; i < this.#after(row, at); i += 2) this.#tokens.drop(lists.at(row, i));
    }
    lists.forget(row);
  }

  #placeOf(row: number, path: string): number {
    const lists = this.#lists;
    const length = lists.length(row);
    if (length === 0) return -1;
    const number = this.#paths.find(path);
    if (number < 0) return -1;
    const { numbers } = lists;
    const start = lists.startOf(row);
    for (let at = start; at < start + length; at += FIRST_TOKEN + 2 * (numbers[at + TOKENS] as number)) {
      if (numbers[at] === number) return at - start;
    }
    return -1;
  }

  #tokenPlace(row: number, at: number, token: string): number {
    const number = this.#tokens.find(token);
    if (number < 0) return -1;
    const { numbers } = this.#lists;
    const start = this.#lists.startOf(row);
    const end = start + this.#after(row, at);
    for (let i = start + at + FIRST_TOKEN; i < end; i += 2) if (numbers[i] === number) return i - start;
    return -1;
  }

  /** Where the next path begins. */
  #after(row: number, at: number): number {
    return at + FIRST_TOKEN + 2 * this.#lists.at(row, at + TOKENS);
  }

  #increment(row: number, i: number): void {
    this.#lists.put(row, i, this.#lists.at(row, i) + 1);
  }

  save(): OwnValuesState {
    return { lists: this.#lists.save(), paths: this.#paths.save(), tokens: this.#tokens.save() };
  }

  load({ lists, paths, tokens }: OwnValuesState): void {
    this.#lists.load(lists);
    this.#paths.load(paths);
    this.#tokens.load(tokens);
  }
}
