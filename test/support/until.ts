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
