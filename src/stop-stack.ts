import type { Logger } from './telemetry/logger.ts';

/** What was opened, in order, so that it is closed in reverse; a step that fails is logged and the rest goes on. */
export class StopStack {
  readonly #steps: { name: string; stop: () => void | Promise<void> }[] = [];
  readonly #logger: Logger;
  #stopped: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Call right after opening something. */
  defer(name: string, stop: () => void | Promise<void>): void {
    this.#steps.push({ name, stop });
  }

  /** Stops everything once; later calls wait for the first. */
  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  async #drain(): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.stop();
      } catch (error) {
        this.#logger.error({ step: step.name, err: error }, 'a part did not stop cleanly');
      }
    }
  }
}
