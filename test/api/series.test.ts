import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ScrapedSample } from '../../src/domain/series/series.ts';
import { type SeededApi, startSeededApi } from '../support/seeded-api.ts';

const START_MS = Date.parse('2026-09-01T00:00:00Z');
const MINUTE_MS = 60_000;

interface Answer {
  items: { cluster: string; metric: string; labels: Record<string, string>; points: [string, number | null][] }[];
  step: number;
  tier: string;
}

let api: SeededApi;
before(async () => {
  api = await startSeededApi();
  // Two hours of two controllers, every 30 s: one is restarted after an hour; observations of 0.3 s and 3 s.
  for (let i = 0; i < 240; i++) {
    const samples = ['kafka', 'topic'].flatMap((controller): ScrapedSample[] => {
      const done = controller === 'topic' && i >= 120 ? i - 119 : i + 1;
      const sample = (metric: string, value: number, more = {}) => ({ metric, labels: { controller, ...more }, value });
      return [
        sample('done_total', done * 30),
        sample('depth', i % 5),
        sample('took_seconds_bucket', done * 9, { le: '0.5' }),
        sample('took_seconds_bucket', done * 10, { le: '5' }),
        sample('took_seconds_bucket', done * 10, { le: '+Inf' }),
      ];
    });
    api.store.append({ changes: [], scrapes: [{ cluster: 'prod-eu', target: 'x', tsMs: START_MS + i * 30_000, samples }] });
  }
});
after(() => api.stop());

async function ask(
  parameters: [string, string][],
  status = 200,
): Promise<Answer & { code?: string; errors?: { name: string; detail: string }[] }> {
  const time: [string, string][] = [
    ['from', '2026-09-01T00:00:00Z'],
    ['to', '2026-09-01T02:00:00Z'],
  ];
  const given = [...time.filter(([name]) => !parameters.some(([other]) => other === name)), ...parameters];
  const response = await api.get(`/v1/series/query?${new URLSearchParams(given)}`);
  const body = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  return body as Answer;
}

