/**
 * Everything that a cluster does to a watch, on a real kube-apiserver, under the role that `crowsnest rbac` prints: restarts, compaction, a
 * network that cuts and one that falls silent, a rotated token, a migrated CRD, kinds that are forbidden, a storage restored from a backup.
 * After each step the record holds every change that the server could still tell, once; where it could not, each object's last state, the
 * deletions, and the gap by name. Coverage is true all along.
 */
import assert from 'node:assert/strict';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import type { SqliteStore } from '../../src/store/sqlite-store.ts';
import { crowsnest } from '../commands/run-crowsnest.ts';
import { compactEtcd } from '../support/compact-etcd.ts';
import { type RealApiServer, startApiServer } from '../support/real-apiserver.ts';
import { skipWithout } from '../support/skip-real.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { type Collector, GROUP, Ledger, openStore, pathOf, startCollector, untilRecorded } from './chaos-bench.ts';

const KINDS = 10;
/** One in five is outside the role. */
const FORBIDDEN = [8, 9];
const WATCHED = [0, 1, 2, 3, 4, 5, 6, 7];

const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
const crd = (kind: number, versions: { name: string; served: boolean; storage: boolean }[]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `k${kind}s.${GROUP}` },
  spec: {
    ...{ group: GROUP, scope: 'Namespaced', names: { kind: `K${kind}`, plural: `k${kind}s` } },
    versions: versions.map((version) => ({ ...version, schema })),
  },
});

