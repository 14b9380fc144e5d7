/** A stream as the pipeline records it: played once through the real ingest, with the model off, so that models can be run over it again and again. */
import { createApp } from '../../src/app.ts';
import { openPlayback, readyToPlay } from '../../src/commands/outcome.ts';
import type { Change } from '../../src/domain/change.ts';
import { parseOptions } from '../../src/options.ts';

const BATCH = 500;
const SILENT = { update() {}, stop() {} };

export async function recordedChanges(file: string): Promise<Change[]> {
  const options = parseOptions({
    command: 'backtest',
    flags: { db: ':memory:', model: 'off', logLevel: 'error' },
    environment: {},
  });
  const played = await readyToPlay(options, file);
  await using app = createApp({
    options: played.options,
    defaultDb: ':memory:',
    claimClock: played.eventClock,
    signal: new AbortController().signal,
  });
  await app.run(openPlayback(app, played, file, SILENT));
  const changes: Change[] = [];
  for (;;) {
    const next = app.store.changesAfter(changes.at(-1)?.seq ?? 0, BATCH);
    // The state may be built when it is asked for, which needs the store.
    for (const change of next) changes.push({ ...change, state: change.state });
    if (next.length < BATCH) return changes;
  }
}
