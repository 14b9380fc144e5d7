/**
 * Too often. An object's recent changes within ten minutes and an hour (burst), and on how many distinct hours of a fortnight (pace),
 * against its own long-run rate: the Poisson large-deviation exponent n ln(n/mu) - n + mu.
 */
import { fieldName } from '../../domain/field-path.ts';
import { crowding, DAY_MS, type Detector, type Evidence, HOUR_MS, MINUTE_MS } from '../detector.ts';
import type { ChangeEvent } from '../features.ts';
import { clearRow, putFigure, reachRow, type Whole } from '../habits/columns.ts';
import { figure, howOften, many, quoteBoth, span } from '../words.ts';

const RECENT_MAX = 240;
const MEMORY_MS = 14 * DAY_MS;
/** An object nothing is known of is taken to change once in this time; a fifth of a change's worth of belief. */
const PRIOR_MS = 20 * DAY_MS;
const PRIOR_N = 0.2;
const WINDOWS_MS = [10 * MINUTE_MS, HOUR_MS] as const;
const COUNT_MIN = 3;
const HOURS_MIN = 4;
/** Of a fortnight's hours with a change, what share has to lie in its second week: of a pace that is not new half do. */
const SET_IN_SHARE = 0.6;
/** Lists of times that are longer grow in place. */
const COPIED_MAX = 48;
const PEAK_FROM = 2;
const PEAK_SHARE = 0.6;

/** What is known of an object's tempo. */
export interface Tempo {
  n: number;
  bornMs: number;
  /** Times of recent changes, oldest first. */
  recent: readonly number[];
}

/** The same with the recent changes as they are kept: nothing is put together for a look at them. */
interface Kept extends Omit<Tempo, 'recent'> {
  /** Times of recent changes before the last, oldest first. */
  earlier: readonly number[];
  lastMs: number;
}

const NONE: number[] = [];

export interface TemposState {
  /** One row for each object. */
  objects: {
    /** 1 once a change was seen. */
    known: Uint8Array;
    n: Whole;
    bornMs: Float64Array;
    lastMs: Float64Array;
  };
  /** By row, the times of recent changes before the last; most objects have none. */
  earlier: Map<number, number[]>;
  changes: number;
}

/** Shared by burst and pace: an object's tempo is counted at once, not when its group closes, since a burst is one group after another. */
export class Tempos {
  #state: TemposState = { objects: noTempos(), earlier: new Map(), changes: 0 };

  /** The last that was asked for, as several ask for the same one after the other. */
  #asked: { row: number; tempo: Kept | undefined } | undefined;