describe('a cluster that does its worst', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  let server: RealApiServer;
  let proxy: TcpProxy;
  let admin: KubeClient;
  let ledger: Ledger;
  let store: SqliteStore;
  let collector: Collector;
  let kubeconfig: string;
  let tokenFile: string;
  /** The version that K0 is watched and written at. */
  let version = 'v1alpha1';

  const apply = (...items: object[]) =>
    server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const stateOf = (kind: number) => collector.coverage(`K${kind}`)?.state;
  const allWatched = async () => {
    const away = () => WATCHED.filter((kind) => stateOf(kind) !== 'watched');
    await until('all are watched', () => away().length === 0, 40_000, 20).catch((error: Error) => {
      const rows = away().map((kind) => JSON.stringify(collector.coverage(`K${kind}`) ?? `K${kind} is not known`));
      throw new Error(`${error.message}: ${rows.join(', ')}`);
    });
  };
  const newToken = async () => {
    await writeFile(tokenFile, await server.kubectl(['create', 'token', 'crowsnest', '-n', 'crowsnest', '--duration=60m']));
  };
  const versionOf = (kind: number) => (kind === 0 ? version : 'v1alpha1');
  const settled = async (...kinds: number[]) => {
    for (const kind of kinds) await untilRecorded(collector, admin, kind, versionOf(kind));
  };
  /** Nothing lost, nothing twice, nothing invented; and all that may be seen is. */
  const holds = async () => {
    await allWatched();
    assert.deepEqual(ledger.complaints(collector.changes()), []);
    assert.deepEqual(store.gaps({ reason: 'missed', limit: 10 }).items, []);
  };
  const kindGaps = (reason: 'compacted' | 'restored') => store.gaps({ of: 'kinds', reason, limit: 1_000 }).items;

  before(async () => {
    server = await startApiServer();
    proxy = await TcpProxy.start(server.url);
    admin = await connectKube({ kubeconfig: server.adminKubeconfig });
    ledger = new Ledger(admin);
    await apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'crowsnest' } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'crowsnest', namespace: 'crowsnest' } },
      ...Array.from({ length: KINDS }, (_, kind) => crd(kind, [{ name: 'v1alpha1', served: true, storage: true }])),
    );
    await until('the kinds are served', async () => {
      const answers = await Promise.all(WATCHED.map((kind) => admin.request('GET', pathOf(kind)).catch(() => undefined)));
      return answers.every((answer) => answer !== undefined);
    });
    const without = FORBIDDEN.flatMap((kind) => ['--exclude', `k${kind}.${GROUP}`]);
    const printed = await crowsnest(['rbac', '--kubeconfig', server.adminKubeconfig, ...without]);
    assert.equal(printed.code, 0, printed.err);
    assert.doesNotMatch(printed.out.replaceAll(/^ *#.*$/gm, ''), /\*/, 'no right on everything');
    await server.kubectl(['apply', '-f', '-'], printed.out);

    tokenFile = join(server.folder, 'crowsnest-token');
    await newToken();
    kubeconfig = join(server.folder, 'through-the-proxy.kubeconfig');
    const cluster = { server: proxy.url, 'certificate-authority': server.caFile };
    const context = { cluster: 'real', user: 'crowsnest' };
    const config = {
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'real' },
      clusters: [{ name: 'real', cluster }],
      users: [{ name: 'crowsnest', user: { tokenFile } }],
      contexts: [{ name: 'real', context }],
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    store = openStore();
    collector = await startCollector(store, kubeconfig);
  });

  after(async () => {
    await collector?.stop();
    store?.close();
    await admin?.close();
    await proxy?.close();
    await server?.stop();
  });

  it('records all that happens, and says which rule is missing for each kind that is forbidden', async () => {
    await allWatched();
    for (const kind of FORBIDDEN) {
      await until(`K${kind} is forbidden`, () => stateOf(kind) === 'forbidden');
      assert.match(collector.coverage(`K${kind}`)?.reason ?? '', new RegExp(`resources: \\["k${kind}s"\\]`));
    }
    for (const kind of WATCHED) {
      for (const size of [1, 2, 3]) await ledger.apply(kind, 'a', size);
      await ledger.apply(kind, 'b', 1);
      await ledger.remove(kind, 'b');
      await ledger.apply(kind, 'b', 2);
    }
    await settled(...WATCHED);
    await holds();
    assert.equal(collector.changes().length, WATCHED.length * 6);
  });

  it('lists beside the watches now and then and finds nothing missed', async () => {
    const checks = () => WATCHED.map((kind) => collector.coverage(`K${kind}`)?.lastCheckMs);
    await until('each kind was checked', () => checks().every((ms) => ms !== undefined), 20_000, 20);
    await holds();
  });

  it('loses and repeats nothing when the connection is cut in the middle of a line', async () => {
    for (let round = 0; round < 3; round++) {
      const cuts = proxy.cuts;
      // The event is longer than what is let through, so the cut is within its line.
      proxy.cutAfter(40_000);
      await ledger.apply(1, 'large', round, { blob: `${round}`.repeat(120_000) });
      await ledger.apply(2, 'small', round);
      await until('the cut', () => proxy.cuts > cuts, 10_000, 5);
      await ledger.apply(1, 'large', 100 + round);
    }
    await allWatched();
    await settled(1, 2);
    await holds();
    assert.deepEqual(store.rejects(10), []);
  });

  it('finds a half-open connection, says meanwhile that it sees nothing, and loses nothing', async () => {
    proxy.silence();
    await ledger.apply(3, 'a', 10);
    await until('coverage tells', () => WATCHED.some((kind) => stateOf(kind) === 'stale'), 20_000, 10);
    await ledger.apply(3, 'a', 11);
    proxy.heal();
    await allWatched();
    await ledger.apply(3, 'a', 12);
    await settled(3);
    await holds();
  });

  it('comes back after the API server was restarted', async () => {
    await settled(...WATCHED);
    const restarting = server.restart();
    await until('coverage tells', () => WATCHED.every((kind) => stateOf(kind) === 'stale'), 20_000, 10);
    await restarting;
    await allWatched();
    const { metadata } = (await admin.request('GET', pathOf(0))) as { metadata: { resourceVersion: string } };
    for (const kind of WATCHED) await ledger.apply(kind, 'a', 20);
    await settled(...WATCHED);
    await holds();
    // The new server knows nothing from before it, and nothing moved meanwhile. A kind that came to be listed only after its edit found that one.
    for (const { objects, toVersion } of kindGaps('compacted'))
      assert.ok(
        objects <= (Number(toVersion) > Number(metadata.resourceVersion) ? 1 : 0),
        `${objects} objects up to ${toVersion}`,
      );
  });

  it('after a compaction has the last state of each object and the deletions, and names the gap', async () => {
    await ledger.apply(4, 'edited', 1);
    await ledger.apply(4, 'deleted', 1);
    await ledger.apply(4, 'recreated', 1);
    await settled(4);
    const before = new Map([...store.heads('real', GROUP, 'K4')].map((head) => [head.ref.name, head]));
    proxy.refuse();
    await until('coverage tells', () => stateOf(4) === 'stale', 20_000, 10);
    await ledger.untold(async () => {
      for (const size of [2, 3, 4]) await ledger.apply(4, 'edited', size);
      await ledger.remove(4, 'deleted');
      await ledger.remove(4, 'recreated');
      await ledger.apply(4, 'recreated', 2);
      await ledger.apply(4, 'new', 1);
      await ledger.apply(4, 'came-and-went', 1);
      await ledger.remove(4, 'came-and-went');
    });
    const { metadata } = (await admin.request('GET', pathOf(4))) as { metadata: { resourceVersion: string } };
    await compactEtcd(server.etcdUrl, Number(metadata.resourceVersion));
    // Its watch cache would still know; a server that starts anew has only what etcd has.
    await server.restart();
    proxy.heal();
    await allWatched();
    await settled(...WATCHED);
    await holds();

    const gaps = store.gaps({ kind: 'K4', reason: 'compacted', limit: 100 }).items;
    const of = (name: string) => gaps.filter((gap) => gap.name === name);
    const now = new Map([...store.heads('real', GROUP, 'K4')].map((head) => [head.ref.name, head]));
    const versions = (name: string) =>
      of(name).map(({ fromVersion, toVersion, generationsSkipped }) => [fromVersion, toVersion, generationsSkipped]);
    assert.deepEqual(versions('edited'), [[before.get('edited')?.resourceVersion, now.get('edited')?.resourceVersion, 2]]);
    assert.deepEqual(versions('deleted'), [[before.get('deleted')?.resourceVersion, undefined, 0]]);
    assert.equal(of('recreated').length, 2, 'the end of one life and the beginning of another');
    assert.deepEqual(versions('new'), [[undefined, now.get('new')?.resourceVersion, 0]]);
    const [kind] = of('').filter(({ objects }) => objects > 0);
    assert.equal(kind?.objects, 5);
    assert.ok(kind.fromMs !== undefined && kind.toMs - kind.fromMs > 1_000, 'the gap is as long as the silence was');
    assert.ok((collector.coverage('K4')?.gaps ?? 0) >= 1);
    collector.alerts.check([]);
    const [alert] = store.alertsActive(Date.now(), 0);
    assert.equal(alert?.labels.alertname, 'CrowsnestHistoryGap');
    assert.match(alert.annotations.description ?? '', /K4\.chaos\.test: .* 5 objects moved/);
  });

  it('takes up a rotated token when the one before is worth nothing any more', async () => {
    await server.kubectl(['delete', 'serviceaccount', 'crowsnest', '-n', 'crowsnest']);
    await server.kubectl(['create', 'serviceaccount', 'crowsnest', '-n', 'crowsnest']);
    await newToken();
    proxy.refuse();
    await until('coverage tells', () => WATCHED.every((kind) => stateOf(kind) === 'stale'), 20_000, 10);
    proxy.heal();
    await allWatched();
    await ledger.apply(5, 'a', 30);
    await settled(5);
    await holds();
  });

  it('moves with a CRD from v1alpha1 to v1 and tells nothing again', async () => {
    await ledger.apply(0, 'a', 40);
    await settled(0);
    await apply(
      crd(0, [
        { name: 'v1', served: true, storage: true },
        { name: 'v1alpha1', served: true, storage: false },
      ]),
    );
    await until('v1 is watched', () => collector.coverage('K0')?.version === 'v1' && stateOf(0) === 'watched', 20_000, 20);
    version = 'v1';
    // What is still stored at the old version could not be read once that is gone.
    for (const name of ['a', 'b']) await ledger.apply(0, name, 41, { version });
    await settled(0);
    const status = JSON.stringify({ status: { storedVersions: ['v1'] } });
    await server.kubectl(['patch', 'crd', `k0s.${GROUP}`, '--subresource=status', '--type=merge', '-p', status]);
    await apply(crd(0, [{ name: 'v1', served: true, storage: true }]));
    await until('v1alpha1 is gone', () =>
      admin.request('GET', pathOf(0)).then(
        () => false,
        () => true,
      ),
    );
    await ledger.apply(0, 'a', 42, { version });
    await allWatched();
    await settled(0);
    await holds();
  });

  it('watches a forbidden kind within 10 s of its rule being granted', async () => {
    const [kind] = FORBIDDEN as [number];
    await ledger.apply(kind, 'a', 1);
    const printed = await crowsnest(['rbac', '--kubeconfig', server.adminKubeconfig, '--exclude', `k9.${GROUP}`]);
    await server.kubectl(['apply', '-f', '-'], printed.out);
    const grantedMs = performance.now();
    await until(`K${kind} is watched`, () => stateOf(kind) === 'watched', 20_000, 20);
    assert.ok(performance.now() - grantedMs < 10_000);
    await settled(kind);
    await holds();
  });

  it('opens an epoch when the storage is restored from a backup, and follows the new history', async () => {
    await ledger.apply(6, 'back', 1);
    await ledger.apply(6, 'revived', 1);
    await settled(6);
    const backup = join(server.folder, 'etcd-backup');
    await server.restart(() => cp(server.etcdFolder, backup, { recursive: true }));
    await allWatched();
    for (let size = 2; size < 60; size++) await ledger.apply(6, 'back', size);
    await ledger.remove(6, 'revived');
    await ledger.apply(6, 'never', 1);
    await settled(6);
    await holds();
    const from = collector.changes().length;
    await server.restart(async () => {
      await rm(server.etcdFolder, { recursive: true });
      await cp(backup, server.etcdFolder, { recursive: true });
    });
    await until('a new epoch', () => collector.coverage('K6')?.epoch === 2, 40_000, 20);
    await allWatched();
    await settled(6);
    const sizes = (changes: ReturnType<Collector['changes']>) =>
      changes
        .filter(({ ref }) => ref.kind === 'K6')
        .map(({ type, ref, state }) => `${type} ${ref.name}=${(state.spec as { size: number }).size}`);
    assert.deepEqual(sizes(collector.changes().slice(from)).sort(), ['ADDED revived=1', 'DELETED never=1', 'MODIFIED back=1']);
    assert.equal(kindGaps('restored').filter(({ kind }) => kind === 'K6').length, 1);
    const then = collector.changes().length;
    await ledger.apply(6, 'back', 100);
    await ledger.remove(6, 'revived');
    await settled(6);
    assert.deepEqual(sizes(collector.changes().slice(then)), ['MODIFIED back=100', 'DELETED revived=1']);
  });
});

