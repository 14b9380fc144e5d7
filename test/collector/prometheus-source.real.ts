import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createPrometheusSource } from '../../src/collector/reconcile/prometheus-source.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type Exporter, startExporter } from '../support/exporter.ts';
import { type RealPrometheus, startPrometheus } from '../support/real-prometheus.ts';
import { skipWithout } from '../support/skip-real.ts';
import { until } from '../support/until.ts';
import { SILENT_LOGGER } from './memory-record.ts';

const FIXTURES = new URL('../../fixtures/metrics/', import.meta.url);
const PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
const SUCCESS = 'controller_runtime_reconcile_total{controller="engine",result="success"}';

describe('source that asks a real Prometheus', { skip: skipWithout('prometheus') }, () => {
  let exporter: Exporter;
  let native: http.Server;
  let prometheus: RealPrometheus;
  let batches: SourceBatch[] = [];
  const cursors = new Map<string, string>();

  before(async () => {
    exporter = await startExporter({ controller: 'engine' });
    const page = readFileSync(new URL('native-histograms.pb', FIXTURES));
    native = http.createServer((_, response) => response.writeHead(200, { 'content-type': PROTOBUF }).end(page));
    await new Promise<void>((resolve) => native.listen(0, '127.0.0.1', resolve));
    const nativePort = (native.address() as AddressInfo).port;
    prometheus = await startPrometheus([`127.0.0.1:${exporter.port}`, `127.0.0.1:${nativePort}`]);
  });
  after(async () => {
    await prometheus?.stop();
    await exporter?.close();
    native?.closeAllConnections();
    native?.close();
  });

  function start(options: { backfillMs?: number; match?: string } = {}): { stop(): Promise<void> } {
    const stop = new AbortController();
    const source = createPrometheusSource({
      ...{ url: prometheus.url, cluster: 'prod', intervalMs: 500, backfillMs: options.backfillMs ?? 600_000, lagMs: 1_500 },
      ...{ clock: systemClock, logger: SILENT_LOGGER, match: options.match },
      cursors: { cursor: (name) => cursors.get(name) },
    });
    const running = source.run(async (batch) => {
      batches.push(batch);
      for (const [name, position] of Object.entries(batch.cursors ?? {})) cursors.set(name, position);
    }, stop.signal);
    return {
      async stop() {
        stop.abort();
        await running;
      },
    };
  }
  /** What was delivered of one series, in the order it came. */
  const delivered = () =>
    batches.flatMap(({ scrapes = [] }) =>
      scrapes.flatMap(({ tsMs, samples }) =>
        samples
          .filter(({ metric, labels }) => metric === 'controller_runtime_reconcile_total' && labels.result === 'success')
          .filter(({ labels }) => labels.controller === 'engine')
          .map(({ value }): [number, number] => [tsMs, value]),
      ),
    );

  it('delivers every scrape with its own time, across its own downtime and that of Prometheus, and none twice', async () => {
    await until('Prometheus has scraped', async () => (await prometheus.samples(SUCCESS)).length >= 3);
    const first = start();
    await until('what was there before and what came since', () => delivered().length >= 6);
    await first.stop();

    // Nobody asks meanwhile.
    const seen = delivered().length;
    await until('Prometheus went on', async () => (await prometheus.samples(SUCCESS)).length >= seen + 5);
    const second = start();
    await until('the time between', () => delivered().length >= seen + 5);
    await prometheus.down();
    const refused = await until('that it is down is said', () => batches.flatMap(({ rejects = [] }) => rejects)[0]);
    assert.equal(refused.code, 'METRICS_UNREADABLE');
    assert.equal(refused.where, prometheus.url);
    const before = delivered().length;
    await prometheus.up();
    await until('it goes on by itself', () => delivered().length >= before + 3);
    await second.stop();

    const through = Number(cursors.get('prometheus:prod'));
    const truth = (await prometheus.samples(SUCCESS)).filter(([tsMs]) => tsMs <= through);
    assert.deepEqual(delivered(), truth);
    assert.ok(
      truth.every(([, value], i) => value === truth[0]![1] + 5 * i),
      'the counter tells that no scrape is missing',
    );
    const [sample] = batches.flatMap(({ scrapes = [] }) => scrapes).flatMap(({ samples }) => samples);
    assert.equal(sample?.labels.job, undefined);
    assert.match(sample?.labels.instance ?? '', /^127\.0\.0\.1:\d+$/);
  });

  it('goes back no further than the bound, and takes only series that match', async () => {
    cursors.clear();
    batches = [];
    const askedMs = Date.now();
    const bounded = start({ backfillMs: 3_000, match: 'cluster="prod"' });
    await until('the newest', () => delivered().length >= 2);
    await bounded.stop();
    assert.ok((delivered()[0]?.[0] ?? 0) > askedMs - 3_000 - 1_500 - 100);

    cursors.clear();
    batches = [];
    const other = start({ backfillMs: 3_000, match: 'cluster="other"' });
    await until('it was asked', () => batches.length >= 3);
    await other.stop();
    assert.deepEqual(delivered(), []);
    assert.ok(cursors.has('prometheus:prod'));
  });

  it('turns the native histograms that Prometheus holds into the buckets that the page itself would have led to', async () => {
    const seconds = readFileSync(new URL('native-histograms.observations.txt', FIXTURES), 'utf8').trim().split('\n').map(Number);
    cursors.clear();
    batches = [];
    const source = start({ backfillMs: 5_000 });
    const buckets = await until('a scrape with the histogram', () => {
      const scrapes = batches.flatMap(({ scrapes: of = [] }) => of);
      const found = scrapes.map(({ samples }) =>
        samples.filter(({ metric }) => metric === 'workqueue_queue_duration_seconds_bucket'),
      );
      return found.find((each) => each.length > 5);
    });
    await source.stop();
    for (const { labels, value } of buckets) {
      const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
      assert.equal(value, seconds.filter((each) => each <= le).length, `le ${labels.le}`);
    }
    assert.equal(buckets.length, 24);
  });
});
