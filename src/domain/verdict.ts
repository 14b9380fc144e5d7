/**
 * What a person says of a finding, and how that weighs on later ones: it moves the reasons it speaks of, in the scope it was given for, until it
 * expires or is withdrawn. It never hides a critical fact, a rule of the user's own, or what comes once in a million.
 */
import type { ChangeType } from './change.ts';
import { genericPath } from './field-path.ts';
import type { Finding, Judgement, Reason } from './finding.ts';
import type { ObjectRef } from './object-ref.ts';

export const VERDICTS = ['expected', 'wrong'] as const;
export type VerdictWord = (typeof VERDICTS)[number];

/** Each standing one is held against each finding. */
export const STANDING_MAX = 1_000;

/** All that are given must hold. `path` is generic: every list item is `[*]`. */
export interface VerdictScope {
  cluster: string;
  detector?: string;
  group?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  actor?: string;
  /** Of findings on the series of a controller. */
  controller?: string;
  path?: string;
}

export const SCOPES = ['object', 'actor', 'namespace', 'path', 'kind'] as const;
export type ScopeName = (typeof SCOPES)[number];

/** How far analysis had come when something was said: it weighs on what comes after, on a replay as it did live. */
export interface Place {
  seq: number;
  position: number;
  /** How far event time had passed without changes. */
  clockMs?: number;
}

export interface Verdict {
  id: string;
  findingId: string;
  verdict: VerdictWord;
  scope: VerdictScope;
  /** As whoever gave it calls themselves. */
  by: string;
  why?: string;
  /** Wall clock. */
  givenMs: number;
  /** In event time. */
  expiresMs: number;
  place: Place;
  /** The change that the finding is about. */
  change?: { seq: number; ms: number };
  withdrawn?: { by: string; ms: number; place: Place };
}

/** As a stream tells it: without places, since it stands where its place is, and with its change by what another database knows of it. */
export interface ToldVerdict extends Omit<Verdict, 'place' | 'change' | 'withdrawn'> {
  /** How far event time had passed without changes. */
  clockMs?: number;
  change?: { ref: ObjectRef; uid: string; resourceVersion: string; type: ChangeType };
  /** It was taken back here. */
  withdrawn?: { by: string; ms: number };
}

/** How often it made the difference: what paged less, or more, because of it alone. */
export interface VerdictHits {
  muted: number;
  raised: number;
  /** Event time of the newest. */
  lastMs: number;
}

/** What is expected has to be a hundred times rarer to page; what was confirmed to be wrong pages though ten times commoner. */
const SHIFT: Record<VerdictWord, number> = { expected: -2, wrong: 1 };
/** Once in a million is said whatever was expected. */
export const NEVER_MUTED_SCORE = 6;

/** What standing verdicts come to for one judgement. */
export interface Opinion {
  /** Added to its score. */
  shift: number;
  /** Facts that are among its reasons no longer count as such. */
  liftsFact: boolean;
  /** The verdict that decides. */
  verdict: Verdict;
}

export function opinionOn(judgement: Judgement, standing: Iterable<Verdict>): Opinion | undefined {
  if (isNeverMuted(judgement)) return undefined;
  const shifts = new Map<Reason, Verdict>();
  for (const verdict of standing) {
    if (judgement.tsMs >= verdict.expiresMs || !isAbout(verdict.scope, judgement)) continue;
    for (const reason of judgement.reasons) {
      if (!speaksOf(verdict.scope, reason)) continue;
      // "Wrong" outweighs "expected": to be told once too often costs less than a problem that was hidden.
      if (shifts.get(reason)?.verdict !== 'wrong') shifts.set(reason, verdict);
    }
  }
  if (shifts.size === 0) return undefined;
  let before = 0;
  let after = 0;
  let decides: { verdict: Verdict; share: number } | undefined;
  for (const reason of judgement.reasons) {
    const share = 10 ** reason.bits;
    const verdict = shifts.get(reason);
    before += share;
    after += share * 10 ** (verdict === undefined ? 0 : SHIFT[verdict.verdict]);
    if (verdict !== undefined && share > (decides?.share ?? 0)) decides = { verdict, share };
  }
  if (decides === undefined) return undefined;
  const facts = judgement.reasons.filter(({ detector }) => detector === 'fact');
  const liftsFact =
    judgement.deterministic && facts.length > 0 && facts.every((fact) => shifts.get(fact)?.verdict === 'expected');
  return { shift: Math.log10(after / before), liftsFact, verdict: decides.verdict };
}

/** Whatever was said of it: critical facts, a user's own rules, and what comes once in a million. */
export function isNeverMuted({
  deterministic,
  severity,
  reasons,
  score,
}: Pick<Judgement, 'deterministic' | 'severity' | 'score'> & { reasons: readonly { detector: string }[] }): boolean {
  if (score >= NEVER_MUTED_SCORE || reasons.some(({ detector }) => detector === 'user-rule')) return true;
  return deterministic && severity === 'critical';
}

/** Whether a verdict of this scope speaks of anything in it. */
export function isIn(scope: VerdictScope, judgement: Judgement): boolean {
  return isAbout(scope, judgement) && judgement.reasons.some((reason) => speaksOf(scope, reason));
}

function isAbout(scope: VerdictScope, { subject, actor }: Judgement): boolean {
  const { ref } = subject;
  return (
    scope.cluster === ref.cluster &&
    (scope.group === undefined || scope.group === ref.group) &&
    (scope.kind === undefined || scope.kind === ref.kind) &&
    (scope.namespace === undefined || scope.namespace === ref.namespace) &&
    (scope.name === undefined || scope.name === ref.name) &&
    (scope.actor === undefined || scope.actor === actor.name) &&
    (scope.controller === undefined || (subject.type === 'series' && scope.controller === subject.controller))
  );
}

function speaksOf(scope: VerdictScope, { detector, path }: Reason): boolean {
  if (scope.detector !== undefined && scope.detector !== detector) return false;
  return scope.path === undefined || (path !== undefined && genericPath(path) === scope.path);
}

interface Scoped extends Pick<Finding, 'cluster' | 'detector'> {
  subject: {
    ref: { group?: string | undefined; kind: string; namespace?: string | undefined; name?: string | undefined };
    controller?: string | undefined;
  };
  actor: Pick<Finding['actor'], 'name' | 'source'>;
  reasons: readonly { path?: string | undefined }[];
}

/** The scopes that make sense for a finding, from the narrowest: each with the detector of its strongest reason. */
export function scopesOf(finding: Scoped): Partial<Record<ScopeName, VerdictScope>> {
  const { cluster, detector, subject, actor, reasons } = finding;
  const { controller } = subject;
  const { group, kind, namespace, name } = subject.ref;
  const path = reasons[0]?.path;
  const base: VerdictScope = { cluster, detector, kind, ...(group === undefined ? {} : { group }) };
  const inNamespace = namespace === undefined ? base : { ...base, namespace };
  return {
    ...(name === undefined || name === '' ? {} : { object: { ...inNamespace, name } }),
    ...(controller === undefined ? {} : { object: { ...base, controller } }),
    ...(actor.source === 'none' || actor.name === 'unknown' ? {} : { actor: { ...inNamespace, actor: actor.name } }),
    ...(namespace === undefined || namespace === '' ? {} : { namespace: inNamespace }),
    ...(path === undefined ? {} : { path: { ...base, path: genericPath(path) } }),
    kind: base,
  };
}
