import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foldEpisodes } from '../../../src/api/page/episodes.ts';
import { parseQuery, withTerm } from '../../../src/api/page/query.ts';
import { DEFAULT_QUERY, hashOf, parseHash } from '../../../src/api/page/route-hash.ts';
import type { Finding } from '../../../src/api/page/types.ts';

const finding = {
  summary: 'Kafka streaming/orders was changed',
  subject: { type: 'change', ref: { kind: 'Kafka', namespace: 'streaming', name: 'orders' } },
  actor: { name: 'Flux', source: 'stream', confidence: 1 },
  reasons: [{ sentence: 'the image is new', path: '/spec/image' }],
  mature: false,
  deterministic: false,
} as unknown as Finding;
const matches = (text: string) => parseQuery(text).local.every((holds) => holds(finding));

describe('the query line', () => {
  it('hands to the API what the API can filter by', () => {
    assert.deepEqual(parseQuery('kind:Kafka ns:streaming name:orders severity:critical is:paged score:>=4 cluster:"a b"').api, {
      kind: 'Kafka',
      namespace: 'streaming',
      name: 'orders',
      severity: 'critical',
      verdict: 'page',
      score: '4',
      cluster: 'a b',
    });
    assert.deepEqual(parseQuery('is:recorded from:2026-08-01').api, { verdict: 'record', from: '2026-08-01T00:00:00.000Z' });
  });

  it('matches the rest itself: words, actors, learning, words with colons', () => {
    for (const text of ['orders', 'IMAGE new', 'actor:flux', 'is:learning', '/spec/image', '']) assert.ok(matches(text), text);
    for (const text of ['payments', 'orders payments', 'actor:alice', 'registry.example.org:5000/x'])
      assert.ok(!matches(text), text);
  });

  it('says what is wrong', () => {
    for (const text of ['severity:bad', 'score:high', 'is:open', 'from:yesterday', 'kind:']) {
      assert.equal(parseQuery(text).errors.length, 1, text);
    }
    assert.deepEqual(parseQuery('kind:Kafka orders').errors, []);
  });

  it('sets and takes out single terms and keeps the rest as typed', () => {
    assert.equal(withTerm('kind:Kafka is:paged "two words"', 'is', 'recorded'), 'kind:Kafka "two words" is:recorded');
    assert.equal(withTerm('is:paged kind:Kafka', 'is', undefined), 'kind:Kafka');
    assert.equal(withTerm('', 'name', 'a b'), 'name:"a b"');
  });
});

const ARN = { cluster: 'arn:aws:eks:eu-1:1:cluster/prod', group: 'a.b', kind: 'K', namespace: 'n', name: 'a/b%?#_' };

describe('the address', () => {
  it('goes there and back for every place', () => {
    for (const place of [
      { view: 'list', query: DEFAULT_QUERY },
      { view: 'list', query: '' },
      { view: 'list', query: 'kind:Kafka & "a?b#c"' },
      { view: 'finding', id: 'a/b%c' },
      { view: 'finding', id: 'a', seq: 12 },
      { view: 'coverage' },
      { view: 'review' },
      { view: 'changes', query: '' },
      { view: 'changes', query: 'kind:Kafka value:"a?b&c#d"' },
      { view: 'object', object: ARN, tab: 'history' },
      { view: 'object', object: { ...ARN, group: '', namespace: '' }, tab: 'blame', at: '812' },
      { view: 'object', object: ARN, tab: 'history', at: '812', from: '2026-08-21T09:30:00.000Z', query: 'path:"/spec/a~1b"' },
      { view: 'object', object: ARN, tab: 'state', at: '2026-08-21T09:30:00.000Z' },
      { view: 'namespace', cluster: ARN.cluster, namespace: '' },
      {
        view: 'namespace',
        cluster: 'c',
        namespace: 'n',
        from: '2026-08-21T09:30:00.000Z',
        to: '2026-08-21T09:40:00.000Z',
        query: 'x:y',
      },
    ] as const) {
      assert.deepEqual(parseHash(hashOf(place)), { place });
    }
  });

  it('takes a token once, with the place to go to', () => {
    assert.deepEqual(parseHash('#token=abc'), { place: { view: 'list', query: DEFAULT_QUERY }, token: 'abc' });
    assert.deepEqual(parseHash('#token=abc&to=%2Ffindings%2Fx'), { place: { view: 'finding', id: 'x' }, token: 'abc' });
    assert.deepEqual(parseHash('#/findings/x?change=1e3').place, { view: 'finding', id: 'x' });
    const far = encodeURIComponent('+275760-09-13T00:00:00Z');
    assert.deepEqual(parseHash(`#/namespaces/test/streaming?to=${far}`), {
      place: { view: 'namespace', cluster: 'test', namespace: 'streaming' },
    });
    assert.deepEqual(parseHash('#/findings/%E0%A4%A').place, { view: 'finding', id: '%E0%A4%A' });
  });

  it('passes over times and change numbers that are none, and takes any offset', () => {
    const { place } = parseHash('#/objects/c/_/K/_/n/state?at=yesterday&from=1e3');
    assert.deepEqual(place, {
      view: 'object',
      object: { cluster: 'c', group: '', kind: 'K', namespace: '', name: 'n' },
      tab: 'state',
    });
    const window = parseHash('#/namespaces/c/n?from=2026-08-21T14:00:00%2B02:00&to=').place;
    assert.deepEqual(window, { view: 'namespace', cluster: 'c', namespace: 'n', from: '2026-08-21T12:00:00.000Z' });
    assert.equal(parseHash('#/objects/c/g/K/n').place.view, 'list');
  });
});

describe('episodes', () => {
  const part = (id: string, episode: string, score: number, verdict = 'record') =>
    ({ id, episode, score, decision: { verdict } }) as unknown as Finding;

  it('are one row each, where their newest stands, shown by the paged or else the most surprising finding', () => {
    const rows = foldEpisodes([
      part('a', 'x', 1),
      part('b', 'y', 9),
      part('c', 'x', 3),
      part('d', 'x', 2),
      part('e', 'y', 2, 'page'),
    ]);
    assert.deepEqual(
      rows.map((row) => [row.finding.id, row.others]),
      [
        ['c', 2],
        ['e', 1],
      ],
    );
  });
});
