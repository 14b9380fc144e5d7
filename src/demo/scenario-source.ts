import { setImmediate as nextTurn } from 'node:timers/promises';
import { StreamBatcher } from '../collector/recording/stream-batch.ts';
import type { Sink, Source } from '../collector/source.ts';
import type { Scenario } from './scenario.ts';

export interface ScenarioSourceOptions {
  scenario: Pick<Scenario, 'entries' | 'seed'>;
  /** Looks up the cursor that the store holds: the play goes on after it. */
  from?: (cursorName: string) => string | undefined;
  /** Entries handed over so far, and of how many. */
  onProgress?: (done: number, total: number) => void;
}

/** Plays a scenario from memory: event time is the scenario's, nothing waits, other work gets its turn between batches. */
/** Names the position of a play, in entries handed over. */
export function scenarioCursor(seed: number): string {
  return `demo:${seed}`;
}

export function createScenarioSource({ scenario, from, onProgress }: ScenarioSourceOptions): Source {
  const { entries, seed } = scenario;
  const cursor = scenarioCursor(seed);

  const run = async (sink: Sink, signal: AbortSignal): Promise<void> => {
    const batcher = new StreamBatcher();
    let done = Number(from?.(cursor) ?? 0);
    const flush = async () => {
      await sink(batcher.take({ [cursor]: String(done) }));
      onProgress?.(done, entries.length);
      await nextTurn();
    };
    for (const entry of entries.slice(done)) {
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
