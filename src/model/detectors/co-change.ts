/**
 * Fields that move together, and one of them stayed behind: pairs counted per object path (its own experience speaks first) and per
 * kind. Surprise is -ln of the share of past moves of the one without the other, and more where the other still has what was replaced.
 */
import type { Change } from '../../domain/change.ts';
import { fieldName } from '../../domain/field-path.ts';
import type { Detector, Evidence, Group } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { touch } from '../habits/counts.ts';
import { OwnPairs, type OwnPairsState } from '../habits/own-pairs.ts';
import type { PathHabits } from '../habits/path-habits.ts';
import { many, quote } from '../words.ts';
import { leftBehind } from './left-behind.ts';

const KINDS_MAX = 1_000;
const PAIRS_PER_KIND_MAX = 4_096;
const FIELDS_MAX = 10;
const EDIT_FIELDS_MAX = 12;
const OWN_MIN = 3;
/** A partner in fewer moves than this is nothing to be missed. */
const OWN_SHARE = 0.6;
const KIN_MIN = 8;
const KIN_SHARE = 0.7;
const KIN_OBJECTS = 3;
const KIN_VISITS = 3;
/** An object that moved the field so often, and the partner in a smaller share, has no part in that habit of its kind. */
const PARTED = { moves: 10, share: 0.2 };
/**
 * How many times as often as otherwise a partner stays away that still has what was replaced: of changes with the partner 86 % moved such copies on the clean
 * stream of ops-c, of those without it 3 of 45; on ops-a 46 % and none of 148. The odds of the former, as the weaker, are one in eleven.
 */
const COPY_LEFT = 1 / 11;
/** For how many of an object's own moves without the partner that share stands. */
const COPY_LEFT_MOVES = 3;

interface Pair {
  n: number;
  /** In how many visits: forty objects edited in one are one case of it. */
  visits: number;
  lastMs: number;
  /** The first few objects it was seen on: a pair of one object is no habit of the kind. */
  objects: string[];
}

const NO_PARTNERS: NonNullable<ReturnType<OwnPairs['partners']>> = [];

interface State {
  edits: number;
  kinds: Map<string, Map<string, Map<string, Pair>>>;
}

interface Missing {
  path: string;
  partner: string;
  together: number;
  of: number;
  scope: 'object' | 'kind';
  /** How many cases each of them stands for, at most one. */
  cases?: number;
}

/** What a change leaves behind, where it leaves anything. */
interface Told extends Missing {
  /** What the partner still has of what was replaced. */
  left: string | undefined;
}

export class CoChange implements Detector<{ state: State; own: OwnPairsState }> {
  readonly name = 'co-change';
  readonly #own = new OwnPairs();
  readonly #habits: PathHabits;
  #state: State = { edits: 0, kinds: new Map() };

  constructor(habits: PathHabits) {
    this.#habits = habits;
  }

  score(event: ChangeEvent, _group: Group, change: Pick<Change, 'state' | 'member'>): Evidence | undefined {
    if (event.type !== 'MODIFIED') return undefined;
    const moves = movesOf(event);
    if (moves === 0 || moves > EDIT_FIELDS_MAX) return undefined;
    const touched = touchedBy(event);
    let surprise = 0;
    let missing: Told | undefined;
    for (const field of event.fields) {
      if (field.op !== 'set') continue;
      const found = this.#missing(event, field, touched);
      if (found === undefined) continue;
      const left = leftBehind(change, field, found.partner);
      const { cases = 1 } = found;
      const here =
        (left === undefined ? 0 : copyLeft(found)) -
        Math.log(((found.of - found.together) * cases + 0.5) / (found.of * cases + 1));
      if (here > surprise) {
        surprise = here;
        missing = { ...found, left };
      }
    }
    if (missing === undefined || surprise <= 0) return undefined;
    const { path, partner, together, of, scope, left } = missing;
    const whose = scope === 'object' ? `this ${event.ref.kind}` : `${event.ref.kind} objects`;
    return {
      surprise,
      explain: () => ({
        sentence: `${fieldName(path)} changed without ${fieldName(partner)}${left === undefined ? '' : `, which still has ${quote(left)}`}; ${together} of ${many(of, 'past change')} of it on ${whose} changed both.`,
        path,
        observed: 'changed alone',
        usual: `together with ${fieldName(partner)}`,
        samples: of,
        scope,
        counterfactual: `both fields changed together`,
      }),
    };
  }

