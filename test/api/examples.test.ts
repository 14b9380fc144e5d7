import assert from 'node:assert/strict';
import { it } from 'node:test';
import { examplesOf } from '../../src/api/examples.ts';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import type { ChangeSummary } from '../../src/store/store.ts';

const MINUTE_MS = 60_000;
const REF = { cluster: 'c', group: 'g', version: 'v1', kind: 'Kafka', namespace: 'n', name: 'orders' };

const finding = {
  tsMs: 1_000 * MINUTE_MS,
  subject: { type: 'change', seq: 100, resourceVersion: '100', changeType: 'MODIFIED', ref: REF, uid: 'u' },
  reasons: [{ detector: 'new-value', sentence: 'It was never so.', bits: 3, path: '/spec/replicas' }],
} as unknown as Finding;

function change(seq: number, minutesBefore: number, paths = ['/spec/replicas']): ChangeSummary {
  const observedMs = finding.tsMs - minutesBefore * MINUTE_MS;
  return { seq, uid: 'u', type: 'MODIFIED', observedMs, actor: { name: 'flux' }, paths } as unknown as ChangeSummary;
}

function storeOf(changes: readonly ChangeSummary[], fault?: Error) {
  return {
    async *history(): AsyncGenerator<ChangeSummary> {
      yield* changes;
      if (fault !== undefined) throw fault;
    },
  };
}

it('takes the newest changes of the same field from before the last hour', async () => {
  const history = [
    change(100, 0),
    change(99, 1),
    change(98, 59),
    change(97, 60, ['/spec/image']),
    change(96, 61),
    change(95, 90),
  ];
  const found = await examplesOf(storeOf(history), finding);
  assert.deepEqual(
    found?.map(({ seq }) => seq),
    [96, 95],
  );
});

it('says nothing where there are none, and keeps what it found in front of a damaged change', async () => {
  assert.equal(await examplesOf(storeOf([change(99, 1)]), finding), undefined);
  const damage = new CrowsnestError({ code: 'STORE_CORRUPT', what: 'damaged', todo: 'nothing' });
  const found = await examplesOf(storeOf([change(96, 61)], damage), finding);
  assert.equal(found?.length, 1);
  await assert.rejects(examplesOf(storeOf([], new Error('another fault')), finding), /another fault/);
});
