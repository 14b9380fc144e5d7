import { createHmac } from 'node:crypto';
import type { KeyedHash } from './redact.ts';

/** HMAC-SHA-256 cut to 64 bits: enough to see that a secret changed, useless to recover it without the key. */
export function keyedHash(key: Uint8Array): KeyedHash {
  return (secret) => createHmac('sha256', key).update(secret).digest('hex').slice(0, 16);
}
