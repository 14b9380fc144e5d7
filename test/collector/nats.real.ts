/** A real nats-server and the real pipeline on a file: whatever is killed, each message is recorded once. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { nkeys } from '@nats-io/transport-node';
import { createApp } from '../../src/app.ts';
import { createIngestMetrics } from '../../src/collector/pushed/ingest-metrics.ts';
import type { MessageBroker } from '../../src/collector/pushed/message-broker.ts';
import { createMessageSource } from '../../src/collector/pushed/message-source.ts';
import { createNatsBroker, type NatsOptions } from '../../src/collector/pushed/nats-broker.ts';
import { createAdmissionCertificate } from '../../src/collector/who/admission-certificate.ts';
import { parseOptions } from '../../src/options.ts';
import { get, listening, start } from '../commands/run-crowsnest.ts';
import { binary, knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { startFakeApiServer } from '../support/fake-api-server.ts';
import { createNatsOperator } from '../support/nats-operator.ts';
import { kafka } from '../support/objects.ts';
import { type OutgoingMessage, publishAll } from '../support/publish-nats.ts';
import { type RealNats, startNats } from '../support/real-nats.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';

const MESSAGES = 10_000;
const OBJECTS = 200;
const STREAM = 'CHANGES';
const ACK_WAIT_MS = 2_000;

/** Edit number i of 10,000: each a new version of one of 200 objects. */
function edit(i: number): OutgoingMessage {
  const version = 1000 + i;
  const object = kafka(`k-${i % OBJECTS}`, String(version), { replicas: version });
  return { id: `edit-${i}`, headers: STRUCTURED, body: JSON.stringify(knativeEvent(`edit-${i}`, {}, object)) };
}
const edits = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => edit(from + i));

interface Recording {
  app: ReturnType<typeof createApp>;
  metric(name: string): Promise<number>;
  stop(): Promise<void>;
}

const started: Recording[] = [];
afterEach(async () => {
  for (const recording of started.splice(0)) await recording.stop();
});

function record(file: string, broker: MessageBroker): Recording {
  const stopping = new AbortController();
  const options = parseOptions({ command: 'serve', flags: { db: file, logLevel: 'silent' }, environment: {} });
  const app = createApp({ options, defaultDb: file, signal: stopping.signal });
  const metrics = createIngestMetrics(app.registry);
  const { store, clock, logger } = app;
  const running = app.run(createMessageSource({ broker, store, cluster: 'prod-eu', clock, logger, metrics }));
  const recording: Recording = {
    app,
    async metric(name) {
      const line = (await app.registry.metrics()).split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1));
    },
    async stop() {
      stopping.abort();
      await running;
      await app.stop();
    },
  };
  started.push(recording);
  return recording;
}

/** Every version of every object that is recorded, as often as it is. */
function versionsOf({ app }: Recording): string[] {
  const versions: string[] = [];
  for (let from: string | undefined, first = true; first || from !== undefined; first = false) {
    const page = app.store.changes({ limit: 1000, ...(from === undefined ? {} : { continue: from }) });
    versions.push(...page.items.map(({ ref, resourceVersion }) => `${ref.name} ${resourceVersion}`));
    from = page.continue;
  }
  return versions;
}

function assertEachOnce(recording: Recording, count: number): void {
  const expected = Array.from({ length: count }, (_, i) => `k-${i % OBJECTS} ${1000 + i}`);
  assert.deepEqual(versionsOf(recording).sort(), expected.sort());
  assert.equal(recording.app.store.counts().changes, count);
  assert.equal(recording.app.store.counts().rejects, 0, 'nothing was late, nothing refused');
}

