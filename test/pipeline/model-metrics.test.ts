import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { publishModelMetrics } from '../../src/pipeline/model-metrics.ts';

test('calibration is exported by detector and level, as of now', async () => {
  const registry = new Registry();
  let ratios = [{ detector: 'leap', level: 0.01, ratio: 0.8 }];
  publishModelMetrics(
    { series: () => ({ series: 2, refusedRows: 0 }), calibration: () => ratios, fleet: () => ({ clusters: 3, entries: 41 }) },
    registry,
  );
  assert.match(await registry.metrics(), /crowsnest_calibration_ratio\{detector="leap",level="0.01"\} 0.8/);
  ratios = [];
  assert.doesNotMatch(await registry.metrics(), /detector="leap"/);
});
