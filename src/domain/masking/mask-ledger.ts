/**
 * What was masked: where, why, how often, and when last; never what. Bounded: names of members come from the cluster, and an object with a thousand
 * secrets under a thousand names must not push the rest out.
 */
import { resourceKey } from '../object-ref.ts';
import type { MaskReason } from './secret-text.ts';

export interface MaskedKind {
  cluster: string;
  group: string;
  kind: string;
}

export interface MaskedPlace extends MaskedKind {
  /** List items are `[*]`. `…` stands for all places of the kind beyond the bound. */
  path: string;
  reason: MaskReason;
  /** How often a value here was masked when its object, or its part of it, was looked at: what does not change is not looked at again. */
  count: number;
  firstMs: number;
  lastMs: number;
}

const PLACES_OF_KIND_MAX = 200;
const PLACES_MAX = 10_000;
const PATH_LENGTH_MAX = 300;
const REST = '…';

export class MaskLedger {
  readonly #kinds = new Map<string, Map<string, MaskedPlace>>();
  #places = 0;

  constructor(saved: readonly MaskedPlace[] = []) {
    for (const place of saved) this.#put(place);
  }

  /** Places that are known. */
  get size(): number {
    return this.#places;
  }

  count(of: MaskedKind, path: string, reason: MaskReason, atMs: number): void {
    const place = this.#find(of, path, reason, atMs);
    place.count++;
    if (atMs > place.lastMs) place.lastMs = atMs;
    if (atMs < place.firstMs) place.firstMs = atMs;
  }

  /** By cluster, kind, path and reason. */
  places(): MaskedPlace[] {
    const all = [...this.#kinds.values()].flatMap((places) => [...places.values()]);
    const order = ({ cluster, group, kind, path, reason }: MaskedPlace) => [cluster, kind, group, path, reason].join('\n');
    return all.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  }

  #find(of: MaskedKind, path: string, reason: MaskReason, atMs: number): MaskedPlace {
    const places = this.#kinds.get(resourceKey(of));
    const short = path.length <= PATH_LENGTH_MAX ? path : `${path.slice(0, PATH_LENGTH_MAX).toWellFormed()}${REST}`;
    const known = places?.get(placeKey(short, reason));
    if (known !== undefined) return known;
    const isFull = this.#places >= PLACES_MAX || (places?.size ?? 0) >= PLACES_OF_KIND_MAX;
    const where = isFull ? REST : short;
    const rest = places?.get(placeKey(where, reason));
    return rest ?? this.#put({ ...of, path: where, reason, count: 0, firstMs: atMs, lastMs: atMs });
  }

  #put(place: MaskedPlace): MaskedPlace {
    const { path, reason } = place;
    const key = resourceKey(place);
    const places = this.#kinds.get(key) ?? new Map<string, MaskedPlace>();
    this.#kinds.set(key, places);
    if (!places.has(placeKey(path, reason))) this.#places++;
    places.set(placeKey(path, reason), place);
    return place;
  }
}

function placeKey(path: string, reason: MaskReason): string {
  return `${reason}\n${path}`;
}
