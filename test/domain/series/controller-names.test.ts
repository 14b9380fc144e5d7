import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameName, nameConfidence, pluralOf } from '../../../src/domain/series/controller-names.ts';

const CERTIFICATE = { group: 'cert-manager.io', kind: 'Certificate' };
const KAFKA = { group: 'kafka.strimzi.io', kind: 'Kafka' };
const BUCKET = { group: 's3.aws.upbound.io', kind: 'Bucket' };
const CASES: [controller: string, kind: typeof KAFKA, confidence: number][] = [
  ['kafka', KAFKA, 0.8],
  ['kafka-controller', KAFKA, 0.8],
  ['KafkaReconciler', KAFKA, 0.8],
  ['certificates', CERTIFICATE, 0.8],
  ['certificates-issuing', CERTIFICATE, 0.5],
  ['cert-ificate', CERTIFICATE, 0.7],
  ['alertmanager', { group: 'monitoring.coreos.com', kind: 'Alertmanager' }, 0.8],
  ['kafkatopic', KAFKA, 0],
  ['kafka-connect', { group: 'kafka.strimzi.io', kind: 'KafkaConnect' }, 0.7],
  ['controller', KAFKA, 0],
  ['composite/buckets.s3.aws.upbound.io', BUCKET, 0.95],
  ['managed/bucket.s3.aws.upbound.io', BUCKET, 0.95],
  ['managed/s3.aws.upbound.io/v1beta1, kind=bucket', BUCKET, 0.95],
  ['managed/s3.aws.upbound.io/v1beta1, kind=bucketpolicy', BUCKET, 0],
  ['managed/s3.other.io/v1beta1, kind=bucket', BUCKET, 0],
  ['', KAFKA, 0],
];
for (const [controller, kind, confidence] of CASES) {
  test(`"${controller}" is ${kind.kind} with ${confidence}`, () => {
    assert.equal(nameConfidence(controller, kind), confidence);
  });
}

test('plurals are those of the API server where it is known, else the usual ones', () => {
  assert.equal(nameConfidence('kafkae', { ...KAFKA, plural: 'kafkae' }), 0.8);
  assert.deepEqual(['Kafka', 'Ingress', 'Proxy', 'Gateway', 'Switch'].map(pluralOf), [
    'kafkas',
    'ingresses',
    'proxies',
    'gateways',
    'switches',
  ]);
});

test('names of one thing are told whatever their ending', () => {
  assert.ok(isSameName('helm-controller', 'helm_reconciler'));
  assert.ok(!isSameName('helm-controller', 'helmrelease'));
  assert.ok(!isSameName('', ''));
});
