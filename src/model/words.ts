/** Small pieces of the sentences that reasons are made of. */
import type { Json } from '../domain/json.ts';
import type { ObjectRef } from '../domain/object-ref.ts';

const QUOTED_MAX = 60;
/** Of what both sides begin with, this much is kept before the difference. */
const QUOTED_LEAD = 16;

/** Space that is not one blank: few values have any. */
const SPACED = /[^\S ]| {2}/;

/** A value as a person would quote it, short. */
export function quote(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = SPACED.test(text) ? text.replaceAll(/\s+/g, ' ') : text;
  return line.length > QUOTED_MAX ? `${whole(line.slice(0, QUOTED_MAX - 3))}…` : line;
}

/** What was cut out of a text, without the half of a character (of an emoji, say) that a cut leaves at either end: JSON readers refuse it. */
export function whole(cut: string): string {
  return cut.replace(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '');
}

type Quoted = readonly [old: string, next: string];

/** What was asked for last: several reasons of one finding quote the same change. */
let last: { old: string; next: string; quoted: Quoted } = { old: '', next: '', quoted: ['', ''] };

/** Both sides of a change, quoted so that the difference shows: of long texts what both begin with is left out. */
export function quoteBoth(old: Json | undefined, next: Json | undefined): Quoted {
  if (typeof old !== 'string' || typeof next !== 'string') return [quote(old), quote(next)];
  if (old !== last.old || next !== last.next) last = { old, next, quoted: bothQuoted(old, next) };
  return last.quoted;
}

function bothQuoted(old: string, next: string): Quoted {
  if (Math.max(old.length, next.length) <= QUOTED_MAX) return [quote(old), quote(next)];
  let same = 0;
  while (same < old.length && old[same] === next[same]) same++;
  const from = same - QUOTED_LEAD;
  return from <= QUOTED_LEAD
    ? [quote(old), quote(next)]
    : [quote(`…${whole(old.slice(from))}`), quote(`…${whole(next.slice(from))}`)];
}

/** `1 time`, `12 times`. */
export function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** `1 change`, `12 changes`. */
export function many(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A kind in the plural, in a namespace if there is one: `Kafka objects in namespace streaming`. */
export function kindIn(ref: Pick<ObjectRef, 'kind' | 'namespace'>): string {
  return ref.namespace === '' ? `${ref.kind} objects` : `${ref.kind} objects in namespace ${ref.namespace}`;
}

/** A span of time in its largest sensible unit. */
export function span(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 1) return `${Math.max(1, Math.round(ms / 1000))} s`;
  if (minutes < 90) return `${Math.round(minutes)} min`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)} h`;
  return `${Math.round(minutes / 1440)} days`;
}

/** A number with at most three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** `2.6 times a day`, `once in 3 days`. */
export function howOften(perDay: number): string {
  return perDay >= 1 ? `${figure(perDay)} times a day` : `once in ${span(86_400_000 / perDay)}`;
}

/** A share as a percentage that does not round something to nothing. */
export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 1 ? `${value.toPrecision(1)} %` : `${Math.round(value)} %`;
}
