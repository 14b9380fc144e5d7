/** Which kinds are seen, and how, under the printed role and never as an administrator, against a real kube-apiserver. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type ClusterSource, createClusterSource } from '../../src/collector/watch/cluster-source.ts';
import type { KindSelection } from '../../src/collector/watch/kind-plan.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { start } from '../commands/run-crowsnest.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, SILENT_LOGGER } from './memory-record.ts';

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
}

const V1: Version = { name: 'v1', served: true, storage: true };
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

function crd(group: string, kind: string, versions: Version[] = [V1], scope = 'Namespaced') {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope, names: { kind, plural }, versions: versions.map((version) => ({ ...version, schema })) },
  };
}

describe('kinds of a real cluster', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  let admin: KubeClient;
  const clients: KubeClient[] = [];
  const stops: (() => Promise<void>)[] = [];

  const apply = (...objects: object[]) =>
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  const object = (
    kind: string,
    name: string,
    more: { labels?: object; spec?: object; namespace?: string; version?: string } = {},
  ) => ({
    apiVersion: `kinds.test/${more.version ?? 'v1'}`,
    kind,
    metadata: { name, namespace: more.namespace ?? 'default', labels: more.labels ?? {} },
    spec: more.spec ?? { size: 1 },
  });

  /** What `crowsnest rbac` prints with these options, bound to a user of the test. */
  async function rbac(user: string, args: string[] = []): Promise<string> {
    const shared = ['--kubeconfig', server.adminKubeconfig, '--subject', `user:${user}`, '--role-name', `test-${user}`];
    const { code, out, err } = await start(['rbac', ...shared, ...args]).ended;
    assert.equal(code, 0, err);
    assert.doesNotMatch(out.replaceAll(/^ *#.*$/gm, ''), /\*/, 'no wildcard');
    return out;
  }

  /** Prints and applies, as its own help says. */
  async function grant(user: string, args: string[] = []): Promise<void> {
    await server.kubectl(['apply', '-f', '-'], await rbac(user, args));
  }

  async function watch(
    user: string,
    selection: KindSelection = {},
    record = new MemoryRecord(),
    timing: { vanishedMs?: number } = {},
  ): Promise<{ source: ClusterSource; record: MemoryRecord }> {
    const client = await connectKube({ kubeconfig: server.kubeconfig(user), cluster: 'real' });
    clients.push(client);
    const stop = new AbortController();
    const source = createClusterSource({
      client,
      clock: systemClock,
      logger: SILENT_LOGGER,
      known: record,
      cursors: record,
      selection,
      ...timing,
    });
    const running = source.run(record.sink, stop.signal);
    stops.push(async () => {
      stop.abort();
      await running;
    });
    return { source, record };
  }

  const rowOf = (source: ClusterSource, kind: string) => source.coverage().find((row) => row.kind === kind);
  const untilState = (source: ClusterSource, kind: string, state: string) =>
    until(`${kind} is ${state}`, () => rowOf(source, kind)?.state === state);
  const told = (record: MemoryRecord, name: string) =>
    record.observations.filter((each) => each.object.metadata.name === name).map(({ type, origin }) => `${type} ${origin}`);

  before(async () => {
    const users = Object.fromEntries(['reader', 'many', 'team', 'part', 'went'].map((name) => [name, { name, groups: [] }]));
    server = await startApiServer({ users });
    admin = await connectKube({ kubeconfig: server.adminKubeconfig });
    clients.push(admin);
    await apply(crd('kinds.test', 'Box'), crd('kinds.test', 'Crate', [V1], 'Cluster'), crd('kinds.test', 'Jar'));
    for (const plural of ['boxs', 'crates', 'jars'])
      await server.kubectl(['wait', '--for=condition=Established', `crd/${plural}.kinds.test`, '--timeout=20s']);
  });

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  after(async () => {
    for (const client of clients) await client.close();
    await server?.stop();
  });

  it('shows a CRD outside the role within 10 s with the rule to add, and watches it within 10 s of the rule', async (t) => {
    await grant('reader');
    const { source } = await watch('reader');
    await untilState(source, 'Box', 'watched');
    await untilState(source, 'Crate', 'watched');

    await apply(crd('kinds.test', 'Safe'));
    let fromMs = performance.now();
    await untilState(source, 'Safe', 'forbidden');
    const forbiddenMs = performance.now() - fromMs;
    assert.match(
      rowOf(source, 'Safe')?.reason ?? '',
      /\{apiGroups: \["kinds.test"\], resources: \["safes"\], verbs: \["get", "list", "watch"\]\}/,
    );
    assert.equal(rowOf(source, 'Safe')?.everWatched, false);

    await grant('reader');
    fromMs = performance.now();
    await untilState(source, 'Safe', 'watched');
    const watchedMs = performance.now() - fromMs;
    t.diagnostic(`forbidden after ${Math.round(forbiddenMs)} ms, watched ${Math.round(watchedMs)} ms after the grant`);
    assert.ok(forbiddenMs < 10_000 && watchedMs < 10_000, `${forbiddenMs} ms, ${watchedMs} ms`);
  });

  it('follows a kind whose version moves, and says when it is gone', async () => {
    const { source, record } = await watch('reader');
    await untilState(source, 'Safe', 'watched');
    await apply(object('Safe', 's'));
    await until('the first state', () => told(record, 's').length === 1);
    const [v1, v2] = [
      { name: 'v1', served: true, storage: false },
      { name: 'v2', served: true, storage: true },
    ];
    await apply(crd('kinds.test', 'Safe', [v2, v1]));
    await until('v2 is watched', () => rowOf(source, 'Safe')?.version === 'v2' && rowOf(source, 'Safe')?.state === 'watched');
    await apply(crd('kinds.test', 'Safe', [v2, { ...v1, served: false }]));
    await apply(object('Safe', 's', { version: 'v2', spec: { size: 2 } }));
    await until('the second state', () => told(record, 's').length === 2);
    assert.equal(record.observations.at(-1)?.object.apiVersion, 'kinds.test/v2');

    await server.kubectl(['delete', 'crd', 'safes.kinds.test']);
    await untilState(source, 'Safe', 'gone');
    // Discovery may be quicker than the last event of a watch.
    await until('the deletion', () => told(record, 's').length >= 3);
    // A server that has only begun to serve the new version may not know the position any more; then a list finds the change.
    assert.deepEqual(
      told(record, 's').map((line) => line.replace('relist', 'watch')),
      ['ADDED watch', 'MODIFIED watch', 'DELETED watch'],
    );
    assert.equal(rowOf(source, 'Box')?.state, 'watched', 'nothing else is touched');
  });

  it('watches namespaces by Roles alone', async () => {
    for (const name of ['team-a', 'team-b']) await server.kubectl(['create', 'namespace', name]);
    const printed = await rbac('team', ['--namespace', 'team-a', '--kube-events', 'off']);
    assert.doesNotMatch(printed, /ClusterRole/);
    await server.kubectl(['apply', '-f', '-'], printed);
    const { source, record } = await watch('team', { namespaces: ['team-a'] });
    await untilState(source, 'Box', 'watched');
    assert.equal(rowOf(source, 'Crate')?.state, 'excluded');
    await apply(object('Box', 'in', { namespace: 'team-a' }), object('Box', 'out', { namespace: 'team-b' }));
    await until('the object of the namespace', () => told(record, 'in').length === 1);
    assert.deepEqual(told(record, 'out'), []);
    const refused = await server.kubectlAll(['get', 'boxs', '-n', 'team-b'], '', 'team');
    assert.match(refused.stderr, /forbidden/);
  });

  it('reads no content of a kind of which only metadata is wanted, and none of a core kind that was not asked for', async () => {
    await grant('part', ['--core-kinds', 'configmaps', '--metadata-only', 'configmaps', '--metadata-only', 'Jar.*']);
    const selection = { coreKinds: ['configmaps'], metadataOnly: ['configmaps', 'Jar.*'] };
    const { source, record } = await watch('part', selection);
    await untilState(source, 'Jar', 'watched');
    await untilState(source, 'ConfigMap', 'watched');
    await apply(object('Jar', 'j', { spec: { password: 'in-a-jar' } }));
    await server.kubectl(['create', 'configmap', 'c', '--from-literal=password=in-a-map']);
    await until('both', () => told(record, 'j').length === 1 && told(record, 'c').length === 1);
    for (const name of ['j', 'c']) {
      const seen = record.observations.find((each) => each.object.metadata.name === name);
      assert.deepEqual(Object.keys(seen?.object ?? {}).sort(), ['apiVersion', 'kind', 'metadata']);
      assert.equal(seen?.partial, true);
    }
    assert.deepEqual([...new Set(record.observations.map((each) => each.object.kind))].sort(), ['Box', 'ConfigMap', 'Jar']);
    assert.doesNotMatch(JSON.stringify(record.observations), /in-a-(jar|map)/);
  });

  it('follows only what fits a selector, and does not take what leaves it for deleted', async () => {
    const selection = { include: ['Box.*'], labelSelectors: ['team=a'], excludeNamespaces: ['team-b'] };
    const { source, record } = await watch('reader', selection);
    await untilState(source, 'Box', 'watched');
    assert.equal(rowOf(source, 'Box')?.labelSelector, 'team=a');
    const labelled = (name: string, team: string, namespace = 'default') => object('Box', name, { labels: { team }, namespace });
    await apply(labelled('stays', 'a'), labelled('other', 'b'), labelled('elsewhere', 'a', 'team-b'), labelled('leaves', 'a'));
    await until('both that fit', () => told(record, 'stays').length === 1 && told(record, 'leaves').length === 1);
    await apply(labelled('leaves', 'b'));
    await until('the change that takes it out', () => told(record, 'leaves').length === 2);
    await server.kubectl(['delete', 'boxs', 'stays']);
    await until('the true deletion', () => told(record, 'stays').length === 2);
    await apply(labelled('leaves', 'a'));
    await until('it is back', () => told(record, 'leaves').length === 3);

    assert.deepEqual(told(record, 'leaves'), ['ADDED watch', 'MODIFIED watch', 'ADDED watch']);
    assert.deepEqual(told(record, 'stays'), ['ADDED watch', 'DELETED watch']);
    assert.deepEqual([...told(record, 'other'), ...told(record, 'elsewhere')], []);
    const out = record.observations.filter((each) => each.object.metadata.name === 'leaves')[1];
    assert.deepEqual(out?.object.metadata.labels, { team: 'b' });
  });

  it('begins with a list under another selector, and takes nothing of what is recorded for deleted', async () => {
    const { source: whole, record } = await watch('reader', { include: ['Box.*'] });
    await untilState(whole, 'Box', 'watched');
    const labelled = (name: string, team: string) => object('Box', name, { labels: { team } });
    await apply(labelled('fits', 'c'), labelled('fits-not', 'd'), labelled('goes', 'c'));
    await until('all three', () => ['fits', 'fits-not', 'goes'].every((name) => told(record, name).length === 1));
    await stops.pop()?.();

    const selection = { include: ['Box.*'], labelSelectors: ['team=c'] };
    const { source } = await watch('reader', selection, record);
    await untilState(source, 'Box', 'watched');
    assert.equal(rowOf(source, 'Box')?.objects, 2);
    await stops.pop()?.();

    // What happens while nobody looks, and the position is lost: one leaves the selection, one is deleted.
    await apply(labelled('goes', 'd'));
    await server.kubectl(['delete', 'boxs', 'fits']);
    record.cursorValues.clear();
    const { source: again } = await watch('reader', selection, record);
    await untilState(again, 'Box', 'watched');
    assert.equal(told(record, 'fits').at(-1), 'DELETED relist');
    assert.equal(told(record, 'goes').at(-1), 'MODIFIED relist');
    assert.ok(!told(record, 'fits-not').some((line) => line.startsWith('DELETED')));
  });

  it('records the objects of a CRD as deleted that went while nobody looked, and leaves those alone whose CRD serves nothing', async () => {
    const serving = (served: boolean) => crd('went.test', 'Stays', [{ name: 'v1', served, storage: true }]);
    await apply(crd('went.test', 'Went'), serving(true));
    for (const plural of ['wents', 'stayss'])
      await server.kubectl(['wait', '--for=condition=Established', `crd/${plural}.went.test`, '--timeout=20s']);
    await apply(
      { ...object('Went', 'one'), apiVersion: 'went.test/v1' },
      { ...object('Stays', 'still'), apiVersion: 'went.test/v1' },
    );
    // A role of its own, printed while the kinds are there: it may watch CRDs, and not read them.
    await grant('went', ['--include', '*.went.test']);
    const selection = { include: ['*.went.test'] };
    const { source, record } = await watch('went', selection);
    await untilState(source, 'Went', 'watched');
    await untilState(source, 'Stays', 'watched');
    await record.until(2);
    await stops.pop()?.();

    await server.kubectl(['delete', 'crd', 'wents.went.test']);
    await apply(serving(false));
    const { source: again } = await watch('went', selection, record, { vanishedMs: 5_000 });
    await until('both are gone', () => rowOf(again, 'Went')?.state === 'gone' && rowOf(again, 'Stays')?.state === 'gone', 60_000);
    assert.match(rowOf(again, 'Went')?.reason ?? '', /1 object was recorded as deleted/);
    assert.match(rowOf(again, 'Stays')?.reason ?? '', /serves no version/);
    assert.deepEqual(told(record, 'one').slice(-1), ['DELETED relist']);
    assert.deepEqual(told(record, 'still'), ['ADDED list']);
    assert.deepEqual(
      record.gaps.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`),
      ['Went one unserved', 'Went  unserved'],
    );

    await apply(serving(true));
    await untilState(again, 'Stays', 'watched');
    assert.deepEqual(told(record, 'still'), ['ADDED list']);
  });

  it('says why a field selector does not work for a kind, and keeps the others', async () => {
    const { source } = await watch('reader', { include: ['Box.*', 'Crate.*'], fieldSelectors: ['Box.*: spec.size=1'] });
    await untilState(source, 'Box', 'broken');
    assert.match(rowOf(source, 'Box')?.reason ?? '', /field label not supported.*--field-selector/);
    await untilState(source, 'Crate', 'watched');
  });

  it('watches 300 kinds within 10 s of their CRDs, under a role printed before', async (t) => {
    const kinds = Array.from({ length: 300 }, (_, i) => ({ group: `g${i % 30}.many.test`, kind: `Many${i}` }));
    const expected = kinds.flatMap(({ group, kind }) => ['--expect', `${kind.toLowerCase()}s.${group}`]);
    await grant('many', expected);
    const { source } = await watch('many', { include: ['*.many.test'] });
    await until('discovery was asked', () => source.reach().state === 'reached');

    const createdMs = new Map<string, number>();
    const watchedMs = new Map<string, number>();
    const looking = until(
      'all are watched',
      () => {
        for (const { kind, state } of source.coverage())
          if (state === 'watched' && !watchedMs.has(kind)) watchedMs.set(kind, performance.now());
        return watchedMs.size === kinds.length;
      },
      60_000,
    );
    const startedMs = performance.now();
    for (const { group, kind } of kinds) {
      await admin.request('POST', CRDS, { body: crd(group, kind) });
      createdMs.set(kind, performance.now());
    }
    const createdAllMs = performance.now() - startedMs;
    await looking;
    const waits = kinds
      .map(({ kind }) => (watchedMs.get(kind) ?? Number.NaN) - (createdMs.get(kind) ?? Number.NaN))
      .sort((a, b) => a - b);
    const [median, worst] = [waits[150] ?? Number.NaN, waits[299] ?? Number.NaN];
    t.diagnostic(
      `300 CRDs made in ${Math.round(createdAllMs)} ms; watched after p50 ${Math.round(median)} ms, at most ${Math.round(worst)} ms`,
    );
    assert.ok(worst < 10_000, `the slowest took ${worst} ms`);
  });
});
