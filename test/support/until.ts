import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition; the value it gives back first that is not undefined, false or null. Fails with `what` when it does not come true. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false | null> | T | undefined | false | null,
  timeoutMs = 30_000,
  everyMs = 20,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false && value !== null) return value;
    if (performance.now() > end) throw new Error(`in ${timeoutMs} ms it did not come true: ${what}`);
    await delay(everyMs);
  }
}

/**
 * Waits until nothing is left to do (undefined), for as long as what is left goes on to change: how long all of it takes is the machine's business.
 * Fails with `what` when it stands still for `stillMs`.
 */
export async function untilDone(what: string, left: () => Promise<unknown>, stillMs = 30_000, everyMs = 20): Promise<void> {
  let before = '';
  for (let sinceMs = performance.now(); ; await delay(everyMs)) {
    const now = await left();
    if (now === undefined) return;
    const told = JSON.stringify(now);
    if (told !== before) sinceMs = performance.now();
    before = told;
    if (performance.now() - sinceMs > stillMs) throw new Error(`for ${stillMs} ms it stood still at ${told}: ${what}`);
  }
}
