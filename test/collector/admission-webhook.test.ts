import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { KindCoverage } from '../../src/collector/source.ts';
import { type AdmissionTiming, AdmissionWebhook } from '../../src/collector/who/admission-webhook.ts';
import { type KubeClient, type KubeRequest, KubeStatusError } from '../../src/kube/kube-client.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { until } from '../support/until.ts';

const KIND = {
  ...{ cluster: 'test', group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true },
  ...{ state: 'watched', objects: 1, relists: 0 },
} as KindCoverage;

/** A webhook beside an API server that only notes what it is asked. */
function setUp(
  t: TestContext,
  over: { port?: number; refused?: boolean; timing?: Partial<AdmissionTiming>; kinds?: () => KindCoverage[] } = {},
) {
  const asked: { method: string; body: KubeRequest['body'] }[] = [];
  let answer =
    over.refused === true ? new KubeStatusError({ status: 403, reason: 'Forbidden', message: 'cannot patch' }) : undefined;
  const client = {
    cluster: 'test',
    async request(method: string, _: string, options: KubeRequest = {}) {
      asked.push({ method, body: options.body });
      if (answer !== undefined) throw answer;
      return {};
    },
  } as unknown as KubeClient;
  const webhook = new AdmissionWebhook({
    ...{ client, clock: systemClock, logger: createLogger('silent'), coverage: over.kinds ?? (() => [KIND]) },
    ...{ listen: { host: '127.0.0.1', port: over.port ?? 0 }, address: { url: 'https://127.0.0.1:9443' } },
    ...{ status: false, ownNamespace: undefined, namespaces: undefined },
    timing: { lookMs: 5, deliverMs: 5, pauseMs: 50, ...over.timing },
  });
  const stopping = new AbortController();
  const running = webhook.run(async () => {}, stopping.signal);
  const stop = async () => {
    stopping.abort();
    await running;
  };
  t.after(stop);
  const grant = () => {
    answer = undefined;
  };
  return { webhook, asked, stop, grant };
}

test('registers once, again when kinds come, and removes its configuration at the end', async (t) => {
  const kinds = [KIND];
  const { webhook, asked, stop } = setUp(t, { kinds: () => kinds });
  await until('it is registered', () => webhook.state === 'registered');
  kinds.push({ ...KIND, kind: 'Gear', plural: 'gears' });
  await until('the new kind is asked about', () => asked.length === 2);
  assert.match(JSON.stringify(asked[1]?.body), /"gears","widgets"/);
  await stop();
  assert.deepEqual(
    asked.map(({ method }) => method),
    ['PATCH', 'PATCH', 'DELETE'],
  );
});

test('asks about nothing while nothing is watched, and no more about what is forbidden or gone', async (t) => {
  const kinds: KindCoverage[] = [];
  const { webhook, asked } = setUp(t, { kinds: () => kinds });
  await until('it is idle', () => webhook.state === 'idle');
  kinds.push(KIND);
  await until('it is registered', () => webhook.state === 'registered');
  kinds[0] = { ...KIND, state: 'forbidden' };
  await until('it is idle again', () => webhook.state === 'idle');
  assert.equal(asked.at(-1)?.method, 'DELETE');
});

test('says that it may not register, and does once it may', async (t) => {
  const { webhook, grant } = setUp(t, { refused: true });
  await until('it is refused', () => webhook.state === 'refused');
  assert.match(webhook.detail, /cannot patch/);
  grant();
  await until('it is registered', () => webhook.state === 'registered');
});

test('an address that is taken is said, waited for and leaves no thread behind', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { webhook, asked } = setUp(t, { port });
  await until('it says so', () => webhook.detail.includes('EADDRINUSE'));
  assert.equal(asked.length, 0);
  other.close();
  await until('it is registered', () => webhook.state === 'registered');
  assert.equal(webhook.port, port);
});
