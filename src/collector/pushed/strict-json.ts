/** JSON from strangers: valid UTF-8, no deeper than any real object, or a reason why not. Pure; nothing here throws. */
import { isUtf8 } from 'node:buffer';
import type { Json } from '../../domain/json.ts';
import type { IngestFault } from './ingest-fault.ts';

/** Custom resources with schemas inside schemas come to about 40. */
export const NESTING_MAX = 100;

export function parseStrictJson(bytes: Buffer): { value: Json } | { fault: IngestFault } {
  // JSON.parse would take replacement characters for what the sender said.
  if (!isUtf8(bytes)) return { fault: { reason: 'encoding', what: 'the body is not valid UTF-8' } };
  if (nestsDeeper(bytes, NESTING_MAX)) {
    return { fault: { reason: 'nesting', what: `the JSON is nested more than ${NESTING_MAX} levels deep` } };
  }
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as Json };
  } catch {
    return { fault: { reason: 'json', what: 'the body is not valid JSON' } };
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
