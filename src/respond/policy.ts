/**
 * The policy turns a judgement into a finding: it gives it an identity, a sentence, an episode and a decision with its reason. Pure and in
 * event time only, so that a replay decides as the live run did. `episodes.ts` knows what belongs together, `page-budget.ts` who may page.
 */
import { CrowsnestError } from '../domain/errors.ts';
import type { Decision, Finding, Judgement } from '../domain/finding.ts';
import type { Opinion } from '../domain/verdict.ts';
import { type Episode, EpisodeBook } from './episodes.ts';
import { findingId, summaryOf } from './finding-text.ts';
import {
  advanceBudget,
  type BudgetLimits,
  type BudgetState,
  budgetLimits,
  newBudget,
  rebaseBudget,
  requestPage,
} from './page-budget.ts';
import { stableId } from './stable-id.ts';

export interface PolicyOptions {
  /** Hard limit of pages in any seven days, per cluster; default 5. May be below 1. */
  pagesPerWeek?: number;
  /** Floor of the alert level, a score; default 2.5. */
  levelMin?: number;
  /** Pages a day for critical deterministic facts, beside the budget; default 3. */
  criticalPerDay?: number;
  /** More would-be pages than this within an hour are a storm; default a quarter of the weekly budget, at least 3. */
  stormPerHour?: number;
}

export interface PolicyStatus {
  level: number;
  /** Pages of the last seven days that counted against the budget. */
  pages: number;
  criticalPages: number;
  storm: boolean;
}

export interface Policy {
  /** The finding, its decision included. Feed judgements in the order of the change log, each with what people's verdicts come to for it. */
  decide(judgement: Judgement, opinion?: Opinion): Finding;
  /** Everything decided so far matters for what comes; `createPolicy(options, saved)` goes on exactly where this stopped. */
  save(): string;
  /** By cluster, as of its last judgement. */
  status(): Record<string, PolicyStatus>;
}

/** Less surprising than this, an event neither opens an episode nor keeps one open: ordinary changes must not hold an alert for ever. */
const MEMBER_SCORE_MIN = 2;
/** An open episode pages again when it becomes this much more surprising: a thousand times. */
const ESCALATION = 3;
/**
 * Time going back by more than this is a clock that was set, not late events: senders are believed a day back. What is late counts as of now;
 * were time set back for each, what follows would find budget, reserve and episodes as they will be hours from now, time and again.
 */
const CLOCK_STEP_MS = 25 * 3_600_000;

/** Why a finding does not page whose episode did. */
export const JOINED = 'joined to an open episode';

const SAVED_VERSION = 1;

interface ClusterState {
  nowMs: number;
  budget: BudgetState;
  episodes: EpisodeBook;
}

interface Saved {
  version: number;
  clusters: Record<string, { nowMs: number; budget: BudgetState; episodes: Episode[] }>;
}

/** Throws STORE_TOO_NEW or STORE_CORRUPT when `saved` cannot be taken up. */
export function createPolicy(options: PolicyOptions, saved?: string): Policy {
  const limits = budgetLimits(options);
  const clusters = saved === undefined ? new Map<string, ClusterState>() : restore(saved);
  let text: string | undefined;

  function decide(judgement: Judgement, opinion?: Opinion): Finding {
    text = undefined;
    const cluster = judgement.subject.ref.cluster;
    let state = clusters.get(cluster);
    if (state === undefined) {
      state = { nowMs: judgement.tsMs, budget: newBudget(limits, judgement.tsMs), episodes: new EpisodeBook() };
      clusters.set(cluster, state);
    }
    passTime(state, limits, judgement.tsMs);
    const id = findingId(judgement);
    const { decision, episode } = hear(state, limits, { judgement, opinion, id });
    return { ...judgement, id, cluster, summary: summaryOf(judgement), decision, episode };
  }

  return {
    decide,
    save() {
      text ??= JSON.stringify(savedOf(clusters));
      return text;
    },
    status: () => Object.fromEntries([...clusters].map(([name, state]) => [name, statusOf(state)])),
  };
}

function passTime(state: ClusterState, limits: BudgetLimits, tsMs: number): void {
  if (tsMs < state.nowMs - CLOCK_STEP_MS) {
    state.nowMs = tsMs;
    state.episodes.rebase(tsMs);
    rebaseBudget(state.budget, tsMs);
  }
  state.nowMs = Math.max(state.nowMs, tsMs);
  advanceBudget(state.budget, limits, state.nowMs);
}

