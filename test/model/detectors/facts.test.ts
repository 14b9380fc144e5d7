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

/** The facts that a new object of a kind comes with. */
function bornWith(spec: JsonObject, kind = 'Kafka'): string[] {
  const change = new Stream().change({ atMs: MONDAY_MS, actor: 'ann', spec, type: 'ADDED' });
  const event = eventOf({ ...change, ref: { ...change.ref, kind } }, { ...ONLY, known: false }, new EventBook());
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
  ['less-strict', 'podSecurity.level', 'restricted', 'baseline'],
  ['less-strict', 'rules.default', 'deny', 'allow'],
  ['less-strict', 'member.role', 'Viewer', 'Admin'],
  ['cluster-wide', 'issuerRef.kind', 'Issuer', 'ClusterIssuer'],
  ['beyond-namespace', 'providers.allowCrossNamespace', false, true],
  ['credentials-passed', 'proxy.forwardAuthToken', false, true],
  ['copied-elsewhere', 'template.annotations.replicator~1replicate-to', undefined, '.*'],
  ['check-left-out', 'upgrade.skipSignatureCheck', false, true],
  ['never-renewed', 'privateKey.rotationPolicy', 'Always', 'Never'],
  ['refusal-gone', 'egressDeny', [{ to: 'metadata' }], undefined],
  ['refusal-gone', 'egress.denyList', ['a', 'b'], []],
  ['signing-usage', 'usages', ['server auth'], ['server auth', 'cert sign']],
  ['mount-propagation', 'volumeMounts.mountPropagation', 'None', 'Bidirectional'],
  ['sandbox-gone', 'pod.runtimeClassName', 'gvisor', undefined],
  ['lax-grant', 'client.implicitFlowEnabled', false, true],
  ['superuser-named', 'authorization.superUsers', ['CN=ops'], ['CN=ops', 'CN=ann']],
  ['database-trust', 'postgresql.pg_hba', ['host all all all scram-sha-256'], ['host all all all trust']],
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

test('a selector that is emptied chooses everything; one that a new object comes with is as it was meant', () => {
  assert.ok(factsOf({ namespaceSelector: { team: 'a' } }, { namespaceSelector: {} }).includes('selects-all'));
  assert.deepEqual(bornWith({ namespaceSelector: {} }), []);
});

test('of a kind that nobody has changed yet no share is told', () => {
  const event = eventOf(
    new Stream().change({ atMs: MONDAY_MS, actor: 'ann', spec: { hostNetwork: true } }),
    { ...ONLY, known: false },
    new EventBook(),
  );
  const detector = new FactDetector();
  const found = detector.gravest(event);
  assert.ok(found !== undefined);
  assert.match(detector.explain(event, found).sentence, /with the pod\.$/);
});

test('ten years are long for a certificate, not for what is kept', () => {
  assert.deepEqual(bornWith({ duration: '87600h' }, 'Certificate'), ['long-lived']);
  assert.deepEqual(bornWith({ duration: '2160h' }, 'Certificate'), []);
  assert.deepEqual(bornWith({ retentionPeriod: '87600h' }, 'Backup'), []);
});

test('stricter, tighter or in another sense: no facts', () => {
  for (const [path, was, is] of [
    ['rules.default', 'allow', 'deny'],
    ['issuerRef.kind', 'ClusterIssuer', 'Issuer'],
    ['disallowCrossNamespace', false, true],
    ['sshd.passwordAuthentication', false, true],
    ['http.tls.insecureSkipVerify', true, undefined],
    ['backup.env.CRON_MINUTE', '5', '*'],
    ['service.annotations.example.com~1allow-shared-ip', undefined, 'plex'],
  ] as const) {
    assert.deepEqual(factsOf(at(path, was), at(path, is)), [], path);
  }
});

test('what makes safer, or is about something else, in words that sound alike: no facts', () => {
  for (const [path, was, is] of [
    ['disableLocalAuth', false, true],
    ['ssh.disablePasswordAuthentication', false, true],
    ['audit.logAuthFailures', false, true],
    ['exportAuthMetrics', false, true],
    ['rejectCrossNamespaceRefs', false, true],
    ['logs.rotation', true, false],
    ['logs.rotateFiles', 7, 0],
    ['annotations.acme~1copyright', undefined, 'Acme 2026'],
    ['annotations.cdi~1cloneType', undefined, 'snapshot'],
    ['endpoint', 'reader', 'writer'],
    ['labels.docs', 'internal', 'public'],
    ['spec.labels.tier', 'restricted', 'baseline'],
  ] as const) {
    assert.deepEqual(factsOf(at(path, was), at(path, is)), [], path);
  }
  assert.deepEqual(factsOf({ pod: { nodeSelector: { disk: 'ssd' } } }, { pod: { nodeSelector: {} } }), []);
});

test('a field of the same name that says something else does not stand for what was lost', () => {
  const annotations = (more: JsonObject) => ({ ingress: { host: 'a', annotations: { 'example.com/note': 'a', ...more } } });
  const guarded = annotations({ 'nginx/auth-url': 'https://login.example.org' });
  assert.deepEqual(factsOf(guarded, annotations({})), ['door-keeper-gone']);
  assert.deepEqual(factsOf(guarded, { ...annotations({}), decoys: { 'nginx/auth-url': 'plain' } }), ['door-keeper-gone']);
  assert.ok(factsOf({ denyList: ['a', 'b', 'c'] }, { denyList: ['zzz'] }).includes('refusal-gone'));
});

test('the same step at another place of an object, or another entry of its list, is news', () => {
  const detector = new FactDetector();
  const stream = new Stream();
  const book = new EventBook();
  const step = (type: 'ADDED' | 'MODIFIED', spec: JsonObject) =>
    eventOf(stream.change({ atMs: MONDAY_MS, actor: 'ann', type, spec }), { ...ONLY, known: type !== 'ADDED' }, book);
  const calm = { securityContext: { privileged: false } };
  const bold = { securityContext: { privileged: true } };
  const saidAfter = (before: JsonObject, after: JsonObject) => {
    detector.learn(step('MODIFIED', before));
    const event = step('MODIFIED', after);
    const found = detector.gravest(event);
    return found === undefined ? '' : detector.explain(event, found).sentence;
  };
  step('ADDED', { a: calm, b: calm, rules: [{ verbs: ['get'] }] });
  assert.doesNotMatch(saidAfter({ a: bold, b: calm }, { a: bold, b: bold }), /^$|had that before/);
  step('MODIFIED', { rules: [{ verbs: ['get'] }] });
  assert.doesNotMatch(
    saidAfter({ rules: [{ verbs: ['get', 'bind'] }] }, { rules: [{ verbs: ['get', 'bind', 'escalate'] }] }),
    /^$|had that before/,
  );
});

test('a protection that moves to another place of the object, or goes with all that it protected, is not lost', () => {
  const context = { securityContext: { runAsNonRoot: true } };
  assert.deepEqual(factsOf({ main: { ...context, port: 1 } }, { main: { port: 1 } }), ['security-context-gone']);
  assert.deepEqual(factsOf({ main: { ...context, port: 1 } }, { main: { port: 1 }, defaults: context }), []);
  assert.deepEqual(factsOf({ main: { ...context, port: 1 }, side: 1 }, { side: 1 }), []);
  const annotations = { 'example.com/auth-url': 'https://login.example.org', 'example.com/note': 'a' };
  assert.deepEqual(factsOf({ ingress: { host: 'a', annotations } }, { ingress: { host: 'a' } }), ['door-keeper-gone']);
  assert.deepEqual(factsOf({ ingress: { host: 'a', annotations }, side: 1 }, { side: 1 }), []);
});

test('what an object had before it was made anew is no news, and of fields that came at once each counts less', () => {
  const detector = new FactDetector();
  const stream = new Stream();
  const book = new EventBook();
  const eventOn = (name: string, type: 'ADDED' | 'DELETED', spec: JsonObject) =>
    eventOf(stream.change({ atMs: MONDAY_MS, actor: 'ann', name, type, spec }), { ...ONLY, name, known: false }, book);
  const surprise = (name: string, spec: JsonObject) =>
    detector.score(eventOn(name, 'ADDED', spec), { same: new Map() } as never)?.surprise ?? 0;
  const spec = { hostNetwork: true };
  for (let i = 0; i < 200; i++) detector.learn(eventOn(`plain-${i}`, 'ADDED', { replicas: 1 }));
  const first = surprise('agent', spec);
  const amongTen = surprise('agent', { ...spec, ...Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`f${i}`, i])) });
  assert.ok(first - amongTen > 2, `${first} and ${amongTen}`);
  detector.learn(eventOn('agent', 'ADDED', spec));
  detector.learn(eventOn('agent', 'DELETED', spec));
  assert.ok(surprise('agent', spec) < surprise('other', spec) - 3);
  assert.ok(surprise('agent', { hostPID: true }) > surprise('agent', spec) + 3, 'another switch of the same sort is news');
  const again = eventOn('agent', 'ADDED', spec);
  const found = detector.gravest(again);
  assert.match(found === undefined ? '' : detector.explain(again, found).sentence, /; this object had that before\.$/);
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