  get(row: number): Kept | undefined {
    if (this.#asked?.row !== row) this.#asked = { row, tempo: keptOf(this.#state, row) };
    return this.#asked.tempo;
  }

  /** Remembers that the object changed; called after scoring, for every change. */
  track(event: ChangeEvent): void {
    if (event.type === 'DELETED' || !event.timed) return;
    const { row, atMs } = event;
    const { objects, earlier } = this.#state;
    const before = earlier.get(row);
    const kept = objects.known[row] === 1 ? withLast(before, objects.lastMs[row] as number, atMs) : NONE;
    this.#asked = undefined;
    if (row >= objects.known.length) reachRow(objects, row);
    this.#state.changes++;
    if (objects.known[row] !== 1) {
      objects.known[row] = 1;
      objects.bornMs[row] = atMs;
    }
    if (event.type === 'MODIFIED') objects.n = putFigure(objects.n, row, (objects.n[row] as number) + 1);
    objects.lastMs[row] = atMs;
    if (kept.length === 0) earlier.delete(row);
    else if (kept !== before) earlier.set(row, kept);
  }

  forget(row: number): void {
    this.#asked = undefined;
    clearRow(this.#state.objects, row);
    this.#state.earlier.delete(row);
  }

  changes(): number {
    return this.#state.changes;
  }

  save(): TemposState {
    return this.#state;
  }

  load(state: TemposState): void {
    this.#asked = undefined;
    this.#state = state;
  }
}

export function tempoOf(state: TemposState, row: number): Tempo | undefined {
  const { objects } = state;
  if (!objects.known[row]) return undefined;
  return { n: objects.n[row] as number, bornMs: objects.bornMs[row] as number, recent: timesOf(state, row) };
}

function keptOf({ objects, earlier }: TemposState, row: number): Kept | undefined {
  if (!objects.known[row]) return undefined;
  return {
    n: objects.n[row] as number,
    bornMs: objects.bornMs[row] as number,
    earlier: earlier.get(row) ?? NONE,
    lastMs: objects.lastMs[row] as number,
  };
}

function timesOf({ objects, earlier }: TemposState, row: number): readonly number[] {
  const lastMs = objects.lastMs[row] as number;
  return earlier.get(row)?.concat(lastMs) ?? [lastMs];
}

function noTempos(): TemposState['objects'] {
  return { known: new Uint8Array(), n: new Uint8Array(), bornMs: new Float64Array(), lastMs: new Float64Array() };
}

/** The newest of these times and the last one, without the oldest ones that are too old, at most one less than RECENT_MAX. */
function withLast(earlier: number[] | undefined, lastMs: number, nowMs: number): number[] {
  const known = earlier?.length ?? 0;
  let from = Math.max(0, known + 2 - RECENT_MAX);
  while (from < known && nowMs - ((earlier as number[])[from] as number) > MEMORY_MS) from++;
  if (from >= known) return from > known || nowMs - lastMs > MEMORY_MS ? NONE : [lastMs];
  const times = earlier as number[];
  // Copied, not added to, while there are few: a growing array keeps room for a dozen more.
  if (from === 0 && known < COPIED_MAX) return times.concat(lastMs);
  if (from === 0) {
    times.push(lastMs);
    return times;
  }
  // Where the oldest go there is room in place. One by one: copyWithin of an array looks each of them up by name.
  for (let i = from; i < known; i++) times[i - from] = times[i] as number;
  times[known - from] = lastMs;
  times.length = known - from + 1;
  return times;
}

/** Changes per millisecond in the long run, with a prior of one in PRIOR_MS. */
function rateOf(tempo: Pick<Kept, 'n' | 'bornMs'> | undefined, atMs: number): number {
  return tempo === undefined ? 1 / PRIOR_MS : (tempo.n + PRIOR_N) / (Math.max(0, atMs - tempo.bornMs) + PRIOR_N * PRIOR_MS);
}

abstract class TempoDetector implements Detector<null> {
  abstract readonly name: string;
  protected readonly tempos: Tempos;

  constructor(tempos: Tempos) {
    this.tempos = tempos;
  }

  abstract score(event: ChangeEvent): Evidence | undefined;

  mature(event: ChangeEvent): boolean {
    const tempo = this.tempos.get(event.row);
    return tempo !== undefined && (event.atMs - tempo.bornMs >= DAY_MS || tempo.n >= 30);
  }

  samples(): number {
    return this.tempos.changes();
  }

  save(): null {
    return null;
  }

  load(): void {}
}

export class Burst extends TempoDetector {
  readonly name = 'burst';

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type !== 'MODIFIED' || !event.timed) return undefined;
    const tempo = this.tempos.get(event.row);
    const rate = rateOf(tempo, event.atMs);
    let surprise = 0;
    let worst = { count: 0, windowMs: 0 };
    for (const windowMs of WINDOWS_MS) {
      const count = countSince(tempo, event.atMs - windowMs, event.atMs) + 1;
      let here = count >= COUNT_MIN ? crowding(count, Math.max(0.3, rate * windowMs)) : 0;
      // Only what looks like a burst pays for the walk through the past: an object that comes in spells has had as many before.
      if (here > PEAK_FROM)
        here = crowding(count, Math.max(0.3, rate * windowMs, PEAK_SHARE * peakBefore(tempo, event.atMs, windowMs)));
      if (here > surprise) {
        surprise = here;
        worst = { count, windowMs };
      }
    }
    if (surprise === 0) return undefined;
    return {
      surprise,
      explain: () => ({
        sentence: `${event.ref.kind} ${event.ref.name} changed ${worst.count} times within ${span(worst.windowMs)}${lastField(event)}; it usually changes ${howOften(rate * DAY_MS)}.`,
        observed: worst.count,
        usual: Number(figure(rate * worst.windowMs)),
        samples: tempo?.n ?? 0,
        scope: 'object',
      }),
    };
  }
}

