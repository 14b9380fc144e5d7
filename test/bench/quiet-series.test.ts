import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureQuiet } from '../../bench/quality/quiet-series.ts';

test('on quiet days series are told no more often than their scores say', () => {
  const { judgedDays, levels } = measureQuiet({ clusters: 2, days: 42, scrapeMs: 900_000, seed: 900 });
  assert.ok(judgedDays > 50, `${judgedDays} days were judged`);
  for (const { level, told, nominal } of levels) {
    const most = nominal + 3 * Math.sqrt(nominal);
    assert.ok(told <= most, `${told} findings of ${level} or more, ${nominal} are due and ${most.toFixed(1)} would be chance`);
  }
});
