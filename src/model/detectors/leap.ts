/**
 * Leaps: how far a number jumped, in doublings, how deep a version fell back, or how many majors it skipped that nobody has, in standard deviations of how far
 * fields of that name usually jump. A number its kind has held before counts half, and so does one that a field of that name has somewhere, and a version not older than all that were
 * seen of its thing. A new object has nothing to leap from: its versions are set beside those that others have of the same thing.
 */
import { fieldName } from '../../domain/field-path.ts';
import { type Artifact, bornArtifacts, isVersioned } from '../artifacts.ts';
import { DAY_MS, type Detector, type Evidence, type Explanation } from '../detector.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { touch } from '../habits/counts.ts';
import { KnownPlaces } from '../places.ts';
import { leapOf, majorsUp, type Version } from '../value-types.ts';
import { figure, many, quoteBoth } from '../words.ts';
import { BORN, JUMPS } from '../worked-out.ts';

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

/** Twice the major that is the newest to be expected is as far as back by one; from 63 to 65 is no way at all, for what comes out so often. */
const AHEAD = 4;
const AHEAD_MIN = 1;
/** A thing that goes on to be numbered by builds or by days skips no majors. */
const SKIPPED_MAX = 9999;

const STEP_BACK = /version:\D*down/;

/** Of versions only a step back is one, and not that of another thing: the tokens tell. */
function isComparable({ x, y, tokens }: Field): boolean {
  return (
    (x !== undefined && y !== undefined) ||
    (isVersioned(tokens) && tokens.some((token) => token.includes('down') && STEP_BACK.test(token)))
  );
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
  /** By what it is a version of: the oldest and the newest that were seen. */
  artifacts: Map<string, Span>;
  /** How far new objects lie outside of these. */
  births: Jumps;
}

interface Span {
  n: number;
  firstMs: number;
  lastMs: number;
  low: Version['parts'];
  high: Version['parts'];
  /** What was seen once beyond either: one that nobody else has makes no range. */
  lower?: Version['parts'] | undefined;
  higher?: Version['parts'] | undefined;
}

/** Takes a version into what was seen of its thing: by releases the range grows at once, by whole majors to what was seen twice. */
function widen(span: Span, parts: Version['parts']): void {
  const { low, high } = span;
  const isShort = span.n < SPAN_MIN;
  if (isOlder(parts, low)) {
    if (isShort || parts[0] === low[0]) span.low = parts;
    else [span.low, span.lower] = reached(low, span.lower, parts, isOlder);
  } else if (isOlder(high, parts)) {
    if (isShort || parts[0] <= high[0] + 1) span.high = parts;
    else [span.high, span.higher] = reached(high, span.higher, parts, isNewer);
  }
}

/** An end of a range, and what was seen once beyond it, after one more beyond it: the end moves to the nearer of the two. */
function reached<T>(end: T, once: T | undefined, one: T, isBeyond: (a: T, b: T) => boolean): [end: T, once: T | undefined] {
  // By single releases the end may have come past it meanwhile.
  if (once === undefined || !isBeyond(once, end)) return [end, one];
  const [near, far] = isBeyond(one, once) ? [once, one] : [one, once];
  return [near, isBeyond(far, near) ? far : undefined];
}

const NO_ARTIFACTS: readonly Artifact[] = [];
const ARTIFACTS_MAX = 4_000;
const SPAN_MIN = 3;

/** Majors that a thing comes out in without any having been seen, and in what time. */
const MAJORS_PRIOR = { majors: 1, overMs: 365 * DAY_MS };
/** Undoing a release goes back by one major at most. */
const UNDONE_MAX = leapOf('1.0', '0.0', undefined, undefined);

/**
 * How far a version lies outside of what was seen: a step back as deep as in `leapOf`, or majors skipped, in doublings from two. The next major may have come out meanwhile,
 * and as many more as did in such a time before.
 */
function outside(span: Span, parts: Version['parts'], atMs: number): number {
  const { low } = span;
  for (let level = 0; level < 3; level++) {
    const back = (low[level] as number) - (parts[level] as number);
    if (back > 0) return level === 0 ? 4 + Math.log2(1 + Math.min(9999, back)) : level === 1 ? 2 : 1;
    if (back < 0) break;
  }
  const skipped = skippedBeyond(span, parts[0], atMs);
  return skipped > 0 ? 2 + Math.log2(1 + Math.min(9999, skipped)) : 0;
}

