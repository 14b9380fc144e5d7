/**
 * Leaps: how far a number jumped, in doublings, or how deep a version fell back, in standard deviations of how far fields of that name
 * usually jump. A number its kind has held before counts half, and so does one that a field of that name has somewhere.
 */
import { fieldName } from '../../domain/field-path.ts';
import type { Detector, Evidence, Explanation } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { KnownPlaces } from '../places.ts';
import { leapOf } from '../value-types.ts';
import { figure, quoteBoth } from '../words.ts';

const TAILS_MAX = 10_000;
const SAMPLES_MIN = 20;

/** Sizes of past jumps of fields of one name: count, sum and sum of squares, each capped. */
interface Jumps {
  n: number;
  far: number;
  squares: number;
}

const NO_JUMPS: readonly number[] = [];
const JUMP_MAX = 6;
/** Pseudo-jumps: one doubling, give or take one. */
const PRIOR_N = 4;

/** How many standard deviations a jump lies beyond the usual ones, from zero up. */
function beyond(past: Jumps | undefined, far: number): number {
  const n = (past?.n ?? 0) + PRIOR_N;
  const mean = ((past?.far ?? 0) + PRIOR_N) / n;
  const variance = ((past?.squares ?? 0) + 2 * PRIOR_N) / n - mean * mean;
  return Math.max(0, far - 0.5 * mean) / (0.5 * mean + Math.sqrt(Math.max(0.01, variance)));
}

const STEP_BACK = /version:\D*down/;

/** Of versions only a step back is one, and not that of another thing: the tokens tell. */
function isComparable({ x, y, tokens }: Field): boolean {
  return (x !== undefined && y !== undefined) || tokens.some((token) => STEP_BACK.test(token));
}

/** A number this field has held somewhere before is half the news, however far the jump. */
const WITHIN = 0.5;
/** Sixteen gigabytes are far from a hundred megabytes, and yet what memory is often set to. */
const ELSEWHERE = 0.5;
const NAMES_MAX = 10_000;
const NUMBERS_MAX = 128;
const RANGE_MIN = 10;
const RANGES_MAX = 30_000;

interface Range {
  n: number;
  low: number;
  high: number;
}

interface LeapState {
  /** Per kind and generic path: the numbers seen. */
  ranges: Map<string, Range>;
  tails: Map<string, Jumps>;
  /** By last name of the field, the first numbers that were seen. */
  numbers: Map<string, Set<number>>;
  leaps: number;
}

