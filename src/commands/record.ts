import { randomBytes } from 'node:crypto';
import { createClusterSource } from '../collector/cluster-source.ts';
import { createRecorder } from '../collector/recorder.ts';
import { keyedHash } from '../domain/masking-key.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { mask } from '../domain/redact.ts';
import type { Options } from '../options.ts';
import { createLogger } from '../telemetry/logger.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { connectOneCluster, selectionOf } from './clusters.ts';
import { createMetricsSources } from './metrics-sources.ts';
import type { Terminal } from './terminal.ts';

/** Writes a live cluster's changes and scrapes to a file that `replay` and `backtest` play, until stopped. */
export async function runRecord(options: Options, file: string, terminal: Terminal): Promise<number> {
  const logger = createLogger(options.logLevel);
  const client = await connectOneCluster(options, 'record');
  const stopping = new AbortController();
  const signal = AbortSignal.any([terminal.signal, stopping.signal]);
  // The key dies with the process: within one recording a changed secret still shows as changed.
  const hash = keyedHash(randomBytes(32));
  const recorder = createRecorder({ file, mask: (object: KubeObject) => mask(object, hash), clock: systemClock, logger });
  const source = createClusterSource({
    client,
    clock: systemClock,
    logger,
    known: { heads: () => [] },
    cursors: { cursor: () => undefined },
    selection: selectionOf(options),
  });
  const app = { clock: systemClock, logger };
  terminal.note(`recording ${client.cluster} into ${file}; stop with Ctrl-C\n`);
  const sources = [source, ...createMetricsSources(app, { client, options, cursors: { cursor: () => undefined } }).sources].map(
    (one) => one.run(recorder.write, signal),
  );
  try {
    await Promise.all(sources);
  } finally {
    stopping.abort();
    await Promise.allSettled(sources);
    await recorder.close();
    await client.close();
  }
  terminal.out(`${JSON.stringify(recorder.counts)}\n`);
  return 0;
}
