/**
 * A change that was due did not come. Objects, and actors on a kind, with a steady beat get a due time after each beat: the longest
 * gaps seen give a Pareto tail, and the beat is late once a gap this long would be rarer than its history can bear. Known at the due
 * time, whatever happens later.
 */
import type { ObjectRef } from '../../domain/object-ref.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../detector.ts';
import { type ChangeEvent, kindKey } from '../features.ts';
import { APART_MS, type Beat, Beats, type BeatsState, headOf, nameOfHead, type Sign } from '../habits/beats.ts';
import { touch } from '../habits/counts.ts';
import { CLOCKS, GAPS_MAX } from '../habits/gap-log.ts';
import { NameBook } from '../habits/name-book.ts';
import { RowTable, type RowTableState } from '../habits/row-table.ts';
import { JoinedTexts } from '../joined-texts.ts';
import { many, span } from '../words.ts';

const ACTORS_MAX = 20_000;
const BEATS_MIN = 10;
const MEDIAN_MIN_MS = HOUR_MS;
/** What comes once in a quarter is a beat: certificates, keys and audits come no more often. */
const MEDIAN_MAX_MS = 100 * DAY_MS;
/**
 * Of a key that rested for so many medians before there is no saying when it is due. What an object gets it gets when somebody has a reason; who
 * writes a kind, and a status, stop for nights and weekends, which are many medians of what comes by the hour.
 */
const UNEVEN_MAX = { object: 10, other: 20 };
/** What changes several times a day and then rests for days is being worked on and not due: on clean streams none of such an object's silences was one. */
const UNEVEN_DAILY_MAX = 5;
/** Nothing is late before it is later than ever by so much: of silences told sooner one in a hundred had been planted, of those after it one in fifteen. */
const LATER_MIN = 1.4;
const TAIL_K = 4;
const RARITY = 0.35;
/** Least spread of a beat's logarithm. A timer comes to the minute; a count of visits is coarse, however steady the few gaps were. */
const SPREAD_MIN = { clock: 0.05, count: 0.1 };
/** Standard deviation of what rounding to a whole number takes or adds. */
const ROUNDING = 1 / Math.sqrt(12);
/** Of a timer this share of the gaps is not shorter than nearly the median. */
const TIMER = { share: 0.75, near: 0.95 };
const KINDS_MAX = 5_000;
/** Beats more from one writer than from all others. */
const VOTES_MIN = 5;
const TOGETHER_MAX = 5_000;
const TOGETHER_WEIGHT = 1;
/** Stands between an actor and a kind. */
const BETWEEN = '\u0000';

/** What a status write tells: enough for a beat. */
export type StatusBeat = Pick<ChangeEvent, 'object' | 'row' | 'ref' | 'atMs' | 'actor'>;

/** Whose sign of life: an actor's on a kind, an object's, or that of its status. In this order at the same moment. */
type Of = 'a' | 'o' | 's';

interface Due {
  atMs: number;
  of: Of;
  /** Of the object, or of actor and kind. */
  name: string;
  row: number;
  serial: number;
}

export interface SilenceState {
  /** Rows of objects and statuses are those of the table of objects. */
  beats: { [of in Of]: BeatsState };
  names: string[];
  /** Clusters with kinds. */
  heads: string[];
  actors: RowTableState;
  tally: Tally;
}

interface Tally {
  /** Binary heap by time, then key. */
  heap: Due[];
  raised: number;
  /** Per kind: how many visits touched it, and the last that did. */
  kinds: Map<string, { n: number; visit: number }>;
  /** Keys that fell silent after the same visit: a thing given up as a whole is one silence. */
  together: Map<string, number>;
}

export interface Overdue {
  by: string;
  /** Predictive probability of a gap this long. */
  p: number;
  atMs: number;
  ref: ObjectRef;
  actor: string | undefined;
  surprise: number;
  sentence: string;
  observed: string;
  usual: string;
  samples: number;
}

