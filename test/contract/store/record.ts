/** What every store promises of the changes that it is given. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Actor } from '../../../src/domain/change.ts';
import { deliveryKey } from '../../../src/domain/delivery.ts';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { Gap } from '../../../src/domain/gap.ts';
import { canonicalJson, type Json } from '../../../src/domain/json.ts';
import type { KubeEvent } from '../../../src/domain/kube-event.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import type { GapQuery, NewChange, Store } from '../../../src/store/store.ts';
import { FLUX, HUMAN, history, newChange, refTo, state } from '../../store/new-changes.ts';
import type { Check } from './check.ts';

export function checkRecord(name: string, test: Check): void {
  describe(`${name}: the record`, () => {
    test('gives changes rising positions and returns them as they will be read', async (store) => {
      const changes = await store.append({ changes: history('orders', [{ replicas: 3 }, { replicas: 5 }], 10) });
      assert.deepEqual(
        changes.map(({ seq }) => seq),
        [1, 2],
      );
      assert.deepEqual(await store.changesAfter(0, 10), changes);
      assert.deepEqual(await store.change(2), changes[1]);
      assert.deepEqual(
        changes[1]?.diff.map(({ op, path, old, new: now }) => [op, path, old, now]),
        [['set', '/spec/replicas', 3, 5]],
      );
      assert.equal(await store.change(3), undefined);
    });

    test('keeps every revision of a long history, whatever it is made of', async (store) => {
      const specs = Array.from({ length: 60 }, (_, i) => ({
        replicas: i % 7,
        listeners: Array.from({ length: (i % 4) + 1 }, (_, l) => ({ name: `l${l}`, port: 9000 + i + l })),
        ...(i % 5 === 0 ? { rack: { topologyKey: `zone-${i}` } } : {}),
      }));
      const changes = history('orders', specs, 100);
      for (let i = 0; i < changes.length; i += 7) {
        await store.append({ changes: changes.slice(i, i + 7) });
        await store.maintain();
      }
      for (const [i, change] of changes.entries()) {
        assert.equal(canonicalJson((await store.stateAt(change.ref, { seq: i + 1 })) ?? null), canonicalJson(change.state));
        assert.equal((await store.change(i + 1))?.resourceVersion, change.resourceVersion);
      }
    });

    test('lists gaps newest first by what a query can name, and pages through them', async (store) => {
      const gap = (name: string, toMs: number, more: Partial<Gap> = {}): Gap => ({
        ...{ cluster: 'test', group: 'kafka.strimzi.io', kind: 'Kafka', namespace: name === '' ? '' : 'streaming', name },
        ...{
          reason: 'compacted',
          fromVersion: '10',
          toVersion: '20',
          fromMs: toMs - 100,
          toMs,
          objects: 1,
          generationsSkipped: 2,
        },
        ...more,
      });
      const { fromVersion: _, fromMs: __, ...born } = gap('new', 1_300);
      const gaps: Gap[] = [gap('', 1_000, { objects: 3 }), gap('orders', 1_100), gap('', 1_200, { reason: 'restored' }), born];
      await store.append({ changes: [], gaps: gaps.slice(0, 2) });
      await store.append({ changes: [], gaps: gaps.slice(2) });
      const ids = async (query: Omit<GapQuery, 'limit'>) =>
        (await store.gaps({ limit: 10, ...query })).items.map(({ toMs }) => toMs);
      assert.deepEqual(await store.gaps({ limit: 10 }), { items: gaps.toReversed() });
      assert.deepEqual(await ids({ of: 'kinds' }), [1_200, 1_000]);
      assert.deepEqual(await ids({ of: 'objects' }), [1_300, 1_100]);
      assert.deepEqual(await ids({ reason: 'restored' }), [1_200]);
      assert.deepEqual(await ids({ kind: 'Kafka', namespace: 'streaming', name: 'orders' }), [1_100]);
      assert.deepEqual(await ids({ group: 'other' }), []);
      assert.deepEqual(await ids({ fromMs: 1_050, toMs: 1_000 }), [1_100]);
      const first = await store.gaps({ limit: 3 });
      assert.deepEqual(await store.gaps({ limit: 3, continue: first.continue as string }), { items: gaps.slice(0, 1) });
      await assert.rejects(
        () => store.gaps({ limit: 3, continue: 'nonsense' }),
        (error) => isCrowsnestError(error, 'REQUEST_INVALID'),
      );
    });

    test('finds the change that led to a version, or those around a time, over the latest lives of a name', async (store) => {
      await store.append({ changes: history('orders', [{ replicas: 3 }, { replicas: 5 }, { replicas: 7 }], 10) });
      await store.append({
        changes: [newChange('DELETED', state('orders', '20', { replicas: 7 }), { before: state('orders', '12', {}) })],
      });
      await store.append({ changes: [newChange('ADDED', state('orders', '30', { replicas: 9 }, { uid: 'uid-second' }))] });
      const seqs = async (near: Parameters<Store['changesNear']>[1]) =>
        (await store.changesNear(refTo('orders'), near)).map(({ seq }) => seq);
      assert.deepEqual(await seqs({ resourceVersion: '11' }), [2]);
      assert.deepEqual(await seqs({ resourceVersion: '30' }), [5]);
      assert.deepEqual(await seqs({ resourceVersion: '99' }), []);
      assert.deepEqual(await seqs({ resourceVersion: 'not-a-number' }), []);
      assert.deepEqual(await seqs({ fromMs: 11_000, toMs: 30_000 }), [5, 4, 3, 2]);
      assert.deepEqual(await store.changesNear(refTo('nothing'), { resourceVersion: '11' }), []);
      assert.deepEqual(await store.changesNear(refTo('orders'), { resourceVersion: '11' }), [
        (await store.changes({ limit: 9 })).items.find(({ seq }) => seq === 2),
      ]);
    });

    test('shows who it was as amended later, and gives analysis what was known when it was recorded', async (store) => {
      const alice: Actor = {
        name: 'alice',
        source: 'audit',
        confidence: 0.98,
        impersonatedBy: 'portal',
        fieldManager: 'kubectl-edit',
      };
      const user = {
        name: 'alice',
        groups: ['admins'],
        userAgent: 'kubectl/v1',
        sourceIPs: ['192.0.2.7'],
        impersonatedBy: 'portal',
      };
      const evidence = [{ source: 'audit' as const, id: 'a-1', atMs: 7, match: 'version' as const, user }];
      const attribution = { actor: alice, candidates: [alice, FLUX], evidence };
      const [first, second, third] = history('orders', [{ replicas: 3 }, { replicas: 5 }, { replicas: 7 }], 10) as [
        NewChange,
        NewChange,
        NewChange,
      ];
      await store.append({ changes: [first, { ...second, attribution }, third] });
      assert.deepEqual(await store.attribution(2), attribution);
      assert.deepEqual(await store.attribution(1), { actor: FLUX, candidates: [FLUX], evidence: [] });
      assert.equal(await store.attribution(9), undefined);
      await store.append({ changes: [], amendments: [{ seq: 3, knownMs: 99, attribution: { ...attribution, evidence: [] } }] });
      await store.append({ changes: [], amendments: [{ seq: 3, knownMs: 100, attribution }] });
      assert.deepEqual(await store.attribution(3), attribution);
      assert.deepEqual(
        (await store.changesAfter(0, 9)).map(({ actor, candidates }) => [actor, candidates]),
        [1, 2, 3].map(() => [FLUX, [FLUX]]),
      );
      assert.deepEqual((await store.change(2))?.candidates, [alice, FLUX]);
      assert.deepEqual((await store.change(3))?.actor, alice);
      const named = async (actor: string, limit: number) => (await store.changes({ actor, limit })).items.map(({ seq }) => seq);
      assert.deepEqual(await named('alice', 9), [3, 2]);
      assert.deepEqual(await named('flux', 9), [1]);
      assert.deepEqual(await named('alice', 1), [3]);
      const kept = (await store.changes({ kind: 'Kafka', name: 'orders', limit: 9 })).items;
      assert.deepEqual(
        kept.map(({ actor }) => actor.name),
        ['alice', 'alice', 'flux'],
      );
    });

    test('stores a cursor with what it covers', async (store) => {
      await store.append({
        changes: history('orders', [{}], 10),
        cursors: { 'watch/kafka': '10', 'watch/topic': '7', other: 'x' },
      });
      assert.equal(await store.cursor('watch/kafka'), '10');
      assert.deepEqual(await store.cursors('watch/'), { 'watch/kafka': '10', 'watch/topic': '7' });
      assert.equal(await store.cursor('nothing'), undefined);
    });

    test('remembers deliveries with what they brought', async (store) => {
      const [one, two] = [deliveryKey('a', 'b'), deliveryKey('ab', '')];
      assert.notEqual(one, two);
      await store.append({ changes: history('orders', [{}], 10), deliveries: [{ key: one, atMs: 1000 }] });
      assert.deepEqual(await store.delivered([one, two]), new Set([one]));
      const broken = { ...newChange('ADDED', state('late', '12', {})), observedMs: null } as unknown as NewChange;
      await assert.rejects(() => store.append({ changes: [broken], deliveries: [{ key: two, atMs: 2000 }] }));
      assert.deepEqual(await store.delivered([two]), new Set(), 'what was not recorded was not delivered');
      await store.append({ changes: [], deliveries: [one, two].map((key) => ({ key, atMs: 3000 })) });
      assert.deepEqual(await store.delivered([one, two]), new Set([one, two]));
    });

    test('stores nothing of a batch that fails, and goes on after it', async (store) => {
      await store.append({ changes: history('orders', [{ replicas: 1 }], 10), cursors: { w: '10' } });
      const broken = { ...newChange('ADDED', state('late', '12', {})), observedMs: null } as unknown as NewChange;
      const good = newChange('ADDED', state('early', '11', {}));
      await assert.rejects(() => store.append({ changes: [good, broken], cursors: { w: '12' } }));
      assert.equal(await store.cursor('w'), '10');
      assert.equal((await store.counts()).changes, 1);
      assert.equal(await store.head(refTo('early')), undefined);
      const [again] = await store.append({ changes: [good] });
      assert.equal(again?.seq, 2);
      assert.equal((await store.head(refTo('early')))?.seq, 2);
    });

    test('knows the newest state of a name through delete and a new life', async (store) => {
      const first = state('orders', '10', { replicas: 1 });
      const next = state('orders', '30', { replicas: 9 }, { uid: 'uid-second' });
      await store.append({ changes: [newChange('ADDED', first)] });
      await store.append({ changes: [newChange('DELETED', state('orders', '20', { replicas: 1 }), { before: first })] });
      const gone = await store.head(refTo('orders'));
      assert.equal(gone?.deleted, true);
      assert.deepEqual(gone?.state.spec, { replicas: 1 });
      assert.deepEqual(await allOf(store.heads('test', 'kafka.strimzi.io', 'Kafka')), []);
      await store.append({ changes: [newChange('ADDED', next)] });
      const head = await store.head(refTo('orders'));
      assert.deepEqual([head?.uid, head?.deleted, head?.resourceVersion], ['uid-second', false, '30']);
      assert.equal(canonicalJson(head?.state as Json), canonicalJson(next));
      const [born, deleted, reborn] = await store.changesAfter(0, 10);
      assert.deepEqual([born?.uid, deleted?.uid, reborn?.uid], ['uid-orders', 'uid-orders', 'uid-second']);
      assert.deepEqual(deleted?.diff, []);
      assert.deepEqual(deleted?.state.spec, { replicas: 1 });
      assert.equal((await store.objects({ limit: 10 })).items[0]?.changes, 3);
    });

    test('goes on with the same uid under a new served version', async (store) => {
      const old = state('orders', '10', { replicas: 1, zone: 'a' });
      const next = { ...state('orders', '11', { replicas: 2, zone: 'a' }), apiVersion: 'kafka.strimzi.io/v1' } as KubeObject;
      await store.append({ changes: [newChange('ADDED', old)] });
      const [appended] = await store.append({ changes: [newChange('MODIFIED', next, { before: old })] });
      const change = await store.change(2);
      assert.equal(change?.ref.version, 'v1');
      assert.deepEqual(change?.diff, appended?.diff, 'compared with the state under the old version');
      assert.deepEqual(
        change?.diff.map(({ path }) => path).filter((path) => path.startsWith('/spec')),
        ['/spec/replicas'],
      );
      assert.equal((await store.change(1))?.ref.version, 'v1beta2');
      assert.equal((await store.objects({ limit: 10 })).items.length, 1);
    });

    test('keeps same names of other clusters, groups and namespaces, and same uids, apart', async (store) => {
      const one = newChange('ADDED', state('orders', '10', { replicas: 1 }));
      const two = newChange('ADDED', state('orders', '10', { replicas: 2 }), { cluster: 'other' });
      const three = newChange('ADDED', state('orders', '10', { replicas: 3 }, { namespace: 'else' }));
      await store.append({ changes: [one, two, three] });
      assert.deepEqual((await store.head(refTo('orders')))?.state.spec, { replicas: 1 });
      assert.deepEqual((await store.head(refTo('orders', { cluster: 'other' })))?.state.spec, { replicas: 2 });
      assert.deepEqual(
        (await allOf(store.heads('test', 'kafka.strimzi.io', 'Kafka', 'else'))).map(({ seq }) => seq),
        [3],
      );
      assert.equal((await allOf(store.heads('test', 'kafka.strimzi.io', 'Kafka'))).length, 2);
    });

    test('counts heartbeats on the object and takes their resourceVersion', async (store) => {
      await store.append({ changes: history('orders', [{ replicas: 1 }], 10) });
      const beat = { ref: refTo('orders'), uid: 'uid-orders', resourceVersion: '15', observedMs: 15_000 };
      await store.append({ changes: [], heartbeats: [beat, { ...beat, resourceVersion: '16' }] });
      const [object] = (await store.objects({ limit: 10 })).items;
      assert.deepEqual([object?.changes, object?.heartbeats, object?.resourceVersion], [1, 2, '16']);
      assert.equal((await store.counts()).heartbeats, 2);
      assert.equal((await store.head(refTo('orders')))?.state.metadata.resourceVersion, '10');
    });

    test('takes resourceVersions for text, whatever they look like', async (store) => {
      const versions = ['007', '1e5', '9007199254740993', '0', '-3', 'abc', '9007199254740991', ' 12'];
      let before: KubeObject | undefined;
      const changes = versions.map((version, i) => {
        const object = state('orders', version, { i });
        const change = newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before, observedMs: i });
        before = object;
        return change;
      });
      await store.append({ changes });
      assert.deepEqual(
        (await store.changesAfter(0, 20)).map(({ resourceVersion }) => resourceVersion),
        versions,
      );
      assert.deepEqual(
        (await store.changesAfter(0, 20)).map(({ state }) => state.metadata.resourceVersion),
        versions,
      );
    });

    test('keeps a state exactly even where it disagrees with the change about version and generation', async (store) => {
      const first = state('orders', '10', { replicas: 1 });
      const second = state('orders', '11', { replicas: 2 }, { generation: 7 });
      await store.append({ changes: [newChange('ADDED', first, { resourceVersion: '99', generation: undefined })] });
      await store.append({ changes: [newChange('MODIFIED', second, { before: first, generation: 3 })] });
      assert.equal(canonicalJson((await store.change(1))?.state as Json), canonicalJson(first));
      assert.equal(canonicalJson((await store.change(2))?.state as Json), canonicalJson(second));
      assert.deepEqual([(await store.change(1))?.resourceVersion, (await store.change(2))?.generation], ['99', 3]);
    });

    test('keeps all candidates with the likeliest as the actor', async (store) => {
      const change = newChange('ADDED', state('orders', '10', {}), {
        actor: HUMAN,
        candidates: [FLUX, HUMAN],
        own: true,
        origin: 'relist',
      });
      await store.append({ changes: [change] });
      const read = await store.change(1);
      assert.deepEqual([read?.actor, read?.candidates, read?.own, read?.origin], [HUMAN, [FLUX, HUMAN], true, 'relist']);
    });

    test('keeps the newest telling of a Kubernetes Event, beside its object and no other', async (store) => {
      const ref = refTo('orders');
      const event: KubeEvent = {
        ...{
          uid: 'e1',
          ref,
          objectUid: 'u',
          type: 'Warning',
          reason: 'Failed',
          action: 'Sync',
          note: 'no disk',
          reportedBy: 'op',
        },
        ...{ firstMs: 1_000, lastMs: 1_000, count: 1 },
      };
      await store.append({ changes: [], kubeEvents: [event, { ...event, uid: 'other', ref: refTo('payments') }] });
      await store.append({ changes: [], kubeEvents: [{ ...event, lastMs: 9_000, count: 7, note: 'still no disk' }] });
      await store.append({ changes: [], kubeEvents: [{ ...event, lastMs: 5_000, count: 3, note: 'late' }] });
      await store.append({ changes: [], kubeEvents: [{ ...event, uid: 'e2', lastMs: 20_000 }] });
      const said = async (query: { fromMs?: number; toMs?: number; limit?: number }) =>
        (await store.kubeEvents({ ref, limit: 10, ...query })).map(({ uid, note, count, firstMs, lastMs }) => [
          uid,
          note,
          count,
          firstMs,
          lastMs,
        ]);
      assert.deepEqual(await said({}), [
        ['e2', 'no disk', 1, 1_000, 20_000],
        ['e1', 'still no disk', 7, 1_000, 9_000],
      ]);
      assert.deepEqual(await said({ limit: 1 }), [['e2', 'no disk', 1, 1_000, 20_000]]);
      assert.deepEqual(await said({ toMs: 9_000 }), [['e1', 'still no disk', 7, 1_000, 9_000]]);
      assert.deepEqual(await said({ fromMs: 9_001, toMs: 19_999 }), []);
      assert.equal((await store.counts()).kubeEvents, 3);
    });

    test('counts and shows what could not be recorded, newest first', async (store) => {
      const reject = { cluster: 'test', code: 'OBJECT_INVALID', where: 'line 3', what: 'no uid', observedMs: 5 };
      await store.append({ changes: [], rejects: [reject, { ...reject, where: 'line 9' }] });
      assert.deepEqual(
        (await store.rejects(10)).map(({ where }) => where),
        ['line 9', 'line 3'],
      );
      assert.deepEqual(await store.rejects(1), [{ ...reject, where: 'line 9' }]);
      assert.equal((await store.counts()).rejects, 2);
    });
  });
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
