/** A recorded state goes back into a real cluster by kubectl to the letter, and never with a mask in place of a secret. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { manifestOf } from '../../src/api/manifest.ts';
import { canonicalJson, type Json, type JsonObject, parseJson } from '../../src/domain/json.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { TRAPS } from '../support/yaml-traps.ts';

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'relics.manifest.example.test' },
  spec: {
    group: 'manifest.example.test',
    scope: 'Namespaced',
    names: { plural: 'relics', singular: 'relic', kind: 'Relic', listKind: 'RelicList' },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};

describe('a manifest of a recorded state', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  before(async () => {
    server = await startApiServer();
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(CRD));
    await server.kubectl(['wait', '--for=condition=Established', 'crd/relics.manifest.example.test', '--timeout=20s']);
  });
  after(() => server.stop());

  const applied = async (spec: JsonObject) => {
    const metadata = { name: 'one', namespace: 'default', labels: { on: 'off' } };
    const object = { apiVersion: 'manifest.example.test/v1', kind: 'Relic', metadata, spec };
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(object));
    return read();
  };
  const read = async () => JSON.parse(await server.kubectl(['get', 'relic', 'one', '-o', 'json'])) as KubeObject;
  const exactly = async () => parseJson(await server.kubectl(['get', 'relic', 'exact', '-o', 'json'])) as unknown as KubeObject;
  const manifest = (state: KubeObject) =>
    manifestOf(state, { ref: refOf('real', state), seq: 1, metadataOnly: false, mayBeRounded: false });

  it('brings back what was, by apply and after a deletion, whatever its values look like', async () => {
    const { none: _, ...spec } = TRAPS;
    const then = await applied(spec);
    assert.deepEqual(then.spec, spec);
    await applied({ other: true });
    const { yaml } = manifest(then);
    await server.kubectl(['apply', '-f', '-'], yaml);
    assert.deepEqual((await read()).spec, spec);
    await server.kubectl(['delete', 'relic', 'one']);
    await server.kubectl(['apply', '-f', '-'], yaml);
    const again = await read();
    assert.deepEqual([again.spec, again.metadata.labels], [spec, then.metadata.labels]);
    await server.kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=by-hand', '-f', '-'], yaml);
    // The API server itself reads the JSON of a server-side apply as YAML, in which a next-line character is a blank.
    assert.deepEqual((await read()).spec, { ...spec, nextLine: 'a b' });
  });

  it('brings back whole numbers digit by digit, beyond 2^53 too', async () => {
    const text =
      '{"forever":9223372036854775807,"least":-9223372036854775808,"list":[9007199254740993],"round":1000000000000000000}';
    const object = `{"apiVersion":"manifest.example.test/v1","kind":"Relic","metadata":{"name":"exact","namespace":"default"},"spec":${text}}`;
    await server.kubectl(['create', '-f', '-'], object);
    const then = await exactly();
    assert.equal(canonicalJson(then.spec as Json), text);
    // Not `apply` by the client on an object that is there: kubectl works out its patch with doubles.
    for (const way of [['replace'], ['apply', '--server-side', '--force-conflicts', '--field-manager=by-hand']]) {
      await server.kubectl(['replace', '-f', '-'], object.replace('9223372036854775807', '9223372036854775806'));
      assert.notEqual(canonicalJson((await exactly()).spec as Json), text);
      await server.kubectl([...way, '-f', '-'], manifest(then).yaml);
      assert.equal(canonicalJson((await exactly()).spec as Json), text, way.join(' '));
    }
    await server.kubectl(['delete', 'relic', 'exact']);
  });

  it('is refused while it has something masked, by every way to send it', async () => {
    const then = await applied({ user: 'app', password: 'not-to-be-overwritten' });
    const recorded = { ...then, spec: { user: 'root', password: 'masked:0123456789abcdef' } } as KubeObject;
    const { yaml } = manifest(recorded);
    for (const way of [
      ['apply'],
      ['apply', '--server-side'],
      ['replace'],
      ['create', '--dry-run=client'],
      ['apply', '--validate=false'],
    ]) {
      const { code, stderr } = await server.kubectlAll([...way, '-f', '-'], yaml);
      assert.equal(code, 1, way.join(' '));
      assert.match(stderr, /error converting YAML to JSON: yaml: line \d+: found character that cannot start any token/);
    }
    assert.deepEqual((await read()).spec, then.spec);
    await server.kubectl(['apply', '-f', '-'], yaml.replace('@MASKED', 'put-in-by-hand').replace(/^.*@MASKED.*$/m, ''));
  });

  it('of several documents, as `crowsnest at` prints them, those before the first masked one are applied', async () => {
    const then = await applied({ size: 1 });
    const named = (name: string, spec: JsonObject) => ({ ...then, metadata: { ...then.metadata, name }, spec }) as KubeObject;
    const documents = [named('first', { size: 2 }), named('second', { key: 'masked:0123456789abcdef' }), named('third', {})];
    const text = documents.map((state) => `---\n${manifest(state).yaml}`).join('');
    const { code, stderr } = await server.kubectlAll(['apply', '-f', '-'], text);
    assert.equal(code, 1);
    assert.match(stderr, /found character that cannot start any token/);
    const names = await server.kubectl(['get', 'relics', '-o', 'jsonpath={.items[*].metadata.name}']);
    assert.deepEqual(names.split(' '), ['first', 'one']);
    await server.kubectl(['apply', '-f', '-'], text.replace(/ @MASKED$/m, ' put-in'));
  });
});
