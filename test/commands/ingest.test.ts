/** The program itself takes what is pushed and what it polls, beside the cluster that it watches. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { kafka } from '../support/objects.ts';
import { until } from '../support/until.ts';
import { get, listening, type Running, start, temporaryFolder } from './run-crowsnest.ts';

interface Changes {
  items: {
    type: string;
    origin: string;
    ref: { cluster: string; kind: string; name: string };
    actor: { name: string; source: string };
  }[];
}

describe('serve with ingest keys and polls', () => {
  const folder = temporaryFolder();
  const lists = createServer((_request, response) => response.end(JSON.stringify([{ id: 'harbour', size: 3 }])));
  let cluster: FakeApiServer;
  let serve: Running;
  let url: string;

  before(async () => {
    lists.listen(0, '127.0.0.1');
    await until('the list is served', () => lists.listening);
    cluster = await startFakeApiServer({ kinds: [] });
    writeFileSync(join(folder, 'kubeconfig'), cluster.kubeconfig());
    writeFileSync(join(folder, 'key'), 'an-ingest-key-for-tests\n');
    const config = {
      ingestKeys: [{ name: 'gitops', keyFile: join(folder, 'key'), kinds: ['events'], cluster: 'prod-eu' }],
      polls: [
        {
          name: 'teams',
          url: `http://127.0.0.1:${(lists.address() as AddressInfo).port}/`,
          key: '/id',
          apiVersion: 'teams.test/v1',
          kind: 'Team',
        },
      ],
    };
    writeFileSync(join(folder, 'crowsnest.yaml'), JSON.stringify(config));
    const args = ['--kubeconfig', join(folder, 'kubeconfig'), '--config', join(folder, 'crowsnest.yaml'), '--cluster', 'here'];
    serve = start(['serve', ...args, '--db', join(folder, 'ingest.db'), '--port', '0']);
    url = await listening(serve);
  });
  after(async () => {
    await serve.end('SIGKILL');
    await cluster.close();
    lists.close();
  });

  it('records a pushed change with who is said to have made it', async () => {
    const event = knativeEvent('e1', { authtype: 'user', authid: 'dario' }, kafka('orders', '7', { replicas: 3 }));
    const push = (authorization: string) =>
      fetch(`${url}/v1/ingest/events`, {
        method: 'POST',
        headers: { ...STRUCTURED, authorization },
        body: JSON.stringify(event),
      });
    assert.equal((await push('Bearer somebody-elses-key')).status, 401);
    assert.equal((await push('Bearer an-ingest-key-for-tests')).status, 200);
    const { items } = await get<Changes>(url, '/v1/changes?kind=Kafka');
    assert.deepEqual(
      items.map(({ type, origin, ref, actor }) => [type, origin, ref.cluster, ref.name, actor.name, actor.source]),
      [['ADDED', 'push', 'prod-eu', 'orders', 'dario', 'pushed']],
    );
  });

  it('records a polled list', async () => {
    const polled = await until('the list is recorded', async () => {
      const { items } = await get<Changes>(url, '/v1/changes?kind=Team');
      return items.length > 0 && items;
    });
    assert.deepEqual(
      polled.map(({ type, origin, ref }) => [type, origin, ref.cluster, ref.name]),
      [['ADDED', 'list', 'here', 'harbour']],
    );
  });
});
