import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Judgement } from '../../src/domain/finding.ts';
import type { Scrape } from '../../src/domain/series/series.ts';
import { createModel } from '../../src/model/ensemble.ts';
import type { Model } from '../../src/model/model.ts';
import { MINUTE_MS, MONDAY_MS, makeRandom } from './stream.ts';

interface Row {
  errorShare?: number;
  seconds?: number;
  queue?: number;
  restart?: boolean;
}

/** A controller's exposition over time: counters that rise by about 60 reconciles a minute. */
function scrapes(count: number, seed: number, rowAt: (i: number) => Row): Scrape[] {
  const random = makeRandom(seed);
  let total = 0;
  let errors = 0;
  let sum = 0;
  return Array.from({ length: count }, (_, i): Scrape => {
    const { errorShare = 0.02, seconds = 0.2, queue = 1, restart = false } = rowAt(i);
    if (restart) total = errors = sum = 0;
    const n = 50 + Math.floor(random() * 20);
    const failed = Array.from({ length: n }, () => random() < errorShare).filter(Boolean).length;
    total += n - failed;
    errors += failed;
    sum += n * seconds * (0.9 + 0.2 * random());
    const controller = 'kafka';
    return {
      cluster: 'test',
      target: 'http://operator/metrics',
      tsMs: MONDAY_MS + i * MINUTE_MS,
      samples: [
        { metric: 'controller_runtime_reconcile_total', labels: { controller, result: 'success' }, value: total },
        { metric: 'controller_runtime_reconcile_total', labels: { controller, result: 'error' }, value: errors },
        { metric: 'controller_runtime_reconcile_errors_total', labels: { controller }, value: errors },
        { metric: 'controller_runtime_reconcile_time_seconds_sum', labels: { controller }, value: sum },
        { metric: 'controller_runtime_reconcile_time_seconds_count', labels: { controller }, value: total + errors },
        { metric: 'workqueue_depth', labels: { name: controller }, value: queue + Math.floor(random() * 2) },
      ],
    };
  });
}

/** What is said by the detector this file is about; the other detectors of series have tests of their own. */
const feed = (model: Model, rows: readonly Scrape[]): Judgement[] =>
  rows.flatMap((row) => model.observeScrape(row)).filter(({ detector }) => detector.startsWith('reconcile-'));

test('a controller that keeps its pace raises nothing over a day', () => {
  assert.deepEqual(
    feed(
      createModel(),
      scrapes(1_440, 1, () => ({})),
    ),
    [],
  );
});

test('a counter reset is no shift', () => {
  const found = feed(
    createModel(),
    scrapes(600, 2, (i) => ({ restart: i % 50 === 49 })),
  );
  assert.deepEqual(found, []);
});

test('a single bad scrape raises nothing, a share of errors that lasts is told within ten rows, once', () => {
  const spike = feed(
    createModel(),
    scrapes(600, 3, (i) => ({ errorShare: i === 500 ? 0.9 : 0.02 })),
  );
  assert.deepEqual(spike, []);
  const shift = feed(
    createModel(),
    scrapes(600, 3, (i) => ({ errorShare: i >= 500 ? 0.5 : 0.02 })),
  );
  assert.equal(shift[0]?.detector, 'reconcile-error-share');
  assert.ok(shift[0].tsMs - (MONDAY_MS + 500 * MINUTE_MS) <= 10 * MINUTE_MS);
  assert.ok(shift[0].mature);
  assert.ok(shift[0].score >= 3, String(shift[0].score));
  assert.match(shift[0].reasons[0]?.sentence ?? '', /failing reconciles of controller kafka/);
  assert.ok(shift.length <= 2, `told ${shift.length} times`);
});

test('slow reconciles and a growing queue are told as what they are', () => {
  const slow = feed(
    createModel(),
    scrapes(600, 4, (i) => ({ seconds: i >= 500 ? 1.5 : 0.2 })),
  );
  assert.equal(slow[0]?.detector, 'reconcile-duration');
  const queue = feed(
    createModel(),
    scrapes(600, 5, (i) => ({ queue: i >= 500 ? i - 480 : 1 })),
  );
  assert.equal(queue[0]?.detector, 'reconcile-queue-depth');
  assert.deepEqual(queue[0]?.subject.type, 'series');
});

