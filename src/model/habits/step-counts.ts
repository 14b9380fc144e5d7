/**
 * How often each of a few tokens, all numbers, was seen under a key, for some thousands of keys of which those used least recently give way: what `countToken` and
 * `touch` do in Maps, packed.
 */
import { clearRow, putFigure, reachRow, type Whole } from './columns.ts';
import { LatestNumbers, type LatestNumbersState } from './latest-numbers.ts';
import { RowLists, type RowListsState } from './row-lists.ts';

/** What a book of names that is full says of all further ones: never the one that was seen before. */
const NAMELESS = 0;

export interface StepCountsState {
  /** The row of each key. */
  keys: LatestNumbersState;
  /** Sightings in all, and those of them that brought a token not known at the time. */
  counts: { n: Whole; fresh: Whole };
  /** Token and count in turns, in the order of their first. */
  seen: RowListsState;
}

export class StepCounts {
  readonly #keysMax: number;
  readonly #tokensMax: number;
  readonly #keys = new LatestNumbers();
  readonly #seen = new RowLists();
  #counts: StepCountsState['counts'] = { n: new Uint8Array(), fresh: new Uint8Array() };

  constructor({ keysMax, tokensMax }: { keysMax: number; tokensMax: number }) {
    this.#keysMax = keysMax;
    this.#tokensMax = tokensMax;
  }

  /** The row of a key, -1 where it has none. */
  find(key: number): number {
    // As a whole number for V8 too, which has it from an array of floats: compiled code that looks up by one of those gives up, time and again.
    return (this.#keys.get(key) ?? -1) | 0;
  }

  /** The row of a key, given on first sight; marks it as used. */
  rowOf(key: number): number {
    const keys = this.#keys;
    const known = keys.get(key);
    if (known !== undefined) {
      // As `touch` does: moving costs, and is only worth it where something could be evicted soon.
      if (keys.size > this.#keysMax / 2) keys.put(key, known);
      return known | 0;
    }
    const row = keys.size < this.#keysMax ? keys.size : this.#vacate();
    keys.put(key, row);
    reachRow(this.#counts, row);
    return row;
  }

  #vacate(): number {
    const row = (this.#keys.shift() as number) | 0;
    clearRow(this.#counts, row);
    this.#seen.forget(row);
    return row;
  }

  n(row: number): number {
    return row < 0 ? 0 : (this.#counts.n[row] ?? 0);
  }

  fresh(row: number): number {
    return this.#counts.fresh[row] ?? 0;
  }

  seen(row: number, token: number): number {
    if (token === NAMELESS) return 0;
    const at = this.#seen.placeOf(row, token);
    return at < 0 ? 0 : this.#seen.at(row, at + 1);
  }

  /** One sighting more; at the limit the rarest token gives way, oldest first. */
  count(row: number, token: number): void {
    const counts = this.#counts;
    counts.n = putFigure(counts.n, row, (counts.n[row] as number) + 1);
    if (token === NAMELESS) {
      this.#countFresh(row);
      return;
    }
    const seen = this.#seen;
    const at = seen.placeOf(row, token);
    if (at >= 0) {
      seen.put(row, at + 1, seen.at(row, at + 1) + 1);
      return;
    }
    this.#countFresh(row);
    const length = seen.length(row);
    if (length < 2 * this.#tokensMax) seen.insert(row, length, [token, 1]);
    else this.#giveWay(row, token);
  }

  #giveWay(row: number, token: number): void {
    const seen = this.#seen;
    const length = seen.length(row);
    let rarest = 0;
    for (let i = 2; i < length; i += 2) if (seen.at(row, i + 1) < seen.at(row, rarest + 1)) rarest = i;
    for (let i = rarest; i < length - 2; i++) seen.put(row, i, seen.at(row, i + 2));
    seen.put(row, length - 2, token);
    seen.put(row, length - 1, 1);
  }

  /** The token seen most often, the oldest of several; undefined where nothing was seen. */
  commonest(row: number): number | undefined {
    const seen = this.#seen;
    let best: number | undefined;
    let most = 0;
    for (let i = 0; i < seen.length(row); i += 2) {
      if (seen.at(row, i + 1) <= most) continue;
      best = seen.at(row, i);
      most = seen.at(row, i + 1);
    }
    return best;
  }

  #countFresh(row: number): void {
    const counts = this.#counts;
    counts.fresh = putFigure(counts.fresh, row, (counts.fresh[row] as number) + 1);
  }

  save(): StepCountsState {
    return { keys: this.#keys.save(), counts: this.#counts, seen: this.#seen.save() };
  }

  load({ keys, counts, seen }: StepCountsState): void {
    this.#keys.load(keys);
    this.#counts = counts;
    this.#seen.load(seen);
  }
}
