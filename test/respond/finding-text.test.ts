import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Moved } from '../../src/domain/finding.ts';
import { summaryOf } from '../../src/respond/finding-text.ts';
import { judgement } from './judgements.ts';

const because = (path?: string) => [
  { detector: 'company', sentence: 'It seldom changes alone.', bits: 4, ...(path === undefined ? {} : { path }) },
];

test('what a change moved stands in the sentence, unless its reason names a field', () => {
  const url = { path: '/spec/url', from: 'https://a.example', to: 'https://b.example' };
  const added = { path: '/spec/listeners/[name=tls]/port', to: '9093' };
  const cases: [string, Moved | undefined, string | undefined, string][] = [
    ['one field', { fields: [url], more: 0 }, undefined, ' (spec.url https://a.example → https://b.example)'],
    [
      'two fields',
      { fields: [url, added], more: 0 },
      undefined,
      ' (spec.url https://a.example → https://b.example, spec.listeners[name=tls].port nothing → 9093)',
    ],
    [
      'many fields',
      { fields: [url, added, added], more: 4 },
      undefined,
      ' (spec.url https://a.example → https://b.example, and 6 more fields)',
    ],
    ['a reason that names a field', { fields: [url], more: 0 }, '/spec/url', ''],
    ['nothing known of it', undefined, undefined, ''],
  ];
  for (const [name, moved, path, expected] of cases) {
    const given = { ...judgement({ actor: 'user:ann' }), reasons: because(path), ...(moved === undefined ? {} : { moved }) };
    assert.equal(summaryOf(given), `user:ann changed Kafka streaming/orders${expected}: It seldom changes alone.`, name);
  }
});