describe('changes from NATS', { skip: skipWithout('nats-server') }, () => {
  let nats: RealNats;
  let folder: string;
  const broker = (more: Partial<NatsOptions> = {}) =>
    createNatsBroker({ urls: [nats.url], stream: STREAM, consumer: 'crowsnest', ...more });
  const withManager = async <T>(work: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>): Promise<T> => {
    const connection = await nats.connection();
    try {
      return await work(await jetstreamManager(connection));
    } finally {
      await connection.close();
    }
  };
  const pending = () =>
    withManager(async (manager) => {
      const { num_pending, num_ack_pending, num_redelivered } = await manager.consumers.info(STREAM, 'crowsnest');
      return { num_pending, num_ack_pending, num_redelivered };
    });

  before(async () => {
    nats = await startNats();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'crowsnest-nats-'));
    await withManager(async (manager) => {
      await manager.streams.delete(STREAM).catch(() => {});
      await manager.streams.add({ name: STREAM, subjects: ['changes.>'] });
      // As Crowsnest makes it, but for the wait: what an acknowledgement was lost of is to come again within the test.
      const waits = { ack_wait: ACK_WAIT_MS * 1_000_000, max_ack_pending: 1_000 };
      await manager.consumers.add(STREAM, { durable_name: 'crowsnest', ack_policy: AckPolicy.Explicit, ...waits });
    });
  });
  after(async () => {
    await nats?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it(`records ${MESSAGES} messages once each with the server killed in the middle of them`, async () => {
    const recording = record(join(folder, 'crowsnest.db'), broker());
    const publishing = publishAll(nats, edits(0, MESSAGES));
    await until('half of them is recorded', () => recording.app.store.counts().changes >= MESSAGES / 2, 120_000);
    await nats.kill9();
    const atKill = recording.app.store.counts().changes;
    await until(
      'the broken connection is noticed',
      async () => (await recording.metric(`crowsnest_broker_connected{broker="nats/${STREAM}"}`)) === 0,
    );
    await nats.start();
    const { interrupted } = await publishing;
    assert.ok(
      atKill < MESSAGES && interrupted > 0,
      `killed at ${atKill}, ${interrupted} publishes interrupted: not in the middle`,
    );
    await until('all are recorded', () => recording.app.store.counts().changes >= MESSAGES, 120_000);
    await until(
      'all are acknowledged',
      async () => {
        const { num_pending, num_ack_pending } = await pending();
        return num_pending === 0 && num_ack_pending === 0;
      },
      120_000,
    );
    assertEachOnce(recording, MESSAGES);
    await recording.stop();
  });

  it('records messages once each with Crowsnest itself killed in the middle of them, twice', async (t) => {
    const api = await startFakeApiServer({ kinds: [] });
    t.after(() => api.close());
    const kubeconfig = join(folder, 'kubeconfig');
    writeFileSync(kubeconfig, api.kubeconfig());
    const db = join(folder, 'crowsnest.db');
    const args = ['serve', '--kubeconfig', kubeconfig, '--db', db, '--port', '0', '--log-level', 'error'];
    const nat = ['--nats-url', nats.url, '--nats-stream', STREAM, '--nats-cluster', 'prod-eu'];
    const changes = async (url: string) => (await get<{ changes: number }>(url, '/v1/stats')).changes;
    // Goes on until the second kill is over, so that both come in the middle of it however fast either side is.
    let count = 0;
    let killed = 0;
    const publishing = (async () => {
      for (; killed < 2 || count < 3_000; count += 300) await publishAll(nats, edits(count, count + 300));
    })();
    let recorded = 0;
    for (const more of [500, 500]) {
      const serve = start([...args, ...nat]);
      const url = await listening(serve);
      const enough = recorded + more;
      await until('some more is recorded', async () => (await changes(url)) >= enough, 60_000, 50);
      recorded = await changes(url);
      await serve.end('SIGKILL');
      killed += 1;
    }
    await publishing;
    assert.ok(recorded < count, `killed when all ${recorded} were recorded: not in the middle`);
    assert.ok((await pending()).num_ack_pending > 0, 'something was out when it was killed');
    const recording = record(db, broker());
    await until('all are recorded', () => recording.app.store.counts().changes >= count, 60_000);
    await until(
      'all are acknowledged',
      async () => {
        const { num_pending, num_ack_pending } = await pending();
        return num_pending === 0 && num_ack_pending === 0;
      },
      60_000,
    );
    assertEachOnce(recording, count);
    await recording.stop();
  });

  it('takes what is delivered again after a lost acknowledgement for a repeat, however old its version', async () => {
    let losing = true;
    const real = broker();
    const forgetful: MessageBroker = {
      ...real,
      async connect() {
        const connection = await real.connect();
        async function* messages() {
          for (let next = await connection.messages.next(); next.done !== true; next = await connection.messages.next()) {
            const { ack } = next.value;
            yield Object.assign(next.value, { ack: () => (losing ? undefined : ack()) });
          }
        }
        return { messages: messages(), close: () => connection.close() };
      },
    };
    const count = OBJECTS * 3;
    const recording = record(join(folder, 'crowsnest.db'), forgetful);
    await publishAll(nats, edits(0, count));
    await until('all are recorded', () => recording.app.store.counts().changes >= count);
    losing = false;
    await until('all are acknowledged', async () => (await pending()).num_ack_pending === 0);
    assert.ok((await recording.metric('crowsnest_ingest_told_total{way="nats",outcome="repeated"}')) >= count, 'they came again');
    assertEachOnce(recording, count);
    await recording.stop();
  });

  it('recognises a message without id, and one whose CloudEvent was told under another message id', async () => {
    const recording = record(join(folder, 'crowsnest.db'), broker());
    const { body } = edit(1);
    const line = JSON.stringify({
      type: 'ADDED',
      ts: new Date().toISOString(),
      cluster: 'prod-eu',
      object: kafka('line', '7', {}),
    });
    await publishAll(nats, [
      { id: 'a', headers: STRUCTURED, body },
      { id: 'b', headers: STRUCTURED, body },
      { id: undefined, headers: {}, body },
      { id: undefined, headers: binary(knativeEvent('in-binary')).headers, body: binary(knativeEvent('in-binary')).body },
      { id: undefined, headers: {}, body: line },
    ]);
    await until(
      'all are acknowledged',
      async () =>
        (await pending()).num_ack_pending === 0 &&
        (await recording.metric('crowsnest_ingest_told_total{way="nats",outcome="accepted"}')) === 3,
    );
    assert.equal(await recording.metric('crowsnest_ingest_told_total{way="nats",outcome="repeated"}'), 2);
    assert.deepEqual(versionsOf(recording).sort(), ['k-1 1001', 'k-in-binary 7', 'line 7']);
    await recording.stop();
  });

  it('records what is poison as a reject, is rid of it, and takes what comes behind it', async () => {
    const recording = record(join(folder, 'crowsnest.db'), broker());
    const deep = `{"specversion":"1.0","data":${'['.repeat(50_000)}`;
    await publishAll(nats, [
      { id: 'p1', headers: {}, body: 'not JSON' },
      { id: 'p2', headers: STRUCTURED, body: deep },
      { id: 'p3', headers: STRUCTURED, body: JSON.stringify(knativeEvent('p3', { name: 'forged' })) },
      { id: 'p4', headers: {}, body: '' },
      edit(1),
    ]);
    await until('the good one is recorded', () => recording.app.store.counts().changes === 1);
    await until('none is left', async () => {
      const { num_pending, num_ack_pending } = await pending();
      return num_pending + num_ack_pending === 0;
    });
    assert.equal((await pending()).num_redelivered, 0);
    const rejects = recording.app.store.rejects(10);
    assert.deepEqual(
      rejects.map(({ where }) => where).sort(),
      [1, 2, 3, 4].map((seq) => `nats/CHANGES:${seq} [0]`.replace(/ \[0\]$/, seq === 1 || seq === 3 ? ' [0]' : '')),
    );
    for (const reason of ['json', 'nesting', 'identity', 'line']) {
      assert.equal(await recording.metric(`crowsnest_ingest_rejects_total{reason="${reason}"}`), 1, reason);
    }
    await recording.stop();
  });

  it('goes on trying while there is no such stream, and with a consumer that would lose messages', async () => {
    await withManager((manager) => manager.streams.delete(STREAM));
    const recording = record(join(folder, 'crowsnest.db'), broker());
    const connected = `crowsnest_broker_connected{broker="nats/${STREAM}"}`;
    await until('it tried', async () => (await recording.metric(connected)) === 0);
    await withManager((manager) => manager.streams.add({ name: STREAM, subjects: ['changes.>'] }));
    await publishAll(nats, [edit(1)]);
    await until('it is recorded', () => recording.app.store.counts().changes === 1);
    await recording.stop();
    await withManager((manager) => manager.consumers.add(STREAM, { durable_name: 'careless', ack_policy: AckPolicy.None }));
    await assert.rejects(broker({ consumer: 'careless' }).connect(), /does not acknowledge explicitly/);
  });
});