export class Leap implements Detector<LeapState> {
  readonly name = 'leap';
  /** How far each field of the last change jumped that was asked about: scored and learnt one after the other, mostly. */
  #asked: { event: ChangeEvent; far: readonly number[] } | undefined;
  readonly #rangesAt = new KnownPlaces<Range>(RANGES_MAX);
  readonly #numbersAt = new KnownPlaces<Set<number>>(NAMES_MAX);
  readonly #tailsAt = new KnownPlaces<Jumps>(TAILS_MAX);
  #state: LeapState = { ranges: new Map(), tails: new Map(), numbers: new Map(), leaps: 0 };

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type !== 'MODIFIED') return undefined;
    let best = 0;
    let farthest: Field | undefined;
    const jumps = this.#jumpsOf(event);
    for (let i = 0; i < jumps.length; i++) {
      const field = event.fields[i] as Field;
      const far = jumps[i] as number;
      if (far === 0) continue;
      const known = (this.#isWithin(field) ? WITHIN : 1) * (this.#isElsewhere(field) ? ELSEWHERE : 1);
      const surprise = known * beyond(this.#usual(field), far);
      if (surprise > best) {
        best = surprise;
        farthest = field;
      }
    }
    if (farthest === undefined) return undefined;
    const field = farthest;
    return { surprise: best / (1 + 0.3 * Math.log(event.breadth)), explain: () => this.#explain(field) };
  }

  /** Zero of fields that were not set. */
  #jumpsOf(event: ChangeEvent): readonly number[] {
    if (this.#asked?.event !== event) {
      const far = event.fields.map((field) =>
        field.op === 'set' && isComparable(field) ? leapOf(field.old, field.next, field.x, field.y) : 0,
      );
      this.#asked = { event, far };
    }
    return this.#asked.far;
  }

  #explain(field: Field): Explanation {
    const usual = this.#usual(field);
    const numeric = field.x !== undefined && field.y !== undefined;
    const factor = numeric ? (field.y as number) / (field.x as number) : 0;
    const typical = usual === undefined || usual.n === 0 ? undefined : 2 ** (usual.far / usual.n);
    const times = factor >= 1 ? `${figure(factor)} times as much` : `${figure(1 / factor)} times less`;
    const move = !numeric ? 'a step back to an older version' : factor === 0 ? 'which is nothing at all' : times;
    const habit = numeric && typical !== undefined ? `; such fields usually change by a factor of ${figure(typical)}` : '';
    return {
      sentence: `${fieldName(field.path)} went from ${quoteBoth(field.old, field.next).join(' to ')}, ${move}${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples: usual?.n ?? 0,
      scope: 'cluster',
      counterfactual: numeric ? 'a step of the usual size' : 'a newer version',
    };
  }

  #usual(field: Field): Jumps | undefined {
    const { tails } = this.#state;
    return this.#tailsAt.at(tails, field) ?? this.#tailsAt.find(tails, field, field.tail);
  }

  #isWithin(field: Field): boolean {
    const { y } = field;
    if (y === undefined) return false;
    const { ranges } = this.#state;
    const range = this.#rangesAt.at(ranges, field) ?? this.#rangesAt.find(ranges, field, field.ofKind);
    return range !== undefined && range.n >= RANGE_MIN && y >= range.low && y <= range.high;
  }

  #isElsewhere(field: Field): boolean {
    const { y } = field;
    if (y === undefined) return false;
    return this.#numbersOf(field)?.has(y) ?? false;
  }

  #numbersOf(field: Field): Set<number> | undefined {
    const { numbers } = this.#state;
    return this.#numbersAt.at(numbers, field) ?? this.#numbersAt.find(numbers, field, field.leaf);
  }

  learn(event: ChangeEvent): void {
    const { ranges, numbers: allNumbers, tails } = this.#state;
    const jumps = event.type === 'MODIFIED' ? this.#jumpsOf(event) : NO_JUMPS;
    for (let i = 0; i < event.fields.length; i++) {
      const field = event.fields[i] as Field;
      if (field.y !== undefined) {
        const { y } = field;
        const range =
          this.#rangesAt.at(ranges, field) ??
          this.#rangesAt.touch(ranges, field, field.ofKind, () => ({ n: 0, low: y, high: y }));
        range.n++;
        range.low = Math.min(range.low, y);
        range.high = Math.max(range.high, y);
        // Names are few: those that are there need not be made the newest each time.
        const numbers = this.#numbersOf(field) ?? this.#numbersAt.touch(allNumbers, field, field.leaf, () => new Set<number>());
        if (numbers.size < NUMBERS_MAX) numbers.add(y);
      }
      const far = jumps[i] ?? 0;
      if (far === 0) continue;
      const usual =
        this.#tailsAt.at(tails, field) ?? this.#tailsAt.touch(tails, field, field.tail, () => ({ n: 0, far: 0, squares: 0 }));
      usual.far += Math.min(far, JUMP_MAX);
      usual.squares += Math.min(far, JUMP_MAX) ** 2;
      usual.n++;
      this.#state.leaps++;
    }
  }

  mature(): boolean {
    return this.#state.leaps >= SAMPLES_MIN;
  }

  samples(): number {
    return this.#state.leaps;
  }

  save(): LeapState {
    return this.#state;
  }

  load(state: LeapState): void {
    for (const known of [this.#rangesAt, this.#numbersAt, this.#tailsAt]) known.clear();
    this.#state = state;
  }
}
