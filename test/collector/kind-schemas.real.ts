import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createKindSchemas, type KindSchemas } from '../../src/collector/watch/kind-schemas.ts';
import type { Change } from '../../src/domain/change.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { toldAt } from '../../src/domain/schema-tree.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createMaskingBook } from '../../src/pipeline/masking-book.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { SILENT_LOGGER } from './memory-record.ts';

const text = { type: 'string' };
const crd = (kind: string, spec: object) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.schemas.test` },
  spec: {
    group: 'schemas.test',
    scope: 'Namespaced',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec } } } },
      },
    ],
  },
});
const kindOf = (kind: string) => ({
  ...{ group: 'schemas.test', version: 'v1', kind, plural: `${kind.toLowerCase()}s`, namespaced: true },
});
const env = { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['id'] };
const items = { type: 'object', required: ['id'], properties: { id: text, value: text } };

describe('schemas of a real kube-apiserver, read by a user without any right', {
  skip: skipWithout('kube-apiserver', 'kubectl'),
}, () => {
  let server: RealApiServer;
  let client: KubeClient;
  let schemas: KindSchemas;
  const book = createSchemaBook();
  const { signal } = new AbortController();
  const apply = (object: object) => server.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  const secret = (kind: string, name: string) => toldAt(book.of('real', kindOf(kind))?.secrets, ['spec', name]);

  before(async () => {
    server = await startApiServer();
    client = await connectKube({ kubeconfig: server.kubeconfig('nobody'), cluster: 'real' });
    schemas = createKindSchemas({ client, clock: systemClock, logger: SILENT_LOGGER, book, waitMs: 30_000 });
  });
  after(async () => {
    await client?.close();
    await server?.stop();
  });

  it('knows what a new kind calls a password, and its merge keys, before it is ready', async () => {
    await apply(crd('Vault', { opaque: { type: 'string', format: 'password' }, plain: text, env: { ...env, items } }));
    await schemas.ready(kindOf('Vault'), signal);
    assert.equal(secret('Vault', 'opaque'), true);
    assert.equal(secret('Vault', 'plain'), undefined);
    assert.deepEqual(toldAt(book.of('real', kindOf('Vault'))?.mergeKeys, ['spec', 'env']), ['id']);
  });

  it('names an item by several keys as the server does, so that who owns it is found', async () => {
    const port = {
      type: 'object',
      required: ['port'],
      properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, name: text, host: { type: 'integer' } },
    };
    const ports = {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['protocol', 'port'],
      items: port,
    };
    await apply(crd('Gate', { ports }));
    await schemas.ready(kindOf('Gate'), signal);
    const store = openSqliteStore({ file: ':memory:' });
    const masking = createMaskingBook({ store, schemas: book });
    const ingest = createIngest({ store, hash: keyedHash(Buffer.alloc(32)), masking });
    const record = async (manager: string, udp: number, type: 'ADDED' | 'MODIFIED') => {
      // What has no protocol gets TCP from the server.
      const spec = {
        ports: [
          { name: 'dns', port: 53, host: 1 },
          { name: 'dns-udp', port: 53, protocol: 'UDP', host: udp },
        ],
      };
      const gate = { apiVersion: 'schemas.test/v1', kind: 'Gate', metadata: { name: 'dns', namespace: 'default' }, spec };
      const how = ['--server-side', '--force-conflicts', '--field-manager', manager, '-o', 'json', '--show-managed-fields'];
      const written = await server.kubectl(['apply', '-f', '-', ...how], JSON.stringify(gate));
      const object = JSON.parse(written) as KubeObject;
      return ingest.record({ observations: [{ cluster: 'real', type, object, observedMs: 1, origin: 'watch' }] })
        .changes[0] as Change;
    };
    await until('the kind to be served', async () => (await server.kubectlAll(['get', 'gates'])).code === 0);
    const added = await record('maker', 1, 'ADDED');
    const moved = await record('mover', 2, 'MODIFIED');
    assert.deepEqual(
      moved.diff.map(({ path }) => path),
      ['/spec/ports/[protocol=UDP,port=53]/host'],
    );
    const first = added.diff.filter(({ path }) => path.startsWith('/spec/ports'));
    assert.ok(first.every(({ path }) => /\[protocol=(TCP|UDP),port=53\]/.test(path)));
    assert.equal(moved.actor.name, 'mover');
    // It owns all that moved; in the same second as the maker it is one of two.
    assert.equal(moved.actor.confidence, moved.candidates.length === 1 ? 0.7 : 0.5, JSON.stringify(moved.candidates));
    assert.deepEqual(
      store.blame(moved.ref)?.fields.find(({ path }) => path === '/spec/ports/[protocol=UDP,port=53]/host')?.seq,
      moved.seq,
    );
    store.close();
  });

  it('learns of another kind of the group, and of a schema that changes', async () => {
    await apply(crd('Box', { inline: text, inlineSecretRef: { type: 'object', properties: { name: text } } }));
    await schemas.ready(kindOf('Box'), signal);
    assert.equal(secret('Box', 'inline'), true);
    await apply(crd('Box', { inline: text, later: { type: 'string', format: 'password' } }));
    await until('the new schema', async () => {
      await schemas.refresh(signal);
      return secret('Box', 'later') === true;
    });
    assert.equal(secret('Box', 'inline'), undefined);
  });
});
