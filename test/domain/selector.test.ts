import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { parseFieldSelector, parseLabelSelector } from '../../src/domain/selector.ts';

const object = {
  apiVersion: 'test.dev/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'a', uid: 'u', resourceVersion: '1', labels: { team: 'a', tier: 'gold', 'x.dev/n': '7' } },
  spec: { class: 'fast', size: 3 },
} as KubeObject;

describe('label selector', () => {
  const table: [string, boolean][] = [
    ['team=a', true],
    ['team==a', true],
    ['team = b', false],
    ['team!=b', true],
    ['missing!=b', true],
    ['team', true],
    ['missing', false],
    ['!missing', true],
    ['! team', false],
    ['tier in (gold, silver)', true],
    ['tier in(silver)', false],
    ['tier notin (silver),team=a', true],
    ['tier notin (gold,silver)', false],
    ['missing notin (gold)', true],
    ['x.dev/n>6', true],
    ['x.dev/n<7', false],
    ['team=', false],
    ['constructor', false],
  ];
  for (const [text, fits] of table) it(`${text} is ${fits}`, () => assert.equal(parseLabelSelector(text)(object), fits));

  const wrong: [string, RegExp][] = [
    ['', /empty/],
    ['team=a,', /empty/],
    ['team in (a', /bracket/],
    ['team in a', /not a requirement/],
    ['team=a b', /not a requirement/],
    ['-team=a', /"-team" .* key/],
    ['UPPER.dev/x=a', /key/],
    ['a/b/c=d', /key/],
    ['team=ä', /"ä" .* value/],
    ['n>x', /whole number/],
  ];
  for (const [text, message] of wrong)
    it(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseLabelSelector(text), message));
});

describe('field selector', () => {
  const table: [string, boolean][] = [
    ['metadata.name=w', true],
    ['metadata.namespace!=kube-system,metadata.namespace!=b', true],
    ['metadata.namespace!=a', false],
    ['spec.class==fast', true],
    ['spec.size=3', true],
    ['spec.missing=', true],
  ];
  for (const [text, fits] of table) it(`${text} is ${fits}`, () => assert.equal(parseFieldSelector(text)(object), fits));

  for (const text of ['', 'metadata.name', 'metadata.name in (a)', '.name=a', 'spec[0]=a'])
    it(`${JSON.stringify(text)} is refused`, () => assert.throws(() => parseFieldSelector(text), /is not/));
});
