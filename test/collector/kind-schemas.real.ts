import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createKindSchemas, type KindSchemas } from '../../src/collector/watch/kind-schemas.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { toldAt } from '../../src/domain/schema-tree.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
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
