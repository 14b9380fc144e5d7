/** An API that takes pushes into a real store through the real first hop, with keys for the tests. */

import { Registry } from 'prom-client';
import { type IngestKey, IngestKeyring } from '../../src/api/ingest-keys.ts';
import type { BodyLimits } from '../../src/api/pushed-body.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../../src/api/server.ts';
import { createIngestMetrics } from '../../src/collector/pushed/ingest-metrics.ts';
import { createPushReceiver } from '../../src/collector/pushed/push-receiver.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createIdleAnalysis } from '../../src/pipeline/idle-analysis.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createPipeline, type Pipeline } from '../../src/pipeline/pipeline.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';

export const KEYS: IngestKey[] = [
  {
    ...{ name: 'gitops', cluster: 'prod-eu', kinds: ['events', 'audit', 'admission'], cidrs: [] },
    ...{ secret: 'gitops-key-for-tests', hmacSecret: undefined },
  },
  {
    ...{ name: 'other', cluster: 'prod-us', kinds: ['events'], cidrs: [] },
    ...{ secret: 'other-key-for-tests', hmacSecret: undefined },
  },
  {
    ...{ name: 'afar', cluster: 'prod-eu', kinds: ['events'], cidrs: ['192.0.2.0/24', '2001:db8::/32'] },
    ...{ secret: 'afar-key-for-tests', hmacSecret: undefined },
  },
  {
    ...{ name: 'signing', cluster: 'prod-eu', kinds: ['webhook'], cidrs: [] },
    ...{ secret: undefined, hmacSecret: Buffer.from('a-secret-for-signing') },
  },
];
export const GITOPS = 'Bearer gitops-key-for-tests';
export const API_TOKEN = 'the-token-that-reads';

export interface PushingApi {
  store: SqliteStore;
  pipeline: Pipeline;
  registry: Registry;
  server: ApiServer;
  url: string;
  /** Every batch that came to the pipeline. */
  batches: SourceBatch[];
  push(path: string, body: RequestInit['body'], headers?: Record<string, string>): Promise<Response>;
  /** A sample of /metrics, by its name and labels as they are written. */
  metric(name: string): Promise<number | undefined>;
  stop(): Promise<void>;
}

export interface PushingOptions extends Partial<Omit<ApiServerOptions, 'ingest'>> {
  file?: string;
  limits?: BodyLimits;
  keys?: IngestKey[];
  clock?: Clock;
  /** Runs before each batch is recorded. */
  before?: () => Promise<void>;
}

export async function startPushingApi(options: PushingOptions = {}): Promise<PushingApi> {
  const { file = ':memory:', limits, keys = KEYS, clock = systemClock, before, ...more } = options;
  const store = openSqliteStore({ file });
  const registry = new Registry();
  const logger = createLogger('silent');
  const pipeline = createPipeline({
    ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }),
    analysis: createIdleAnalysis(createModel({})),
    ...{ store, clock, logger, signal: new AbortController().signal, react: () => {} },
  });
  const batches: SourceBatch[] = [];
  const metrics = createIngestMetrics(registry);
  const receiver = createPushReceiver({
    sink: async (batch) => {
      await before?.();
      batches.push(batch);
      await pipeline.sink(batch);
    },
    ...{ store, clock, metrics },
  });
  const keyring = new IngestKeyring(keys);
  const server = createApiServer({
    ...{ store: asAsync(store), registry, clock, logger, version: '0.1.0-test', auth: { token: API_TOKEN } },
    coverage: () => [],
    health: () => ({ live: true, ready: true, checks: [] }),
    ingest: { receiver, keyring: () => keyring, metrics, ...(limits === undefined ? {} : { limits }) },
    ...more,
  });
  const { url } = await server.listen('127.0.0.1', 0);
  return {
    ...{ store, pipeline, registry, server, url, batches },
    push: (path, body, headers = {}) =>
      fetch(`${url}${path}`, { method: 'POST', body: body ?? null, headers: { authorization: GITOPS, ...headers } }),
    async metric(name) {
      const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(name.length + 1));
    },
    async stop() {
      await server.close();
      store.close();
    },
  };
}
