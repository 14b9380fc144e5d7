/**
 * Values not seen before: of this field of this object, of this field in its kind, of fields so named anywhere; each level passes on
 * what is new with its own rate of novelty, so that a field which always brings something new cannot surprise.
 */
import { fieldName } from '../../domain/field-path.ts';
import { type Detector, type Evidence, type Explanation, type Group, sameInGroup } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { NO_OTHERS, type Others, valueClaim } from '../fleet.ts';
import { commonest, countToken, makeTokenCounts, noveltyRate, type TokenCounts } from '../habits/counts.ts';
import { OwnValues, type OwnValuesState } from '../habits/own-values.ts';
import { SLOTS, type Slot, SlotNames } from '../habits/slot-names.ts';
import { isPlace } from '../origin.ts';
import { KnownPlaces } from '../places.ts';
import { many, quoteBoth } from '../words.ts';

const KIND_PATHS_MAX = 30_000;
const KIND_TOKENS_MAX = 128;
const TAILS_MAX = 10_000;
const TAIL_TOKENS_MAX = 256;
const SAMPLES_MIN = 10;
/** What a level adds that knows nothing of the field, unless the object is new. */
const UNKNOWN = 0.4;

interface State {
  values: number;
  /** Of objects of which a value was replaced or added. */
  objects: OwnValuesState;
  kinds: Map<string, TokenCounts>;
  tails: Map<string, TokenCounts>;
}

export class NewValue implements Detector<State> {
  readonly name = 'new-value';
  readonly #own = new OwnValues();
  readonly #slots = new SlotNames();
  /** By slot. */
  readonly #kindsAt = Array.from({ length: SLOTS }, () => new KnownPlaces<TokenCounts>(KIND_PATHS_MAX));
  readonly #tailsAt = Array.from({ length: SLOTS }, () => new KnownPlaces<TokenCounts>(TAILS_MAX));
  #state: Omit<State, 'objects'> = { values: 0, kinds: new Map(), tails: new Map() };

  readonly #others: Others;

  constructor(others = NO_OTHERS) {
    this.#others = others;
  }

  score(event: ChangeEvent, group: Group): Evidence | undefined {
    if (event.type === 'DELETED') return undefined;
    const born = event.type === 'ADDED';
    let best = 0;
    let oddest: [Field, string] | undefined;
    for (const field of event.fields) {
      if (field.op === 'remove' || (!born && field.op !== 'set')) continue;
      const crowd = Math.log(sameInGroup(group, field));
      for (const token of field.tokens) {
        if (isWhereItWas(field, token)) continue;
        const surprise = this.#amongOthers(this.#surprise(event, field, token, born), event, field, token) - crowd;
        if (surprise > best) {
          best = surprise;
          oddest = [field, token];
        }
      }
    }
    if (oddest === undefined) return undefined;
    const [field, token] = oddest;
    // A new object brings all its fields at once: the oddest of many is odder by chance.
    const surprise = born ? best - 0.7 * Math.log(Math.max(1, event.breadth)) : best;
    return surprise > 0 ? { surprise, explain: () => this.#explain(event, field, token) } : undefined;
  }

  #surprise(event: ChangeEvent, field: Field, token: string, born: boolean): number {
    // How far a number jumped is Leap's business.
    if (token.startsWith('step:')) return 0;
    const unknown = born ? 0 : UNKNOWN;
    const most = releaseSurprise(token);
    const slot = this.#slots.of(token);
    const own = born || this.#own.isEmpty(event.row) ? undefined : this.#own.sightings(event.row, slot.in(field.path), token);
    if (own !== undefined && own.seen > 0) return Math.min(most, -Math.log(own.seen / own.n) * 0.5);
    let surprise = own === undefined ? unknown : -Math.log(noveltyRate(own));
    for (let level = 0; level < 2; level++) {
      const counts = level === 0 ? this.#ofKind(slot, field) : this.#ofTail(slot, field);
      if (counts === undefined) {
        surprise += unknown;
        continue;
      }
      const seen = counts.seen.get(token);
      if (seen !== undefined) return Math.min(most, surprise - Math.log(seen / counts.n) * 0.5);
      surprise -= Math.log(noveltyRate(counts));
    }
    return Math.min(most, surprise);
  }

  /** What this kind's objects here do not know may be usual elsewhere. */
  #amongOthers(surprise: number, event: ChangeEvent, field: Field, token: string): number {
    if (!this.#others.any() || surprise <= 0 || this.#knowsInKind(field, token)) return surprise;
    return this.#others.weigh(surprise, valueClaim(event, field.generic, token));
  }

