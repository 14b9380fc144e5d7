/** What every store promises of findings, and of what people and the cluster are told of them. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Finding } from '../../../src/domain/finding.ts';
import type { NearMiss } from '../../../src/domain/review.ts';
import type { Verdict } from '../../../src/domain/verdict.ts';
import type { AlertRecord, EffectRecord } from '../../../src/store/store.ts';
import { HUMAN, history, refTo } from '../../store/new-changes.ts';
import type { Check } from './check.ts';

export function checkFindings(name: string, test: Check): void {
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
      assert.deepEqual([await store.hasFinding('a'), await store.hasFinding('z')], [true, false]);
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
