/** JSON from strangers: valid UTF-8, no deeper than any real object, or a reason why not. Pure; nothing here throws. */
import { isUtf8 } from 'node:buffer';
import { holdsHalfCharacter, type Json } from '../../domain/json.ts';
import type { IngestFault } from './ingest-fault.ts';

/** Custom resources with schemas inside schemas come to about 40. */
export const NESTING_MAX = 100;

export const HALF_CHARACTER =
  'the JSON holds half a character (an escape such as \\ud83e without its other half), which is no text';

export function parseStrictJson(bytes: Buffer): { value: Json } | { fault: IngestFault } {
  // JSON.parse would take replacement characters for what the sender said.
  if (!isUtf8(bytes)) return { fault: { reason: 'encoding', what: 'the body is not valid UTF-8' } };
  if (nestsDeeper(bytes, NESTING_MAX)) {
    return { fault: { reason: 'nesting', what: `the JSON is nested more than ${NESTING_MAX} levels deep` } };
  }
  const text = bytes.toString('utf8');
  try {
    const value = JSON.parse(text) as Json;
    if (holdsHalfCharacter(text)) return { fault: { reason: 'encoding', what: HALF_CHARACTER } };
    // Such a number becomes Infinity, and null when it is written again: another value than the sender's.
    if (MAY_OVERFLOW.test(text) && holdsInfinity(value)) {
      return {
        fault: { reason: 'json', what: 'the JSON holds a number that is out of range (its magnitude is beyond 1.8e308)' },
      };
    }
    return { value };
  } catch {
    return { fault: { reason: 'json', what: 'the body is not valid JSON' } };
  }
}

/** No number overflows without an exponent of three digits or more than 308 digits; most bodies are told apart by this alone. */
const MAY_OVERFLOW = /\d[eE]\+?\d{3}|\d{309}/;

/** No deeper than NESTING_MAX, so that recursion is safe. */
function holdsInfinity(value: Json): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (value === null || typeof value !== 'object') return false;
  return Object.values(value).some(holdsInfinity);
}

/** Looked at before parsing, so that neither the parser nor anything that walks the value later can be sent out of its stack. */
function nestsDeeper(bytes: Buffer, levels: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      if (depth > levels) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}
