/**
 * Who wrote, on a real kube-apiserver: kubectl edit as one user, a controller's update as another, an apply by a GitOps manager. Four services
 * watch side by side, each with one source: admission, the audit webhook, the audit log, and managedFields alone. Under the roles that
 * `crowsnest rbac` prints, never as an administrator.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAdmissionCertificate } from '../../src/collector/who/admission-certificate.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type CrowsnestProcess, startCrowsnest } from '../support/crowsnest-process.ts';
import { freePort, type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { realPart, skipWithout } from '../support/skip-real.ts';
import { until as untilEvery } from '../support/until.ts';

const GROUP = 'fleet.example.test';
const MAIN = fileURLToPath(new URL('../../src/crowsnest.js', import.meta.url));
const CONTROLLER = 'system:serviceaccount:fleet:engine-controller';
const FLUX = 'system:serviceaccount:flux-system:kustomize-controller';
const INGEST_KEY = 'an-ingest-key-for-tests';

const CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `engines.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { plural: 'engines', singular: 'engine', kind: 'Engine' },
    versions: [
      {
        name: 'v1',
        ...{ served: true, storage: true, subresources: { status: {} } },
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
};
const user = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });
const ROLES = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'plain' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'engine-writer' },
    rules: [
      {
        apiGroups: [GROUP],
        resources: ['engines', 'engines/status'],
        verbs: ['get', 'list', 'create', 'update', 'patch', 'delete'],
      },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'engine-writers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'engine-writer' },
    subjects: [user('alice'), user('bob'), user(CONTROLLER), user(FLUX)],
  },
];
/** In the namespace `plain` only who did what is logged, elsewhere what it led to as well. */
const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata', namespaces: ['plain'], resources: [{ group: GROUP }] },
    { level: 'RequestResponse', resources: [{ group: GROUP }] },
    { level: 'None' },
  ],
};

/** Slower than usual: the API counts requests. */
const until = <T>(what: string, check: () => Promise<T | undefined | false | null>) => untilEvery(what, check, 30_000, 250);

interface ActorView {
  name: string;
  source: string;
  confidence: number;
}
interface ChangeView {
  seq: number;
  type: string;
  actor: ActorView;
  candidates: ActorView[];
  evidence: { source: string; match: string; user: Record<string, unknown> }[];
  gitops?: { tool: string; source: string; byTool: boolean };
  diff: { path: string; new?: unknown }[];
}

