import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kindMatcher } from '../../src/collector/watch/kind-selector.ts';

const KAFKA = { group: 'kafka.strimzi.io', kind: 'Kafka', plural: 'kafkas' };
const SERVICE = { group: '', kind: 'Service', plural: 'services' };

describe('kind matcher', () => {
  const table: [string, typeof KAFKA, boolean][] = [
    ['kafkas.kafka.strimzi.io', KAFKA, true],
    ['Kafka.kafka.strimzi.io', KAFKA, true],
    ['kafka.*', KAFKA, true],
    ['*.strimzi.io', KAFKA, true],
    ['kafka.strimzi.io', KAFKA, true],
    ['kafkas', KAFKA, false],
    ['kafkaXstrimzi.io', KAFKA, false],
    ['kafka.strimzi+io', KAFKA, false],
    ['*', KAFKA, true],
    ['services', SERVICE, true],
    ['Service', SERVICE, true],
    ['', SERVICE, false],
    ['*', SERVICE, true],
  ];
  for (const [pattern, kind, matches] of table) {
    it(`${pattern} ${matches ? 'takes' : 'leaves'} ${kind.kind}`, () => assert.equal(kindMatcher(pattern)(kind), matches));
  }
});