describe('a NATS server that wants a token', { skip: skipWithout('nats-server') }, () => {
  it('is served the one in the file, as it is at each attempt', async () => {
    const nats = await startNats('authorization { token: "the-right-token" }');
    let token = 'an-old-token';
    const credentials = { type: 'token' as const, read: () => token };
    const broker = createNatsBroker({ urls: [nats.url], stream: STREAM, consumer: 'crowsnest', credentials });
    await assert.rejects(broker.connect(), /[Aa]uthorization/);
    token = 'the-right-token';
    await assert.rejects(broker.connect(), /stream not found/);
    await nats.stop();
  });
});

describe('a NATS server of an operator', { skip: skipWithout('nats-server') }, () => {
  it('is read with the credentials file of a user, and not with another key under its JWT', async (t) => {
    const operator = createNatsOperator();
    const nats = await startNats(operator.config);
    t.after(() => nats.stop());
    const connecting = (creds: string) => {
      const credentials = { type: 'creds' as const, read: () => creds };
      return createNatsBroker({ urls: [nats.url], stream: STREAM, consumer: 'crowsnest', credentials }).connect();
    };
    await assert.rejects(connecting(operator.stolen), /[Aa]uthorization/);
    await assert.rejects(connecting(operator.creds), /stream not found/, 'let in, there is only no stream');
  });
});