describe('a compaction while Crowsnest is down', { skip: skipWithout('kube-apiserver', 'kubectl') }, () => {
  it('is a gap by name at the next start, on a server that asks etcd itself', async () => {
    // Without a watch cache the 410 is etcd's own.
    await using stack = new AsyncDisposableStack();
    const server = await startApiServer({ args: ['--watch-cache=false'] });
    stack.defer(() => server.stop());
    const admin = await connectKube({ kubeconfig: server.adminKubeconfig });
    stack.defer(() => admin.close());
    const ledger = new Ledger(admin);
    const crds = [crd(0, [{ name: 'v1alpha1', served: true, storage: true }])];
    await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds }));
    await until('the kind is served', () => admin.request('GET', pathOf(0)).catch(() => undefined));
    const printed = await crowsnest(['rbac', '--kubeconfig', server.adminKubeconfig]);
    await server.kubectl(['apply', '-f', '-'], printed.out);
    const store = openStore();
    stack.defer(() => store.close());

    const first = await startCollector(store, server.kubeconfig('crowsnest'));
    await ledger.apply(0, 'edited', 1);
    await ledger.apply(0, 'deleted', 1);
    await untilRecorded(first, admin, 0);
    await first.stop();
    await ledger.untold(async () => {
      for (const size of [2, 3]) await ledger.apply(0, 'edited', size);
      await ledger.remove(0, 'deleted');
    });
    const { metadata } = (await admin.request('GET', pathOf(0))) as { metadata: { resourceVersion: string } };
    await compactEtcd(server.etcdUrl, Number(metadata.resourceVersion));

    const second = await startCollector(store, server.kubeconfig('crowsnest'));
    stack.defer(() => second.stop());
    await until('it is watched', () => second.coverage('K0')?.state === 'watched');
    await untilRecorded(second, admin, 0);
    assert.deepEqual(ledger.complaints(second.changes()), []);
    const [kind, ...others] = store.gaps({ kind: 'K0', of: 'kinds', limit: 10 }).items;
    assert.deepEqual([kind?.reason, kind?.objects, kind?.generationsSkipped, others], ['compacted', 2, 1, []]);
    assert.equal(second.coverage('K0')?.gaps, 1);
  });
});