export class Silence {
  readonly name = 'silence';
  readonly #names = new NameBook();
  readonly #heads = new NameBook();
  readonly #beats = {
    a: new Beats(this.#names, this.#heads),
    o: new Beats(this.#names, this.#heads),
    s: new Beats(this.#names, this.#heads),
  };
  /** Actors on a kind. */
  readonly #actors = new RowTable({ max: ACTORS_MAX, forget: (row) => this.#beats.a.forget(row) });
  readonly #actorKeys = new JoinedTexts(BETWEEN);
  /** As `kindKey` has them. */
  readonly #kindKeys = new JoinedTexts('/');
  readonly #gaps = new Float64Array(GAPS_MAX);
  #state: Tally = { heap: [], raised: 0, kinds: new Map(), together: new Map() };

  /** A sign of life; sets the time by which the next is due. */
  track(event: ChangeEvent, visits: number): void {
    if (!event.timed) return;
    const kind = touch(this.#state.kinds, event.kind, KINDS_MAX, () => ({ n: 0, visit: -1 }));
    if (kind.visit !== visits) {
      kind.visit = visits;
      kind.n++;
    }
    const { object, row, actor, atMs } = event;
    const sign = { atMs, by: actor.name, visits, ofKind: kind.n, alive: event.type !== 'DELETED' };
    this.#beat('o', { name: object, row }, event.ref, sign);
    if (!event.machine || actor.source === 'none') return;
    const name = this.#actorKeys.of(actor.name, event.kind);
    sign.alive = true;
    this.#beat('a', { name, row: this.#actors.rowOf(name) }, event.ref, sign);
  }

  /** A sign of life in the status alone: heartbeats, reports, last run times. */
  trackStatus({ object, row, ref, atMs, actor }: StatusBeat, visits: number): void {
    const sign = { atMs, by: actor.name, visits, ofKind: this.#ofKind(ref), alive: true };
    this.#beat('s', { name: object, row }, ref, sign);
  }

  #beat(of: Of, { name, row }: Pick<Due, 'name' | 'row'>, ref: ObjectRef, sign: Sign): void {
    const beats = this.#beatsOf(of);
    if (!beats.has(row)) beats.begin(row, nameOfHead(ref), sign);
    else if (!beats.come(row, sign)) return;
    if (!beats.isAlive(row)) return;
    const wait = dueAfter(of, this.#gaps, beats.readGaps(row, this.#gaps));
    if (wait !== undefined) push(this.#state.heap, { of, name, row, atMs: sign.atMs + wait, serial: beats.serialOf(row) });
  }

  #beatsOf(of: Of): Beats {
    const { a, o, s } = this.#beats;
    return of === 'o' ? o : of === 'a' ? a : s;
  }

  #ofKind({ group, kind }: Pick<ObjectRef, 'group' | 'kind'>): number {
    return this.#state.kinds.get(this.#kindKeys.of(group, kind))?.n ?? 0;
  }

  /** How many fell silent after the same visit before this one did; of writers only other writers. */
  #silentTogether(beat: Beat, of: Of): number {
    const last = `${beat.by}\u0000${Math.floor(beat.lastMs / MINUTE_MS)}`;
    const habit = `${beat.habit.by}\u0000${Math.floor(this.#lastOf(beat, of) / MINUTE_MS)}`;
    let most = 0;
    for (const key of new Set([last, habit])) {
      const all = this.#countSilent(key);
      // What is due some seconds before its writer does not make the writer's silence less of one: it is what they have in common.
      most = Math.max(most, of === 'a' ? this.#countSilent(`${key}\u0000a`) : all);
    }
    return most;
  }

  #countSilent(key: string): number {
    const before = touch(this.#state.together, key, TOGETHER_MAX, () => 0);
    this.#state.together.set(key, before + 1);
    return before;
  }

  /** The machine that brings most of this object's beats was told to be silent, and somebody else has changed the object since: no news. */
  #isToldByWriter(beat: Beat, of: Of): boolean {
    if (of === 'a' || beat.habit.votes < VOTES_MIN) return false;
    const writer = this.#writerOf(beat);
    return writer !== undefined && writer.told > 0 && beat.lastMs > writer.lastMs + APART_MS;
  }

  /** When the one who brings most of a key's beats was last seen at anything of the kind; the key's own last beat for all but machines. */
  #lastOf(beat: Beat, of: Of): number {
    return of === 'a' ? beat.lastMs : (this.#writerOf(beat)?.lastMs ?? beat.lastMs);
  }

  #writerOf(beat: Beat): Beat | undefined {
    const row = this.#actors.find(actorOnKind(beat.habit.by, kindKey(headOf(beat.head))));
    return row === undefined ? undefined : this.#beats.a.get(row);
  }

  /** When the next beat is due at the earliest; it may turn out to have come. */
  nextMs(): number {
    return this.#state.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Beats that are overdue by now, in order of their due time; each is told once. */
  due(nowMs: number, visits: number): Overdue[] {
    const out: Overdue[] = [];
    const { heap } = this.#state;
    while (heap.length > 0 && (heap[0] as Due).atMs <= nowMs) {
      const due = pop(heap);
      const { of, row, serial } = due;
      const beats = this.#beatsOf(of);
      // Nearly all have come meanwhile: of these nothing is unpacked.
      if (!beats.has(row) || beats.serialOf(row) !== serial || !beats.isAlive(row)) continue;
      const beat = beats.get(row) as Beat;
      beats.tell(row);
      this.#state.raised++;
      const together = this.#silentTogether(beat, of);
      const ofKind = this.#ofKind(headOf(beat.head));
      if (!this.#isToldByWriter(beat, of)) out.push(describe(beat, { due, visits, ofKind, together }));
    }
    return out;
  }

  samples(): number {
    return this.#beats.a.size() + this.#beats.o.size() + this.#beats.s.size();
  }

  forget(row: number): void {
    this.#beats.o.forget(row);
    this.#beats.s.forget(row);
  }

  save(): SilenceState {
    const { a, o, s } = this.#beats;
    return {
      beats: { a: a.save(), o: o.save(), s: s.save() },
      names: this.#names.save(),
      heads: this.#heads.save(),
      actors: this.#actors.save(),
      tally: this.#state,
    };
  }

  load({ beats, names, heads, actors, tally }: SilenceState): void {
    for (const whose of ['a', 'o', 's'] as const) this.#beats[whose].load(beats[whose]);
    this.#names.load(names);
    this.#heads.load(heads);
    this.#actors.load(actors);
    this.#state = tally;
  }
}

/** A beat in a saved state. */
export function savedBeat({ beats, names, heads }: SilenceState, of: Of, row: number): Beat | undefined {
  const books = [names, heads].map((saved) => {
    const book = new NameBook();
    book.load(saved);
    return book;
  });
  const table = new Beats(...(books as [NameBook, NameBook]));
  table.load(beats[of]);
  return table.get(row);
}

/** The name of an actor's beat on a kind. */
export function actorOnKind(actor: string, kind: string): string {
  return `${actor}${BETWEEN}${kind}`;
}

/** How long after its last beat a key counts as overdue; undefined while it has no steady beat. */
function dueAfter(of: Of, gaps: Float64Array, n: number): number | undefined {
  if (n < BEATS_MIN - 1) return undefined;
  // Less than a week of gaps has seen no night or weekend worth the name.
  let covered = 0;
  let short = 0;
  for (let i = 0; i < n; i++) {
    const gap = gaps[i] as number;
    covered += gap;
    if (gap < MEDIAN_MIN_MS) short++;
  }
  // With more short ones than lie before the median, that is short: there is nothing to be sorted.
  if (covered < 7 * DAY_MS || short > n >> 1) return undefined;
  sortFirst(gaps, n);
  const median = gaps[n >> 1] as number;
  const longest = gaps[n - 1] as number;
  if (median < MEDIAN_MIN_MS || median > MEDIAN_MAX_MS || longest > unevenMax(of, median) * median) return undefined;
  // Hill estimate of the tail beyond the k-th longest gap, shrunk towards a quarter.
  const threshold = gaps[n - 1 - TAIL_K] as number;
  let sum = 0.25 * 3;
  for (let i = n - TAIL_K; i < n; i++) sum += Math.log((gaps[i] as number) / threshold);
  const slope = sum / (TAIL_K + 3);
  return longest * Math.max(LATER_MIN, Math.exp(slope * -Math.log(RARITY) + 0.1));
}

function unevenMax(of: Of, medianMs: number): number {
  if (of !== 'o') return UNEVEN_MAX.other;
  return medianMs < DAY_MS ? UNEVEN_DAILY_MAX : UNEVEN_MAX.object;
}

/** By insertion: there are at most a few dozen, and nothing has to be made for it. */
function sortFirst(values: Float64Array, n: number): void {
  for (let i = 1; i < n; i++) {
    const value = values[i] as number;
    let at = i;
    while (at > 0 && (values[at - 1] as number) > value) {
      values[at] = values[at - 1] as number;
      at--;
    }
    values[at] = value;
  }
}

function describe(
  beat: Beat,
  { due, visits, ofKind, together }: { due: Due; visits: number; ofKind: number; together: number },
): Overdue {
  const { atMs } = due;
  const waited = atMs - beat.lastMs;
  const gaps = beat.gaps.on(CLOCKS.time);
  const byTime = deviation(due.of === 's' ? withoutSplit(gaps) : gaps, waited, () => SPREAD_MIN.clock);
  const byVisits = deviationOfCounts(beat.gaps.on(CLOCKS.visits), visits - beat.lastVisits);
  const byKind = deviationOfCounts(beat.gaps.on(CLOCKS.kind), ofKind - beat.lastOfKind);
  // The clock that the beat keeps best: a timer's is the wall clock, a person's the bustle around them.
  let best = byTime;
  for (const other of [byVisits, byKind]) if (other !== undefined && other.spread < best.spread) best = other;
  const p = Math.min(1, best.p * (1 + together));
  const surprise = Math.max(
    0.01,
    -Math.log(best.p) - Math.log(falseStartsPerDay(beat, gaps)) - TOGETHER_WEIGHT * Math.log(1 + together),
  );
  const head = headOf(beat.head);
  const [first = '', namespace = '', name = ''] = due.name.split('\u0000');
  const isActor = due.of === 'a';
  const ref = isActor ? { ...head, namespace: '', name: '' } : { ...head, namespace, name };
  const who = isActor ? `${ref.kind} objects by ${first}` : `${ref.kind} ${ref.name}`;
  const longest = span(Math.max(...gaps));
  const typical = span(Math.exp(byTime.mean));
  return {
    by: beat.by,
    p,
    atMs,
    ref,
    actor: isActor ? first : undefined,
    surprise,
    sentence: `No change of ${who} for ${span(waited)}; in ${many(gaps.length + 1, 'change')} before, the next usually came after ${typical}, and after ${longest} at the latest.`,
    observed: `silent for ${span(waited)}`,
    usual: `a change every ${typical}`,
    samples: gaps.length + 1,
  };
}

/** A status that a timer writes is written for other reasons too now and then: each makes two short gaps of one, which say nothing of the timer. */
function withoutSplit(gaps: Float64Array): Float64Array {
  const median = gaps.toSorted()[gaps.length >> 1] as number;
  const whole = gaps.filter((gap) => gap >= TIMER.near * median);
  return whole.length >= TIMER.share * gaps.length ? whole : gaps;
}

/**
 * How often a day this key is late of itself: the share of its beats that were late and came after all, over how long a beat takes. What comes daily has as
 * many chances of it in a month as what comes monthly has in years.
 */
function falseStartsPerDay({ late, beats }: Beat, gaps: Float64Array): number {
  const meanDays = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length / DAY_MS;
  return (late + 1) / ((beats + 10) * meanDays);
}

interface Deviation {
  /** Predictive probability of a gap at least this long. */
  p: number;
  /** Of the logarithms of past gaps. */
  mean: number;
  spread: number;
}

/**
 * The same on a clock of visits, of which a few are a coarse measure: where one is usual, two are no wonder. Undefined where only the beat itself ever moved
 * that clock: it has stood still since, and would say so however long.
 */
function deviationOfCounts(gaps: Float64Array, since: number): Deviation | undefined {
  if (since <= 1 && gaps.every((gap) => gap <= 1)) return undefined;
  return deviation(gaps, Math.max(1, since), (mean) => Math.max(SPREAD_MIN.count, ROUNDING / Math.exp(mean)));
}

/**
 * The logarithms of gaps taken as normal with unknown mean and spread: the tail of Student's t, bounded from above by its density's power law. After a long
 * gap a long one is expected, as far as gaps of this beat have followed their like (the lag-1 correlation, where positive).
 */
function deviation(gaps: Float64Array, gap: number, spreadMin: (mean: number) => number): Deviation {
  const n = gaps.length;
  let sum = 0;
  for (const past of gaps) sum += Math.log(past);
  const mean = sum / n;
  let squares = 0;
  let products = 0;
  let last = 0;
  for (const past of gaps) {
    const beside = Math.log(past) - mean;
    squares += beside ** 2;
    products += beside * last;
    last = beside;
  }
  const likeLast = squares > 0 ? Math.max(0, products / squares) : 0;
  const ofItself = Math.sqrt((squares * (1 - likeLast ** 2)) / (n - 1));
  const spread = Math.max(spreadMin(mean), ofItself) * Math.sqrt(1 + 1 / n);
  const z = Math.max(0, (Math.log(gap) - mean - likeLast * last) / spread);
  return { p: 0.5 * (1 + (z * z) / (n - 1)) ** (-n / 2), mean, spread };
}

function before(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && (a.of < b.of || (a.of === b.of && a.name < b.name)));
}

function push(heap: Due[], item: Due): void {
  let at = heap.length;
  heap.push(item);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(item, heap[parent] as Due)) break;
    heap[at] = heap[parent] as Due;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Due[]): Due {
  const top = heap[0] as Due;
  const last = heap.pop() as Due;
  if (heap.length > 0) {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (!before(heap[child] as Due, last)) break;
      heap[at] = heap[child] as Due;
      at = child;
    }
    heap[at] = last;
  }
  return top;
}
