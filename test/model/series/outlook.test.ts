/** "At this rate full in 3 h": the band holds what it promises, whether what disturbs the rise is gone by the next reading or stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passageBy } from '../../../src/model/series/first-passage.ts';
import { outlookOf, type Point } from '../../../src/model/series/outlook.ts';
import { makeRandom } from '../stream.ts';
import { ROW_MS } from './synthetic.ts';

const gaussian = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** What is added to a line, reading after reading; `slope` is a row's rise. */
const DISTURBED: Record<string, (random: () => number, slope: number) => () => number> = {
  'readings that scatter': (random) => () => 0.02 * gaussian(random),
  'what stays for some readings': (random) => {
    let at = 0;
    return () => {
      at = 0.9 * at + 0.009 * gaussian(random);
      return at;
    };
  },
  'what stays for good': (random, slope) => {
    let at = 0;
    return () => {
      at += 2 * slope * gaussian(random);
      return at;
    };
  },
};

for (const [name, disturbance] of Object.entries(DISTURBED)) {
  test(`a limit is reached within the band in four cases of five or more, with ${name}`, () => {
    const random = makeRandom(3);
    let [told, within] = [0, 0];
    for (let trial = 0; trial < 200; trial++) {
      const rows = 60 * (1 + 10 * random());
      const disturbed = disturbance(random, 0.7 / rows);
      const points: Point[] = [];
      let outlook: { fromMs: number; earliestMs: number; latestMs: number } | undefined;
      for (let row = 0; row < 4 * rows; row++) {
        const [atMs, value] = [row * ROW_MS, 0.3 + (0.7 * row) / rows + disturbed()];
        if (value >= 1) {
          if (outlook === undefined) break;
          told++;
          const tookMs = atMs - outlook.fromMs;
          if (tookMs >= outlook.earliestMs && tookMs <= outlook.latestMs) within++;
          break;
        }
        points.push({ atMs, value });
        if (points.length > 60) points.shift();
        const found = outlook === undefined ? outlookOf(points, 1) : undefined;
        if (found !== undefined) outlook = { fromMs: atMs, ...found };
      }
    }
    assert.ok(told >= 180, `told ${told}`);
    assert.ok(within / told >= 0.8, `within ${within / told}`);
  });
}

test('first passage: without chance it is the line, with drift in doubt it may be never, and it is a distribution', () => {
  assert.ok(Math.abs(passageBy(0.5, { ahead: 10, drift: 2, driftError: 0, spread: 0 }, 100) - 5) < 1e-9);
  assert.equal(passageBy(0.9, { ahead: 10, drift: 0.1, driftError: 1, spread: 1 }, 1_000), Number.POSITIVE_INFINITY);
  // Without drift a height of one is reached by t with chance 2 P(Z > 1/sqrt t): one half by 1/0.6745².
  assert.ok(Math.abs(passageBy(0.5, { ahead: 1, drift: 0, driftError: 0, spread: 1 }, 100) - 1 / 0.67449 ** 2) < 1e-4);
  let before = 0;
  for (const chance of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    const by = passageBy(chance, { ahead: 100, drift: 50, driftError: 0.1, spread: 0.01 }, 1_000);
    assert.ok(by >= before && Math.abs(by - 2) < 0.1);
    before = by;
  }
});