export class Pace extends TempoDetector {
  readonly name = 'pace';

  score(event: ChangeEvent): Evidence | undefined {
    if (event.type !== 'MODIFIED' || !event.timed) return undefined;
    const tempo = this.tempos.get(event.row);
    // Fewer changes than this lie in fewer hours.
    if (tempo === undefined || tempo.earlier.length + 1 < HOURS_MIN - 1) return undefined;
    const hours = hoursOf(tempo, event.atMs);
    if (hours < HOURS_MIN) return undefined;
    // A fortnight's pace goes on for a fortnight: it is news when it sets in and when it has doubled, not with each change. With time going on each change
    // adds one hour at most, so a number that is no power of two was not reached by doubling.
    if (tempo.lastMs <= event.atMs && (hours & (hours - 1)) !== 0) return undefined;
    if (Math.floor(Math.log2(hours)) <= Math.floor(Math.log2(hoursOf(tempo, tempo.lastMs)))) return undefined;
    // A pace that has lasted goes up and down through its level: it is the last week that has to have brought it.
    if (hoursOf(tempo, event.atMs, MEMORY_MS / 2) < SET_IN_SHARE * hours) return undefined;
    const usual = rateOf(tempo, event.atMs) * MEMORY_MS;
    const surprise = crowding(hours, Math.max(0.7, usual));
    if (surprise === 0) return undefined;
    return {
      surprise,
      explain: () => ({
        sentence: `${event.ref.kind} ${event.ref.name} was changed on ${many(hours, 'separate occasion')} in two weeks; usual is ${usual < 1.5 ? `once in ${span(MEMORY_MS / usual)}` : `about ${Math.round(usual)}`}.`,
        observed: hours,
        usual: Number(figure(usual)),
        samples: tempo.n,
        scope: 'object',
      }),
    };
  }
}

/** On how many distinct hours of a fortnight, or of another span, it changed, this one included. */
function hoursOf({ earlier, lastMs }: Kept, atMs: number, spanMs = MEMORY_MS): number {
  let hours = 0;
  let before = Number.NEGATIVE_INFINITY;
  for (let i = 0; i <= earlier.length + 1; i++) {
    const at = i < earlier.length ? (earlier[i] as number) : i === earlier.length ? lastMs : atMs;
    const hour = Math.floor(at / HOUR_MS);
    if (hour === before || atMs - at > spanMs) continue;
    if (hour < before) return distinctHoursOf([...earlier, lastMs, atMs], atMs, spanMs);
    hours++;
    before = hour;
  }
  return hours;
}

/** The same of times that are not in order, since the clock was set back. */
function distinctHoursOf(times: readonly number[], atMs: number, spanMs: number): number {
  return new Set(times.filter((at) => atMs - at <= spanMs).map((at) => Math.floor(at / HOUR_MS))).size;
}

/** Times after this one are of before the clock was set back. */
function countSince(tempo: Kept | undefined, sinceMs: number, atMs: number): number {
  if (tempo === undefined || tempo.lastMs < sinceMs) return 0;
  const { earlier, lastMs } = tempo;
  let count = lastMs <= atMs ? 1 : 0;
  for (let i = earlier.length - 1; i >= 0 && (earlier[i] as number) >= sinceMs; i--) if ((earlier[i] as number) <= atMs) count++;
  return count;
}

/** The most changes in any window of this length that ended at least an hour ago. */
function peakBefore(tempo: Kept | undefined, atMs: number, windowMs: number): number {
  if (tempo === undefined) return 0;
  const { earlier, lastMs } = tempo;
  let peak = 0;
  let from = 0;
  for (let to = 0; to <= earlier.length; to++) {
    const at = to < earlier.length ? (earlier[to] as number) : lastMs;
    if (at >= atMs - HOUR_MS) break;
    while (from < earlier.length && at - (earlier[from] as number) > windowMs) from++;
    peak = Math.max(peak, to - from + 1);
  }
  return peak;
}

/** Where the newest of many changes is of one field. */
function lastField({ fields: [field, ...more] }: ChangeEvent): string {
  if (field === undefined || more.length > 0) return '';
  return `, the last time ${fieldName(field.path)} (${quoteBoth(field.old, field.next).join(' → ')})`;
}
