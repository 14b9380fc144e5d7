import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  canaryWords,
  countWords,
  groupCoverage,
  limitWords,
  secondsWords,
  splitRule,
} from '../../../src/api/page/coverage-words.ts';
import type { Coverage } from '../../../src/api/page/types.ts';

const row = (kind: string, state: Coverage['state'], more: Partial<Coverage> = {}): Coverage => ({
  ...{ cluster: 'prod', group: 'x.dev', version: 'v1', kind, plural: `${kind}s`, namespaced: true, state },
  ...{ since: '2026-01-01T00:00:00.000Z', everWatched: true, objects: 0, relists: 0, ...more },
});

describe('what the coverage page says', () => {
  it('puts what should be seen and is not first, and what is left out on purpose apart', () => {
    const rows = [
      row('w', 'watched'),
      row('e', 'excluded'),
      row('s', 'stale'),
      row('b', 'broken'),
      row('f', 'forbidden'),
      row('l', 'listing'),
    ];
    const { unseen, seen, leftOut } = groupCoverage(rows);
    assert.deepEqual(
      [unseen, seen, leftOut].map((group) => group.map(({ kind }) => kind).join('')),
      ['bfs', 'lw', 'e'],
    );
    assert.equal(countWords(rows), '1 broken, 1 forbidden, 1 stale, 1 listing, 1 watched, 1 left out');
    assert.equal(countWords([row('g', 'gone')]), '');
  });

  it('takes the rule out of a reason', () => {
    const rule = '{apiGroups: ["x.dev"], resources: ["ws"], verbs: ["get"]}';
    assert.deepEqual(splitRule(`not allowed; add to the role: ${rule}`), { text: 'not allowed; add to the role', rule });
    assert.deepEqual(splitRule('the server is away'), { text: 'the server is away', rule: undefined });
  });

  for (const [seconds, words] of [
    [0.0314, '31 ms'],
    [4.2, '4.2 s'],
    [41, '41 s'],
    [180, '3 min'],
    [18_000, '5 h'],
  ] as const) {
    it(`${seconds} seconds are ${words}`, () => assert.equal(secondsWords(seconds), words));
  }

  it('says of the canary what matters', () => {
    const since = '2026-01-01T00:00:00.000Z';
    assert.equal(canaryWords({ state: 'seen', since, latencySeconds: 0.03 }), 'the canary came back after 30 ms');
    assert.match(canaryWords({ state: 'missing', since, reason: 'not allowed' }), /missing: not allowed/);
  });

  it('says what of a kind is followed where not all is', () => {
    assert.deepEqual(limitWords(row('w', 'watched', { metadataOnly: true, labelSelector: 'a=b' })), [
      'metadata only',
      'only a=b',
    ]);
    assert.deepEqual(limitWords(row('w', 'watched')), []);
  });
});
