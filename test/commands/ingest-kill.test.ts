/** Killed in the middle of what is pushed: what was answered is there, and what is pushed again is there once. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { BATCH, knativeEvent } from '../support/cloud-events.ts';
import { startFakeApiServer } from '../support/fake-api-server.ts';
import { kafka } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { listening, type Running, start, temporaryFolder } from './run-crowsnest.ts';

const BATCHES = 60;
const PER_BATCH = 20;
const OBJECTS = 10;

test('pushes to a service that is killed twice are recorded once each', async (t) => {
  const folder = temporaryFolder();
  const cluster = await startFakeApiServer({ kinds: [] });
  t.after(() => cluster.close());
  writeFileSync(join(folder, 'kubeconfig'), cluster.kubeconfig());
  writeFileSync(join(folder, 'key'), 'an-ingest-key-for-tests\n');
  const config = { ingestKeys: [{ name: 'gitops', keyFile: join(folder, 'key'), kinds: ['events'], cluster: 'prod-eu' }] };
  writeFileSync(join(folder, 'crowsnest.yaml'), JSON.stringify(config));
  const db = join(folder, 'kill.db');
  const args = [
    'serve',
    '--kubeconfig',
    join(folder, 'kubeconfig'),
    '--config',
    join(folder, 'crowsnest.yaml'),
    '--db',
    db,
    '--port',
    '0',
  ];
  let url = '';
  const startIt = async (): Promise<Running> => {
    const running = start(args);
    url = await listening(running);
    return running;
  };
  const batchOf = (n: number) =>
    Array.from({ length: PER_BATCH }, (_, i) => {
      const version = 1000 + n * PER_BATCH + i;
      return knativeEvent(`e-${version}`, {}, kafka(`k-${version % OBJECTS}`, String(version), { size: version }));
    });
  const headers = { ...BATCH, authorization: 'Bearer an-ingest-key-for-tests' };
  let answered = 0;
  let retried = 0;
  let repeated = 0;
  const pushAll = async () => {
    for (let n = 0; n < BATCHES; ) {
      const answer = await fetch(`${url}/v1/ingest/events`, { method: 'POST', headers, body: JSON.stringify(batchOf(n)) })
        .then(async (response) => (response.ok ? ((await response.json()) as { repeated: number }) : undefined))
        .catch(() => undefined);
      if (answer === undefined) {
        retried += 1;
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      repeated += answer.repeated;
      n += 1;
      answered = n;
    }
  };
  let running = await startIt();
  const pushing = pushAll();
  for (const share of [0.3, 0.6]) {
    await until('some more is answered', () => answered >= BATCHES * share);
    await running.end('SIGKILL');
    assert.ok(answered < BATCHES, 'killed when all was done: not in the middle');
    running = await startIt();
  }
  await pushing;
  await running.end('SIGTERM');
  assert.ok(retried > 0);
  const store = openSqliteStore({ file: db });
  t.after(() => store.close());
  const versions: string[] = [];
  for (let page = store.changes({ limit: 1000 }); ; page = store.changes({ limit: 1000, continue: page.continue! })) {
    versions.push(...page.items.map(({ resourceVersion }) => resourceVersion));
    if (page.continue === undefined) break;
  }
  const expected = Array.from({ length: BATCHES * PER_BATCH }, (_, i) => String(1000 + i));
  assert.deepEqual(versions.sort(), expected.sort());
  assert.deepEqual([store.counts().rejects, repeated % PER_BATCH], [0, 0], `repeats come as whole batches, ${repeated} in all`);
});