describe('GET /v1/series/query', () => {
  it('gives points in steps that are aligned, however the time lies', async () => {
    const { items, step, tier } = await ask([
      ['selector', 'depth{controller="kafka"}'],
      ['step', '30m'],
      ['from', '2026-09-01T00:10:00Z'],
      ['function', 'max'],
    ]);
    assert.deepEqual([step, tier], [1_800, '5m']);
    assert.deepEqual(items, [
      {
        ...{ cluster: 'prod-eu', metric: 'depth', labels: { controller: 'kafka' } },
        points: [0, 30, 60, 90].map((minutes) => [new Date(START_MS + minutes * MINUTE_MS).toISOString(), 4]),
      },
    ]);
  });

  for (const [name, expected] of [
    ['last', 4],
    ['avg', 2],
    ['min', 0],
    ['max', 4],
    ['count', 10],
  ] as const) {
    it(`${name} of a gauge`, async () => {
      const { items } = await ask([
        ['selector', 'depth{controller="topic"}'],
        ['step', '300'],
        ['function', name],
      ]);
      assert.equal(items[0]?.points.length, 24);
      for (const [, value] of items[0]?.points ?? []) assert.equal(value, expected);
    });
  }

  it('rate and increase go over a restart', async () => {
    for (const [name, first, later] of [
      ['increase', 19 * 30, 20 * 30],
      ['rate', (19 * 30) / 600, 1],
    ] as const) {
      const { items } = await ask([
        ['match', '__name__=done_total'],
        ['step', '10m'],
        ['function', name],
      ]);
      assert.equal(items.length, 2);
      for (const { points } of items)
        assert.deepEqual(
          points.map(([, value]) => value),
          [first, ...Array(11).fill(later)],
        );
    }
  });

  it('quantiles of each histogram, or of several together', async () => {
    const question: [string, string][] = [
      ['selector', 'took_seconds_bucket'],
      ['function', 'quantile'],
      ['step', '1h'],
    ];
    const each = await ask([...question, ['quantile', '0.9']]);
    assert.deepEqual(
      each.items.map(({ labels }) => labels),
      [{ controller: 'kafka' }, { controller: 'topic' }],
    );
    for (const { points } of each.items)
      assert.deepEqual(
        points.map(([, value]) => value),
        [0.5, 0.5],
      );
    const together = await ask([...question, ['quantile', '0.95'], ['by', 'zone']]);
    assert.deepEqual(
      together.items.map(({ labels, points }) => [labels, points.length]),
      [[{}, 2]],
    );
    for (const [, value] of together.items[0]?.points ?? []) assert.ok(Math.abs((value as number) - 2.75) < 1e-9, String(value));
  });

  it('chooses a step where none is given', async () => {
    assert.equal((await ask([['selector', 'depth']])).step, 30);
    assert.equal(
      (
        await ask([
          ['selector', 'depth'],
          ['from', '2026-08-01T00:00:00Z'],
        ])
      ).step,
      10_800,
    );
  });

  it('takes matchers of all four kinds, all of which must match', async () => {
    const of = async (...match: string[]) =>
      (await ask(match.map((one): [string, string] => ['match', one]))).items.map(
        ({ metric, labels }) => `${metric} ${labels.controller}`,
      );
    assert.deepEqual(await of('__name__=~"de.*"', 'controller!="topic"'), ['depth kafka']);
    assert.deepEqual(await of('__name__=depth', 'controller=~"kafka|topic"'), ['depth kafka', 'depth topic']);
    assert.deepEqual(await of('controller="kafka"', '__name__!~".*_.*"'), ['depth kafka']);
    assert.deepEqual(await of('__name__=depth', 'cluster=other'), []);
  });

  const wrong: [what: string, parameters: [string, string][], name: string, says: RegExp][] = [
    ['no matcher', [], 'match', /required/],
    ['a pattern that looks ahead', [['match', 'name=~"(?=a)"']], 'match', /a pattern that is not taken/],
    ['a selector that is none', [['selector', 'rate(depth[5m])']], 'selector', /not like metric/],
    [
      'a step of nothing',
      [
        ['selector', 'depth'],
        ['step', '0'],
      ],
      'step',
      /seconds/,
    ],
    [
      'a step of two years',
      [
        ['selector', 'depth'],
        ['step', '730d'],
      ],
      'step',
      /seconds/,
    ],
    [
      'too many points',
      [
        ['selector', 'depth'],
        ['step', '1'],
        ['from', '2026-08-01T00:00:00Z'],
      ],
      'step',
      /11000 points/,
    ],
    [
      'a time that ends before it begins',
      [
        ['selector', 'depth'],
        ['from', '2027-01-01T00:00:00Z'],
      ],
      'from',
      /before/,
    ],
    [
      'a quantile of 95',
      [
        ['selector', 'depth'],
        ['quantile', '95'],
      ],
      'quantile',
      /from 0 to 1/,
    ],
    [
      'a function that is not there',
      [
        ['selector', 'depth'],
        ['function', 'stddev'],
      ],
      'function',
      /one of last, avg/,
    ],
  ];
  for (const [what, parameters, name, says] of wrong) {
    it(`refuses ${what} and names the parameter`, async () => {
      const { code, errors } = await ask(parameters, 400);
      assert.equal(code, 'REQUEST_INVALID');
      assert.equal(errors?.[0]?.name, name);
      assert.match(errors?.[0]?.detail ?? '', says);
    });
  }

  it('refuses to read for too many series, and says what to do', async () => {
    const samples = Array.from(
      { length: 1_001 },
      (_, i): ScrapedSample => ({ metric: 'many', labels: { i: String(i) }, value: i }),
    );
    api.store.append({ changes: [], scrapes: [{ cluster: 'prod-eu', target: 'x', tsMs: START_MS, samples }] });
    const problem = await ask([['selector', 'many']], 422);
    assert.equal(problem.code, 'QUERY_TOO_LARGE');
    assert.equal((await ask([['selector', 'many{i=~"1.."}']])).items.length, 100);
  });
});
