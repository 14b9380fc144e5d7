import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sink, Source } from '../collector/source.ts';
import { StreamBatcher } from '../collector/stream-batch.ts';
import type { Scenario } from './scenario.ts';

export interface ScenarioSourceOptions {
  scenario: Pick<Scenario, 'entries' | 'seed'>;
  /** Entries handed over so far, and of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** Plays a scenario from memory: event time is the scenario's, nothing waits, other work gets its turn between batches. */
export function createScenarioSource({ scenario, onProgress }: ScenarioSourceOptions): Source {
  const { entries, seed } = scenario;

  const run = async (sink: Sink, signal: AbortSignal): Promise<void> => {
    const batcher = new StreamBatcher();
    let done = 0;
    const flush = async () => {
      await sink(batcher.take({ [`demo:${seed}`]: String(done) }));
      onProgress?.(done, entries.length);
      await nextTurn();
    };
    for (const entry of entries) {
      if (batcher.mustTakeBefore(entry) || batcher.full) {
        await flush();
        if (signal.aborted) return;
      }
      batcher.add(entry);
      done += 1;
    }
    if (!batcher.empty) await flush();
  };

  return { name: `demo with seed ${seed}`, run };
}
