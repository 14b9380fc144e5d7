/** Judgements as the pipeline takes them, from what the ensemble found. */
import type { Change } from '../domain/change.ts';
import { type Actor, UNKNOWN_ACTOR } from '../domain/change.ts';
import type { Judgement, Moved, Reason } from '../domain/finding.ts';
import type { Overdue } from './detectors/silence.ts';
import { onceInOf } from './explain.ts';
import type { ChangeEvent } from './features.ts';
import { quoteBoth } from './words.ts';

export type Verdict = Pick<Judgement, 'score' | 'reasons' | 'deterministic' | 'severity' | 'mature'>;

/** On a change; `verdict.reasons` is not empty. */
export function judgementOf(event: ChangeEvent, verdict: Verdict): Judgement {
  const { seq, resourceVersion, type: changeType, ref, uid } = event;
  const { atMs: tsMs, actor } = event;
  const subject: Judgement['subject'] = { type: 'change', seq, resourceVersion, changeType, ref, uid };
  // Written out: spreading copies member by member, and this is made of every third change.
  const { score, reasons, deterministic, severity, mature } = verdict;
  const onceIn = onceInOf(score);
  const { detector } = reasons[0] as Reason;
  if (changeType !== 'MODIFIED' || event.fields.length === 0)
    return { tsMs, subject, actor, onceIn, detector, score, reasons, deterministic, severity, mature };
  const moved = movedBy(event);
  return { tsMs, subject, actor, moved, onceIn, detector, score, reasons, deterministic, severity, mature };
}

const MOVED_MAX = 3;

function movedBy({ fields }: ChangeEvent): Moved {
  const told = fields.slice(0, MOVED_MAX).map(({ path, old, next }) => {
    const [from, to] = quoteBoth(old, next);
    if (old === undefined) return next === undefined ? { path } : { path, to };
    return next === undefined ? { path, from } : { path, from, to };
  });
  return { fields: told, more: fields.length - told.length };
}

/** On a write of status. */
export function statusJudgementOf(change: Change, verdict: Verdict): Judgement {
  const { seq, resourceVersion, type: changeType, ref, uid, observedMs: tsMs, actor } = change;
  return judgement({ tsMs, subject: { type: 'change', seq, resourceVersion, changeType, ref, uid }, actor }, verdict);
}

/** On a change that did not come: of an object, or of an actor on a kind. */
export function silenceJudgementOf(overdue: Overdue, verdict: Verdict): Judgement {
  const { cluster, group, version, kind, namespace, name } = overdue.ref;
  const by = overdue.actor;
  const actor: Actor = by === undefined ? UNKNOWN_ACTOR : { name: by, source: 'none', confidence: 1 };
  const ref = by === undefined ? { cluster, group, version, kind, namespace, name } : { cluster, group, version, kind };
  const subject = by === undefined ? { type: 'silence' as const, ref } : { type: 'silence' as const, ref, actor: by };
  return judgement({ tsMs: overdue.atMs, subject, actor }, verdict);
}

function judgement(about: Pick<Judgement, 'tsMs' | 'subject' | 'actor' | 'moved'>, verdict: Verdict): Judgement {
  return { ...about, onceIn: onceInOf(verdict.score), detector: (verdict.reasons[0] as Reason).detector, ...verdict };
}
