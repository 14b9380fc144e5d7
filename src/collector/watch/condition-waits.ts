/** Lets others wait until something holds of a state that only its owner moves; the owner says when it moved. */
export class ConditionWaits {
  readonly #checks = new Set<() => void>();

  moved(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves once the condition holds, at once if it does; rejects when the signal aborts. */
  until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#checks.delete(check);
        signal.removeEventListener('abort', giveUp);
      };
      const check = () => {
        if (!condition()) return;
        end();
        resolve();
      };
      const giveUp = () => {
        end();
        reject(signal.reason);
      };
      if (signal.aborted) return reject(signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      this.#checks.add(check);
      check();
    });
  }
}
