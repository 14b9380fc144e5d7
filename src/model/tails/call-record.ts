/**
 * What became of a detector's word. A rank in the past says how rare something is as far as the past was like the present and its tail has the shape that
 * was assumed; whether that held can be counted: of all visits since, how many were called rarer than once in ten, in a hundred, in a
 * thousand? What it says next is taken up or down by what the counts show, level by level. Both sides fade, so that the present counts.
 */

/** Probabilities, falling, at which calls are counted. */
const LEVELS = [0.1, 0.03, 0.01, 0.003, 0.001] as const;
/** Those that are shown outside. */
export const SHOWN_LEVELS = [0.01, 0.001] as const;
const HALF_LIFE_VISITS = 3_000;
/** Expected calls that the benefit of the doubt is worth. */
const TRUST = 3;
/**
 * How much rarer than its rank what it says may become, by level: about the middle a quiet past is evidence enough, but what would wake somebody must
 * not become louder because nothing like it was heard for a while.
 */
const BOLDER_MAX = [0.3, 0.3, 0.3, 1, 1] as const;
const SHARE_TRUST = 100;
/** Calls due before a ratio says anything. */
const DUE_MIN = 3;

/** What is counted of calls: those at each of LEVELS by rank, then those at each of SHOWN_LEVELS as said. */
export const COUNTS = LEVELS.length + SHOWN_LEVELS.length;

export interface CallRecord {
  /** Visits, faded, and the number of the last. */
  asked: number;
  visits: number;
  /** Faded visits in which it spoke at all. */
  spoke: number;
  /** Faded calls at or below each of LEVELS, as the ranks had them. */
  ranked: number[];
  /** The same of SHOWN_LEVELS after this record had its say. */
  said: number[];
}

export function makeCallRecord(visits: number): CallRecord {
  return { asked: 0, visits, spoke: 0, ranked: LEVELS.map(() => 0), said: SHOWN_LEVELS.map(() => 0) };
}

/** What a visit was called: `ranked` before this record had its say, `said` after; `isNew` tells for one of the COUNTS whether the call begins an episode. */
export function keepCall(
  record: CallRecord,
  { visits, ranked, said, isNew }: { visits: number; ranked: number; said: number; isNew: (count: number) => boolean },
): void {
  fade(record, visits);
  record.spoke++;
  for (let i = 0; i < LEVELS.length; i++) {
    if (ranked <= (LEVELS[i] as number) && isNew(i)) record.ranked[i] = (record.ranked[i] as number) + 1;
  }
  for (let i = 0; i < SHOWN_LEVELS.length; i++) {
    if (said <= (SHOWN_LEVELS[i] as number) && isNew(LEVELS.length + i)) record.said[i] = (record.said[i] as number) + 1;
  }
}

/** The record as it stands after so many visits, silent since it was last heard; the record itself stays as it is. */
export function recordAt(record: CallRecord | undefined, visits: number): CallRecord {
  if (record === undefined) return { ...makeCallRecord(visits), asked: visits };
  const now = { ...record, ranked: [...record.ranked], said: [...record.said] };
  fade(now, visits);
  return now;
}

/** Whether `keepCall` would count any of a visit's two probabilities as a call. */
export function isCounted(ranked: number, said: number): boolean {
  return ranked <= LEVELS[0] || said <= SHOWN_LEVELS[0];
}

function keptAfter(visits: number): number {
  return 0.5 ** (visits / HALF_LIFE_VISITS);
}

/** Most records are heard again within a few visits. */
const KEPT = Array.from({ length: 256 }, (_, visits) => keptAfter(visits));

function fade(record: CallRecord, visits: number): void {
  const since = visits - record.visits;
  if (since <= 0) return;
  const keep = KEPT[since] ?? keptAfter(since);
  record.asked = record.asked * keep + since;
  record.visits = visits;
  record.spoke *= keep;
  fadeAll(record.ranked, keep);
  fadeAll(record.said, keep);
}

function fadeAll(counts: number[], keep: number): void {
  for (let i = 0; i < counts.length; i++) counts[i] = (counts[i] as number) * keep;
}

/** How far each level lies below the one before it, in nats. */
const SPANS = LEVELS.map((level, i) => Math.log((LEVELS[i - 1] ?? 1) / level));

/** The probability that a rank of `p` has turned out to stand for; rises with `p`. */
export function heldTo(record: CallRecord | undefined, p: number): number {
  if (record === undefined || p >= 1) return p;
  // Log-linear between levels; beyond the last its ratio holds.
  let upper = 1;
  let was = 1;
  let held = 1;
  let ratio = 1;
  for (let i = 0; i < LEVELS.length; i++) {
    const level = LEVELS[i] as number;
    const nominal = record.asked * level;
    // Until a level has cases of its own it is believed to be off as the one before it.
    const called = (record.ranked[i] as number) + silentCalls(level, record.asked, record.spoke);
    ratio = Math.max(BOLDER_MAX[i] as number, (called + TRUST * ratio) / (nominal + TRUST));
    held = Math.min(was, level * ratio);
    if (p > level) {
      const share = Math.log(p / level) / (SPANS[i] as number);
      return held * (was / held) ** share;
    }
    upper = level;
    was = held;
  }
  return held * (p / upper);
}

/** In which share of visits it speaks; `prior` counts for SHARE_TRUST visits. */
export function spokenShare(record: CallRecord | undefined, prior: number): number {
  return ((record?.spoke ?? 0) + SHARE_TRUST * prior) / ((record?.asked ?? 0) + SHARE_TRUST);
}

/** Visits of one sort in one cluster, against which a detector is ranked: how many, in how many it spoke, and how many episodes it called as rare as a level. */
export interface Population {
  visits: number;
  spoke: number;
  told: number;
}

/**
 * Observed over nominal of one level. A detector that speaks in one visit of 1,000 cannot call one of 100 rare: all its silences are one tie, which is
 * broken by chance, as randomised p-values do. A silence stands for a probability anywhere above the share of visits in which it speaks. That share
 * differs from population to population, so each has its own ties.
 */
export function observedOverNominal(level: number, populations: readonly Population[]): number {
  let [observed, visits] = [0, 0];
  for (const one of populations) {
    observed += one.told + silentCalls(level, one.visits, one.spoke);
    visits += one.visits;
  }
  return observed / (visits * level);
}

function silentCalls(level: number, visits: number, spoke: number): number {
  const share = visits === 0 ? 1 : Math.min(1, spoke / visits);
  return share < level ? ((visits - spoke) * (level - share)) / (1 - share) : 0;
}

export interface LiveRatio {
  detector: string;
  level: number;
  ratio: number;
}

/** Of the recent past, pooled over clusters and sorts of visits; records come by name, `detector:sort`. Left out where fewer than `DUE_MIN` calls were due. */
export function liveRatios(records: Iterable<[string, CallRecord]>): LiveRatio[] {
  const pooled = new Map<string, CallRecord[]>();
  for (const [name, record] of records) {
    const detector = name.slice(0, name.indexOf(':'));
    pooled.set(detector, [...(pooled.get(detector) ?? []), record]);
  }
  return [...pooled].flatMap(([detector, those]) =>
    SHOWN_LEVELS.flatMap((level, i) => {
      const populations = those.map(({ asked, spoke, said }) => ({ visits: asked, spoke, told: said[i] as number }));
      if (populations.reduce((due, { visits }) => due + visits * level, 0) < DUE_MIN) return [];
      return [{ detector, level, ratio: observedOverNominal(level, populations) }];
    }),
  );
}
