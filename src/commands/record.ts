import { statSync } from 'node:fs';
import { NO_METRICS } from '../collector/metrics.ts';
import { createFollowedVerdicts } from '../collector/recording/followed-verdicts.ts';
import { RecordedHeads } from '../collector/recording/recorded-heads.ts';
import { createRecorder } from '../collector/recording/recorder.ts';
import type { Source } from '../collector/source.ts';
import { createTimeMarks, timeMark } from '../collector/watch/time-marks.ts';
import { createKindLookup } from '../collector/who/claim-kinds.ts';
import { keyedHash } from '../domain/masking/masking-key.ts';
import { createSchemaBook } from '../domain/schema-book.ts';
import type { Options } from '../options.ts';
import { loadMaskingKey } from '../secrets.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { systemClock as clock } from '../telemetry/system-clock.ts';
import { createAsker } from './ask-api.ts';
import { askVerdicts } from './asked-verdicts.ts';
import { connectClusters, withOptions } from './clusters.ts';
import type { Terminal } from './terminal.ts';
import { createWatchedCluster } from './watched-cluster.ts';
import { createAuditLogs } from './who-sources.ts';

/**
 * Writes what live clusters tell to a file that `replay` and `backtest` play, until stopped: everything that a live run would have judged by, so
 * that they come to the same findings. A recording that is there already is gone on with, from where its watches stood.
 */
export async function runRecord(options: Options, file: string, terminal: Terminal): Promise<number> {
  const logger = createLogger(options.logLevel);
  const clients = await connectClusters(options);
  const clusters = clients.map(({ cluster }) => cluster);
  const each = withOptions(clients, options);
  const heads = new RecordedHeads();
  // A pipe or a device keeps nothing that could be gone on with.
  const isKept = statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;
  if (isKept) await heads.load(file, clusters[0]!);
  const app = { store: heads, clock, logger, schemas: createSchemaBook() };
  const watched = each.map((one) => createWatchedCluster(app, { ...one, metrics: NO_METRICS, parsesAll: true }));
  const followed = () => watched.flatMap((cluster) => cluster.coverage()).filter(({ state }) => state !== 'excluded');
  const stopping = new AbortController();
  const signal = AbortSignal.any([terminal.signal, stopping.signal]);
  const recorder = createRecorder({
    ...{ file, clock, logger, heads, schemas: app.schemas },
    // Kept beside the file: a secret must not seem to change where a recording is gone on with.
    hash: keyedHash(loadMaskingKey(isKept ? file : ':memory:')),
    head: { clusters, ...(options.timeZone === undefined ? {} : { timeZone: options.timeZone }) },
    kindOf: createKindLookup({ coverage: followed, clock }),
    kinds: followed,
    // Sources would try for ever what cannot come right.
    onFailure: (error) => stopping.abort(error),
  });
  const logs = each.flatMap((one) => createAuditLogs(app, one.client.cluster, one.options));
  terminal.note(`recording ${clusters.join(', ')} into ${file}; stop with Ctrl-C\n`);
  const said = followVerdicts(options, { clusters, logger, terminal });
  const sources = [...watched.flatMap((cluster) => cluster.sources), ...logs, ...said, createTimeMarks(clock)];
  const running = sources.map((source) => source.run(recorder.write, signal));
  try {
    await Promise.all(running);
  } finally {
    stopping.abort();
    await Promise.allSettled(running);
    await Promise.all(clients.map((client) => client.close()));
    await recorder.write(timeMark(clock)).finally(() => recorder.close());
  }
  terminal.out(`${JSON.stringify(recorder.counts)}\n`);
  return 0;
}

function followVerdicts(
  options: Options,
  { clusters, logger, terminal }: { clusters: string[]; logger: Logger; terminal: Terminal },
): Source[] {
  const { verdictsFrom } = options;
  if (verdictsFrom === undefined) return [];
  const asker = createAsker({ ...options, server: verdictsFrom }, terminal);
  return [createFollowedVerdicts({ list: () => askVerdicts(asker), clusters, clock, logger })];
}
