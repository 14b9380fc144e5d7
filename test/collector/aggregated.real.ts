/** Kinds of an aggregated API, which no CRD tells of: found by discovery and watched through the real kube-apiserver. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type ClusterSource, createClusterSource } from '../../src/collector/watch/cluster-source.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, SILENT_LOGGER } from './memory-record.ts';

const GAUGE = { group: 'aggregated.test', version: 'v1', kind: 'Gauge', plural: 'gauges' };
const gauge = (value: number) => ({
  apiVersion: 'aggregated.test/v1',
  kind: 'Gauge',
  metadata: { name: 'g', namespace: 'default' },
  spec: { value },
});

describe('an aggregated API behind a real kube-apiserver', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  let extension: FakeApiServer;
  let door: Server;
  let client: KubeClient;
  let source: ClusterSource;
  const record = new MemoryRecord();
  const stop = new AbortController();
  let running: Promise<void>;

  const stateOf = () => source.coverage().find(({ kind }) => kind === 'Gauge')?.state;

  before(async () => {
    server = await startApiServer();
    extension = await startFakeApiServer({ kinds: [GAUGE] });
    door = await openDoor(extension.url, join(server.folder, 'certs'));
    const { port } = door.address() as AddressInfo;
    client = await connectKube({ kubeconfig: server.adminKubeconfig, cluster: 'real' });
    source = createClusterSource({ client, clock: systemClock, logger: SILENT_LOGGER, known: record, cursors: record });
    running = source.run(record.sink, stop.signal);
    const objects = [
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'extension', namespace: 'default' },
        spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port }] },
      },
      {
        apiVersion: 'apiregistration.k8s.io/v1',
        kind: 'APIService',
        metadata: { name: 'v1.aggregated.test' },
        spec: {
          ...{ group: 'aggregated.test', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 10 },
          ...{ insecureSkipTLSVerify: true, service: { name: 'extension', namespace: 'default', port } },
        },
      },
    ];
    await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  });

  after(async () => {
    stop.abort();
    await running;
    await client?.close();
    door?.closeAllConnections();
    door?.close();
    await extension?.close();
    await server?.stop();
  });

  it('is watched without any CRD', async () => {
    extension.apply(gauge(1));
    await until('gauges are watched', () => stateOf() === 'watched', 60_000);
    extension.apply(gauge(2));
    await record.until(2);
    assert.deepEqual(
      record.story.map((line) => line.replace(/ \(.*/, '')),
      ['ADDED default/g', 'MODIFIED default/g'],
    );
  });

  it('goes with its APIService', async () => {
    await server.kubectl(['delete', 'apiservice', 'v1.aggregated.test']);
    await until('gauges are gone', () => stateOf() === 'gone', 30_000);
  });
});

/** The aggregator speaks TLS only; this is the way through to a plain server. */
async function openDoor(to: string, certs: string): Promise<Server> {
  const tls = { key: readFileSync(join(certs, 'apiserver.key')), cert: readFileSync(join(certs, 'apiserver.crt')) };
  const door = createServer(tls, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const inner = httpRequest(`${to}${url}`, { method: method ?? 'GET', headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    inner.on('error', () => outgoing.destroy());
    outgoing.on('close', () => inner.destroy());
    incoming.pipe(inner);
  });
  await new Promise<void>((resolve) => door.listen(0, 'localhost', resolve));
  return door;
}
