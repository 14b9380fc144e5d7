import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, JsonObject } from '../../../src/domain/json.ts';
import { FactDetector, factsAt } from '../../../src/model/detectors/fact-detector.ts';
import { FACTS } from '../../../src/model/detectors/facts.ts';
import { EventBook, eventOf } from '../../../src/model/features.ts';
import { MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** The facts that a change from one spec to another brings. */
function factsOf(was: JsonObject, is: JsonObject): string[] {
  const stream = new Stream();
  const book = new EventBook();
  eventOf(stream.change({ atMs: MONDAY_MS, actor: 'ann', spec: was }), { ...ONLY, known: false }, book);
  const event = eventOf(stream.change({ atMs: MONDAY_MS + 1000, actor: 'ann', spec: is }), { ...ONLY, known: true }, book);
  return new FactDetector().find(event).map(({ fact }) => fact.id);
}

/** A spec with one value at a path. */
function at(path: string, value: Json | undefined): JsonObject {
  const [first = '', ...rest] = path.split('.');
  if (rest.length === 0) return value === undefined ? {} : { [first]: value };
  return { [first]: at(rest.join('.'), value) };
}

const BROUGHT: [id: string, path: string, was: Json | undefined, is: Json | undefined][] = [
  ['root-group', 'pod.securityContext.runAsGroup', 1000, 0],
  ['capability-kept', 'securityContext.capabilities.drop', ['ALL'], undefined],
  ['runtime-socket', 'agent.socket', '/var/run/agent.sock', '/var/run/docker.sock'],
  ['host-allowed', 'allowHostNetwork', false, true],
  ['rbac-secrets', 'rules', [{ resources: ['pods'] }], [{ resources: ['pods', 'secrets'] }]],
  ['rbac-detour', 'rules', [{ resources: ['pods'] }], [{ resources: ['pods', 'pods/exec'] }]],
  ['own-account-gone', 'serviceAccountName', 'deployer', undefined],
  ['administrator', 'users.ann.role', 'viewer', 'Admin'],
  [
    'cloud-administrator',
    'policyArns',
    ['arn:aws:iam::aws:policy/ReadOnlyAccess'],
    ['arn:aws:iam::aws:policy/AdministratorAccess'],
  ],
  ['no-longer-encrypted', 'endpoint.url', 'https://metrics.example.org', 'http://metrics.example.org'],
  ['plain-protocol', 'listener.protocol', 'HTTPS', 'HTTP'],
  ['permissive', 'mtls.mode', 'STRICT', 'PERMISSIVE'],
  ['unverified-database', 'database.sslmode', 'verify-full', 'prefer'],
  ['old-tls', 'tls.minVersion', 'VersionTLS12', 'VersionTLS10'],
  ['open-port', 'service.type', 'ClusterIP', 'LoadBalancer'],
  ['external-address', 'externalIPs', undefined, ['203.0.113.7']],
  ['public', 'database.publiclyAccessible', false, true],
  ['every-namespace', 'listener.allowedRoutes.namespaces.from', 'Same', 'All'],
  ['verification-skipped', 'http.tlsSkipVerify', 'Never', 'Always'],
  ['admission-open', 'failureAction', 'Enforce', 'Audit'],
];

for (const [id, path, was, is] of BROUGHT) {
  test(`${path} from ${JSON.stringify(was)} to ${JSON.stringify(is)} is the fact ${id}, and the way back is not`, () => {
    assert.ok(factsOf(at(path, was), at(path, is)).includes(id), String(factsOf(at(path, was), at(path, is))));
    assert.ok(!factsOf(at(path, is), at(path, was)).includes(id));
  });
}

test('what was never encrypted and a newer version of TLS are no facts', () => {
  assert.deepEqual(factsOf(at('endpoint.url', 'http://a.example.org'), at('endpoint.url', 'http://b.example.org')), []);
  assert.deepEqual(factsOf({}, at('endpoint.url', 'http://a.example.org')), []);
  assert.deepEqual(factsOf(at('tls.minVersion', 'VersionTLS12'), at('tls.minVersion', 'VersionTLS13')), []);
});

test('each fact has an id of its own', () => {
  assert.equal(new Set(FACTS.map(({ id }) => id)).size, FACTS.length);
});

test('a key as long as an object takes no time, and hides nothing that stands below it', () => {
  const pieces = ['tls', 'tlsversion', 'target', 'host', 'domain', 'crossnamespace', 'reflectauto', 'annotations/reflectauto'];
  const keys = pieces.map((piece) => piece.repeat(Math.ceil(8_000 / piece.length)));
  const fromMs = performance.now();
  for (const key of keys) for (const below of ['', '/x', '/x/y']) factsAt(`/spec/annotations/${key}${below}`);
  // A single one took a minute.
  assert.ok(performance.now() - fromMs < 5_000);
  for (const key of keys) {
    const ids = factsAt(`/spec/${key}/template/spec/containers/[*]/securityContext/privileged`).map(({ id }) => id);
    assert.ok(ids.includes('privileged'), key.slice(0, 20));
  }
});
