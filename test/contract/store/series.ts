/** What every store promises of samples. */
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import type { Scrape } from '../../../src/domain/series/series.ts';
import type { Check } from './check.ts';

export function checkSeries(name: string, test: Check): void {
  describe(`${name}: series`, () => {
    test('gives back samples by metric, labels and time', async (store) => {
      await store.append({
        changes: [],
        scrapes: [
          scrape(1_000, [
            ['total', 'kafka', 1],
            ['total', 'topic', 7],
            ['depth', 'kafka', 0.5],
          ]),
        ],
      });
      await store.append({
        changes: [],
        scrapes: [
          scrape(2_000, [
            ['total', 'kafka', 2],
            ['depth', 'kafka', Number.NaN],
          ]),
        ],
      });
      const range = { fromMs: 0, toMs: 9_000, limit: 10 };
      const found = await store.series({ ...range, metric: 'total', labels: { controller: 'kafka' } });
      assert.deepEqual(found, [
        {
          cluster: 'test',
          metric: 'total',
          labels: { controller: 'kafka', zone: 'a' },
          samples: [
            [1_000, 1],
            [2_000, 2],
          ],
        },
      ]);
      assert.equal((await store.series(range)).length, 3);
      assert.equal((await store.series({ ...range, limit: 2 })).length, 2);
      assert.deepEqual((await store.series({ ...range, metric: 'depth', fromMs: 1_500 }))[0]?.samples, [[2_000, Number.NaN]]);
      assert.deepEqual(await store.series({ ...range, cluster: 'other' }), []);
      assert.equal((await store.counts()).samples, 5);
    });

    test('walks all samples in the order they came', async (store) => {
      for (let i = 1; i <= 9; i++)
        await store.append({
          changes: [],
          scrapes: [
            scrape(i * 1_000, [
              ['total', 'kafka', i],
              ['depth', 'kafka', -i],
            ]),
          ],
        });
      const seen: [number, string, number][] = [];
      for (let position = 0; ; ) {
        const { position: next, samples } = await store.samplesAfter(position, 5);
        if (samples.length === 0) break;
        for (const { key, tsMs, value } of samples) seen.push([tsMs, key.metric, value]);
        position = next;
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 9 }, (_, i) => [
          [(i + 1) * 1_000, 'total', i + 1],
          [(i + 1) * 1_000, 'depth', -i - 1],
        ]).flat(),
      );
    });
  });
}

function scrape(tsMs: number, samples: [metric: string, controller: string, value: number][]): Scrape {
  return {
    ...{ cluster: 'test', target: 'http://c:8080/metrics', tsMs },
    samples: samples.map(([metric, controller, value]) => ({ metric, labels: { controller, zone: 'a' }, value })),
  };
}
