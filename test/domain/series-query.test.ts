import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { quantileOf, quantiles, stepValue } from '../../src/domain/series/series-function.ts';
import { MatcherError, matchesAll, parseMatcher, parseSelector } from '../../src/domain/series/series-match.ts';
import {
  addToSummary,
  averageOf,
  joinSummary,
  type SpanSummary,
  StepWindows,
  startSummary,
} from '../../src/domain/series/span-summary.ts';

const KEY = { cluster: 'prod', metric: 'workqueue_depth', labels: { name: 'kafka', le: '0.5' } };

describe('label matchers', () => {
  const cases: [matcher: string, matches: boolean][] = [
    ['name="kafka"', true],
    ['name=kafka', true],
    ['name="topic"', false],
    ['name!="topic"', true],
    ['name=~"kaf.*|topic"', true],
    ['name=~"af"', false],
    ['name!~"topic.*"', true],
    ['name!~"k.+"', false],
    ['missing=""', true],
    ['missing!=""', false],
    ['missing=~".*"', true],
    ['missing=~".+"', false],
    ['__name__=~"workqueue_.*"', true],
    ['cluster="prod"', true],
    ['cluster!="prod"', false],
    ['le="0.5"', true],
    ['constructor=""', true],
    ['name=~"k\\\\w+"', true],
    ['name=~"k\\w+"', true],
  ];
  for (const [text, matches] of cases) {
    it(`${text} ${matches ? 'takes' : 'leaves'} ${KEY.metric}{name="kafka",le="0.5"} of prod`, () => {
      assert.equal(matchesAll([parseMatcher(text)], KEY), matches);
    });
  }

  it('are read from a selector as it is written for Prometheus', () => {
    const shown = parseSelector('workqueue_depth{name=~"a,b}|kafka", le!="1",}').map(({ label, negated }) => [label, negated]);
    assert.deepEqual(shown, [
      ['__name__', false],
      ['name', false],
      ['le', true],
    ]);
    assert.equal(matchesAll(parseSelector('{name="kafka"}'), KEY), true);
    assert.equal(matchesAll(parseSelector('workqueue_depth'), KEY), true);
  });

  for (const [text, says] of [
    ['name', /is not like/],
    ['1name="x"', /is not like/],
    ['name=="x', /quotes/],
    ['name=~"(a"', /missing closing/],
    ['name=~"(?<=a)b"', /not taken/],
    [`name="${'x'.repeat(1_000)}"`, /longer than 1000/],
  ] as const) {
    it(`say what is wrong with ${text.slice(0, 20)}`, () => {
      assert.throws(
        () => parseMatcher(text),
        (error: unknown) => error instanceof MatcherError && says.test(error.message),
      );
    });
  }

  for (const text of ['', '{}', 'a b', '{name="x"']) {
    it(`refuse the selector ${JSON.stringify(text)}`, () => assert.throws(() => parseSelector(text), MatcherError));
  }
});

describe('a summary of a span', () => {
  const values = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 20 });
  const summaryOf = (given: number[]): SpanSummary => {
    const summary = startSummary(given[0] as number);
    for (const value of given.slice(1)) addToSummary(summary, value);
    return summary;
  };

  it('is what its samples come to', () => {
    fc.assert(
      fc.property(values, (given) => {
        const summary = summaryOf(given);
        assert.equal(summary.min, Math.min(...given));
        assert.equal(summary.max, Math.max(...given));
        assert.equal(summary.last, given.at(-1));
        assert.ok(Math.abs(averageOf(summary) - given.reduce((a, b) => a + b) / given.length) < 1e-9);
      }),
    );
  });

  it('adds up, wherever a span is cut in two', () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const joined = summaryOf(before);
        joinSummary(joined, summaryOf(after));
        assert.deepEqual(joined, summaryOf([...before, ...after]));
      }),
    );
  });

  it('averages infinities to what they are', () => {
    assert.equal(averageOf(summaryOf([Infinity, 1])), Infinity);
    assert.equal(averageOf(summaryOf([1, -Infinity])), -Infinity);
    assert.ok(Number.isNaN(averageOf(summaryOf([-Infinity, Infinity]))));
  });
});

