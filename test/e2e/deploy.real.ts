/** What deploy/ promises, held against a real API server: it applies, it reads what it should and nothing more, and its pod is a restricted one. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { parseOptions } from '../../src/options.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const ACCOUNT = 'system:serviceaccount:crowsnest:crowsnest';

interface Manifest {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  rules?: { apiGroups?: string[]; resources?: string[]; nonResourceURLs?: string[]; verbs: string[] }[];
  data?: Record<string, string>;
  spec?: { template: { metadata: object; spec: { containers: { securityContext: Record<string, unknown> }[] } } };
}

describe('deploy/', { skip: skipWithout('kube-apiserver', 'kube-controller-manager', 'kubectl') }, () => {
  let server: RealApiServer;
  let rendered: string;
  let manifests: Manifest[];
  const find = (kind: string) => {
    const found = manifests.find((manifest) => manifest.kind === kind);
    assert.ok(found, `no ${kind}`);
    return found;
  };

  before(async () => {
    server = await startApiServer({ controllerManager: true });
    rendered = await server.kubectl(['kustomize', DEPLOY]);
    manifests = parseAllDocuments(rendered).map((document) => document.toJS() as Manifest);
    for (const [group, plural, kind] of [
      ['kafka.strimzi.io', 'kafkas', 'Kafka'],
      ['acme.example', 'rockets', 'Rocket'],
      ['monitoring.coreos.com', 'podmonitors', 'PodMonitor'],
    ] as const) {
      await server.kubectl(['apply', '-f', '-'], JSON.stringify(crd(group, plural, kind)));
      await server.kubectl(['wait', '--for=condition=Established', `crd/${plural}.${group}`, '--timeout=20s']);
    }
  });
  after(() => server.stop());

  test('applies on the server’s side without a warning, and once more without a conflict', async () => {
    for (const round of ['first', 'second']) {
      const { code, stdout, stderr } = await server.kubectlAll(['apply', '--server-side', '-f', '-'], rendered);
      assert.equal(stderr, '', `${round} time`);
      assert.equal(code, 0);
      assert.match(stdout, /statefulset.apps\/crowsnest serverside-applied/);
      await aggregated();
    }
  });

  test('has no wildcard, no rule on the core group and no verb that writes', () => {
    const roles = manifests.filter((manifest) => manifest.kind === 'ClusterRole' || manifest.kind === 'Role');
    const rules = roles.flatMap((role) => role.rules ?? []);
    assert.ok(rules.length > 100);
    for (const rule of rules) {
      const words = [...(rule.apiGroups ?? []), ...(rule.resources ?? []), ...(rule.nonResourceURLs ?? []), ...rule.verbs];
      assert.ok(!words.some((word) => word.includes('*') || word === ''), JSON.stringify(rule));
      assert.ok(
        rule.verbs.every((verb) => ['get', 'list', 'watch'].includes(verb)),
        JSON.stringify(rule),
      );
    }
  });

  test('lets the service account read custom resources and nothing beyond', async () => {
    await aggregated();
    const allowed = [
      'list kafkas.kafka.strimzi.io',
      'watch kafkas.kafka.strimzi.io',
      'watch customresourcedefinitions',
      'watch events.events.k8s.io',
      'get /metrics',
    ];
    const refused = [
      ...['patch', 'update', 'create', 'delete'].map((verb) => `${verb} kafkas.kafka.strimzi.io`),
      ...['secrets', 'configmaps', 'pods', 'serviceaccounts', 'nodes'].map((resource) => `get ${resource}`),
      'create events.events.k8s.io',
      'create tokenreviews.authentication.k8s.io',
      'patch customresourcedefinitions',
      'list rockets.acme.example',
    ];
    for (const question of allowed) assert.equal(await canI(question), 'yes', question);
    for (const question of refused) assert.equal(await canI(question), 'no', question);
  });

  test('the reader sees objects with its own token', async () => {
    await aggregated();
    const kafka = { apiVersion: 'kafka.strimzi.io/v1', kind: 'Kafka', metadata: { name: 'orders', namespace: 'default' } };
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(kafka));
    assert.match(await server.kubectl(['get', 'kafkas', '-A', '-o', 'name'], '', 'crowsnest'), /kafka.kafka.strimzi.io\/orders/);
    await assert.rejects(
      server.kubectl(['annotate', 'kafka', 'orders', 'a=b'], '', 'crowsnest'),
      /cannot patch resource "kafkas"/,
    );
  });

  test('one more labelled role adds a group', async () => {
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'crowsnest-reader-acme', labels: { 'crowsnest.dev/aggregate-to-reader': 'true' } },
      rules: [{ apiGroups: ['acme.example'], resources: ['rockets'], verbs: ['get', 'list', 'watch'] }],
    };
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(role));
    await until('the rule of the added role', async () => (await canI('list rockets.acme.example')) === 'yes');
    await server.kubectl(['delete', 'clusterrole', 'crowsnest-reader-acme']);
    await until('its end', async () => (await canI('list rockets.acme.example')) === 'no');
  });

  test('its pod is admitted where PodSecurity is restricted, and a laxer one is not', async () => {
    const template = find('StatefulSet').spec!.template;
    const pod = (spec: object) =>
      JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe', namespace: 'crowsnest' }, spec });
    const dryRun = ['create', '--dry-run=server', '-f', '-'];
    // The claim's volume is what the StatefulSet's controller would add.
    const volumes = [...((template.spec as { volumes?: object[] }).volumes ?? []), { name: 'data', emptyDir: {} }];
    await server.kubectl(dryRun, pod({ ...template.spec, volumes }));

    const container = template.spec.containers[0]!;
    const lax = { ...container, securityContext: { ...container.securityContext, allowPrivilegeEscalation: true } };
    await assert.rejects(
      server.kubectl(dryRun, pod({ ...template.spec, volumes, containers: [lax] })),
      /violates PodSecurity "restricted/,
    );
    const set = { ...find('StatefulSet'), metadata: { name: 'lax', namespace: 'crowsnest' } };
    const laxSet = { ...set, spec: { ...set.spec, template: { ...template, spec: { ...template.spec, containers: [lax] } } } };
    const warned = await server.kubectlAll(dryRun, JSON.stringify(laxSet));
    assert.match(warned.stderr, /Warning: would violate PodSecurity/);
  });

  test('its configuration is one that serve takes', () => {
    const file = join(server.folder, 'config.yaml');
    writeFileSync(file, find('ConfigMap').data?.['config.yaml'] ?? '');
    const options = parseOptions({ command: 'serve', flags: {}, environment: {}, configFile: file });
    assert.equal(options.host, '0.0.0.0');
    assert.ok(options.tlsCert !== undefined && options.tlsKey !== undefined && options.tokenFile !== undefined);
    assert.deepEqual(options.allow, []);
  });

  test('the component for Events lets it write Events and nothing more', async () => {
    await applyWith('allow-events');
    await until('the right to write Events', async () => (await canI('create events.events.k8s.io')) === 'yes');
    assert.equal(await canI('delete events.events.k8s.io'), 'no');
    assert.equal(await canI('patch kafkas.kafka.strimzi.io'), 'no');
    await server.kubectl(['delete', 'clusterrole,clusterrolebinding', 'crowsnest-writer-events']);
    await until('its end', async () => (await canI('create events.events.k8s.io')) === 'no');
  });

  test('the component for admission lets it register its own webhook and no other', async () => {
    await applyWith('allow-admission');
    const webhooks = 'validatingwebhookconfigurations.admissionregistration.k8s.io';
    await until('the right to register', async () => (await canI(`create ${webhooks}/crowsnest-admission`)) === 'yes');
    for (const question of [`create ${webhooks}`, `patch ${webhooks}/other`, `delete ${webhooks}/other`, `list ${webhooks}`])
      assert.equal(await canI(question), 'no', question);
    const { spec } = JSON.parse(await server.kubectl(['-n', 'crowsnest', 'get', 'service', 'crowsnest-admission', '-o', 'json']));
    assert.equal(spec.ports[0].targetPort, 9443);
    await server.kubectl(['delete', 'clusterrole,clusterrolebinding', 'crowsnest-admission']);
    await until('its end', async () => (await canI(`patch ${webhooks}/crowsnest-admission`)) === 'no');
  });

  test('the component for discovery of metrics lets it see where pages are, and no Secret or ConfigMap', async () => {
    await applyWith('metrics-discovery');
    await until('the right to list pods', async () => (await canI('list pods')) === 'yes');
    for (const resource of ['services', 'endpointslices.discovery.k8s.io', 'podmonitors.monitoring.coreos.com'])
      assert.equal(await canI(`list ${resource}`), 'yes', resource);
    for (const question of ['get secrets', 'get configmaps', 'watch pods', 'get pods --subresource=log', 'create pods']) {
      assert.equal(await canI(question), 'no', question);
    }
    await server.kubectl(['delete', 'clusterrole', 'crowsnest-reader-metrics']);
    await until('its end', async () => (await canI('list pods')) === 'no');
  });

  /** Applies deploy/ with one of its components, as an overlay of the user's own would. */
  async function applyWith(component: string): Promise<void> {
    const overlay = join(server.folder, `overlay-${component}`);
    mkdirSync(overlay);
    const to = (folder: string) => relative(overlay, folder);
    writeFileSync(
      join(overlay, 'kustomization.yaml'),
      `resources: [${to(DEPLOY)}]\ncomponents: [${to(join(DEPLOY, component))}]\n`,
    );
    await server.kubectl(['apply', '--server-side', '-f', '-'], await server.kubectl(['kustomize', overlay]));
  }

  /** `kubectl auth can-i` as the service account: yes or no. */
  async function canI(question: string): Promise<string> {
    const { stdout, stderr } = await server.kubectlAll(['auth', 'can-i', ...question.split(' '), '-A', `--as=${ACCOUNT}`]);
    const answer = stdout.trim().split(/\s/)[0] ?? '';
    assert.match(answer, /^(yes|no)$/, `${question}: ${stdout}${stderr}`);
    return answer;
  }

  async function aggregated(): Promise<void> {
    await until('the aggregated role', async () => (await canI('list kafkas.kafka.strimzi.io')) === 'yes');
  }
});

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await condition()); waitedMs += 100) {
    assert.ok(waitedMs < 20_000, `waited 20 s in vain for ${what}`);
    await delay(100);
  }
}

function crd(group: string, plural: string, kind: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