  #missing(event: ChangeEvent, field: Field, touched: Touched): Missing | undefined {
    const { path, generic } = field;
    const own = this.#own.partners(event.row, path, OWN_MIN);
    let best: Missing | undefined;
    const ownMoves = own === undefined || own.length > 0 ? this.#habits.objectMoved(event, path) : 0;
    for (const [partner, together] of own ?? NO_PARTNERS) {
      if (touched.has(partner)) continue;
      const of = Math.max(together, ownMoves);
      if (together < OWN_SHARE * of || catchesUp(together, ownMoves, this.#habits.objectMoved(event, partner))) continue;
      if (best === undefined || together / of > best.together / best.of) best = { path, partner, together, of, scope: 'object' };
    }
    const moves = this.#habits.kindMoved(event.kind, field);
    // Where this object's own moves of the field came without partners, its kind's habit does not hold for it.
    if (moves < KIN_MIN || (own === undefined && ownMoves > 0)) return best;
    const partners = this.#state.kinds.get(event.kind)?.get(generic);
    if (partners === undefined) return best;
    for (const [partner, pair] of partners) {
      if (
        pair.n < KIN_MIN ||
        pair.n < KIN_SHARE * moves ||
        pair.objects.length < KIN_OBJECTS ||
        pair.visits < KIN_VISITS ||
        touched.has(partner)
      )
        continue;
      if (!this.#habits.holds(event, partner) || this.#isParted(event, path, partner)) continue;
      const of = Math.max(pair.n, moves);
      const share = (of - pair.n + 0.5) / (of + 1);
      if (best === undefined || share < (best.of - best.together + 0.5) / (best.of + 1)) {
        best = { path, partner, together: pair.n, of, scope: 'kind', cases: pair.visits / pair.n };
      }
    }
    return best;
  }

  /** Whether the partner moved too seldom here to have come along more often. Of items of lists it is not known. */
  #isParted(event: ChangeEvent, path: string, partner: string): boolean {
    const moves = this.#habits.objectMoved(event, path);
    if (moves < PARTED.moves || partner.includes('*')) return false;
    return this.#habits.objectMoved(event, partner) < PARTED.share * moves;
  }

  learn(event: ChangeEvent, group: Group): void {
    if (event.type !== 'MODIFIED') return;
    this.#state.edits++;
    // A removed path can no longer be missed.
    for (const field of event.fields) if (field.op === 'remove') this.#own.part(event.row, field.path);
    if (movesOf(event) < 2) return;
    const paths = new Set<string>();
    const generics = new Set<string>();
    for (const field of event.fields) {
      if (field.op !== 'set') continue;
      paths.add(field.path);
      generics.add(field.generic);
    }
    if (paths.size >= 2 && paths.size <= FIELDS_MAX) this.#own.count(event.row, paths);
    if (generics.size >= 2 && generics.size <= FIELDS_MAX) {
      const kin = touch(this.#state.kinds, event.kind, KINDS_MAX, () => new Map<string, Map<string, Pair>>());
      eachPair(generics, (a, b) => {
        const partners = inner(kin, a, PAIRS_PER_KIND_MAX / 16, () => new Map<string, Pair>());
        const pair =
          partners === undefined
            ? undefined
            : inner(partners, b, 64, () => ({ n: 0, visits: 0, lastMs: 0, objects: [] as string[] }));
        if (pair === undefined) return;
        pair.n++;
        if (pair.lastMs !== group.firstMs) pair.visits++;
        pair.lastMs = group.firstMs;
        if (pair.objects.length < KIN_OBJECTS && !pair.objects.includes(event.object)) pair.objects.push(event.object);
      });
    }
  }

  forget(row: number): void {
    this.#own.forget(row);
  }

  mature(): boolean {
    return this.#state.edits >= 50;
  }

  samples(): number {
    return this.#state.edits;
  }

  save(): { state: State; own: OwnPairsState } {
    return { state: this.#state, own: this.#own.save() };
  }

  load({ state, own }: { state: State; own: OwnPairsState }): void {
    this.#state = state;
    this.#own.load(own);
  }
}

/** What it adds to a surprise, in nats: a pair that was parted before with the copy left, as is taken of all its earlier partings, is parted so again. */
function copyLeft({ of, together, scope }: Missing): number {
  const parted = scope === 'object' ? of - together : 0;
  return -Math.log((parted + COPY_LEFT_MOVES * COPY_LEFT) / (parted + COPY_LEFT_MOVES));
}

/** Names that a change says something about. */
type Touched = Pick<ReadonlySet<string>, 'has'>;

/** Most changes are of one field, for which no Set is made. */
function touchedBy({ fields }: ChangeEvent): Touched {
  const [field] = fields;
  if (field !== undefined && fields.length === 1) return { has: (name) => name === field.path || name === field.generic };
  const touched = new Set<string>();
  for (const { path, generic } of fields) touched.add(path).add(generic);
  return touched;
}

/** How many fields were replaced; each path is replaced once. */
function movesOf({ fields }: ChangeEvent): number {
  let moves = 0;
  for (const { op } of fields) if (op === 'set') moves++;
  return moves;
}

/** Of two that each move mostly with the other, the partner moved alone more often: this move evens them out. */
function catchesUp(together: number, moves: number, partnerMoves: number): boolean {
  return partnerMoves > Math.max(together, moves) && together >= OWN_SHARE * partnerMoves;
}

function eachPair(members: ReadonlySet<string>, visit: (a: string, b: string) => void): void {
  for (const a of members) for (const b of members) if (a !== b) visit(a, b);
}

/** The value of a key in a map that takes no new keys beyond `cap`. */
function inner<V>(map: Map<string, V>, key: string, cap: number, make: () => V): V | undefined {
  let value = map.get(key);
  if (value === undefined && map.size < cap) {
    value = make();
    map.set(key, value);
  }
  return value;
}