/** How many majors lie between the newest that was seen and this one, without those that may have come out meanwhile; less than one where none does. */
function skippedBeyond({ low, high, firstMs, lastMs }: Span, major: number, atMs: number): number {
  const pace = (high[0] - low[0] + MAJORS_PRIOR.majors) / (lastMs - firstMs + MAJORS_PRIOR.overMs);
  return major - high[0] - 1 - pace * Math.max(0, atMs - lastMs);
}

function isOlder(a: Version['parts'], b: Version['parts']): boolean {
  for (let level = 0; level < 3; level++) if (a[level] !== b[level]) return (a[level] as number) < (b[level] as number);
  return false;
}

function isNewer(a: Version['parts'], b: Version['parts']): boolean {
  return isOlder(b, a);
}

export class Leap implements Detector<LeapState> {
  readonly name = 'leap';
  readonly #rangesAt = new KnownPlaces<Range>(RANGES_MAX);
  readonly #numbersAt = new KnownPlaces<Set<number>>(NAMES_MAX);
  readonly #tailsAt = new KnownPlaces<Jumps>(TAILS_MAX);
  #state: LeapState = {
    ranges: new Map(),
    tails: new Map(),
    numbers: new Map(),
    leaps: 0,
    artifacts: new Map(),
    births: { n: 0, far: 0, squares: 0 },
  };

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type === 'ADDED') return this.#scoreBirth(event);
    if (event.type !== 'MODIFIED') return undefined;
    let best = 0;
    let farthest: Field | undefined;
    const jumps = this.#jumpsOf(event);
    for (let i = 0; i < jumps.length; i++) {
      const field = event.fields[i] as Field;
      const far = (jumps[i] as number) || this.#aheadAt(event, i);
      if (far === 0) continue;
      const known =
        (this.#isWithin(field) || (far <= UNDONE_MAX && this.#wasHad(event, i)) ? WITHIN : 1) *
        (this.#isElsewhere(field) ? ELSEWHERE : 1);
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

  #scoreBirth(event: ChangeEvent): Evidence | undefined {
    const { fields, ref, atMs } = event;
    const artifacts = this.#bornOf(event);
    let best = 0;
    let farthest: Artifact | undefined;
    for (const artifact of artifacts) {
      const far = this.#outside(artifact, atMs);
      if (far <= best) continue;
      best = far;
      farthest = artifact;
    }
    if (farthest === undefined) return undefined;
    const { key, parts, at } = farthest;
    const { path } = fields[at] as Field;
    const { low, high, n } = this.#state.artifacts.get(key) as Span;
    const name = key.slice(key.lastIndexOf('\u0000') + 1);
    return {
      surprise: beyond(this.#state.births, best) / (1 + 0.3 * Math.log(artifacts.length)),
      explain: () => ({
        sentence: `${fieldName(path)} of this new ${ref.kind} is ${parts.join('.')}; of ${name} ${low.join('.')} to ${high.join('.')} were seen before (${many(n, 'value')}).`,
        path,
        observed: parts.join('.'),
        usual: high.join('.'),
        samples: n,
        scope: 'cluster',
        counterfactual: 'a version that others have',
      }),
    };
  }

  /** Whether a version lies among those that were seen of the same thing: who undoes a release goes back to what was. */
  #wasHad({ artifacts = NO_ARTIFACTS }: ChangeEvent, at: number): boolean {
    const artifact = artifacts.find((one) => one.at === at);
    const span = artifact === undefined ? undefined : this.#state.artifacts.get(artifact.key);
    if (artifact === undefined || span === undefined || span.n < SPAN_MIN) return false;
    return !isOlder(artifact.parts, span.low) && artifact.parts[0] <= span.high[0] + 1;
  }

  /** How far the version that one of the fields was set to lies ahead of all that were seen of its thing; nothing is known of what is of no thing. */
  #aheadAt({ artifacts, fields, atMs }: ChangeEvent, at: number): number {
    if (artifacts === undefined) return 0;
    for (const artifact of artifacts) {
      if (artifact.at !== at) continue;
      const skipped = this.#skipped(artifact, fields[at] as Field, atMs);
      if (skipped <= 0) return 0;
      const major = 1 + artifact.parts[0];
      const far = AHEAD * Math.log2(major / (major - skipped));
      return far < AHEAD_MIN ? 0 : far;
    }
    return 0;
  }

  /** Majors between a version and both the one in whose place it came and the newest seen of its thing. */
  #skipped({ key, parts }: Artifact, { op, old, next }: Field, atMs: number): number {
    const span = op === 'set' ? this.#state.artifacts.get(key) : undefined;
    if (span === undefined) return 0;
    const up = majorsUp(old, next);
    return up < 2 || up > SKIPPED_MAX ? 0 : Math.min(up - 1, skippedBeyond(span, parts[0], atMs));
  }

  #outside({ key, parts }: Artifact, atMs: number): number {
    const span = this.#state.artifacts.get(key);
    return span === undefined || span.n < SPAN_MIN ? 0 : outside(span, parts, atMs);
  }

  #learnArtifacts(event: ChangeEvent): void {
    const { type, imported, atMs } = event;
    const artifacts = type === 'ADDED' ? this.#bornOf(event) : (event.artifacts ?? NO_ARTIFACTS);
    const { births } = this.#state;
    for (const { key, parts, at } of artifacts) {
      const span = touch(this.#state.artifacts, key, ARTIFACTS_MAX, () => ({
        n: 0,
        firstMs: atMs,
        lastMs: atMs,
        low: parts,
        high: parts,
      }));
      if (type === 'ADDED' && !imported && span.n >= SPAN_MIN) {
        const far = Math.min(JUMP_MAX, outside(span, parts, atMs));
        births.n++;
        births.far += far;
        births.squares += far ** 2;
      }
      // Before it is one of those that were seen, and not when it is scored: what others brought meanwhile would be forgotten in a snapshot.
      if (type === 'MODIFIED') this.#learnAhead(event, at);
      widen(span, parts);
      span.n++;
      span.lastMs = Math.max(span.lastMs, atMs);
    }
  }

  #learnAhead(event: ChangeEvent, at: number): void {
    const far = this.#aheadAt(event, at);
    if (far > 0) this.#learnJump(event.fields[at] as Field, far);
  }

  #learnJump(field: Field, far: number): void {
    const { tails } = this.#state;
    const usual =
      this.#tailsAt.at(tails, field) ?? this.#tailsAt.touch(tails, field, field.tail, () => ({ n: 0, far: 0, squares: 0 }));
    usual.far += Math.min(far, JUMP_MAX);
    usual.squares += Math.min(far, JUMP_MAX) ** 2;
    usual.n++;
    this.#state.leaps++;
  }

  /** Zero of fields that were not set. */
  #jumpsOf(event: ChangeEvent): readonly number[] {
    const known = event[JUMPS];
    if (known !== undefined) return known;
    const far = event.fields.map((field) =>
      field.op === 'set' && isComparable(field) ? leapOf(field.old, field.next, field.x, field.y) : 0,
    );
    event[JUMPS] = far;
    return far;
  }

  /** Those that a new object came with, as they stand in its fields. */
  #bornOf(event: ChangeEvent): readonly Artifact[] {
    const known = event[BORN];
    if (known !== undefined) return known;
    const artifacts = bornArtifacts(event.fields) ?? NO_ARTIFACTS;
    event[BORN] = artifacts;
    return artifacts;
  }

  #explain(field: Field): Explanation {
    const usual = this.#usual(field);
    const numeric = field.x !== undefined && field.y !== undefined;
    const factor = numeric ? (field.y as number) / (field.x as number) : 0;
    const typical = usual === undefined || usual.n === 0 ? undefined : 2 ** (usual.far / usual.n);
    const times = factor >= 1 ? `${figure(factor)} times as much` : `${figure(1 / factor)} times less`;
    const up = numeric ? 0 : majorsUp(field.old, field.next);
    const move = numeric
      ? factor === 0
        ? 'which is nothing at all'
        : times
      : up > 0
        ? `${many(up, 'major')} at once`
        : 'a step back to an older version';
    const habit = numeric && typical !== undefined ? `; such fields usually change by a factor of ${figure(typical)}` : '';
    return {
      sentence: `${fieldName(field.path)} went from ${quoteBoth(field.old, field.next).join(' to ')}, ${move}${habit}.`,
      path: field.path,
      observed: field.next,
      usual: field.old,
      samples: usual?.n ?? 0,
      scope: 'cluster',
      counterfactual: numeric ? 'a step of the usual size' : up > 0 ? 'the next major' : 'a newer version',
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
    this.#learnArtifacts(event);
    const { ranges, numbers: allNumbers } = this.#state;
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
      if (far !== 0) this.#learnJump(field, far);
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
