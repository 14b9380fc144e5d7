/** What every store promises of the past: what there was at a time, who set it, what changed. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import type { AsyncStore } from '../../../src/store/async-store.ts';
import { HUMAN, history, newChange, refTo, state } from '../../store/new-changes.ts';
import type { Check } from './check.ts';

export function checkReadingBack(name: string, test: Check): void {
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
}
