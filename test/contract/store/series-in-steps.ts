/** What every store promises of samples that are asked for in steps. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { Scrape } from '../../../src/domain/series/series.ts';
import { parseSelector } from '../../../src/domain/series/series-match.ts';
import type { AsyncStore } from '../../../src/store/async-store.ts';
import type { Check } from './check.ts';

export function checkSeriesInSteps(name: string, test: Check): void {
  describe(`${name}: series in steps`, () => {
    const MINUTE = 60_000;
    const query = { fromMs: 0, toMs: 60 * MINUTE, stepMs: MINUTE, seriesMax: 10, workMax: 1e6 };
    const fill = async (store: AsyncStore) => {
      for (let i = 0; i < 40; i++) {
        const values: [string, string, number][] = [
          ['total', 'kafka', i % 20],
          ['depth', 'kafka', i % 2 === 0 ? i : Number.NaN],
          ['depth', 'topic', -i],
        ];
        await store.append({ changes: [], scrapes: [scrape(i * 30_000, values)] });
        await store.maintain();
      }
    };

    test('gives what each series comes to in each step, over resets of counters, without what is no number', async (store) => {
      await fill(store);
      const [total] = (await store.seriesWindows({ ...query, matchers: parseSelector('total') })).series;
      assert.deepEqual(
        total?.windows.map(([ms, { increase }]) => [ms / MINUTE, increase]),
        Array.from({ length: 20 }, (_, i) => [i, i % 10 === 0 ? 1 : 2]),
      );
      const [depth] = (
        await store.seriesWindows({
          ...query,
          stepMs: 5 * MINUTE,
          matchers: parseSelector('depth{controller="kafka"}'),
        })
      ).series;
      assert.deepEqual(
        depth?.windows.map(([, { summary }]) => [summary.min, summary.max, summary.count]),
        [0, 1, 2, 3].map((i) => [i * 10, i * 10 + 8, 5]),
      );
    });

    test('counts from the last sample before the time', async (store) => {
      await fill(store);
      const late = await store.seriesWindows({
        ...query,
        fromMs: 5 * MINUTE,
        toMs: 7 * MINUTE - 1,
        matchers: parseSelector('total'),
      });
      assert.deepEqual(
        late.series[0]?.windows.map(([ms, { increase }]) => [ms / MINUTE, increase]),
        [
          [5, 2],
          [6, 2],
        ],
      );
    });

    test('takes matchers, and no more series than were allowed', async (store) => {
      await fill(store);
      const names = async (selector: string) => {
        const { series } = await store.seriesWindows({ ...query, matchers: parseSelector(selector) });
        return series.map(({ metric, labels }) => `${metric} ${labels.controller}`).sort();
      };
      assert.deepEqual(await names('{controller=~"k.*"}'), ['depth kafka', 'total kafka']);
      assert.deepEqual(await names('depth{controller!="kafka",cluster="test"}'), ['depth topic']);
      assert.deepEqual(await names('{__name__!~"d.+"}'), ['total kafka']);
      assert.deepEqual(await names('none'), []);
      await assert.rejects(store.seriesWindows({ ...query, seriesMax: 1, matchers: parseSelector('depth') }), (error: unknown) =>
        isCrowsnestError(error, 'QUERY_TOO_LARGE'),
      );
      assert.equal((await store.counts()).series, 3);
    });
  });
}

function scrape(tsMs: number, samples: [metric: string, controller: string, value: number][]): Scrape {
  return {
    ...{ cluster: 'test', target: 'http://c:8080/metrics', tsMs },
    samples: samples.map(([metric, controller, value]) => ({ metric, labels: { controller, zone: 'a' }, value })),
  };
}