describe('who wrote', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  let folder: string;
  let relay: Server;
  const services: Record<string, CrowsnestProcess> = {};

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'crowsnest-who-'));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    // The API server has to know where to send audit events before the service that takes them has a port.
    const relayPort = await freePort();
    // TLS, as the API server sends its token over nothing else.
    const { authority, cert, key } = await createAdmissionCertificate(['127.0.0.1'], systemClock.nowMs(), 3_600_000);
    const cluster = {
      server: `https://127.0.0.1:${relayPort}/v1/ingest/audit`,
      'certificate-authority-data': Buffer.from(authority).toString('base64'),
    };
    const webhookConfig = {
      ...{
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'x',
        contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
      },
      ...{ clusters: [{ name: 'x', cluster }], users: [{ name: 'x', user: { token: INGEST_KEY } }] },
    };
    const auditLog = join(folder, 'audit.log');
    server = await startApiServer({
      users: { controller: { name: CONTROLLER, groups: ['system:serviceaccounts'] } },
      args: [
        `--audit-policy-file=${file('policy.json', JSON.stringify(POLICY))}`,
        `--audit-log-path=${auditLog}`,
        `--audit-webhook-config-file=${file('webhook.json', JSON.stringify(webhookConfig))}`,
        '--audit-webhook-batch-max-wait=200ms',
        '--audit-webhook-initial-backoff=200ms',
      ],
    });
    await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [CRD, ...ROLES] }));
    await server.kubectl(['wait', '--for=condition=Established', `crd/engines.${GROUP}`, '--timeout=30s']);
    const asks = ['--allow', 'admission-webhook', '--subject', `user:system:serviceaccount:crowsnest:crowsnest`];
    const printed = await promisify(execFile)(process.execPath, [MAIN, 'rbac', '--kubeconfig', server.adminKubeconfig, ...asks]);
    await server.kubectl(['apply', '-f', '-'], printed.stdout);

    const keyFile = file('ingest-key', INGEST_KEY);
    const config = file('crowsnest.yaml', JSON.stringify({ ingestKeys: [{ name: 'apiserver', keyFile, kinds: ['audit'] }] }));
    const admissionPort = await freePort();
    const own: Record<string, string[]> = {
      admission: [
        ...['--allow', 'admission-webhook', '--admission', `127.0.0.1:${admissionPort}`],
        ...['--admission-url', `https://127.0.0.1:${admissionPort}`],
      ],
      audit: ['--config', config],
      auditLog: ['--audit-log', auditLog],
      managedFields: [],
    };
    for (const [name, args] of Object.entries(own)) {
      const common = ['--kubeconfig', server.kubeconfig('crowsnest'), '--cluster', 'real', '--db', join(folder, `${name}.db`)];
      services[name] = await startCrowsnest(['serve', ...common, ...args]);
    }
    const target = Number(new URL((services.audit as CrowsnestProcess).url).port);
    relay = createServer({ cert, key }, (socket) => {
      const onward = connect(target, '127.0.0.1');
      socket.pipe(onward).pipe(socket);
      for (const each of [socket, onward]) each.on('error', () => each.destroy());
    }).listen(relayPort, '127.0.0.1');
    for (const service of Object.values(services)) {
      await until('engines are watched', async () => {
        const { items } = await service.get<{ items: { kind: string; state: string }[] }>('/v1/coverage');
        return items.some((row) => row.kind === 'Engine' && row.state === 'watched');
      });
    }
    await until('the webhook is registered', async () => {
      const { checks } = await (services.admission as CrowsnestProcess).get<{ checks: { name: string; detail: string }[] }>(
        '/readyz?verbose',
      );
      return checks.some(({ name, detail }) => name.startsWith('admission webhook of ') && detail.startsWith('registered'));
    });
    await until('the API server asks', async () => {
      await server.kubectl(['apply', '-f', '-'], JSON.stringify(engine('first', 'default', { at: performance.now() })), 'bob');
      const text = await (services.admission as CrowsnestProcess).metrics();
      return /crowsnest_admission_reviews_total\{cluster="[^"]+",result="claim"\} [1-9]/.test(text);
    });
  });
  after(async () => {
    for (const service of Object.values(services)) await service.kill9();
    relay?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const engine = (name: string, namespace: string, spec: object, labels: Record<string, string> = {}) => ({
    ...{ apiVersion: `${GROUP}/v1`, kind: 'Engine' },
    ...{ metadata: { name, namespace, labels }, spec },
  });

  /** As a person does, with an editor that sets replicas. */
  async function edit(name: string, namespace: string, replicas: number): Promise<void> {
    const editor = join(folder, 'editor.sh');
    writeFileSync(editor, `#!/bin/sh\nsed -i 's/replicas: .*/replicas: ${replicas}/' "$1"\n`);
    chmodSync(editor, 0o755);
    const env = { PATH: process.env.PATH, HOME: folder, KUBE_EDITOR: editor };
    const args = ['--kubeconfig', server.kubeconfig('alice'), '-n', namespace, 'edit', `engines.${GROUP}`, name];
    await promisify(execFile)(realPart('kubectl'), args, { env });
  }

  /** As a controller does: reads, changes, puts back. */
  async function control(name: string, namespace: string, image: string): Promise<void> {
    const path = `/apis/${GROUP}/v1/namespaces/${namespace}/engines/${name}`;
    const object = JSON.parse(await server.kubectl(['get', '--raw', path], '', 'controller'));
    object.spec.image = image;
    await server.kubectl(['replace', '--raw', path, '-f', '-'], JSON.stringify(object), 'controller');
  }

  async function apply(name: string, namespace: string, zone: string): Promise<void> {
    const labels = { 'kustomize.toolkit.fluxcd.io/name': 'fleet', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' };
    const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=kustomize-controller', '-f', '-'];
    await server.kubectl(args, JSON.stringify(engine(name, namespace, { zone }, labels)), 'flux');
  }

  /** The changes of an object that touched a path of its spec, with all that is known of them. */
  async function changesOf(service: string, name: string, namespace: string, path: string): Promise<ChangeView[]> {
    const api = services[service] as CrowsnestProcess;
    const query = `kind=Engine&name=${name}&namespace=${namespace}&type=MODIFIED&path=${encodeURIComponent(path)}`;
    const { items } = await api.get<{ items: { seq: number }[] }>(`/v1/changes?${query}`);
    return Promise.all(items.map(({ seq }) => api.get<ChangeView>(`/v1/changes/${seq}`)));
  }
  /** The newest such change, once its actor is from the source. */
  const writer = (service: string, name: string, namespace: string, path: string, source: string) =>
    until(`${service} names who wrote ${path}`, async () => {
      const [newest] = await changesOf(service, name, namespace, path);
      return newest?.actor.source === source ? newest : undefined;
    });

  const SOURCES = { admission: ['admission', 0.95], audit: ['audit', 0.98], auditLog: ['audit', 0.98] } as const;

  test('an edit, an update and an apply are named rightly by admission and by audit, and by managedFields with less confidence', async (t) => {
    await server.kubectl(
      ['create', '-f', '-'],
      JSON.stringify(engine('main', 'default', { replicas: 1, image: 'a', zone: 'x' })),
      'bob',
    );
    await edit('main', 'default', 3);
    await control('main', 'default', 'b');
    await apply('main', 'default', 'y');
    const writes = [
      { path: '/spec/replicas', by: 'alice', manager: 'kubectl-edit' },
      { path: '/spec/image', by: CONTROLLER, manager: 'kubectl' },
      { path: '/spec/zone', by: FLUX, manager: 'kustomize-controller' },
    ];
    for (const { path, by, manager } of writes) {
      const hint = await writer('managedFields', 'main', 'default', path, 'managedFields');
      assert.ok(hint.actor.name.startsWith(manager), `${hint.actor.name} for ${manager}`);
      assert.ok(hint.actor.confidence <= 0.7);
      for (const [service, [source, confidence]] of Object.entries(SOURCES)) {
        const change = await writer(service, 'main', 'default', path, source);
        assert.deepEqual([change.actor.name, change.actor.confidence], [by, confidence], `${service} on ${path}`);
        assert.ok(change.actor.confidence > hint.actor.confidence);
        assert.ok(
          change.candidates.some((candidate) => candidate.source === 'managedFields'),
          'what managedFields say stays a candidate',
        );
        assert.equal(change.evidence[0]?.match, source === 'admission' ? 'content' : 'version');
        t.diagnostic(
          `${service} ${path}: ${change.actor.name} ${change.actor.confidence}, managedFields: ${hint.actor.name} ${hint.actor.confidence}`,
        );
      }
    }
    const applied = await writer('audit', 'main', 'default', '/spec/zone', 'audit');
    assert.deepEqual(applied.gitops, { tool: 'flux', source: 'Kustomization flux-system/fleet', byTool: true });
    assert.deepEqual(applied.evidence[0]?.user.sourceIPs, ['127.0.0.1']);
    assert.match(String(applied.evidence[0]?.user.userAgent), /^kubectl\//);
    const { items } = await (services.audit as CrowsnestProcess).get<{ items: { seq: number }[] }>(
      `/v1/changes?actor=alice&name=main`,
    );
    assert.equal(items.length, 1, 'a filter by actor finds who it was');
  });

  test('somebody else writing what Flux keeps is told from Flux', async () => {
    await apply('kept', 'default', 'x');
    await server.kubectl(['patch', `engines.${GROUP}`, 'kept', '--type=merge', '-p', '{"spec":{"zone":"z"}}'], '', 'bob');
    const change = await writer('audit', 'kept', 'default', '/spec/zone', 'audit');
    assert.deepEqual([change.actor.name, change.gitops?.byTool], ['bob', false]);
  });

  test('where audit tells only who did what, the moment joins it, with less confidence', async () => {
    await server.kubectl(['create', '-f', '-'], JSON.stringify(engine('main', 'plain', { replicas: 1, image: 'a' })), 'bob');
    await edit('main', 'plain', 3);
    const change = await writer('audit', 'main', 'plain', '/spec/replicas', 'audit');
    assert.deepEqual([change.actor.name, change.actor.confidence, change.evidence[0]?.match], ['alice', 0.8, 'time']);
  });

  test('acting as somebody else is kept: the effective user, and who was behind', async () => {
    await server.kubectl(['create', '-f', '-'], JSON.stringify(engine('acted', 'default', { zone: 'x' })), 'bob');
    const patch = ['patch', `engines.${GROUP}`, 'acted', '--type=merge', '-p', '{"spec":{"zone":"z"}}', '--as=alice'];
    await server.kubectl(patch, '', 'admin');
    const change = await writer('audit', 'acted', 'default', '/spec/zone', 'audit');
    assert.equal(change.actor.name, 'alice');
    assert.equal((change.actor as ActorView & { impersonatedBy?: string }).impersonatedBy, 'admin');
    assert.equal((await writer('admission', 'acted', 'default', '/spec/zone', 'admission')).actor.name, 'alice');
  });

  test('a deletion, of which managedFields say nothing, is that of who asked for it', async () => {
    await server.kubectl(['create', '-f', '-'], JSON.stringify(engine('gone', 'default', {})), 'bob');
    await server.kubectl(['delete', `engines.${GROUP}`, 'gone'], '', 'alice');
    const deletion = async (service: string) => {
      const api = services[service] as CrowsnestProcess;
      const { items } = await api.get<{ items: { actor: ActorView }[] }>('/v1/changes?kind=Engine&name=gone&type=DELETED');
      return items[0]?.actor;
    };
    assert.equal((await until('it is recorded', () => deletion('managedFields'))).source, 'none');
    for (const service of ['admission', 'audit', 'auditLog'])
      assert.equal(
        (
          await until(`${service} knows who`, async () =>
            (await deletion(service))?.source === 'none' ? undefined : deletion(service),
          )
        )?.name,
        'alice',
      );
  });

  test('what was only asked for, as a dry run, is attributed to nobody', async () => {
    await server.kubectl(['create', '-f', '-'], JSON.stringify(engine('calm', 'default', { zone: 'x' })), 'bob');
    const patch = (zone: string, ...more: string[]) => [
      'patch',
      `engines.${GROUP}`,
      'calm',
      '--type=merge',
      '-p',
      `{"spec":{"zone":"${zone}"}}`,
      ...more,
    ];
    await server.kubectl(patch('dry', '--dry-run=server'), '', 'alice');
    await server.kubectl(patch('real'), '', 'bob');
    for (const [service, [source]] of Object.entries(SOURCES)) {
      const change = await writer(service, 'calm', 'default', '/spec/zone', source);
      assert.equal(change.actor.name, 'bob');
      assert.ok(!change.candidates.some(({ name }) => name === 'alice'));
    }
  });

  test('withdraws its configuration when the service ends', async () => {
    await (services.admission as CrowsnestProcess).stop();
    await assert.rejects(server.kubectl(['get', 'validatingwebhookconfiguration', 'crowsnest-admission']), /NotFound/);
  });
});
