/**
 * Draws, of each day and cluster, what did not page but should be looked at: the most surprising finding, and up to three from within a decade under
 * the level. The draws are of different detectors, so that a chatty one does not fill the review; which detectors and which of their findings is said by
 * hashes of their names alone, so a replay draws the same and nobody's looks decide. A day is drawn when the cluster's next one begins.
 */
import type { Finding } from '../domain/finding.ts';
import type { NearMiss } from '../domain/review.ts';
import { DAY_MS } from '../model/detector.ts';
import { JOINED } from '../respond/policy.ts';
import { stableId } from '../respond/stable-id.ts';

const DRAWS_MAX = 3;
/** Weaker findings are not stored, so nobody could look at them. */
const SCORE_MIN = 2;
const BAND = 1;
/** A day this far behind the open one is no late event of it. */
const CLOCK_STEP_DAYS = 1;
/** So many such findings in a row are a clock that was set back; fewer are old events told late, for which no day is closed. */
const SET_BACK_FINDINGS = 3;

interface Candidate {
  id: string;
  tsMs: number;
  score: number;
  level: number;
  detector: string;
}

interface Stratum {
  count: number;
  /** The two first in the order of their hashes: the first may turn out to be the highest. */
  drawn: { order: string; candidate: Candidate }[];
}

interface OpenDay {
  day: number;
  highest?: Candidate;
  strata: Record<string, Stratum>;
  /** Findings in a row that were far behind it. */
  behind: number;
}

export class NearMisses {
  readonly #open: Map<string, OpenDay>;
  #saved: string | undefined;

  /** `saved` is what `save` returned, of any time. */
  constructor(saved?: string) {
    this.#open = new Map(saved === undefined ? [] : (JSON.parse(saved) as [string, OpenDay][]));
    this.#saved = saved;
  }

  /** Every decided finding of a cluster, in order; `level` is asked for where it matters. Returns what was drawn of the day before. */
  take(finding: Finding, level: () => number | undefined): NearMiss[] {
    const { cluster, tsMs } = finding;
    const day = Math.floor(tsMs / DAY_MS);
    let open = this.#open.get(cluster);
    let drawn: NearMiss[] = [];
    if (open !== undefined && this.#isStray(open, day)) return drawn;
    if (open === undefined || day > open.day || isFarBehind(open, day)) {
      if (open !== undefined) drawn = drawnOf(cluster, open);
      open = { day, strata: {}, behind: 0 };
      this.#open.set(cluster, open);
      this.#saved = undefined;
    }
    if (isCandidate(finding)) this.#consider(open, finding, level());
    return drawn;
  }

  save(): string {
    this.#saved ??= JSON.stringify([...this.#open]);
    return this.#saved;
  }

  /** Told late, unless enough in a row are to show that the clock was set back. */
  #isStray(open: OpenDay, day: number): boolean {
    const behind = isFarBehind(open, day) ? open.behind + 1 : 0;
    if (behind !== open.behind) this.#saved = undefined;
    open.behind = behind;
    return behind > 0 && behind < SET_BACK_FINDINGS;
  }

  #consider(open: OpenDay, { id, tsMs, score, detector }: Finding, level: number | undefined): void {
    if (level === undefined) return;
    const candidate = { id, tsMs, score, level, detector };
    if (open.highest === undefined || score > open.highest.score) {
      open.highest = candidate;
      this.#saved = undefined;
    }
    if (score >= level || score < level - BAND) return;
    let stratum = open.strata[detector];
    if (stratum === undefined) stratum = open.strata[detector] = { count: 0, drawn: [] };
    stratum.count += 1;
    stratum.drawn.push({ order: stableId('near-miss', id), candidate });
    stratum.drawn.sort(byOrder).splice(2);
    this.#saved = undefined;
  }
}

function isFarBehind(open: OpenDay, day: number): boolean {
  return day < open.day - CLOCK_STEP_DAYS;
}

/** Facts and rules have no level, what is still learning waits for its habits, and a person or an open alert has said the rest already. */
function isCandidate({ score, mature, deterministic, decision }: Finding): boolean {
  if (score < SCORE_MIN || !mature || deterministic || decision.verdict === 'page') return false;
  return decision.heard === undefined && decision.why !== JOINED;
}

function drawnOf(cluster: string, { day, highest, strata }: OpenDay): NearMiss[] {
  if (highest === undefined) return [];
  const date = new Date(day * DAY_MS).toISOString().slice(0, 10);
  const rest = Object.entries(strata).flatMap(([detector, { count, drawn }]) => {
    const hasHighest = detector === highest.detector && highest.score < highest.level && highest.score >= highest.level - BAND;
    const first = drawn.find(({ candidate }) => candidate.id !== highest.id);
    const order = stableId('stratum', cluster, date, detector);
    return first === undefined ? [] : [{ order, count: hasHighest ? count - 1 : count, candidate: first.candidate }];
  });
  const population = rest.reduce((sum, { count }) => sum + count, 0);
  const chosen = rest.sort(byOrder).slice(0, DRAWS_MAX);
  const miss = ({ id, ...said }: Candidate, slot: NearMiss['slot'], weight: number): NearMiss => {
    return { cluster, day: date, slot, findingId: id, ...said, population, weight };
  };
  return [
    miss(highest, 'highest', 1),
    ...chosen.map(({ candidate, count }, i) => miss(candidate, `random-${i + 1}`, (count * rest.length) / chosen.length)),
  ];
}

function byOrder(a: { order: string }, b: { order: string }): number {
  return a.order < b.order ? -1 : a.order > b.order ? 1 : 0;
}
