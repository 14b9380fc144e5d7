import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { type Canary, createCanary } from '../../src/collector/watch/canary.ts';
import { createCanaryMetrics } from '../../src/collector/watch/canary-metrics.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type FakeApiServer, type FakeKind, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { clientOf, MemoryRecord, QUICK, SILENT_LOGGER } from './memory-record.ts';

const LEASE: FakeKind = { group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases' };

describe('canary', () => {
  let server: FakeApiServer;
  let record: MemoryRecord;
  let registry: Registry;
  let stops: (() => Promise<void>)[];

  function run(): Canary {
    const client = clientOf(server);
    const canary = createCanary({
      ...{ client, clock: systemClock, logger: SILENT_LOGGER, known: record, cursors: record, timing: QUICK },
      ...{ namespace: 'own', everyMs: 25, missMs: 150, metrics: createCanaryMetrics(registry).of('fake') },
    });
    const stop = new AbortController();
    const running = canary.run(record.sink, stop.signal);
    stops.push(async () => {
      stop.abort();
      await running;
      await client.close();
    });
    return canary;
  }

  const untilState = (canary: Canary, state: string) => until(`it is ${state}`, () => canary.status().state === state, 10_000, 5);

  beforeEach(async () => {
    server = await startFakeApiServer({ kinds: [LEASE] });
    record = new MemoryRecord();
    registry = new Registry();
    stops = [];
  });
  afterEach(async () => {
    for (const stop of stops) await stop();
    await server.close();
  });

  it('comes back through a watch of its own name, again and again, and tells how long that took', async () => {
    const canary = run();
    assert.equal(canary.status().state, 'waiting');
    await untilState(canary, 'seen');
    await until('a latency', () => canary.status().latencyMs !== undefined);
    assert.match(record.story[0] ?? '', /^ADDED own\/crowsnest-canary \(list\)$/, 'the record takes it for one that was there');
    const watches = server.requests.filter(({ method }) => method === 'GET');
    assert.ok(watches.length > 0);
    for (const { query } of watches) assert.equal(query.fieldSelector, 'metadata.name=crowsnest-canary');
    const metrics = await registry.metrics();
    assert.match(metrics, /crowsnest_canary_latency_seconds_count\{cluster="fake"\} [1-9]/);
    assert.match(metrics, /crowsnest_canary_missing\{cluster="fake"\} 0/);
    assert.match(metrics, /crowsnest_canary_last_seen_timestamp_seconds\{cluster="fake"\} \d/);
  });

  it('is missed when the watch looks alive and tells nothing, since the first write that did not come back', async () => {
    const canary = run();
    await untilState(canary, 'seen');
    server.faults.stall('leases');
    const stalledMs = systemClock.nowMs();
    await untilState(canary, 'missing');
    const { reason = '', sinceMs } = canary.status();
    assert.match(reason, /has not come back through the watch/);
    assert.ok(Math.abs(sinceMs - stalledMs) < 150, `${sinceMs - stalledMs} ms`);
    assert.match(await registry.metrics(), /crowsnest_canary_missing\{cluster="fake"\} 1/);
    server.faults.cut('leases');
    await untilState(canary, 'seen');
  });

  it('is missed when the record does not take it', async () => {
    const canary = run();
    await untilState(canary, 'seen');
    record.failNext = 1_000_000;
    await untilState(canary, 'missing');
    record.failNext = 0;
    await untilState(canary, 'seen');
  });

  it('says which rule is missing where it may not be written', async () => {
    server.faults.forbid('leases');
    const canary = run();
    await untilState(canary, 'missing');
    assert.match(
      canary.status().reason ?? '',
      /namespace own: .*resourceNames: \["crowsnest-canary"\], verbs: .*"create", "patch"/,
    );
    server.faults.allow('leases');
    await untilState(canary, 'seen');
  });
});
