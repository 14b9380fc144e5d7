import { createHash } from 'node:crypto';

/** 20 hex digits of SHA-256 over the parts; equal parts give equal ids on every machine and in every run. */
export function stableId(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  // The length goes first so that no two lists of parts run together into the same text.
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return hash.digest('hex').slice(0, 20);
}