  #ofKind(slot: Slot, field: Field): TokenCounts | undefined {
    const { kinds } = this.#state;
    const known = this.#kindsAt[slot.number] as KnownPlaces<TokenCounts>;
    return known.at(kinds, field) ?? known.find(kinds, field, slot.in(field.ofKind));
  }

  #ofTail(slot: Slot, field: Field): TokenCounts | undefined {
    const { tails } = this.#state;
    const known = this.#tailsAt[slot.number] as KnownPlaces<TokenCounts>;
    return known.at(tails, field) ?? known.find(tails, field, slot.in(field.tail));
  }

  #knowsInKind(field: Field, token: string): boolean {
    return this.#ofKind(this.#slots.of(token), field)?.seen.has(token) === true;
  }

  #explain(event: ChangeEvent, field: Field, token: string): Explanation {
    const own = this.#own.get(event.row, this.#slots.of(token).in(field.path));
    const kin = this.#ofKind(this.#slots.of(token), field);
    const byObject = own !== undefined && own.n >= 5;
    const counts = byObject ? own : (kin ?? own);
    const usual = counts === undefined ? undefined : commonest(counts);
    const type = token.slice(0, token.indexOf(':'));
    const noun = NOUNS[type] ?? 'value';
    const [old, next] = quoteBoth(field.old, field.next);
    const was = field.op === 'set' ? ` (it was ${old})` : '';
    const whose = byObject ? `this ${event.ref.kind}` : `${event.ref.kind} objects`;
    const habit =
      counts === undefined || usual === undefined
        ? 'nothing like it was seen before'
        : `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun} not seen in ${many(counts.n, 'value')} of this field on ${whose}`;
    const elsewhere = this.#knowsInKind(field, token) ? '' : this.#others.words(valueClaim(event, field.generic, token));
    return {
      sentence: `${fieldName(field.path)} is now ${next}${was}: ${habit}${elsewhere}.`,
      path: field.path,
      observed: field.next,
      usual: field.op === 'set' ? field.old : usual?.[0].slice(usual[0].indexOf(':') + 1),
      samples: counts?.n ?? 0,
      scope: byObject ? 'object' : 'kind',
    };
  }

  /** Paths of a new object are not kept one by one: only those that ever change tell anything about this object. */
  #learnOwn({ row, type }: ChangeEvent, slot: Slot, path: string, token: string): void {
    if (type !== 'MODIFIED' && this.#own.isEmpty(row)) return;
    const name = slot.in(path);
    if (!this.#own.count(row, name, token) && type === 'MODIFIED') this.#own.begin(row, name, token);
  }

  forget(row: number): void {
    this.#own.forget(row);
  }

  learn(event: ChangeEvent): void {
    if (event.type === 'DELETED') return;
    const state = this.#state;
    const { kinds, tails } = state;
    for (const field of event.fields) {
      if (field.op === 'remove') continue;
      for (const token of field.tokens) {
        state.values++;
        const slot = this.#slots.of(token);
        this.#learnOwn(event, slot, field.path, token);
        const kindsAt = this.#kindsAt[slot.number] as KnownPlaces<TokenCounts>;
        const tailsAt = this.#tailsAt[slot.number] as KnownPlaces<TokenCounts>;
        const ofKind = kindsAt.at(kinds, field) ?? kindsAt.touch(kinds, field, slot.in(field.ofKind), makeTokenCounts);
        const ofTail = tailsAt.at(tails, field) ?? tailsAt.touch(tails, field, slot.in(field.tail), makeTokenCounts);
        countToken(ofKind, token, KIND_TOKENS_MAX);
        countToken(ofTail, token, TAIL_TOKENS_MAX);
      }
    }
  }

  mature(event: ChangeEvent): boolean {
    return event.fields.some((field) =>
      field.tokens.some((token) => (this.#ofKind(this.#slots.of(token), field)?.n ?? 0) >= SAMPLES_MIN),
    );
  }

  samples(): number {
    return this.#state.values;
  }

  save(): State {
    return { ...this.#state, objects: this.#own.save() };
  }

  load({ objects, ...state }: State): void {
    this.#own.load(objects);
    for (const known of [...this.#kindsAt, ...this.#tailsAt]) known.clear();
    this.#state = state;
  }
}

const NOUNS: Record<string, string> = {
  repo: 'image repository',
  url: 'address',
  base: 'address',
  host: 'host',
  step: 'step of this size',
  num: 'number',
  is: 'setting',
  'tag-version': 'kind of version step',
  version: 'kind of version step',
  'tag-word': 'tag',
  cron: 'schedule',
  cidr: 'network size',
  word: 'value',
};

/** Another tag of the same repository, another path of the same place: the object had that before, whatever is known of others. */
function isWhereItWas(field: Field, token: string): boolean {
  return field.was !== undefined && isPlace(token) && field.was.includes(token);
}

/**
 * The next patch, minor or major release is what versions are for (semver.org, clauses 6 to 8): however long only patches came, a minor one
 * is no more of a surprise than a toss of a coin, and a major one than one release in twenty.
 */
const RELEASES: readonly { end: string; surprise: number }[] = [
  // The same one under another digest.
  { end: 'same', surprise: -Math.log(1) },
  { end: 'up2.0', surprise: -Math.log(1) },
  { end: 'up1.0', surprise: -Math.log(0.5) },
  { end: 'up0.1', surprise: -Math.log(0.05) },
];

/** Asked of each value: a token of a version ends in what became of it, and no pattern is needed. */
function releaseSurprise(token: string): number {
  if (!token.startsWith('version:') && !token.startsWith('tag-version:')) return Number.POSITIVE_INFINITY;
  for (let i = 0; i < RELEASES.length; i++) {
    const { end, surprise } = RELEASES[i] as (typeof RELEASES)[number];
    if (token.endsWith(end)) return surprise;
  }
  return Number.POSITIVE_INFINITY;
}
