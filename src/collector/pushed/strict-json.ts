/** JSON from strangers: valid UTF-8, no deeper than any real object, or a reason why not. Pure; nothing here throws. */
import { isUtf8 } from 'node:buffer';
import { holdsHalfCharacter, type Json, NumberRangeError, parseJson } from '../../domain/json.ts';
import type { IngestFault } from './ingest-fault.ts';

/** Custom resources with schemas inside schemas come to about 40. */
export const NESTING_MAX = 100;

export const HALF_CHARACTER =
  'the JSON holds half a character (an escape such as \\ud83e without its other half), which is no text';

export function parseStrictJson(bytes: Buffer): { value: Json } | { fault: IngestFault } {
  // Parsing would take replacement characters for what the sender said.
  if (!isUtf8(bytes)) return { fault: { reason: 'encoding', what: 'the body is not valid UTF-8' } };
  if (nestsDeeper(bytes, NESTING_MAX)) {
    return { fault: { reason: 'nesting', what: `the JSON is nested more than ${NESTING_MAX} levels deep` } };
  }
  const text = bytes.toString('utf8');
  try {
    const value = parseJson(text);
    return holdsHalfCharacter(text) ? { fault: { reason: 'encoding', what: HALF_CHARACTER } } : { value };
  } catch (error) {
    const what = error instanceof NumberRangeError ? error.message : 'the body is not valid JSON';
    return { fault: { reason: 'json', what } };
  }
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
