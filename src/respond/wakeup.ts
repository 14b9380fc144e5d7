import type { Clock } from '../domain/clock.ts';

/** A sleep that can be cut short. A wake while nobody sleeps is kept for the next sleep, so none is lost. */
export class Wakeup {
  #pending = false;
  #ring: (() => void) | undefined;

  wake(): void {
    this.#pending = true;
    this.#ring?.();
  }

  /** Resolves after `ms`, at once when woken, and when the signal aborts. */
  async wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#pending && !signal.aborted && ms > 0) {
      const rung = new AbortController();
      const ring = (): void => rung.abort();
      signal.addEventListener('abort', ring, { once: true });
      this.#ring = ring;
      try {
        await clock.sleep(ms, rung.signal);
      } catch (error) {
        if (!rung.signal.aborted) throw error;
      } finally {
        this.#ring = undefined;
        signal.removeEventListener('abort', ring);
      }
    }
    this.#pending = false;
  }
}
