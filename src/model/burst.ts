/**
 * Too often. An object's recent changes within ten minutes and an hour (burst), and on how many distinct hours of a fortnight (pace),
 * against its own long-run rate: the Poisson large-deviation exponent n ln(n/mu) - n + mu.
 */
import { fieldName } from '../domain/field-path.ts';
import { touch } from './counts.ts';
import { crowding, DAY_MS, type Detector, type Evidence, HOUR_MS, MINUTE_MS } from './detector.ts';
import type { ChangeEvent } from './features.ts';
import { figure, howOften, many, quoteBoth, span } from './words.ts';

const OBJECTS_MAX = 100_000;
const RECENT_MAX = 240;
const MEMORY_MS = 14 * DAY_MS;
/** An object nothing is known of is taken to change once in this time; a fifth of a change's worth of belief. */
const PRIOR_MS = 20 * DAY_MS;
const PRIOR_N = 0.2;
const WINDOWS_MS = [10 * MINUTE_MS, HOUR_MS] as const;
const COUNT_MIN = 3;
const HOURS_MIN = 4;
const PEAK_FROM = 2;
const PEAK_SHARE = 0.6;

interface Tempo {
  n: number;
  bornMs: number;
  /** Times of recent changes, oldest first. */
  recent: number[];
}

export interface TemposState {
  objects: Map<string, Tempo>;
  changes: number;
}

/** Shared by burst and pace: an object's tempo is counted at once, not when its group closes, since a burst is one group after another. */
export class Tempos {
  #state: TemposState = { objects: new Map(), changes: 0 };

  get(object: string): Tempo | undefined {
    return this.#state.objects.get(object);
  }

  /** Remembers that the object changed; called after scoring, for every change. */
  track(event: ChangeEvent): void {
    if (event.type === 'DELETED' || !event.timed) return;
    const tempo = touch(this.#state.objects, event.object, OBJECTS_MAX, () => ({ n: 0, bornMs: event.atMs, recent: [] }));
    this.#state.changes++;
    if (event.type === 'MODIFIED') tempo.n++;
    tempo.recent.push(event.atMs);
    while (tempo.recent.length > RECENT_MAX || event.atMs - (tempo.recent[0] as number) > MEMORY_MS) tempo.recent.shift();
  }

  changes(): number {
    return this.#state.changes;
  }

  save(): TemposState {
    return this.#state;
  }

  load(state: TemposState): void {
    this.#state = state;
  }
}

/** Changes per millisecond in the long run, with a prior of one in PRIOR_MS. */
function rateOf(tempo: Tempo | undefined, atMs: number): number {
  return tempo === undefined ? 1 / PRIOR_MS : (tempo.n + PRIOR_N) / (Math.max(0, atMs - tempo.bornMs) + PRIOR_N * PRIOR_MS);
}

abstract class TempoDetector implements Detector<null> {
  abstract readonly name: string;
  protected readonly tempos: Tempos;

  constructor(tempos: Tempos) {
    this.tempos = tempos;
  }

  abstract score(event: ChangeEvent): Evidence | undefined;

  learn(): void {}

  mature(event: ChangeEvent): boolean {
    const tempo = this.tempos.get(event.object);
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
    const tempo = this.tempos.get(event.object);
    const rate = rateOf(tempo, event.atMs);
    let surprise = 0;
    let worst = { count: 0, windowMs: 0 };
    for (const windowMs of WINDOWS_MS) {
      const count = countSince(tempo, event.atMs - windowMs) + 1;
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
    const tempo = this.tempos.get(event.object);
    const hours = new Set<number>([Math.floor(event.atMs / HOUR_MS)]);
    for (const at of tempo?.recent ?? []) if (event.atMs - at <= MEMORY_MS) hours.add(Math.floor(at / HOUR_MS));
    if (hours.size < HOURS_MIN) return undefined;
    const usual = rateOf(tempo, event.atMs) * MEMORY_MS;
    const surprise = crowding(hours.size, Math.max(0.7, usual));
    if (surprise === 0) return undefined;
    return {
      surprise,
      explain: () => ({
        sentence: `${event.ref.kind} ${event.ref.name} was changed on ${many(hours.size, 'separate occasion')} in two weeks; usual is ${usual < 1.5 ? `once in ${span(MEMORY_MS / usual)}` : `about ${Math.round(usual)}`}.`,
        observed: hours.size,
        usual: Number(figure(usual)),
        samples: tempo?.n ?? 0,
        scope: 'object',
      }),
    };
  }
}

function countSince(tempo: Tempo | undefined, sinceMs: number): number {
  let count = 0;
  const recent = tempo?.recent ?? [];
  for (let i = recent.length - 1; i >= 0 && (recent[i] as number) >= sinceMs; i--) count++;
  return count;
}

/** The most changes in any window of this length that ended at least an hour ago. */
function peakBefore(tempo: Tempo | undefined, atMs: number, windowMs: number): number {
  const recent = tempo?.recent ?? [];
  let peak = 0;
  let from = 0;
  for (let to = 0; to < recent.length && (recent[to] as number) < atMs - HOUR_MS; to++) {
    while ((recent[to] as number) - (recent[from] as number) > windowMs) from++;
    peak = Math.max(peak, to - from + 1);
  }
  return peak;
}

/** Where the newest of many changes is of one field. */
function lastField({ fields: [field, ...more] }: ChangeEvent): string {
  if (field === undefined || more.length > 0) return '';
  return `, the last time ${fieldName(field.path)} (${quoteBoth(field.old, field.next).join(' → ')})`;
}
