/** What every store promises, whatever it stands on. `make` gives an empty store; the suite closes it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Actor } from '../../src/domain/change.ts';
import { deliveryKey } from '../../src/domain/delivery.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import type { Gap } from '../../src/domain/gap.ts';
import { canonicalJson, type Json } from '../../src/domain/json.ts';
import type { KubeEvent } from '../../src/domain/kube-event.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import type { NearMiss } from '../../src/domain/review.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { parseSelector } from '../../src/domain/series/series-match.ts';
import type { Verdict } from '../../src/domain/verdict.ts';

import { type AsyncStore, asAsync } from '../../src/store/async-store.ts';

import type { AlertRecord, EffectRecord, GapQuery, NewChange, Store } from '../../src/store/store.ts';
import { FLUX, HUMAN, history, newChange, refTo, state } from '../store/new-changes.ts';

export function checkStore(name: string, make: () => Store): void {
  const test = (behaviour: string, run: (store: AsyncStore) => Promise<void>) =>
    it(behaviour, async () => {
      const store = asAsync(make());
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });

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

  describe(`${name}: reading back in time`, () => {
    const fill = async (store: AsyncStore) => {
      const orders = history('orders', [{ replicas: 1 }, { replicas: 2 }, { replicas: 2, zone: 'a' }], 10);
      const bills = history('bills', [{ replicas: 1 }, { replicas: 4 }], 20).map((change) => ({
        ...change,
        actor: HUMAN,
        candidates: [HUMAN],
      }));
      const last = orders[2]?.state as KubeObject;
      const gone = newChange('DELETED', { ...last, metadata: { ...last.metadata, resourceVersion: '40' } }, { before: last });
      await store.append({ changes: [...orders, ...bills, gone] });
    };

    test('finds the state as of a time, and none before the first or after the deletion', async (store) => {
      await fill(store);
      const at = async (atMs: number) => (await store.stateAt(refTo('orders'), { atMs }))?.spec;
      assert.equal(await at(9_999), undefined);
      assert.deepEqual(await at(10_000), { replicas: 1 });
      assert.deepEqual(await at(11_999), { replicas: 2 });
      assert.deepEqual(await at(39_999), { replicas: 2, zone: 'a' });
      assert.equal(await at(40_000), undefined);
      assert.equal(await store.stateAt(refTo('bills'), { seq: 1 }), undefined, 'change 1 is of another object');
    });

    test('finds the states after several changes as it does each of them', async (store) => {
      await fill(store);
      const asked = [
        { ref: refTo('bills'), seq: 5 },
        { ref: refTo('orders'), seq: 6 },
        { ref: refTo('orders'), seq: 1 },
        { ref: refTo('orders'), seq: 3 },
        { ref: refTo('bills'), seq: 1 },
        { ref: refTo('orders'), seq: 3 },
        { ref: refTo('nobody'), seq: 2 },
        { ref: refTo('orders'), seq: 99 },
      ];
      const expected = await Promise.all(asked.map(({ ref, seq }) => store.stateAt(ref, { seq })));
      assert.deepEqual(await store.statesAfter(asked), expected);
      assert.deepEqual(
        expected.map((each) => each !== undefined),
        [true, true, true, true, false, true, false, false],
      );
      assert.deepEqual(await store.statesAfter([]), []);
    });

    test('lists objects now and as they were', async (store) => {
      await fill(store);
      const names = async (query: object) => (await store.objects({ limit: 10, ...query })).items.map(({ ref }) => ref.name);
      assert.deepEqual(await names({}), ['bills']);
      assert.deepEqual(await names({ includeDeleted: true }), ['orders', 'bills']);
      assert.deepEqual(await names({ atMs: 15_000 }), ['orders']);
      assert.deepEqual(await names({ atMs: 30_000 }), ['orders', 'bills']);
      assert.deepEqual(await names({ namespace: 'nowhere' }), []);
      assert.deepEqual(await names({ kind: 'Kafka', name: 'orders', includeDeleted: true }), ['orders']);
      const [then] = (await store.objects({ limit: 10, atMs: 11_500, name: 'orders' })).items;
      assert.deepEqual([then?.changes, then?.resourceVersion, then?.lastMs, then?.deleted], [2, '11', 11_000, false]);
    });

    test('filters changes by everything a query can name, newest first', async (store) => {
      await fill(store);
      const seqs = async (query: object) => (await store.changes({ limit: 10, ...query })).items.map(({ seq }) => seq);
      const table: [query: object, expected: number[]][] = [
        [{}, [6, 5, 4, 3, 2, 1]],
        [{ name: 'orders' }, [6, 3, 2, 1]],
        [{ name: 'orders', type: 'MODIFIED' }, [3, 2]],
        [{ actor: HUMAN.name }, [5, 4]],
        [{ actor: HUMAN.name, path: '/spec/replicas' }, [5]],
        [{ path: '/spec/replicas' }, [5, 2]],
        [{ path: '/spec/zone' }, [3]],
        [{ path: '/spec/none' }, []],
        [{ fromMs: 11_000, toMs: 20_000 }, [4, 3, 2]],
        [{ toMs: 9_000 }, []],
        [{ fromMs: 41_000 }, []],
        [{ cluster: 'test', group: 'kafka.strimzi.io', kind: 'Kafka', namespace: 'streaming' }, [6, 5, 4, 3, 2, 1]],
        [{ kind: 'Topic' }, []],
        [{ cluster: 'elsewhere' }, []],
        [{ actor: 'nobody' }, []],
        [{ type: 'DELETED' }, [6]],
      ];
      for (const [query, expected] of table) assert.deepEqual(await seqs(query), expected, JSON.stringify(query));
      assert.deepEqual(
        (await store.changes({ limit: 10, name: 'orders' })).items.map(({ paths }) => paths),
        [[], ['/spec/zone'], ['/spec/replicas'], []],
      );
    });

    test('pages through without loss or repeat while more is written', async (store) => {
      for (let i = 0; i < 25; i++) await store.append({ changes: [newChange('ADDED', state(`k${i}`, String(i + 1), {}))] });
      const seen: number[] = [];
      let token: string | undefined;
      do {
        const page = await store.changes({ limit: 4, ...(token === undefined ? {} : { continue: token }) });
        seen.push(...page.items.map(({ seq }) => seq));
        token = page.continue;
        await store.append({ changes: [newChange('ADDED', state(`late${seen.length}`, '99', {}))] });
      } while (token !== undefined);
      assert.deepEqual(
        seen,
        Array.from({ length: 25 }, (_, i) => 25 - i),
      );
      const objects: string[] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const page = await store.objects({ limit: 7, ...(next === '' ? {} : { continue: next }) });
        objects.push(...page.items.map(({ ref }) => ref.name));
        next = page.continue;
      }
      assert.equal(new Set(objects).size, objects.length);
      assert.equal(objects.length, (await store.counts()).objects);
    });

    test('refuses a continue token that is not one of that list', async (store) => {
      await fill(store);
      const token = (await store.changes({ limit: 1 })).continue as string;
      const refused = (error: unknown) => isCrowsnestError(error, 'REQUEST_INVALID');
      for (const bad of ['', '%%%', 'bm9wZQ', Buffer.from('["changes","x"]').toString('base64url')]) {
        await assert.rejects(() => store.changes({ limit: 1, continue: bad }), refused, bad);
        await assert.rejects(() => store.findings({ limit: 1, continue: bad }), refused, bad);
      }
      await assert.rejects(() => store.objects({ limit: 1, continue: token }), refused);
    });

    test('stands clocks that go backwards', async (store) => {
      const times = [50, 10, 60, 20, 30];
      let before: KubeObject | undefined;
      for (const [i, observedMs] of times.entries()) {
        const object = state('orders', String(i), { i });
        await store.append({ changes: [newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before, observedMs })] });
        before = object;
      }
      assert.deepEqual(
        (await store.changes({ limit: 9, fromMs: 20, toMs: 50 })).items.map(({ seq }) => seq),
        [5, 4, 1],
      );
      assert.deepEqual((await store.stateAt(refTo('orders'), { atMs: 55 }))?.spec, { i: 4 });
    });
  });

  describe(`${name}: series`, () => {
    test('gives back samples by metric, labels and time', async (store) => {
      await store.append({
        changes: [],
        scrapes: [
          scrape(1_000, [
            ['total', 'kafka', 1],
            ['total', 'topic', 7],
            ['depth', 'kafka', 0.5],
          ]),
        ],
      });
      await store.append({
        changes: [],
        scrapes: [
          scrape(2_000, [
            ['total', 'kafka', 2],
            ['depth', 'kafka', Number.NaN],
          ]),
        ],
      });
      const range = { fromMs: 0, toMs: 9_000, limit: 10 };
      const found = await store.series({ ...range, metric: 'total', labels: { controller: 'kafka' } });
      assert.deepEqual(found, [
        {
          cluster: 'test',
          metric: 'total',
          labels: { controller: 'kafka', zone: 'a' },
          samples: [
            [1_000, 1],
            [2_000, 2],
          ],
        },
      ]);
      assert.equal((await store.series(range)).length, 3);
      assert.equal((await store.series({ ...range, limit: 2 })).length, 2);
      assert.deepEqual((await store.series({ ...range, metric: 'depth', fromMs: 1_500 }))[0]?.samples, [[2_000, Number.NaN]]);
      assert.deepEqual(await store.series({ ...range, cluster: 'other' }), []);
      assert.equal((await store.counts()).samples, 5);
    });

    test('walks all samples in the order they came', async (store) => {
      for (let i = 1; i <= 9; i++)
        await store.append({
          changes: [],
          scrapes: [
            scrape(i * 1_000, [
              ['total', 'kafka', i],
              ['depth', 'kafka', -i],
            ]),
          ],
        });
      const seen: [number, string, number][] = [];
      for (let position = 0; ; ) {
        const { position: next, samples } = await store.samplesAfter(position, 5);
        if (samples.length === 0) break;
        for (const { key, tsMs, value } of samples) seen.push([tsMs, key.metric, value]);
        position = next;
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 9 }, (_, i) => [
          [(i + 1) * 1_000, 'total', i + 1],
          [(i + 1) * 1_000, 'depth', -i - 1],
        ]).flat(),
      );
    });
  });

  describe(`${name}: series in steps`, () => {
    const MINUTE = 60_000;
    const query = { fromMs: 0, toMs: 60 * MINUTE, stepMs: MINUTE, seriesMax: 10, workMax: 1e6 };
    const fill = async (store: AsyncStore) => {
      for (let i = 0; i < 40; i++) {
        const values: [string, string, number][] = [
          ['total', 'kafka', i % 20],
          ['depth', 'kafka', i % 2 === 0 ? i : Number.NaN],
          ['depth', 'topic', -i],
        ];
        await store.append({ changes: [], scrapes: [scrape(i * 30_000, values)] });
        await store.maintain();
      }
    };

    test('gives what each series comes to in each step, over resets of counters, without what is no number', async (store) => {
      await fill(store);
      const [total] = (await store.seriesWindows({ ...query, matchers: parseSelector('total') })).series;
      assert.deepEqual(
        total?.windows.map(([ms, { increase }]) => [ms / MINUTE, increase]),
        Array.from({ length: 20 }, (_, i) => [i, i % 10 === 0 ? 1 : 2]),
      );
      const [depth] = (
        await store.seriesWindows({
          ...query,
          stepMs: 5 * MINUTE,
          matchers: parseSelector('depth{controller="kafka"}'),
        })
      ).series;
      assert.deepEqual(
        depth?.windows.map(([, { summary }]) => [summary.min, summary.max, summary.count]),
        [0, 1, 2, 3].map((i) => [i * 10, i * 10 + 8, 5]),
      );
    });

    test('counts from the last sample before the time', async (store) => {
      await fill(store);
      const late = await store.seriesWindows({
        ...query,
        fromMs: 5 * MINUTE,
        toMs: 7 * MINUTE - 1,
        matchers: parseSelector('total'),
      });
      assert.deepEqual(
        late.series[0]?.windows.map(([ms, { increase }]) => [ms / MINUTE, increase]),
        [
          [5, 2],
          [6, 2],
        ],
      );
    });

    test('takes matchers, and no more series than were allowed', async (store) => {
      await fill(store);
      const names = async (selector: string) => {
        const { series } = await store.seriesWindows({ ...query, matchers: parseSelector(selector) });
        return series.map(({ metric, labels }) => `${metric} ${labels.controller}`).sort();
      };
      assert.deepEqual(await names('{controller=~"k.*"}'), ['depth kafka', 'total kafka']);
      assert.deepEqual(await names('depth{controller!="kafka",cluster="test"}'), ['depth topic']);
      assert.deepEqual(await names('{__name__!~"d.+"}'), ['total kafka']);
      assert.deepEqual(await names('none'), []);
      await assert.rejects(store.seriesWindows({ ...query, seriesMax: 1, matchers: parseSelector('depth') }), (error: unknown) =>
        isCrowsnestError(error, 'QUERY_TOO_LARGE'),
      );
      assert.equal((await store.counts()).series, 3);
    });
  });

  describe(`${name}: findings and what follows`, () => {
    test('stores findings, replaces one of the same id, and lists newest first', async (store) => {
      await store.commitAnalysis({
        findings: [finding('a', 1_000), finding('b', 2_000), finding('c', 2_000)],
        cursors: { analysis: '3' },
      });
      await store.commitAnalysis({
        findings: [{ ...finding('a', 1_000), score: 9, decision: { verdict: 'record', why: 'held' } }],
      });
      assert.equal(await store.cursor('analysis'), '3');
      assert.equal((await store.finding('a'))?.score, 9);
      assert.deepEqual(await store.finding('b'), finding('b', 2_000));
      assert.equal(await store.finding('z'), undefined);
      assert.deepEqual([(await store.counts()).findings, (await store.counts()).pages], [3, 2]);
      const ids = async (query: object) => (await store.findings({ limit: 10, ...query })).items.map(({ id }) => id);
      assert.deepEqual(await ids({}), ['c', 'b', 'a']);
      assert.deepEqual(await ids({ verdict: 'page' }), ['c', 'b']);
      assert.deepEqual(await ids({ verdict: 'record', scoreMin: 5 }), ['a']);
      assert.deepEqual(
        await ids({ kind: 'Kafka', namespace: 'streaming', name: 'orders', detector: 'new-value', severity: 'warning' }),
        ['c', 'b', 'a'],
      );
      assert.deepEqual(await ids({ detector: 'burst' }), []);
      assert.deepEqual(await ids({ fromMs: 1_500 }), ['c', 'b']);
      assert.deepEqual(await ids({ toMs: 1_500, cluster: 'test' }), ['a']);
      const first = await store.findings({ limit: 2 });
      assert.deepEqual(
        (await store.findings({ limit: 2, continue: first.continue as string })).items.map(({ id }) => id),
        ['a'],
      );
    });

    test('keeps alerts until they are forgotten', async (store) => {
      const alert = (id: string, endsMs: number): AlertRecord => ({
        ...{ id, labels: { alertname: 'X' }, annotations: {}, generatorURL: 'http://x', startsMs: 1, endsMs, findingId: 'a' },
      });
      await store.commitAnalysis({ findings: [], alerts: [alert('firing', 900), alert('resolved', 400)] });
      assert.deepEqual(
        (await store.alertsActive(500, 200)).map(({ id }) => id),
        ['firing', 'resolved'],
      );
      assert.deepEqual(
        (await store.alertsActive(700, 200)).map(({ id }) => id),
        ['firing'],
      );
      await store.putAlert(alert('resolved', 800));
      assert.deepEqual(
        (await store.alertsActive(700, 200)).map(({ id }) => id),
        ['firing', 'resolved'],
      );
      assert.deepEqual(await store.alert('firing'), alert('firing', 900));
      assert.equal(await store.alert('none'), undefined);
    });

    test('hands out effects when due, and analysis done again does not send one twice', async (store) => {
      const effect: EffectRecord = {
        ...{ id: 'annotate/1', type: 'annotate', ref: refTo('orders'), uid: 'u', resourceVersion: '1', payload: { a: 1 } },
        ...{ state: 'pending', attempts: 0, nextMs: 100 },
      };
      await store.commitAnalysis({ findings: [], effects: [effect] });
      assert.deepEqual(await store.effectsDue(99, 10), []);
      assert.deepEqual(await store.effectsDue(100, 10), [effect]);
      await store.putEffect({ ...effect, state: 'done', attempts: 1 });
      await store.commitAnalysis({ findings: [], effects: [effect] });
      assert.deepEqual(await store.effectsDue(1_000, 10), []);
    });

    test('keeps what people said, in the order it was said, and replaces by id', async (store) => {
      const said = (id: string, more: Partial<Verdict> = {}): Verdict => ({
        ...{ id, findingId: 'a', verdict: 'wrong', by: 'ann', givenMs: 5, expiresMs: 9, change: { seq: 1, ms: 1_000 } },
        ...{ scope: { cluster: 'test', kind: 'Kafka' }, place: { seq: 1, position: 0 } },
        ...more,
      });
      assert.deepEqual(await store.verdicts(), []);
      await store.putVerdict(said('two'));
      await store.putVerdict(said('one', { verdict: 'expected' }));
      const withdrawn = said('two', { withdrawn: { by: 'bob', ms: 7, place: { seq: 4, position: 2, clockMs: 3 } } });
      await store.putVerdict(withdrawn);
      assert.deepEqual(await store.verdicts(), [withdrawn, said('one', { verdict: 'expected' })]);
    });

    test('counts what each verdict decided, a finding that is judged again once', async (store) => {
      assert.deepEqual(await store.verdictHits(), new Map());
      const heard = (id: string, tsMs: number, by: string, verdict: 'page' | 'record') => ({
        ...finding(id, tsMs),
        decision: { verdict, why: 'as said', heard: by },
      });
      await store.commitAnalysis({ findings: [heard('a', 5_000, 'v1', 'record'), heard('b', 3_000, 'v1', 'record')] });
      await store.commitAnalysis({
        findings: [heard('b', 3_000, 'v1', 'record'), heard('c', 4_000, 'v2', 'page'), finding('d', 9_000)],
      });
      await store.commitAnalysis({ findings: [heard('e', 4_500, 'v1', 'page')] });
      assert.deepEqual(
        await store.verdictHits(),
        new Map([
          ['v1', { muted: 2, raised: 1, lastMs: 5_000 }],
          ['v2', { muted: 0, raised: 1, lastMs: 4_000 }],
        ]),
      );
    });

    test('keeps what was drawn for review, newest day first, once for each slot, for 90 days', async (store) => {
      const drawn = (day: string, slot: NearMiss['slot'], more: Partial<NearMiss> = {}): NearMiss => ({
        ...{ cluster: 'test', day, slot, findingId: 'a', tsMs: 5, score: 3.25, level: 3.5, detector: 'burst', population: 7 },
        weight: 3.5,
        ...more,
      });
      const put = (...nearMisses: NearMiss[]) => store.commitAnalysis({ findings: [], nearMisses });
      const elsewhere = drawn('2026-01-01', 'highest', { cluster: 'other' });
      await put(elsewhere, drawn('2026-01-01', 'highest'), drawn('2026-01-02', 'random-1'), drawn('2026-01-02', 'highest'));
      await put(drawn('2026-01-02', 'random-1', { findingId: 'b' }));
      assert.deepEqual(await store.nearMisses(), [
        ...[drawn('2026-01-02', 'highest'), drawn('2026-01-02', 'random-1', { findingId: 'b' })],
        ...[elsewhere, drawn('2026-01-01', 'highest')],
      ]);
      await put(drawn('2026-04-01', 'highest'));
      assert.deepEqual(
        (await store.nearMisses()).map(({ cluster, day }) => `${cluster} ${day}`),
        ['test 2026-04-01', 'test 2026-01-02', 'test 2026-01-02', 'other 2026-01-01'],
      );
      await put(drawn('2026-04-02', 'highest'));
      assert.deepEqual(
        (await store.nearMisses()).map(({ cluster, day }) => `${cluster} ${day}`),
        ['test 2026-04-02', 'test 2026-04-01', 'other 2026-01-01'],
      );
    });

    test('keeps small state and snapshots', async (store) => {
      await store.commitAnalysis({ findings: [], state: { episode: 'one' } });
      await store.putState('key', 'v1');
      await store.putState('key', 'v2');
      assert.deepEqual(
        [await store.getState('episode'), await store.getState('key'), await store.getState('none')],
        ['one', 'v2', undefined],
      );
      const blob = Uint8Array.from({ length: 5_000 }, (_, i) => i % 251);
      await store.saveSnapshot('model', { version: 1, seq: 5, blob: new Uint8Array(3) });
      await store.saveSnapshot('model', { version: 2, seq: 9, blob });
      assert.deepEqual(await store.loadSnapshot('model'), { version: 2, seq: 9, blob });
      assert.equal(await store.loadSnapshot('none'), undefined);
    });

    test('says that it can be written', async (store) => {
      assert.equal(store.readOnly, false);
      assert.equal(await store.probeWrite(), true);
      await store.append({ changes: history('orders', [{}], 10) });
      assert.ok((await store.counts()).bytes > 0);
    });
  });
}

function finding(id: string, tsMs: number): Finding {
  const ref = refTo('orders');
  return {
    ...{ id, tsMs, cluster: 'test', summary: 'replicas went from 3 to 300', episode: 'e1', score: 4, onceIn: 10_000 },
    subject: { type: 'change', seq: 1, resourceVersion: '1', changeType: 'MODIFIED', ref, uid: 'u' },
    ...{ actor: HUMAN, detector: 'new-value', mature: true, deterministic: false, severity: 'warning' },
    decision: { verdict: 'page', why: 'over the alert level' },
    reasons: [
      {
        detector: 'new-value',
        sentence: 'never seen before',
        bits: 4,
        path: '/spec/replicas',
        observed: 300,
        usual: [3],
        samples: 40,
      },
    ],
  };
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function scrape(tsMs: number, samples: [metric: string, controller: string, value: number][]): Scrape {
  return {
    ...{ cluster: 'test', target: 'http://c:8080/metrics', tsMs },
    samples: samples.map(([metric, controller, value]) => ({ metric, labels: { controller, zone: 'a' }, value })),
  };
}
