/**
 * A change that was due did not come. Objects, and actors on a kind, with a steady beat get a due time after each beat: the longest
 * gaps seen give a Pareto tail, and the beat is late once a gap this long would be rarer than its history can bear. Known at the due
 * time, whatever happens later.
 */
import type { ObjectRef } from '../domain/object-ref.ts';
import { touch } from './counts.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from './detector.ts';
import { type ChangeEvent, kindKey } from './features.ts';
import { CLOCKS, type GapLog, gapsOn, makeGapLog, pushGap } from './gap-log.ts';
import { many, span } from './words.ts';

const KEYS_MAX = 50_000;
const GAPS_MAX = 30;
const BEATS_MIN = 10;
const APART_MS = 10 * MINUTE_MS;
const MEDIAN_MIN_MS = HOUR_MS;
const MEDIAN_MAX_MS = 20 * DAY_MS;
const UNEVEN_MAX = 20;
const TAIL_K = 4;
const RARITY = 0.35;
const AGAIN = 2;
const SPREAD_MIN = 0.1;
const KINDS_MAX = 5_000;
/** Beats more from one writer than from all others. */
const VOTES_MIN = 5;
const TOGETHER_MAX = 5_000;
const TOGETHER_WEIGHT = 1;

interface Beat {
  ref: ObjectRef;
  /** The actor the key is about, or undefined for an object. */
  actor: string | undefined;
  /** Who brought the last beat: what one actor leaves undone at once is one silence. */
  by: string;
  /** Who brings most of them (the survivor of a majority vote) and by how many votes: their silence is this one's as well. */
  habit: { by: string; votes: number };
  lastMs: number;
  /**
   * On the wall clock; in visits of anybody to the cluster: when all is quiet, one more quiet object is no news; and in changes of objects of
   * the same kind, a visit's counted once.
   */
  gaps: GapLog;
  lastVisits: number;
  lastOfKind: number;
  /** Due times that passed in vain and were followed by a beat after all. */
  late: number;
  beats: number;
  alive: boolean;
  /** How often this silence was told already. */
  told: number;
  serial: number;
}

/** What a status write tells: enough for a beat. */
export type StatusBeat = Pick<ChangeEvent, 'object' | 'ref' | 'atMs' | 'actor'>;

interface Due {
  atMs: number;
  key: string;
  serial: number;
}

export interface SilenceState {
  keys: Map<string, Beat>;
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
  #state: SilenceState = { keys: new Map(), heap: [], raised: 0, kinds: new Map(), together: new Map() };

