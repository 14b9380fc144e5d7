/** Takes what people say of findings: says beforehand what it would have done, stores it as an event of the record, and hands it to the analysis. */
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { genericPath } from '../domain/field-path.ts';
import type { Finding } from '../domain/finding.ts';
import { type KeyedHash, mask } from '../domain/masking/redact.ts';
import {
  isIn,
  isNeverMuted,
  opinionOn,
  SCOPES,
  type ScopeName,
  STANDING_MAX,
  scopesOf,
  type Verdict,
  type VerdictHits,
  type VerdictScope,
  type VerdictWord,
} from '../domain/verdict.ts';
import type { Store } from '../store/store.ts';
import type { Analysis } from './analyze.ts';

const DAY_MS = 86_400_000;
export const EXPIRES_DAYS = 90;
const PREVIEW_MS = 30 * DAY_MS;
const PREVIEW_FINDINGS_MAX = 5_000;
const PREVIEW_PAGE = 500;
const EXAMPLES_MAX = 5;
const LEVEL_FLOOR = 2.5;

export interface Said {
  verdict: VerdictWord;
  /** By name, or in full; the narrowest that fits unless given. */
  scope?: ScopeName | VerdictScope | undefined;
  by: string;
  why?: string | undefined;
  /** In event time; 90 days after the finding, or after now where that is later, unless given. */
  expiresMs?: number | undefined;
}

/** What it would have done in the 30 days before the newest finding. */
export interface Preview {
  /** Findings it speaks of. */
  findings: number;
  /** Of these, how many paged, and how many of those would not have, or would have besides. */
  pages: number;
  muted: number;
  raised: number;
  /** Findings in its scope that no verdict mutes. */
  neverMuted: number;
  examples: { id: string; tsMs: number; summary: string }[];
  /** False where there are more findings than were looked at. */
  complete: boolean;
}

export interface Feedback {
  preview(findingId: string, said: Said): { verdict: Verdict; preview: Preview };
  give(findingId: string, said: Said): { verdict: Verdict; preview: Preview };
  /** `already` where somebody had taken it back before: then nothing changes. */
  withdraw(id: string, by: string): { verdict: Verdict; already: boolean };
  list(): Verdict[];
  /** By verdict; of those that decided nothing there is none. */
  hits(): ReadonlyMap<string, VerdictHits>;
}

export interface FeedbackOptions {
  store: Store;
  analysis: Pick<Analysis, 'hear' | 'place' | 'levelOf'>;
  clock: Pick<Clock, 'nowMs'>;
  newId: () => string;
  /** What people write may hold a secret that they looked at. */
  hash: KeyedHash;
}

