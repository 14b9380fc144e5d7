/** Sources beside the cluster that Crowsnest goes to itself: a message broker, and lists without a watch. */
import type { App } from '../app.ts';
import type { IngestMetrics } from '../collector/ingest-metrics.ts';
import { createMessageSource } from '../collector/message-source.ts';
import { createNatsBroker, type NatsOptions } from '../collector/nats-broker.ts';
import type { Source } from '../collector/source.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';

export function createPulledSources(
  app: Pick<App, 'store' | 'clock' | 'logger'>,
  metrics: IngestMetrics,
  options: Options,
  cluster: string,
): Source[] {
  const { store, clock, logger } = app;
  if (options.natsUrl.length === 0) return [];
  const broker = createNatsBroker({
    urls: options.natsUrl,
    stream: options.natsStream ?? '',
    consumer: options.natsConsumer,
    credentials: natsCredentials(options),
    tls: { caFile: options.natsTlsCa, certFile: options.natsTlsCert, keyFile: options.natsTlsKey },
  });
  const anyCluster = options.natsCluster === '*';
  const own = anyCluster ? cluster : (options.natsCluster ?? cluster);
  return [createMessageSource({ broker, store, cluster: own, anyCluster, clock, logger, metrics })];
}

function natsCredentials(options: Options): NatsOptions['credentials'] {
  const files = [
    ['creds', options.natsCredsFile, '--nats-creds-file'],
    ['nkey', options.natsNkeyFile, '--nats-nkey-file'],
    ['token', options.natsTokenFile, '--nats-token-file'],
  ] as const;
  for (const [type, file, flag] of files) {
    if (file === undefined) continue;
    // Read once now, so that a wrong path is said at the start.
    readSecretFile(file, flag);
    return { type, read: () => readSecretFile(file, flag) };
  }
  return undefined;
}