describe('steps', () => {
  const increases = (samples: [number, number][], stepMs = 60_000) => {
    const windows = new StepWindows(stepMs);
    for (const [ms, value] of samples) windows.addSample(ms, value);
    return windows.between(0, 10_000_000).map(([ms, window]) => [ms / 60_000, stepValue('increase', window, stepMs)]);
  };

  it('give an increase to the step in which it was seen, across steps and pauses', () => {
    assert.deepEqual(
      increases([
        [0, 5],
        [30_000, 7],
        [60_000, 8],
        [300_000, 20],
      ]),
      [
        [0, 2],
        [1, 1],
        [5, 12],
      ],
    );
  });

  it('take a counter that fell for one that began at zero again, each minute if need be', () => {
    assert.deepEqual(
      increases([
        [0, 100],
        [30_000, 3],
        [60_000, 2],
        [90_000, 4],
        [120_000, 1],
      ]),
      [
        [0, 3],
        [1, 4],
        [2, 1],
      ],
    );
  });

  it('do not take a clock that goes back for a counter that was reset', () => {
    // Ten minutes on, then back by five: the counter rises all the while.
    const samples: [number, number][] = [];
    for (let i = 0; i < 20; i++) samples.push([(i < 10 ? i : i - 5) * 60_000, i * 10]);
    const total = increases(samples).reduce((sum, [, increase]) => sum + (increase as number), 0);
    assert.equal(total, 190);
  });

  it('leave out what is not a number', () => {
    assert.deepEqual(
      increases([
        [0, 1],
        [1_000, Number.NaN],
        [2_000, 3],
      ]),
      [[0, 2]],
    );
    assert.deepEqual(increases([[0, Number.NaN]]), []);
  });

  it('rate is the increase in a second', () => {
    const windows = new StepWindows(60_000);
    for (const [ms, value] of [
      [0, 0],
      [30_000, 120],
    ] as const)
      windows.addSample(ms, value);
    assert.deepEqual(
      windows.between(0, 60_000).map(([, window]) => stepValue('rate', window, 60_000)),
      [2],
    );
  });
});

describe('quantiles of a histogram', () => {
  const cases: [what: string, buckets: [number, number][], q: number, expected: number | undefined][] = [
    [
      'within a bucket',
      [
        [1, 0],
        [2, 10],
        [Infinity, 10],
      ],
      0.5,
      1.5,
    ],
    [
      'in the lowest, from zero',
      [
        [2, 10],
        [Infinity, 10],
      ],
      0.5,
      1,
    ],
    [
      'in the lowest with a bound below zero',
      [
        [-1, 10],
        [Infinity, 10],
      ],
      0.5,
      -1,
    ],
    [
      'beyond the highest bound',
      [
        [1, 1],
        [2, 2],
        [Infinity, 10],
      ],
      0.9,
      2,
    ],
    [
      'of nothing',
      [
        [1, 0],
        [Infinity, 0],
      ],
      0.5,
      undefined,
    ],
    [
      'without a count of all',
      [
        [1, 3],
        [2, 10],
      ],
      0.5,
      undefined,
    ],
    [
      'with counts that fall',
      [
        [1, 4],
        [2, 3],
        [Infinity, 4],
      ],
      0.5,
      0.5,
    ],
    [
      'at its least',
      [
        [1, 0],
        [2, 4],
        [Infinity, 4],
      ],
      0,
      1,
    ],
    [
      'at its most',
      [
        [1, 1],
        [2, 4],
        [Infinity, 4],
      ],
      1,
      2,
    ],
    ['without any bound', [[Infinity, 4]], 0.5, undefined],
  ];
  for (const [what, buckets, q, expected] of cases) {
    it(what, () => assert.equal(quantileOf(buckets, q), expected));
  }

  it('belong to the series that differ in nothing but le, or to all that agree in some labels', () => {
    const series = (controller: string, le: string, increase: number) => ({
      ...{ cluster: 'prod', metric: 'x_bucket', labels: { controller, le } },
      windows: [[0, { summary: startSummary(increase), increase }]] as [number, { summary: SpanSummary; increase: number }][],
    });
    const all = [
      series('a', '1', 10),
      series('a', '+Inf', 10),
      series('b', '1', 0),
      series('b', '+Inf', 30),
      series('b', 'x', 1),
    ];
    assert.deepEqual(
      quantiles(all, 0.5).map(({ labels, points }) => [labels, points]),
      [
        [{ controller: 'a' }, [[0, 0.5]]],
        [{ controller: 'b' }, [[0, 1]]],
      ],
    );
    assert.deepEqual(
      quantiles(all, 0.2, []).map(({ labels, points }) => [labels, points]),
      [[{}, [[0, 0.8]]]],
    );
  });
});