export function createFeedback({ store, analysis, clock, newId, hash }: FeedbackOptions): Feedback {
  const requireFinding = (id: string): Finding => {
    const finding = store.finding(id);
    if (finding === undefined) throw new CrowsnestError({ code: 'NOT_FOUND', what: `No finding ${id} is stored` });
    return finding;
  };

  const made = (finding: Finding, said: Said): Verdict => {
    const { subject } = finding;
    const nowMs = clock.nowMs();
    const expiresMs = said.expiresMs ?? Math.max(finding.tsMs, nowMs) + EXPIRES_DAYS * DAY_MS;
    if (expiresMs <= finding.tsMs) {
      throw new CrowsnestError({ code: 'REQUEST_INVALID', what: 'It would expire before the finding it is about' });
    }
    return {
      id: newId(),
      findingId: finding.id,
      verdict: said.verdict,
      scope: scopeOf(finding, said.scope),
      by: said.by,
      ...(said.why === undefined ? {} : { why: mask({ why: said.why }, hash).why }),
      givenMs: nowMs,
      expiresMs,
      place: analysis.place(),
      ...(subject.type === 'change' ? { change: { seq: subject.seq, ms: finding.tsMs } } : {}),
    };
  };

  const previewOf = (verdict: Verdict): Preview => {
    const { cluster, kind, namespace, name } = verdict.scope;
    const newest = store.findings({ cluster, limit: 1 }).items[0]?.tsMs ?? 0;
    const level = analysis.levelOf(cluster) ?? LEVEL_FLOOR;
    const preview: Preview = { findings: 0, pages: 0, muted: 0, raised: 0, neverMuted: 0, examples: [], complete: true };
    let seen = 0;
    for (let next: string | undefined; ; ) {
      const fromMs = newest - PREVIEW_MS;
      const page = store.findings({
        ...{ cluster, kind, namespace, name, fromMs, limit: PREVIEW_PAGE },
        ...(next === undefined ? {} : { continue: next }),
      });
      for (const finding of page.items) count(preview, finding, { verdict, level });
      seen += page.items.length;
      next = page.continue;
      if (next === undefined) return preview;
      if (seen >= PREVIEW_FINDINGS_MAX) return { ...preview, complete: false };
    }
  };

  return {
    preview(findingId, said) {
      const verdict = made(requireFinding(findingId), said);
      return { verdict, preview: previewOf(verdict) };
    },
    give(findingId, said) {
      const verdict = made(requireFinding(findingId), said);
      const preview = previewOf(verdict);
      const standing = store
        .verdicts()
        .filter(({ withdrawn, expiresMs }) => withdrawn === undefined && expiresMs > clock.nowMs());
      if (standing.length >= STANDING_MAX) {
        const what = `There are ${STANDING_MAX} verdicts already`;
        throw new CrowsnestError({ code: 'QUERY_TOO_LARGE', what, todo: 'Withdraw some, or give one with a wider scope.' });
      }
      store.putVerdict(verdict);
      analysis.hear(verdict);
      return { verdict, preview };
    },
    withdraw(id, by) {
      const verdict = store.verdicts().find((one) => one.id === id);
      if (verdict === undefined) throw new CrowsnestError({ code: 'NOT_FOUND', what: `No verdict ${id} was given` });
      if (verdict.withdrawn !== undefined) return { verdict, already: true };
      const withdrawn = { ...verdict, withdrawn: { by, ms: clock.nowMs(), place: analysis.place() } };
      store.putVerdict(withdrawn);
      analysis.hear(withdrawn);
      return { verdict: withdrawn, already: false };
    },
    list: () => store.verdicts(),
    hits: () => store.verdictHits(),
  };
}

function scopeOf(finding: Finding, given: Said['scope']): VerdictScope {
  const scopes = scopesOf(finding);
  if (typeof given === 'object') {
    const scope = { ...given, ...(given.path === undefined ? {} : { path: genericPath(given.path) }) };
    if (isIn(scope, finding)) return scope;
    throw new CrowsnestError({ code: 'REQUEST_INVALID', what: 'The scope does not fit the finding itself' });
  }
  const name = given ?? SCOPES.find((each) => scopes[each] !== undefined) ?? 'kind';
  const scope = scopes[name];
  if (scope !== undefined) return scope;
  const todo = `Scopes of this finding: ${Object.keys(scopes).join(', ')}.`;
  throw new CrowsnestError({ code: 'REQUEST_INVALID', what: `The finding names no ${name}`, todo });
}

/** As if it had stood for ever; levels are those of today. */
function count(preview: Preview, finding: Finding, { verdict, level }: { verdict: Verdict; level: number }): void {
  const always = [{ ...verdict, expiresMs: Number.POSITIVE_INFINITY }];
  const paged = finding.decision.verdict === 'page';
  if (isNeverMuted(finding)) {
    if (isIn(verdict.scope, finding)) preview.neverMuted++;
    return;
  }
  const opinion = opinionOn(finding, always);
  if (opinion === undefined) return;
  preview.findings++;
  if (preview.examples.length < EXAMPLES_MAX) {
    preview.examples.push({ id: finding.id, tsMs: finding.tsMs, summary: finding.summary });
  }
  const pages = finding.score + opinion.shift >= level || (finding.deterministic && !opinion.liftsFact);
  if (paged) preview.pages++;
  if (paged && !pages) preview.muted++;
  if (!paged && finding.mature && finding.score < level && pages) preview.raised++;
}
