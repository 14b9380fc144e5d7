import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isStandby, readReconcileSample } from '../../../src/domain/series/reconcile-sample.ts';

const CASES: [
  metric: string,
  labels: Record<string, string>,
  read: [controller: string, role: string, kind?: string] | undefined,
][] = [
  ['workqueue_depth', { name: 'kafka' }, ['kafka', 'queue']],
  ['workqueue_depth', { name: 'kafka', controller: 'kafka' }, ['kafka', 'queue']],
  ['workqueue_depth', { name: 'kafka', controller: 'kafka', priority: '-100' }, ['kafka', 'queue']],
  ['controller_runtime_reconcile_total', { controller: 'kafka', result: 'requeue_after' }, ['kafka', 'reconciles']],
  ['controller_runtime_reconcile_errors_total', { controller: 'kafka' }, ['kafka', 'errors']],
  [
    'gotk_reconcile_duration_seconds_sum',
    { kind: 'HelmRelease', name: 'a', namespace: 'b' },
    ['helmrelease', 'seconds', 'HelmRelease'],
  ],
  ['strimzi_reconciliations_failed_total', { kind: 'KafkaTopic', namespace: 'a' }, ['kafkatopic', 'errors', 'KafkaTopic']],
  ['operator_sdk_reconciliations_failed_total', { controller_name: 'tomcatreconciler' }, ['tomcatreconciler', 'errors']],
  ['certmanager_controller_sync_call_count', { controller: 'certificates-issuing' }, ['certificates-issuing', 'reconciles']],
  ['prometheus_operator_reconcile_operations_total', { controller: 'alertmanager' }, ['alertmanager', 'reconciles']],
  ['controller_runtime_reconcile_total', { result: 'success' }, undefined],
  ['workqueue_depth', { name: '' }, undefined],
  ['gotk_reconcile_duration_seconds_bucket', { kind: 'HelmRelease', le: '1' }, undefined],
  ['toString', { controller: 'kafka' }, undefined],
];
for (const [metric, labels, expected] of CASES) {
  test(`${metric} with ${Object.keys(labels).join(', ')} is ${expected === undefined ? 'no sign of reconciling' : expected.join(' ')}`, () => {
    const read = readReconcileSample(metric, labels);
    const said = read && [read.controller, read.role, ...(read.kind === undefined ? [] : [read.kind])];
    assert.deepEqual(said, expected);
  });
}

test('a replica is a standby when it leads none of its elections, and only then', () => {
  const master = (value: number) => ({ metric: 'leader_election_master_status', value });
  assert.equal(isStandby([]), false);
  assert.equal(isStandby([{ metric: 'workqueue_depth', value: 0 }]), false);
  assert.equal(isStandby([master(0)]), true);
  assert.equal(isStandby([master(0), master(1)]), false);
});
