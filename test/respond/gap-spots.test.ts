import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gap } from '../../src/domain/gap.ts';
import { createCoverageAlerts } from '../../src/respond/coverage-alerts.ts';
import { gapSpots } from '../../src/respond/gap-spots.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryOutbox } from './memory-outbox.ts';

const HOUR = 3_600_000;
const clock = new ManualClock();
const gap = (more: Partial<Gap> = {}): Gap => ({
  ...{ cluster: 'prod', group: 'kafka.strimzi.io', kind: 'Kafka', namespace: '', name: '', reason: 'compacted' },
  ...{ fromVersion: '100', toVersion: '900', toMs: clock.nowMs(), objects: 3, generationsSkipped: 4 },
  ...more,
});

test('gaps of kinds are worth an alert when something moved, or when the storage was restored', () => {
  const spots = gapSpots([
    gap({ kind: 'Moved' }),
    gap({ kind: 'Still', objects: 0 }),
    gap({ kind: 'Restored', objects: 0, reason: 'restored' }),
    gap({ kind: 'OfAnObject', name: 'orders' }),
  ]);
  assert.deepEqual(
    spots.map(({ what, problem }) => [what, problem]),
    [
      ['Moved.kafka.strimzi.io', 'gap'],
      ['Restored.kafka.strimzi.io', 'gap'],
    ],
  );
});

test('the alert names the kinds and what was lost, is one for all of them, and resolves by itself', () => {
  const store = new MemoryOutbox();
  const logger = { warn() {} } as unknown as Logger;
  const alerts = createCoverageAlerts({ store, clock, logger, externalUrl: () => 'http://page', onceMs: HOUR });
  for (const spot of gapSpots([gap(), gap({ kind: 'KafkaTopic', objects: 1 })])) alerts.report(spot);
  alerts.check([]);
  const [alert, ...others] = store.alertsActive(clock.nowMs(), 0);
  assert.deepEqual(others, []);
  assert.equal(alert?.labels.alertname, 'CrowsnestHistoryGap');
  assert.match(
    alert.annotations.description ?? '',
    /^Kafka\.kafka\.strimzi\.io: the API server had forgotten .* 100 to 900; 3 objects moved, at least 4 changes of spec unseen/,
  );
  assert.match(alert.annotations.description ?? '', /^KafkaTopic\.kafka\.strimzi\.io: .* 1 object moved/m);
  clock.advance(HOUR);
  alerts.check([]);
  assert.deepEqual(store.alertsActive(clock.nowMs(), 0), []);
});
