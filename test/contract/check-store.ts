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
import type { AlertRecord, EffectRecord, GapQuery, NewChange, Store } from '../../src/store/store.ts';
import { FLUX, HUMAN, history, newChange, refTo, state } from '../store/new-changes.ts';

export function checkStore(name: string, make: () => Store): void {
  const test = (behaviour: string, run: (store: Store) => void) =>
    it(behaviour, () => {
      const store = make();
      try {
        run(store);
      } finally {
        store.close();
      }
    });

  describe(`${name}: the record`, () => {
    test('gives changes rising positions and returns them as they will be read', (store) => {
      const changes = store.append({ changes: history('orders', [{ replicas: 3 }, { replicas: 5 }], 10) });
      assert.deepEqual(
        changes.map(({ seq }) => seq),
        [1, 2],
      );
      assert.deepEqual(store.changesAfter(0, 10), changes);
      assert.deepEqual(store.change(2), changes[1]);
      assert.deepEqual(
        changes[1]?.diff.map(({ op, path, old, new: now }) => [op, path, old, now]),
        [['set', '/spec/replicas', 3, 5]],
      );
      assert.equal(store.change(3), undefined);
    });

    test('keeps every revision of a long history, whatever it is made of', (store) => {
      const specs = Array.from({ length: 60 }, (_, i) => ({
        replicas: i % 7,
        listeners: Array.from({ length: (i % 4) + 1 }, (_, l) => ({ name: `l${l}`, port: 9000 + i + l })),
        ...(i % 5 === 0 ? { rack: { topologyKey: `zone-${i}` } } : {}),
      }));
      const changes = history('orders', specs, 100);
      for (let i = 0; i < changes.length; i += 7) {
        store.append({ changes: changes.slice(i, i + 7) });
        store.maintain();
      }
      changes.forEach((change, i) => {
        assert.equal(canonicalJson(store.stateAt(change.ref, { seq: i + 1 }) ?? null), canonicalJson(change.state));
        assert.equal(store.change(i + 1)?.resourceVersion, change.resourceVersion);
      });
    });

    test('lists gaps newest first by what a query can name, and pages through them', (store) => {
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
      store.append({ changes: [], gaps: gaps.slice(0, 2) });
      store.append({ changes: [], gaps: gaps.slice(2) });
      const ids = (query: Omit<GapQuery, 'limit'>) => store.gaps({ limit: 10, ...query }).items.map(({ toMs }) => toMs);
      assert.deepEqual(store.gaps({ limit: 10 }), { items: gaps.toReversed() });
      assert.deepEqual(ids({ of: 'kinds' }), [1_200, 1_000]);
      assert.deepEqual(ids({ of: 'objects' }), [1_300, 1_100]);
      assert.deepEqual(ids({ reason: 'restored' }), [1_200]);
      assert.deepEqual(ids({ kind: 'Kafka', namespace: 'streaming', name: 'orders' }), [1_100]);
      assert.deepEqual(ids({ group: 'other' }), []);
      assert.deepEqual(ids({ fromMs: 1_050, toMs: 1_000 }), [1_100]);
      const first = store.gaps({ limit: 3 });
      assert.deepEqual(store.gaps({ limit: 3, continue: first.continue as string }), { items: gaps.slice(0, 1) });
      assert.throws(
        () => store.gaps({ limit: 3, continue: 'nonsense' }),
        (error) => isCrowsnestError(error, 'REQUEST_INVALID'),
      );
    });

    test('finds the change that led to a version, or those around a time, over the latest lives of a name', (store) => {
      store.append({ changes: history('orders', [{ replicas: 3 }, { replicas: 5 }, { replicas: 7 }], 10) });
      store.append({
        changes: [newChange('DELETED', state('orders', '20', { replicas: 7 }), { before: state('orders', '12', {}) })],
      });
      store.append({ changes: [newChange('ADDED', state('orders', '30', { replicas: 9 }, { uid: 'uid-second' }))] });
      const seqs = (near: Parameters<Store['changesNear']>[1]) => store.changesNear(refTo('orders'), near).map(({ seq }) => seq);
      assert.deepEqual(seqs({ resourceVersion: '11' }), [2]);
      assert.deepEqual(seqs({ resourceVersion: '30' }), [5]);
      assert.deepEqual(seqs({ resourceVersion: '99' }), []);
      assert.deepEqual(seqs({ resourceVersion: 'not-a-number' }), []);
      assert.deepEqual(seqs({ fromMs: 11_000, toMs: 30_000 }), [5, 4, 3, 2]);
      assert.deepEqual(store.changesNear(refTo('nothing'), { resourceVersion: '11' }), []);
      assert.deepEqual(store.changesNear(refTo('orders'), { resourceVersion: '11' }), [
        store.changes({ limit: 9 }).items.find(({ seq }) => seq === 2),
      ]);
    });

    test('shows who it was as amended later, and gives analysis what was known when it was recorded', (store) => {
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
      store.append({ changes: [first, { ...second, attribution }, third] });
      assert.deepEqual(store.attribution(2), attribution);
      assert.deepEqual(store.attribution(1), { actor: FLUX, candidates: [FLUX], evidence: [] });
      assert.equal(store.attribution(9), undefined);
      store.append({ changes: [], amendments: [{ seq: 3, knownMs: 99, attribution: { ...attribution, evidence: [] } }] });
      store.append({ changes: [], amendments: [{ seq: 3, knownMs: 100, attribution }] });
      assert.deepEqual(store.attribution(3), attribution);
      assert.deepEqual(
        store.changesAfter(0, 9).map(({ actor, candidates }) => [actor, candidates]),
        [1, 2, 3].map(() => [FLUX, [FLUX]]),
      );
      assert.deepEqual(store.change(2)?.candidates, [alice, FLUX]);
      assert.deepEqual(store.change(3)?.actor, alice);
      const named = (actor: string, limit: number) => store.changes({ actor, limit }).items.map(({ seq }) => seq);
      assert.deepEqual(named('alice', 9), [3, 2]);
      assert.deepEqual(named('flux', 9), [1]);
      assert.deepEqual(named('alice', 1), [3]);
      const kept = store.changes({ kind: 'Kafka', name: 'orders', limit: 9 }).items;
      assert.deepEqual(
        kept.map(({ actor }) => actor.name),
        ['alice', 'alice', 'flux'],
      );
    });

    test('stores a cursor with what it covers', (store) => {
      store.append({ changes: history('orders', [{}], 10), cursors: { 'watch/kafka': '10', 'watch/topic': '7', other: 'x' } });
      assert.equal(store.cursor('watch/kafka'), '10');
      assert.deepEqual(store.cursors('watch/'), { 'watch/kafka': '10', 'watch/topic': '7' });
      assert.equal(store.cursor('nothing'), undefined);
    });

    test('remembers deliveries with what they brought', (store) => {
      const [one, two] = [deliveryKey('a', 'b'), deliveryKey('ab', '')];
      assert.notEqual(one, two);
      store.append({ changes: history('orders', [{}], 10), deliveries: [{ key: one, atMs: 1000 }] });
      assert.deepEqual(store.delivered([one, two]), new Set([one]));
      const broken = { ...newChange('ADDED', state('late', '12', {})), observedMs: null } as unknown as NewChange;
      assert.throws(() => store.append({ changes: [broken], deliveries: [{ key: two, atMs: 2000 }] }));
      assert.deepEqual(store.delivered([two]), new Set(), 'what was not recorded was not delivered');
      store.append({ changes: [], deliveries: [one, two].map((key) => ({ key, atMs: 3000 })) });
      assert.deepEqual(store.delivered([one, two]), new Set([one, two]));
    });

    test('stores nothing of a batch that fails, and goes on after it', (store) => {
      store.append({ changes: history('orders', [{ replicas: 1 }], 10), cursors: { w: '10' } });
      const broken = { ...newChange('ADDED', state('late', '12', {})), observedMs: null } as unknown as NewChange;
      const good = newChange('ADDED', state('early', '11', {}));
      assert.throws(() => store.append({ changes: [good, broken], cursors: { w: '12' } }));
      assert.equal(store.cursor('w'), '10');
      assert.equal(store.counts().changes, 1);
      assert.equal(store.head(refTo('early')), undefined);
      const [again] = store.append({ changes: [good] });
      assert.equal(again?.seq, 2);
      assert.equal(store.head(refTo('early'))?.seq, 2);
    });

    test('knows the newest state of a name through delete and a new life', (store) => {
      const first = state('orders', '10', { replicas: 1 });
      const next = state('orders', '30', { replicas: 9 }, { uid: 'uid-second' });
      store.append({ changes: [newChange('ADDED', first)] });
      store.append({ changes: [newChange('DELETED', state('orders', '20', { replicas: 1 }), { before: first })] });
      const gone = store.head(refTo('orders'));
      assert.equal(gone?.deleted, true);
      assert.deepEqual(gone?.state.spec, { replicas: 1 });
      assert.deepEqual([...store.heads('test', 'kafka.strimzi.io', 'Kafka')], []);
      store.append({ changes: [newChange('ADDED', next)] });
      const head = store.head(refTo('orders'));
      assert.deepEqual([head?.uid, head?.deleted, head?.resourceVersion], ['uid-second', false, '30']);
      assert.equal(canonicalJson(head?.state as Json), canonicalJson(next));
      const [born, deleted, reborn] = store.changesAfter(0, 10);
      assert.deepEqual([born?.uid, deleted?.uid, reborn?.uid], ['uid-orders', 'uid-orders', 'uid-second']);
      assert.deepEqual(deleted?.diff, []);
      assert.deepEqual(deleted?.state.spec, { replicas: 1 });
      assert.equal(store.objects({ limit: 10 }).items[0]?.changes, 3);
    });

    test('goes on with the same uid under a new served version', (store) => {
      const old = state('orders', '10', { replicas: 1, zone: 'a' });
      const next = { ...state('orders', '11', { replicas: 2, zone: 'a' }), apiVersion: 'kafka.strimzi.io/v1' } as KubeObject;
      store.append({ changes: [newChange('ADDED', old)] });
      const [appended] = store.append({ changes: [newChange('MODIFIED', next, { before: old })] });
      const change = store.change(2);
      assert.equal(change?.ref.version, 'v1');
      assert.deepEqual(change?.diff, appended?.diff, 'compared with the state under the old version');
      assert.deepEqual(
        change?.diff.map(({ path }) => path).filter((path) => path.startsWith('/spec')),
        ['/spec/replicas'],
      );
      assert.equal(store.change(1)?.ref.version, 'v1beta2');
      assert.equal(store.objects({ limit: 10 }).items.length, 1);
    });

    test('keeps same names of other clusters, groups and namespaces, and same uids, apart', (store) => {
      const one = newChange('ADDED', state('orders', '10', { replicas: 1 }));
      const two = newChange('ADDED', state('orders', '10', { replicas: 2 }), { cluster: 'other' });
      const three = newChange('ADDED', state('orders', '10', { replicas: 3 }, { namespace: 'else' }));
      store.append({ changes: [one, two, three] });
      assert.deepEqual(store.head(refTo('orders'))?.state.spec, { replicas: 1 });
      assert.deepEqual(store.head(refTo('orders', { cluster: 'other' }))?.state.spec, { replicas: 2 });
      assert.deepEqual(
        [...store.heads('test', 'kafka.strimzi.io', 'Kafka', 'else')].map(({ seq }) => seq),
        [3],
      );
      assert.equal([...store.heads('test', 'kafka.strimzi.io', 'Kafka')].length, 2);
    });

    test('counts heartbeats on the object and takes their resourceVersion', (store) => {
      store.append({ changes: history('orders', [{ replicas: 1 }], 10) });
      const beat = { ref: refTo('orders'), uid: 'uid-orders', resourceVersion: '15', observedMs: 15_000 };
      store.append({ changes: [], heartbeats: [beat, { ...beat, resourceVersion: '16' }] });
      const [object] = store.objects({ limit: 10 }).items;
      assert.deepEqual([object?.changes, object?.heartbeats, object?.resourceVersion], [1, 2, '16']);
      assert.equal(store.counts().heartbeats, 2);
      assert.equal(store.head(refTo('orders'))?.state.metadata.resourceVersion, '10');
    });

    test('takes resourceVersions for text, whatever they look like', (store) => {
      const versions = ['007', '1e5', '9007199254740993', '0', '-3', 'abc', '9007199254740991', ' 12'];
      let before: KubeObject | undefined;
      const changes = versions.map((version, i) => {
        const object = state('orders', version, { i });
        const change = newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before, observedMs: i });
        before = object;
        return change;
      });
      store.append({ changes });
      assert.deepEqual(
        store.changesAfter(0, 20).map(({ resourceVersion }) => resourceVersion),
        versions,
      );
      assert.deepEqual(
        store.changesAfter(0, 20).map(({ state }) => state.metadata.resourceVersion),
        versions,
      );
    });

    test('keeps a state exactly even where it disagrees with the change about version and generation', (store) => {
      const first = state('orders', '10', { replicas: 1 });
      const second = state('orders', '11', { replicas: 2 }, { generation: 7 });
      store.append({ changes: [newChange('ADDED', first, { resourceVersion: '99', generation: undefined })] });
      store.append({ changes: [newChange('MODIFIED', second, { before: first, generation: 3 })] });
      assert.equal(canonicalJson(store.change(1)?.state as Json), canonicalJson(first));
      assert.equal(canonicalJson(store.change(2)?.state as Json), canonicalJson(second));
      assert.deepEqual([store.change(1)?.resourceVersion, store.change(2)?.generation], ['99', 3]);
    });

    test('keeps all candidates with the likeliest as the actor', (store) => {
      const change = newChange('ADDED', state('orders', '10', {}), {
        actor: HUMAN,
        candidates: [FLUX, HUMAN],
        own: true,
        origin: 'relist',
      });
      store.append({ changes: [change] });
      const read = store.change(1);
      assert.deepEqual([read?.actor, read?.candidates, read?.own, read?.origin], [HUMAN, [FLUX, HUMAN], true, 'relist']);
    });

    test('keeps the newest telling of a Kubernetes Event, beside its object and no other', (store) => {
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
      store.append({ changes: [], kubeEvents: [event, { ...event, uid: 'other', ref: refTo('payments') }] });
      store.append({ changes: [], kubeEvents: [{ ...event, lastMs: 9_000, count: 7, note: 'still no disk' }] });
      store.append({ changes: [], kubeEvents: [{ ...event, lastMs: 5_000, count: 3, note: 'late' }] });
      store.append({ changes: [], kubeEvents: [{ ...event, uid: 'e2', lastMs: 20_000 }] });
      const said = (query: { fromMs?: number; toMs?: number; limit?: number }) =>
        store
          .kubeEvents({ ref, limit: 10, ...query })
          .map(({ uid, note, count, firstMs, lastMs }) => [uid, note, count, firstMs, lastMs]);
      assert.deepEqual(said({}), [
        ['e2', 'no disk', 1, 1_000, 20_000],
        ['e1', 'still no disk', 7, 1_000, 9_000],
      ]);
      assert.deepEqual(said({ limit: 1 }), [['e2', 'no disk', 1, 1_000, 20_000]]);
      assert.deepEqual(said({ toMs: 9_000 }), [['e1', 'still no disk', 7, 1_000, 9_000]]);
      assert.deepEqual(said({ fromMs: 9_001, toMs: 19_999 }), []);
      assert.equal(store.counts().kubeEvents, 3);
    });

    test('counts and shows what could not be recorded, newest first', (store) => {
      const reject = { cluster: 'test', code: 'OBJECT_INVALID', where: 'line 3', what: 'no uid', observedMs: 5 };
      store.append({ changes: [], rejects: [reject, { ...reject, where: 'line 9' }] });
      assert.deepEqual(
        store.rejects(10).map(({ where }) => where),
        ['line 9', 'line 3'],
      );
      assert.deepEqual(store.rejects(1), [{ ...reject, where: 'line 9' }]);
      assert.equal(store.counts().rejects, 2);
    });
  });

  describe(`${name}: reading back in time`, () => {
    const fill = (store: Store) => {
      const orders = history('orders', [{ replicas: 1 }, { replicas: 2 }, { replicas: 2, zone: 'a' }], 10);
      const bills = history('bills', [{ replicas: 1 }, { replicas: 4 }], 20).map((change) => ({
        ...change,
        actor: HUMAN,
        candidates: [HUMAN],
      }));
      const last = orders[2]?.state as KubeObject;
      const gone = newChange('DELETED', { ...last, metadata: { ...last.metadata, resourceVersion: '40' } }, { before: last });
      store.append({ changes: [...orders, ...bills, gone] });
    };

    test('finds the state as of a time, and none before the first or after the deletion', (store) => {
      fill(store);
      const at = (atMs: number) => store.stateAt(refTo('orders'), { atMs })?.spec;
      assert.equal(at(9_999), undefined);
      assert.deepEqual(at(10_000), { replicas: 1 });
      assert.deepEqual(at(11_999), { replicas: 2 });
      assert.deepEqual(at(39_999), { replicas: 2, zone: 'a' });
      assert.equal(at(40_000), undefined);
      assert.equal(store.stateAt(refTo('bills'), { seq: 1 }), undefined, 'change 1 is of another object');
    });

    test('lists objects now and as they were', (store) => {
      fill(store);
      const names = (query: object) => store.objects({ limit: 10, ...query }).items.map(({ ref }) => ref.name);
      assert.deepEqual(names({}), ['bills']);
      assert.deepEqual(names({ includeDeleted: true }), ['orders', 'bills']);
      assert.deepEqual(names({ atMs: 15_000 }), ['orders']);
      assert.deepEqual(names({ atMs: 30_000 }), ['orders', 'bills']);
      assert.deepEqual(names({ namespace: 'nowhere' }), []);
      assert.deepEqual(names({ kind: 'Kafka', name: 'orders', includeDeleted: true }), ['orders']);
      const [then] = store.objects({ limit: 10, atMs: 11_500, name: 'orders' }).items;
      assert.deepEqual([then?.changes, then?.resourceVersion, then?.lastMs, then?.deleted], [2, '11', 11_000, false]);
    });

    test('filters changes by everything a query can name, newest first', (store) => {
      fill(store);
      const seqs = (query: object) => store.changes({ limit: 10, ...query }).items.map(({ seq }) => seq);
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
      for (const [query, expected] of table) assert.deepEqual(seqs(query), expected, JSON.stringify(query));
      assert.deepEqual(
        store.changes({ limit: 10, name: 'orders' }).items.map(({ paths }) => paths),
        [[], ['/spec/zone'], ['/spec/replicas'], []],
      );
    });

    test('pages through without loss or repeat while more is written', (store) => {
      for (let i = 0; i < 25; i++) store.append({ changes: [newChange('ADDED', state(`k${i}`, String(i + 1), {}))] });
      const seen: number[] = [];
      let token: string | undefined;
      do {
        const page = store.changes({ limit: 4, ...(token === undefined ? {} : { continue: token }) });
        seen.push(...page.items.map(({ seq }) => seq));
        token = page.continue;
        store.append({ changes: [newChange('ADDED', state(`late${seen.length}`, '99', {}))] });
      } while (token !== undefined);
      assert.deepEqual(
        seen,
        Array.from({ length: 25 }, (_, i) => 25 - i),
      );
      const objects: string[] = [];
      for (let next: string | undefined = ''; next !== undefined; ) {
        const page = store.objects({ limit: 7, ...(next === '' ? {} : { continue: next }) });
        objects.push(...page.items.map(({ ref }) => ref.name));
        next = page.continue;
      }
      assert.equal(new Set(objects).size, objects.length);
      assert.equal(objects.length, store.counts().objects);
    });

    test('refuses a continue token that is not one of that list', (store) => {
      fill(store);
      const token = store.changes({ limit: 1 }).continue as string;
      const refused = (error: unknown) => isCrowsnestError(error, 'REQUEST_INVALID');
      for (const bad of ['', '%%%', 'bm9wZQ', Buffer.from('["changes","x"]').toString('base64url')]) {
        assert.throws(() => store.changes({ limit: 1, continue: bad }), refused, bad);
        assert.throws(() => store.findings({ limit: 1, continue: bad }), refused, bad);
      }
      assert.throws(() => store.objects({ limit: 1, continue: token }), refused);
    });

    test('stands clocks that go backwards', (store) => {
      const times = [50, 10, 60, 20, 30];
      let before: KubeObject | undefined;
      for (const [i, observedMs] of times.entries()) {
        const object = state('orders', String(i), { i });
        store.append({ changes: [newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { before, observedMs })] });
        before = object;
      }
      assert.deepEqual(
        store.changes({ limit: 9, fromMs: 20, toMs: 50 }).items.map(({ seq }) => seq),
        [5, 4, 1],
      );
      assert.deepEqual(store.stateAt(refTo('orders'), { atMs: 55 })?.spec, { i: 4 });
    });
  });

  describe(`${name}: series`, () => {
    const scrape = (tsMs: number, samples: [metric: string, controller: string, value: number][]) => ({
      ...{ cluster: 'test', target: 'http://c:8080/metrics', tsMs },
      samples: samples.map(([metric, controller, value]) => ({ metric, labels: { controller, zone: 'a' }, value })),
    });

    test('gives back samples by metric, labels and time', (store) => {
      store.append({
        changes: [],
        scrapes: [
          scrape(1_000, [
            ['total', 'kafka', 1],
            ['total', 'topic', 7],
            ['depth', 'kafka', 0.5],
          ]),
        ],
      });
      store.append({
        changes: [],
        scrapes: [
          scrape(2_000, [
            ['total', 'kafka', 2],
            ['depth', 'kafka', Number.NaN],
          ]),
        ],
      });
      const range = { fromMs: 0, toMs: 9_000, limit: 10 };
      const found = store.series({ ...range, metric: 'total', labels: { controller: 'kafka' } });
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
      assert.equal(store.series(range).length, 3);
      assert.equal(store.series({ ...range, limit: 2 }).length, 2);
      assert.deepEqual(store.series({ ...range, metric: 'depth', fromMs: 1_500 })[0]?.samples, [[2_000, Number.NaN]]);
      assert.deepEqual(store.series({ ...range, cluster: 'other' }), []);
      assert.equal(store.counts().samples, 5);
    });

    test('walks all samples in the order they came', (store) => {
      for (let i = 1; i <= 9; i++)
        store.append({
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
        const { position: next, samples } = store.samplesAfter(position, 5);
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

  describe(`${name}: findings and what follows`, () => {
    test('stores findings, replaces one of the same id, and lists newest first', (store) => {
      store.commitAnalysis({
        findings: [finding('a', 1_000), finding('b', 2_000), finding('c', 2_000)],
        cursors: { analysis: '3' },
      });
      store.commitAnalysis({ findings: [{ ...finding('a', 1_000), score: 9, decision: { verdict: 'record', why: 'held' } }] });
      assert.equal(store.cursor('analysis'), '3');
      assert.equal(store.finding('a')?.score, 9);
      assert.deepEqual(store.finding('b'), finding('b', 2_000));
      assert.equal(store.finding('z'), undefined);
      assert.deepEqual([store.counts().findings, store.counts().pages], [3, 2]);
      const ids = (query: object) => store.findings({ limit: 10, ...query }).items.map(({ id }) => id);
      assert.deepEqual(ids({}), ['c', 'b', 'a']);
      assert.deepEqual(ids({ verdict: 'page' }), ['c', 'b']);
      assert.deepEqual(ids({ verdict: 'record', scoreMin: 5 }), ['a']);
      assert.deepEqual(
        ids({ kind: 'Kafka', namespace: 'streaming', name: 'orders', detector: 'new-value', severity: 'warning' }),
        ['c', 'b', 'a'],
      );
      assert.deepEqual(ids({ detector: 'burst' }), []);
      assert.deepEqual(ids({ fromMs: 1_500 }), ['c', 'b']);
      assert.deepEqual(ids({ toMs: 1_500, cluster: 'test' }), ['a']);
      const first = store.findings({ limit: 2 });
      assert.deepEqual(
        store.findings({ limit: 2, continue: first.continue as string }).items.map(({ id }) => id),
        ['a'],
      );
    });

    test('keeps alerts until they are forgotten', (store) => {
      const alert = (id: string, endsMs: number): AlertRecord => ({
        ...{ id, labels: { alertname: 'X' }, annotations: {}, generatorURL: 'http://x', startsMs: 1, endsMs, findingId: 'a' },
      });
      store.commitAnalysis({ findings: [], alerts: [alert('firing', 900), alert('resolved', 400)] });
      assert.deepEqual(
        store.alertsActive(500, 200).map(({ id }) => id),
        ['firing', 'resolved'],
      );
      assert.deepEqual(
        store.alertsActive(700, 200).map(({ id }) => id),
        ['firing'],
      );
      store.putAlert(alert('resolved', 800));
      assert.deepEqual(
        store.alertsActive(700, 200).map(({ id }) => id),
        ['firing', 'resolved'],
      );
      assert.deepEqual(store.alert('firing'), alert('firing', 900));
      assert.equal(store.alert('none'), undefined);
    });

    test('hands out effects when due, and analysis done again does not send one twice', (store) => {
      const effect: EffectRecord = {
        ...{ id: 'annotate/1', type: 'annotate', ref: refTo('orders'), uid: 'u', resourceVersion: '1', payload: { a: 1 } },
        ...{ state: 'pending', attempts: 0, nextMs: 100 },
      };
      store.commitAnalysis({ findings: [], effects: [effect] });
      assert.deepEqual(store.effectsDue(99, 10), []);
      assert.deepEqual(store.effectsDue(100, 10), [effect]);
      store.putEffect({ ...effect, state: 'done', attempts: 1 });
      store.commitAnalysis({ findings: [], effects: [effect] });
      assert.deepEqual(store.effectsDue(1_000, 10), []);
    });

    test('keeps small state and snapshots', (store) => {
      store.commitAnalysis({ findings: [], state: { episode: 'one' } });
      store.putState('key', 'v1');
      store.putState('key', 'v2');
      assert.deepEqual([store.getState('episode'), store.getState('key'), store.getState('none')], ['one', 'v2', undefined]);
      const blob = Uint8Array.from({ length: 5_000 }, (_, i) => i % 251);
      store.saveSnapshot('model', { version: 1, seq: 5, blob: new Uint8Array(3) });
      store.saveSnapshot('model', { version: 2, seq: 9, blob });
      assert.deepEqual(store.loadSnapshot('model'), { version: 2, seq: 9, blob });
      assert.equal(store.loadSnapshot('none'), undefined);
    });

    test('says that it can be written', (store) => {
      assert.equal(store.readOnly, false);
      assert.equal(store.probeWrite(), true);
      store.append({ changes: history('orders', [{}], 10) });
      assert.ok(store.counts().bytes > 0);
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