describe('a NATS server that speaks TLS and knows keys', { skip: skipWithout('nats-server') }, () => {
  it('is read with an NKey and its authority, and not without', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'crowsnest-nats-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const certificate = await createAdmissionCertificate(['localhost'], Date.now(), 3_600_000);
    const [certFile, keyFile] = [file('tls.crt', certificate.cert), file('tls.key', certificate.key)];
    const caFile = file('ca.crt', certificate.authority);
    const user = nkeys.createUser();
    const seed = new TextDecoder().decode(user.getSeed());
    const nats = await startNats(
      `tls { cert_file: ${JSON.stringify(certFile)}, key_file: ${JSON.stringify(keyFile)} }\nauthorization { users: [{ nkey: ${user.getPublicKey()} }] }`,
    );
    t.after(() => nats.stop());
    const url = nats.url.replace('nats://127.0.0.1', 'tls://localhost');
    const credentials = { type: 'nkey' as const, read: () => seed };
    const connecting = (more: Partial<NatsOptions>) =>
      createNatsBroker({ urls: [url], stream: STREAM, consumer: 'crowsnest', credentials, tls: { caFile }, ...more }).connect();
    await assert.rejects(connecting({ tls: {} }), /certificate/);
    await assert.rejects(connecting({ credentials: undefined }), /[Aa]uthorization/);
    await assert.rejects(connecting({}), /stream not found/, 'let in, there is only no stream');
  });
});
