import type { App } from '../app.ts';
import type { IngestMetrics } from '../collector/pushed/ingest-metrics.ts';
import { createPushReceiver } from '../collector/pushed/push-receiver.ts';
import type { Options } from '../options.ts';
import { openKeyring } from './ingest-keys.ts';

/** What the API needs to take pushes; undefined while no ingest key is configured. */
export function createApiIngest(
  app: Pick<App, 'store' | 'clock' | 'logger' | 'pipeline'>,
  metrics: IngestMetrics,
  options: Options,
  { cluster, apiToken }: { cluster: string; apiToken: string },
) {
  if (options.ingestKeys.length === 0) return undefined;
  const { store, clock, logger, pipeline } = app;
  return {
    receiver: createPushReceiver({ sink: (batch) => pipeline.sink(batch), store, clock, metrics }),
    keyring: openKeyring(options.ingestKeys, { cluster, apiToken, clock, logger }),
    metrics,
  };
}
