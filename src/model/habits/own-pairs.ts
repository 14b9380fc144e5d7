/**
 * Which paths of an object moved together how often, packed: one list of numbers for an object, in which for each path lie its name, how many partners it
 * has, then each partner with its count. Maps of Maps, of which there is one for each path, take ten times as much and are garbage soon.
 */
import { RowLists, type RowListsState } from './row-lists.ts';
import { SharedNames, type SharedNamesState } from './shared-names.ts';

const PATHS_MAX = 96;
const PARTNERS_MAX = 20;

/** Where the figures of a path lie, counted from its name. */
const PARTNERS = 1;
const FIRST_PARTNER = 2;

export interface OwnPairsState {
  /** By row of the object. */
  lists: RowListsState;
  paths: SharedNamesState;
}

export class OwnPairs {
  readonly #lists = new RowLists();
  readonly #paths = new SharedNames();

  /** The partners of a path that moved with it at least so often, oldest first; undefined where the path never moved with any. */
  partners(row: number, path: string, countMin: number): readonly [partner: string, together: number][] | undefined {
    const at = this.#placeOf(row, path);
    if (at < 0) return undefined;
    const lists = this.#lists;
    const found: [string, number][] = [];
    for (let i = at + FIRST_PARTNER; i < this.#after(row, at); i += 2)
      if (lists.at(row, i + 1) >= countMin) found.push([this.#paths.nameOf(lists.at(row, i)), lists.at(row, i + 1)]);
    return found;
  }

  /** All of them moved together. */
  count(row: number, paths: ReadonlySet<string>): void {
    for (const path of paths) {
      const at = this.#placeOf(row, path);
      if (at < 0) this.#begin(row, path, paths);
      else for (const partner of paths) if (partner !== path) this.#countPartner(row, at, partner);
    }
  }

  #begin(row: number, path: string, paths: ReadonlySet<string>): void {
    const lists = this.#lists;
    let known = 0;
    for (let at = 0; at < lists.length(row); at = this.#after(row, at)) known++;
    if (known >= PATHS_MAX) return;
    const block = [this.#paths.take(path), 0];
    for (const partner of paths) {
      if (partner === path || block.length >= FIRST_PARTNER + 2 * PARTNERS_MAX) continue;
      block.push(this.#paths.take(partner), 1);
      block[PARTNERS] = (block[PARTNERS] as number) + 1;
    }
    lists.insert(row, lists.length(row), block);
  }

  #countPartner(row: number, at: number, partner: string): void {
    const lists = this.#lists;
    const place = this.#partnerPlace(row, at, partner);
    if (place >= 0) lists.put(row, place + 1, lists.at(row, place + 1) + 1);
    else if (lists.at(row, at + PARTNERS) < PARTNERS_MAX) {
      lists.insert(row, this.#after(row, at), [this.#paths.take(partner), 1]);
      lists.put(row, at + PARTNERS, lists.at(row, at + PARTNERS) + 1);
    }
  }

  /** A path that was removed has no partners any more, and is nobody's. */
  part(row: number, path: string): void {
    const at = this.#placeOf(row, path);
    if (at < 0) return;
    const partners = (this.partners(row, path, 0) ?? []).map(([partner]) => partner);
    for (const partner of partners) this.#dropPartner(row, partner, path);
    for (const partner of partners) this.#dropPartner(row, path, partner);
  }

  #dropPartner(row: number, path: string, partner: string): void {
    const at = this.#placeOf(row, path);
    const place = at < 0 ? -1 : this.#partnerPlace(row, at, partner);
    if (place < 0) return;
    this.#paths.drop(this.#lists.at(row, place));
    this.#lists.cut(row, place, 2);
    this.#lists.put(row, at + PARTNERS, this.#lists.at(row, at + PARTNERS) - 1);
  }

  forget(row: number): void {
    const lists = this.#lists;
    for (let at = 0; at < lists.length(row); at = this.#after(row, at)) {
      this.#paths.drop(lists.at(row, at));
      for (let i = at + FIRST_PARTNER; i < this.#after(row, at); i += 2) this.#paths.drop(lists.at(row, i));
    }
    lists.forget(row);
  }

  #placeOf(row: number, path: string): number {
    const lists = this.#lists;
    const length = lists.length(row);
    const number = length === 0 ? -1 : this.#paths.find(path);
    if (number < 0) return -1;
    for (let at = 0; at < length; at = this.#after(row, at)) if (lists.at(row, at) === number) return at;
    return -1;
  }

  #partnerPlace(row: number, at: number, partner: string): number {
    const number = this.#paths.find(partner);
    if (number < 0) return -1;
    for (let i = at + FIRST_PARTNER; i < this.#after(row, at); i += 2) if (this.#lists.at(row, i) === number) return i;
    return -1;
  }

  /** Where the next path begins. */
  #after(row: number, at: number): number {
    return at + FIRST_PARTNER + 2 * this.#lists.at(row, at + PARTNERS);
  }

  save(): OwnPairsState {
    return { lists: this.#lists.save(), paths: this.#paths.save() };
  }

  load({ lists, paths }: OwnPairsState): void {
    this.#lists.load(lists);
    this.#paths.load(paths);
  }
}
