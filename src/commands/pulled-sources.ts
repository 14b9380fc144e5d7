/** Sources beside the cluster that Crowsnest goes to itself: a message broker, and lists without a watch. */
import type { App } from '../app.ts';
import type { IngestMetrics } from '../collector/pushed/ingest-metrics.ts';
import { createMessageSource } from '../collector/pushed/message-source.ts';
import type { NatsOptions } from '../collector/pushed/nats-broker.ts';
import type { PulledSource } from '../collector/pushed/pulled-source.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { parseApiVersion } from '../domain/object-ref.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';

type PulledApp = Pick<App, 'store' | 'clock' | 'logger' | 'hash'>;

/** What only they need is loaded when there are some. */
export async function createPulledSources(
  ...given: [app: PulledApp, metrics: IngestMetrics, options: Options, cluster: string]
): Promise<PulledSource[]> {
  return [...(await createNatsSource(...given)), ...(await createPollers(...given))];
}

async function createNatsSource(
  { store, clock, logger }: PulledApp,
  metrics: IngestMetrics,
  options: Options,
  cluster: string,
): Promise<PulledSource[]> {
  if (options.natsUrl.length === 0) return [];
  const { createNatsBroker } = await import('../collector/pushed/nats-broker.ts');
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

async function createPollers(
  { store, clock, logger, hash }: PulledApp,
  metrics: IngestMetrics,
  options: Options,
  cluster: string,
): Promise<PulledSource[]> {
  if (options.polls.length === 0) return [];
  const { Poller } = await import('../collector/pushed/poller.ts');
  const kinds = new Map<string, string>();
  return options.polls.map(({ interval, ...each }) => {
    const poll = { ...each, intervalMs: interval, cluster: each.cluster ?? cluster };
    const { group } = parseApiVersion(poll.apiVersion);
    // The objects of a kind that one list does not show would be gone for it, though another shows them.
    const kind = `${poll.cluster} ${group} ${poll.kind}`;
    const other = kinds.get(kind) ?? (kinds.size > 0 && [...kinds.values()].includes(poll.name) ? poll.name : undefined);
    if (other !== undefined) {
      const what = `the polls ${other} and ${poll.name} have the same name, or the same kind in the same cluster`;
      throw new CrowsnestError({
        code: 'CONFIG_BAD_VALUE',
        what,
        where: 'polls',
        todo: 'Give each a name and a kind of its own.',
      });
    }
    kinds.set(kind, poll.name);
    if (poll.tokenFile !== undefined) readSecretFile(poll.tokenFile, `polls ${poll.name}`);
    const known = { heads: (of: string, kindName: string) => store.heads(poll.cluster, of, kindName) };
    return new Poller({ poll, known, cursors: store, hash, clock, logger, metrics });
  });
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
