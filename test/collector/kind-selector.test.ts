import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createKindSelector, type KindSelection } from '../../src/collector/kind-selector.ts';

const KAFKA = { group: 'kafka.strimzi.io', version: 'v1beta2', kind: 'Kafka', plural: 'kafkas', namespaced: true };

describe('kind selector', () => {
  const table: [KindSelection, boolean][] = [
    [{}, true],
    [{ include: [] }, true],
    [{ include: ['kafkas.kafka.strimzi.io'] }, true],
    [{ include: ['Kafka.kafka.strimzi.io'] }, true],
    [{ include: ['kafka.*'] }, true],
    [{ include: ['*.strimzi.io'] }, true],
    [{ include: ['kafka.strimzi.io'] }, true],
    [{ include: ['kafkas'] }, false],
    [{ include: ['kafkaXstrimzi.io'] }, false],
    [{ include: ['kafka.strimzi+io'] }, false],
    [{ exclude: ['*'] }, false],
    [{ include: ['*.strimzi.io'], exclude: ['kafkas.*'] }, false],
    [{ exclude: ['kafkatopics.*'] }, true],
  ];
  for (const [selection, selected] of table) {
    it(`${JSON.stringify(selection)} ${selected ? 'takes' : 'leaves'} Kafka`, () =>
      assert.equal(createKindSelector(selection)(KAFKA), selected));
  }
});
