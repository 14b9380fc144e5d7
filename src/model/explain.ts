/** From evidence to what a finding stores: reasons, severity and one sentence. */

import type { Judgement, Reason, Severity } from '../domain/finding.ts';
import { SEVERITIES } from '../domain/finding.ts';
import { describeRef } from '../domain/object-ref.ts';
import type { Explanation } from './detector.ts';

export const REASONS_MAX = 5;
const REASON_BITS_MIN = 0.5;
const ONCE_IN_MAX = 1e12;

/** One detector's contribution: its calibrated probability, its weight and how to put it. */
export interface Part {
  detector: string;
  weight: number;
  p: number;
  /** Asked of what is told, before anything is learnt. */
  isMature(): boolean;
  explain(): Explanation;
}

/** Bits a part contributes, its share of the budget included. */
export function bitsOf(part: Pick<Part, 'weight' | 'p'>): number {
  return Math.max(0, Math.log10(part.weight / Math.max(part.p, 1e-30)));
}

/** The reasons worth showing, strongest first; only these are put into words. */
export function reasonsOf(parts: readonly Part[]): Reason[] {
  const ranked = parts.map((part) => ({ part, bits: bitsOf(part) }));
  if (ranked.length > 1) ranked.sort((a, b) => b.bits - a.bits);
  const reasons: Reason[] = [];
  for (const { part, bits } of ranked) {
    if (reasons.length > 0 && (bits < REASON_BITS_MIN || reasons.length === REASONS_MAX)) break;
    reasons.push(reasonOf(part.detector, bits, part.explain()));
  }
  return reasons;
}

export function reasonOf(detector: string, bits: number, words: Explanation): Reason {
  const reason: Reason = { detector, sentence: words.sentence, bits: inThousandths(bits) };
  if (words.path !== undefined) reason.path = words.path;
  if (words.observed !== undefined) reason.observed = words.observed;
  if (words.usual !== undefined) reason.usual = words.usual;
  if (words.samples !== undefined) reason.samples = words.samples;
  if (words.scope !== undefined) reason.scope = words.scope;
  if (words.counterfactual !== undefined) reason.counterfactual = words.counterfactual;
  return reason;
}

const NEAR_HALF = 1e-6;

/** As `Number(bits.toFixed(3))`, which takes as long as the words; asked where the product might be rounded to the other side of a half. */
function inThousandths(bits: number): number {
  const thousands = bits * 1000;
  const whole = Math.floor(thousands);
  const rest = thousands - whole - 0.5;
  if (!(Math.abs(rest) > NEAR_HALF && thousands < 2 ** 31)) return Number(bits.toFixed(3));
  return (rest > 0 ? whole + 1 : whole) / 1000;
}

/** "Once in N" of a -log10 probability. */
export function onceInOf(score: number): number {
  return Math.max(1, Math.min(ONCE_IN_MAX, Math.round(10 ** score)));
}

export function gravest(severities: readonly Severity[]): Severity {
  let top = 0;
  for (const severity of severities) top = Math.max(top, SEVERITIES.indexOf(severity));
  return SEVERITIES[top] as Severity;
}

/** One plain sentence: what happened, by whom, and the strongest reason why it is odd. */
export function summarize(judgement: Judgement): string {
  const { subject, actor, reasons } = judgement;
  const why = reasons[0]?.sentence ?? `Seen about once in ${judgement.onceIn} changes.`;
  if (subject.type === 'silence' || subject.type === 'series') return why;
  const verb = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' }[subject.changeType];
  const who = actor.source === 'none' ? 'somebody' : actor.name;
  return `${describeRef(subject.ref)} ${verb} by ${who}. ${why}`;
}
