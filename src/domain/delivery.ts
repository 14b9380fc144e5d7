import { createHash } from 'node:crypto';

/** Something told from outside under an identity of its own. It is remembered with what it brought, so that told twice it is recorded once. */
export interface Delivery {
  key: string;
  /** When it came, milliseconds since the epoch. */
  atMs: number;
}

/**
 * The key of an identity such as (who pushed, CloudEvent source, CloudEvent id). Who pushed is part of it: otherwise one sender could use up the
 * ids of another, whose events would then count as told.
 */
export function deliveryKey(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
