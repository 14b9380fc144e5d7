/** Small pieces of the sentences that reasons are made of. */
import type { Json } from '../domain/json.ts';
import type { ObjectRef } from '../domain/object-ref.ts';

/** A value as a person would quote it, short. */
export function quote(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

/** A path as people write it: `spec.template.containers[name=app].image`. */
export function fieldName(path: string): string {
  return path
    .slice(1)
    .split('/')
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((segment, i) => (segment.startsWith('[') || i === 0 ? segment : `.${segment}`))
    .join('');
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

/** A share as a percentage that does not round something to nothing. */
export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 1 ? `${value.toPrecision(1)} %` : `${Math.round(value)} %`;
}