  /** A sign of life; sets the time by which the next is due. */
  track(event: ChangeEvent, visits: number): void {
    if (!event.timed) return;
    const kind = touch(this.#state.kinds, event.kind, KINDS_MAX, () => ({ n: 0, visit: -1 }));
    if (kind.visit !== visits) {
      kind.visit = visits;
      kind.n++;
    }
    this.#beat(`o${event.object}`, event, { actor: undefined, visits });
    if (event.machine && event.actor.source !== 'none')
      this.#beat(`a${event.actor.name}\u0000${event.kind}`, event, { actor: event.actor.name, visits });
  }

  /** A sign of life in the status alone: heartbeats, reports, last run times. */
  trackStatus(beat: StatusBeat, visits: number): void {
    this.#beat(`s${beat.object}`, beat, { actor: undefined, visits });
  }

  #beat(
    key: string,
    event: StatusBeat & { type?: ChangeEvent['type'] },
    { actor, visits }: { actor: string | undefined; visits: number },
  ): void {
    let beat = this.#state.keys.get(key);
    if (beat === undefined) {
      if (this.#state.keys.size >= KEYS_MAX) this.#evict();
      beat = {
        ref: event.ref,
        actor,
        by: event.actor.name,
        habit: { by: event.actor.name, votes: 1 },
        lastMs: event.atMs,
        lastVisits: visits,
        lastOfKind: this.#ofKind(event.ref),
        gaps: makeGapLog(),
        late: 0,
        beats: 0,
        alive: true,
        told: 0,
        serial: 0,
      };
      this.#state.keys.set(key, beat);
    } else {
      if (actor === undefined) beat.alive = event.type !== 'DELETED';
      if (beat.told > 0) beat.late++;
      beat.told = 0;
      const gap = event.atMs - beat.lastMs;
      if (gap < APART_MS) return;
      const ofKind = this.#ofKind(event.ref);
      const clocks = [gap, Math.max(1, visits - beat.lastVisits), Math.max(1, ofKind - beat.lastOfKind)] as const;
      pushGap(beat.gaps, clocks, GAPS_MAX);
      beat.lastVisits = visits;
      beat.lastOfKind = ofKind;
      beat.by = event.actor.name;
      vote(beat.habit, event.actor.name);
      beat.lastMs = event.atMs;
      beat.beats++;
    }
    beat.serial++;
    const wait = dueAfter(beat);
    if (beat.alive && wait !== undefined) push(this.#state.heap, { atMs: beat.lastMs + wait, key, serial: beat.serial });
  }

  #ofKind(ref: ObjectRef): number {
    return this.#state.kinds.get(kindKey(ref))?.n ?? 0;
  }

  /** How many fell silent after the same visit before this one did. */
  #silentTogether(beat: Beat): number {
    const last = `${beat.by}\u0000${Math.floor(beat.lastMs / MINUTE_MS)}`;
    const habit = `${beat.habit.by}\u0000${Math.floor(this.#lastOf(beat) / MINUTE_MS)}`;
    let most = 0;
    for (const key of new Set([last, habit])) {
      const before = touch(this.#state.together, key, TOGETHER_MAX, () => 0);
      if (beat.told === 1) this.#state.together.set(key, before + 1);
      most = Math.max(most, beat.told === 1 ? before : before - 1);
    }
    return most;
  }

  /** The machine that brings most of this object's beats was told to be silent, and somebody else has changed the object since: no news. */
  #isToldByWriter(beat: Beat): boolean {
    if (beat.actor !== undefined || beat.habit.votes < VOTES_MIN) return false;
    const writer = this.#state.keys.get(`a${beat.habit.by}\u0000${kindKey(beat.ref)}`);
    return writer !== undefined && writer.told > 0 && beat.lastMs > writer.lastMs + APART_MS;
  }

