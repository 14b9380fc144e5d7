import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { BLIND_PROBLEMS, type BlindSpot } from '../../src/domain/blind-spot.ts';
import { type CoverageAlerts, createCoverageAlerts } from '../../src/respond/coverage-alerts.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { ManualClock } from './manual-clock.ts';
import { MemoryOutbox } from './memory-outbox.ts';

const MINUTE = 60_000;
const logger = { warn() {} } as unknown as Logger;

describe('coverage alerts', () => {
  let clock: ManualClock;
  let store: MemoryOutbox;
  let alerts: CoverageAlerts;
  let woken: number;

  const start = () =>
    createCoverageAlerts({
      store,
      clock,
      logger,
      externalUrl: () => 'http://page/',
      wake() {
        woken += 1;
      },
    });
  const spot = (fields: Partial<BlindSpot> = {}): BlindSpot => ({
    cluster: 'prod',
    problem: 'stale',
    what: 'Kafka.kafka.strimzi.io',
    reason: 'nothing came',
    sinceMs: clock.nowMs(),
    ...fields,
  });
  const firing = () => store.alertsActive(clock.nowMs(), 0);
  const names = () => firing().map(({ labels }) => `${labels.alertname} ${labels.cluster}`);

  beforeEach(() => {
    clock = new ManualClock();
    store = new MemoryOutbox();
    woken = 0;
    alerts = start();
  });

  it('fires after the grace, says what and why, and resolves when it is over', () => {
    const stale = spot();
    alerts.check([stale]);
    clock.advance(MINUTE);
    alerts.check([stale]);
    assert.deepEqual(names(), []);
    clock.advance(MINUTE);
    alerts.check([stale]);
    const [alert] = firing();
    assert.deepEqual(alert?.labels, {
      alertname: 'CrowsnestKindsStale',
      severity: 'warning',
      detector: 'coverage',
      cluster: 'prod',
      generator: 'crowsnest',
    });
    assert.equal(alert.annotations.description, 'Kafka.kafka.strimzi.io: nothing came');
    assert.equal(alert.annotations.summary, 'Crowsnest has lost sight of one kind of prod; what it knows of them is old.');
    assert.equal(alert.generatorURL, 'http://page/#/coverage');
    assert.equal(woken, 1);
    clock.advance(1_000);
    alerts.check([]);
    assert.deepEqual(firing(), []);
    assert.equal(store.alerts.get(alert.id)?.endsMs, clock.nowMs());
  });

  it('is one alert for 300 kinds of one cluster and problem, and another for another', () => {
    const since = { sinceMs: clock.nowMs() };
    const many = Array.from({ length: 300 }, (_, i) => spot({ what: `Kind${i}.many.dev`, problem: 'forbidden', ...since }));
    clock.advance(5 * MINUTE);
    alerts.check([...many, spot({ ...since, cluster: 'dev' }), spot(since)]);
    assert.deepEqual(names().sort(), ['CrowsnestKindsForbidden prod', 'CrowsnestKindsStale dev', 'CrowsnestKindsStale prod']);
    const forbidden = firing().find(({ labels }) => labels.alertname === 'CrowsnestKindsForbidden');
    assert.equal(forbidden?.annotations.kinds, '300');
    assert.match(forbidden.annotations.description ?? '', /and 285 more, under coverage$/);
  });

  it('keeps firing under its first start while kinds come and go, and is written again only when there is news', () => {
    const first = spot();
    clock.advance(2 * MINUTE);
    alerts.check([first]);
    const startsMs = firing()[0]?.startsMs;
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(MINUTE);
      alerts.check(minute < 30 ? [first] : [first, spot({ what: 'Other.dev', sinceMs: first.sinceMs })]);
    }
    assert.deepEqual(names(), ['CrowsnestKindsStale prod']);
    assert.equal(firing()[0]?.startsMs, startsMs);
    assert.equal(firing()[0]?.annotations.kinds, '2');
    assert.ok(woken > 5 && woken < 15, `${woken} writes in an hour`);
  });

  it('tells of what happened once for an hour', () => {
    alerts.report(spot({ problem: 'gap', reason: 'history from 10:00 to 10:05 was compacted' }));
    alerts.check([]);
    assert.deepEqual(names(), ['CrowsnestHistoryGap prod']);
    clock.advance(59 * MINUTE);
    alerts.check([]);
    assert.deepEqual(names(), ['CrowsnestHistoryGap prod']);
    alerts = start();
    alerts.check([]);
    assert.deepEqual(names(), ['CrowsnestHistoryGap prod'], 'a restart changes nothing');
    clock.advance(2 * MINUTE);
    alerts.check([]);
    assert.deepEqual(names(), []);
  });

  it('does not resolve what fired before a restart until that had its grace', () => {
    const stale = spot();
    clock.advance(2 * MINUTE);
    alerts.check([stale]);
    alerts = start();
    alerts.check([]);
    assert.equal(firing().length, 1);
    clock.advance(2 * MINUTE);
    alerts.check([]);
    assert.equal(firing().length, 0);
  });

  it('leaves alerts of findings alone', () => {
    const endsMs = clock.nowMs() + 60 * MINUTE;
    const labels = { alertname: 'CrowsnestUnusualChange', detector: 'burst' };
    store.putAlert({ id: 'x', labels, annotations: {}, generatorURL: '', startsMs: 0, endsMs, findingId: 'f' });
    clock.advance(5 * MINUTE);
    alerts.check([]);
    assert.equal(store.alerts.get('x')?.endsMs, endsMs);
  });

  it('has a name and a sentence for every problem', () => {
    const sinceMs = clock.nowMs();
    clock.advance(5 * MINUTE);
    alerts.check(BLIND_PROBLEMS.map((problem) => spot({ problem, sinceMs })));
    assert.equal(new Set(firing().map(({ labels }) => labels.alertname)).size, BLIND_PROBLEMS.length);
    for (const { annotations } of firing()) assert.match(annotations.summary ?? '', /prod.*\.$/);
  });
});