/** A finding that only a verdict keeps from paging opens no episode, so that it does not swallow others. */
function hear(
  state: ClusterState,
  limits: BudgetLimits,
  { judgement, opinion, id }: { judgement: Judgement; opinion: Opinion | undefined; id: string },
): { decision: Decision; episode: string } {
  if (opinion === undefined) return settle(state, limits, judgement, id);
  const weighed = {
    ...judgement,
    score: Math.max(0, judgement.score + opinion.shift),
    deterministic: judgement.deterministic && !opinion.liftsFact,
  };
  const { level } = state.budget;
  const before = flawOf(judgement, level);
  const after = flawOf(weighed, level);
  const { by, expiresMs, id: heard } = opinion.verdict;
  if (before === undefined && after !== undefined) {
    const why = `expected, as ${by} said until ${new Date(expiresMs).toISOString().slice(0, 10)}`;
    return { decision: { verdict: 'record', why, heard }, episode: id };
  }
  const { decision, episode } = settle(state, limits, weighed, id);
  const made = decision.verdict === 'page' && before !== undefined;
  return { decision: made ? { ...decision, heard } : decision, episode };
}

function settle(
  state: ClusterState,
  limits: BudgetLimits,
  judgement: Judgement,
  id: string,
): { decision: Decision; episode: string } {
  const record = (why: string, episode: string) => ({ decision: { verdict: 'record' as const, why }, episode });
  if (judgement.score < MEMBER_SCORE_MIN && !judgement.deterministic) {
    return record(judgement.mature ? 'not surprising' : 'still learning', id);
  }
  const episode = state.episodes.join(judgement, state.nowMs, id);
  const name = episode.storm ?? episode.id;
  const flaw = flawOf(judgement, state.budget.level);
  if (episode.paged !== undefined && (flaw !== undefined || !escalates(judgement, episode.paged))) {
    return record(JOINED, name);
  }
  if (flaw !== undefined) return record(flaw, name);

  const escalation = episode.paged !== undefined;
  const answer = requestPage(state.budget, limits, {
    nowMs: state.nowMs,
    severity: judgement.severity,
    deterministic: judgement.deterministic,
    shares: sharesOf(judgement),
    repeated: episode.asked === true,
    stormId: `${STORM_PREFIX}${stableId('storm', id)}`,
  });
  episode.asked = true;
  if (answer.storm !== undefined) episode.storm = answer.storm;
  else if (answer.page) delete episode.storm;
  if (answer.page || answer.storm !== undefined) {
    episode.paged = { score: Math.max(judgement.score, episode.paged?.score ?? 0), severity: judgement.severity };
  }
  const why = answer.page && escalation ? `escalation: ${answer.why}` : answer.why;
  return { decision: { verdict: answer.page ? 'page' : 'record', why }, episode: episode.storm ?? episode.id };
}

const STORM_PREFIX = 'storm-';

/** True for the episode of a storm: its alert stands for many objects. */
export function isStorm(finding: Pick<Finding, 'episode'>): boolean {
  return finding.episode.startsWith(STORM_PREFIX);
}

/** Why a judgement must not page whatever the budget, or undefined. */
function flawOf(judgement: Judgement, level: number): string | undefined {
  if (judgement.deterministic) return undefined;
  if (!judgement.mature) return 'still learning';
  return judgement.score < level ? `below the alert level of ${level.toFixed(1)}` : undefined;
}

function escalates(judgement: Judgement, paged: NonNullable<Episode['paged']>): boolean {
  if (judgement.score >= paged.score + ESCALATION) return true;
  return judgement.severity === 'critical' && paged.severity !== 'critical';
}

function sharesOf({ subject, actor, detector, deterministic }: Judgement): string[] {
  const { group = '', kind } = subject.ref;
  const shares = [`kind ${group === '' ? kind : `${kind}.${group}`}`];
  if (actor.name !== 'unknown') shares.push(`actor ${actor.name}`);
  // Learnt detectors compete by score; facts and rules have no level, so a chatty one is held to its share.
  if (deterministic) shares.push(`detector ${detector}`);
  return shares;
}

function statusOf({ budget }: ClusterState): PolicyStatus {
  return {
    level: budget.level,
    pages: budget.pages.length,
    criticalPages: budget.critical.length,
    storm: budget.storm !== undefined,
  };
}

function savedOf(clusters: ReadonlyMap<string, ClusterState>): Saved {
  const entries = [...clusters].map(([name, { nowMs, budget, episodes }]) => {
    return [name, { nowMs, budget, episodes: episodes.save() }] as const;
  });
  return { version: SAVED_VERSION, clusters: Object.fromEntries(entries) };
}

function restore(saved: string): Map<string, ClusterState> {
  let parsed: Saved;
  try {
    parsed = JSON.parse(saved) as Saved;
  } catch (cause) {
    throw new CrowsnestError({
      code: 'STORE_CORRUPT',
      what: 'the saved state of the alert policy is not valid JSON',
      todo: 'Restore the database from a backup.',
      cause,
    });
  }
  if (parsed.version !== SAVED_VERSION) {
    throw new CrowsnestError({
      code: 'STORE_TOO_NEW',
      what: `the saved state of the alert policy has version ${parsed.version}, this program knows ${SAVED_VERSION}`,
      todo: 'Run the newer Crowsnest that wrote it.',
    });
  }
  return new Map(
    Object.entries(parsed.clusters).map(([name, { nowMs, budget, episodes }]) => {
      return [name, { nowMs, budget, episodes: new EpisodeBook(episodes) }];
    }),
  );
}