  /** When the one who brings most of a key's beats was last seen at anything of the kind; the key's own last beat for all but machines. */
  #lastOf(beat: Beat): number {
    if (beat.actor !== undefined) return beat.lastMs;
    return this.#state.keys.get(`a${beat.habit.by}\u0000${kindKey(beat.ref)}`)?.lastMs ?? beat.lastMs;
  }

  #evict(): void {
    const oldest = this.#state.keys.keys().next();
    if (!oldest.done) this.#state.keys.delete(oldest.value);
  }

  /** When the next beat is due at the earliest; it may turn out to have come. */
  nextMs(): number {
    return this.#state.heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  /** Beats that are overdue by now, in order of their due time; each is told once. */
  due(nowMs: number, visits: number): Overdue[] {
    const out: Overdue[] = [];
    const { heap, keys } = this.#state;
    while (heap.length > 0 && (heap[0] as Due).atMs <= nowMs) {
      const { atMs, key, serial } = pop(heap);
      const beat = keys.get(key);
      if (beat === undefined || beat.serial !== serial || !beat.alive) continue;
      beat.told++;
      this.#state.raised++;
      const together = this.#silentTogether(beat);
      if (!this.#isToldByWriter(beat)) out.push(describe(beat, { atMs, visits, ofKind: this.#ofKind(beat.ref), together }));
      // Said once when it is late, and once more when there is no doubt left.
      if (beat.told === 1) {
        const againMs = Math.max(atMs + 1, beat.lastMs + AGAIN * Math.max(...gapsOn(beat.gaps, CLOCKS.time)));
        push(heap, { atMs: againMs, key, serial });
      }
    }
    return out;
  }

  samples(): number {
    return this.#state.keys.size;
  }

  save(): SilenceState {
    return this.#state;
  }

  load(state: SilenceState): void {
    this.#state = state;
  }
}

/** How long after its last beat a key counts as overdue; undefined while it has no steady beat. */
function dueAfter(beat: Beat): number | undefined {
  if (beat.gaps.n < BEATS_MIN - 1) return undefined;
  const gaps = gapsOn(beat.gaps, CLOCKS.time);
  const rising = [...gaps].sort((a, b) => a - b);
  const median = rising[gaps.length >> 1] as number;
  const longest = rising[gaps.length - 1] as number;
  // Less than a week of gaps has seen no night or weekend worth the name.
  let covered = 0;
  for (const gap of gaps) covered += gap;
  if (covered < 7 * DAY_MS) return undefined;
  if (median < MEDIAN_MIN_MS || median > MEDIAN_MAX_MS || longest > UNEVEN_MAX * median) return undefined;
  // Hill estimate of the tail beyond the k-th longest gap, shrunk towards a quarter.
  const threshold = rising[gaps.length - 1 - TAIL_K] as number;
  let sum = 0.25 * 3;
  for (let i = gaps.length - TAIL_K; i < gaps.length; i++) sum += Math.log((rising[i] as number) / threshold);
  const slope = sum / (TAIL_K + 3);
  return longest * Math.exp(slope * -Math.log(RARITY) + 0.1);
}

function describe(
  beat: Beat,
  { atMs, visits, ofKind, together }: { atMs: number; visits: number; ofKind: number; together: number },
): Overdue {
  const waited = atMs - beat.lastMs;
  const gaps = gapsOn(beat.gaps, CLOCKS.time);
  const byTime = deviation(gaps, waited);
  const byVisits = deviation(gapsOn(beat.gaps, CLOCKS.visits), Math.max(1, visits - beat.lastVisits));
  const byKind = deviation(gapsOn(beat.gaps, CLOCKS.kind), Math.max(1, ofKind - beat.lastOfKind));
  // The clock that the beat keeps best: a timer's is the wall clock, a person's the bustle around them.
  let best = byTime;
  for (const other of [byVisits, byKind]) if (other.spread < best.spread) best = other;
  const p = Math.min(1, best.p * (1 + together));
  const surprise = Math.max(
    0.01,
    -Math.log(best.p) - 0.5 * Math.log((beat.late + 1) / (beat.beats + 10)) - TOGETHER_WEIGHT * Math.log(1 + together),
  );
  const { ref } = beat;
  const who = beat.actor === undefined ? `${ref.kind} ${ref.name}` : `${ref.kind} objects by ${beat.actor}`;
  const longest = span(Math.max(...gaps));
  const typical = span(Math.exp(byTime.mean));
  return {
    by: beat.by,
    p,
    atMs,
    ref,
    actor: beat.actor,
    surprise,
    sentence: `No change of ${who} for ${span(waited)}; in ${many(gaps.length + 1, 'change')} before, the next usually came after ${typical}, and after ${longest} at the latest.`,
    observed: `silent for ${span(waited)}`,
    usual: `a change every ${typical}`,
    samples: gaps.length + 1,
  };
}

/**
 * Predictive probability of a gap at least this long, the logarithms of gaps taken as normal with unknown mean and spread: the tail of
 * Student's t, bounded from above by its density's power law.
 */
function deviation(gaps: readonly number[], gap: number): { p: number; mean: number; spread: number } {
  const n = gaps.length;
  let sum = 0;
  for (const past of gaps) sum += Math.log(past);
  const mean = sum / n;
  let squares = 0;
  for (const past of gaps) squares += (Math.log(past) - mean) ** 2;
  const spread = Math.max(SPREAD_MIN, Math.sqrt(squares / (n - 1))) * Math.sqrt(1 + 1 / n);
  const z = Math.max(0, (Math.log(gap) - mean) / spread);
  return { p: 0.5 * (1 + (z * z) / (n - 1)) ** (-n / 2), mean, spread };
}

/** Boyer and Moore's majority vote: whoever brought more than half of the beats survives, in two fields. */
function vote(habit: Beat['habit'], by: string): void {
  if (habit.by === by) habit.votes++;
  else if (habit.votes > 1) habit.votes--;
  else Object.assign(habit, { by, votes: 1 });
}

function before(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.key < b.key);
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