test('the first hours of a controller are immature', () => {
  const found = feed(
    createModel(),
    scrapes(60, 6, (i) => ({ errorShare: i >= 45 ? 0.6 : 0.02 })),
  );
  assert.ok(found.every((judgement) => !judgement.mature));
});

test('values that are no numbers, unknown metrics and scrapes out of order do no harm', () => {
  const model = createModel();
  const rows = scrapes(100, 7, () => ({}));
  const broken: Scrape = {
    ...(rows[50] as Scrape),
    samples: [
      { metric: 'controller_runtime_reconcile_total', labels: { controller: 'kafka', result: 'success' }, value: Number.NaN },
      { metric: 'workqueue_depth', labels: { name: 'kafka' }, value: Number.POSITIVE_INFINITY },
      { metric: 'workqueue_depth', labels: {}, value: 3 },
      { metric: 'go_goroutines', labels: {}, value: 3 },
    ],
  };
  assert.deepEqual(feed(model, [...rows.slice(0, 60), broken, rows[10] as Scrape, ...rows.slice(60)]), []);
});

test('a standby replica beside the leader changes nothing that is said of the controller', () => {
  const rows = scrapes(600, 5, (i) => ({ queue: i >= 500 ? i - 480 : 1 }));
  const master = (value: number) => ({ metric: 'leader_election_master_status', labels: { name: 'operator' }, value });
  const leading = rows.map((row) => ({ ...row, samples: [...row.samples, master(1)] }));
  const both = leading.flatMap((row) => [
    row,
    {
      ...row,
      target: 'http://standby/metrics',
      samples: [master(0), { metric: 'workqueue_depth', labels: { name: 'kafka' }, value: 0 }],
    },
  ]);
  const alone = feed(createModel(), leading);
  assert.equal(alone[0]?.detector, 'reconcile-queue-depth');
  assert.deepEqual(feed(createModel(), both), alone);
  // Without the election it would be: half of all rows are empty queues, so the shift is told later or not at all.
  const mixed = both.map((row) => ({ ...row, samples: row.samples.filter(({ metric }) => !metric.startsWith('leader')) }));
  assert.notDeepEqual(feed(createModel(), mixed), alone);
});

const OTHER_LIBRARIES: [name: string, total: string, errors: string, labels: Record<string, string>][] = [
  ['cert-manager', 'certmanager_controller_sync_call_count', 'certmanager_controller_sync_error_count', { controller: 'kafka' }],
  ['Strimzi', 'strimzi_reconciliations_total', 'strimzi_reconciliations_failed_total', { kind: 'Kafka', namespace: 'a' }],
  [
    'the Java Operator SDK of old',
    'operator_sdk_reconciliations_started_total',
    'operator_sdk_reconciliations_failed_total',
    { controller_name: 'kafka' },
  ],
  [
    'the Java Operator SDK',
    'reconciliations_started_total',
    'reconciliations_failure_total',
    { controller_name: 'kafka', kind: 'Kafka' },
  ],
];
for (const [name, total, errors, labels] of OTHER_LIBRARIES) {
  test(`a share of errors that lasts is told of ${name} too`, () => {
    const rows = scrapes(600, 3, (i) => ({ errorShare: i >= 500 ? 0.5 : 0.02 })).map((row): Scrape => {
      const of = (result: string) => row.samples.find((sample) => sample.labels.result === result)?.value ?? 0;
      return {
        ...row,
        samples: [
          { metric: total, labels, value: of('success') + of('error') },
          { metric: errors, labels, value: of('error') },
        ],
      };
    });
    const found = feed(createModel(), rows);
    assert.equal(found[0]?.detector, 'reconcile-error-share');
    assert.deepEqual(found[0]?.subject.type === 'series' && [found[0].subject.controller, found[0].subject.metric], [
      'kafka',
      errors,
    ]);
  });
}
