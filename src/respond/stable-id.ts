import { hash } from 'node:crypto';

/** 20 hex digits of SHA-256 over the parts; equal parts give equal ids on every machine and in every run. */
export function stableId(...parts: readonly string[]): string {
  let text = '';
  // The length goes first so that no two lists of parts run together into the same text.
  for (const part of parts) text += `${part.length}:${part}`;
  return hash('sha256', text, 'hex').slice(0, 20);
}
