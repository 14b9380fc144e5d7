/** Whatever comes down a watch, from the bytes to the database: what is bad is counted with a reason, and the rest goes on. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createCollectorMetrics } from '../../src/collector/metrics.ts';
import type { ReflectorOptions } from '../../src/collector/watch/reflector.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createIdleAnalysis } from '../../src/pipeline/idle-analysis.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createPipeline, type Pipeline } from '../../src/pipeline/pipeline.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type FakeApiServer, type FakeObject, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, type RunningReflector, runReflector, SILENT_LOGGER, WIDGET, widget } from './memory-record.ts';

const DAY = 86_400_000;

/** The system's clock, set wrong by so much. */
class WrongClock implements Clock {
  offMs = 0;
  nowMs(): number {
    return systemClock.nowMs() + this.offMs;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal);
  }
}

describe('bad input on a watch', () => {
  let server: FakeApiServer;
  let store: SqliteStore;
  let pipeline: Pipeline;
  let clock: WrongClock;
  let registry: Registry;
  let running: RunningReflector[];

  async function run(options: Partial<ReflectorOptions> = {}): Promise<RunningReflector> {
    const record = new MemoryRecord();
    record.sink = (batch) => pipeline.sink(batch);
    const known = { heads: (group: string, kind: string) => store.heads('fake', group, kind), head: store.head.bind(store) };
    registry = new Registry();
    const metrics = createCollectorMetrics(registry).of('fake');
    const started = runReflector(server, record, { known, cursors: store, clock, metrics, objectBytesMax: 20_000, ...options });
    running.push(started);
    await until('it is watched', () => started.reflector.coverage().state === 'watched' && server.openWatches() > 0, 10_000, 2);
    return started;
  }

  const changes = () => store.changesAfter(0, 1_000).map(({ type, ref, state }) => `${type} ${ref.name}=${sizeOf(state)}`);
  const sizeOf = (state: unknown) => (state as { spec: { size: number } }).spec.size;
  const recorded = (last: string) => until(last, () => changes().at(-1) === last, 10_000, 2);
  const line = (type: string, object: FakeObject) => server.faults.raw(`${JSON.stringify({ type, object })}\n`, 'widgets');

  beforeEach(async () => {
    server = await startFakeApiServer({ kinds: [WIDGET] });
    store = openSqliteStore({ file: ':memory:' });
    clock = new WrongClock();
    running = [];
    pipeline = createPipeline({
      ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }),
      ...{ store, clock, logger: SILENT_LOGGER, signal: new AbortController().signal },
      ...{ analysis: createIdleAnalysis(createModel({})), react: () => {} },
    });
  });

  afterEach(async () => {
    for (const started of running) await started.stop();
    await server.close();
    store.close();
  });

  it('records what is told twice once, and what comes out of order not at all, each counted', async () => {
    await run();
    const first = structuredClone(server.apply(widget('a', 1)));
    const second = structuredClone(server.apply(widget('a', 2)));
    await recorded('MODIFIED a=2');
    line('MODIFIED', second);
    line('MODIFIED', first);
    line('MODIFIED', second);
    server.apply(widget('a', 3));
    await recorded('MODIFIED a=3');
    assert.deepEqual(changes(), ['ADDED a=1', 'MODIFIED a=2', 'MODIFIED a=3']);
    assert.deepEqual([pipeline.counts.repeats, pipeline.counts.late, store.counts().rejects], [2, 1, 1]);
    const [reject] = store.rejects(1);
    assert.deepEqual([reject?.code, reject?.where], ['EVENT_OUT_OF_ORDER', 'Widget team-a/a']);
  });

  it('does not let a straggler of a former life touch the life that came after', async () => {
    await run();
    const former = structuredClone(server.apply(widget('a', 1)));
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'a' });
    server.apply(widget('a', 2));
    await recorded('ADDED a=2');
    line('MODIFIED', former);
    line('DELETED', former);
    server.apply(widget('a', 3));
    await recorded('MODIFIED a=3');
    assert.deepEqual(changes(), ['ADDED a=1', 'DELETED a=1', 'ADDED a=2', 'MODIFIED a=3']);
    assert.equal(pipeline.counts.late, 2);
  });

  it('counts each kind of bad line under its reason, and loses no neighbour of it', async () => {
    await run();
    const good = { ...widget('x', 1), metadata: { name: 'x', namespace: 'n', uid: 'u', resourceVersion: '5' } };
    const bad: (string | Buffer)[] = [
      'no json\n',
      Buffer.concat([Buffer.from('{"type":"ADDED","object":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}\n')]),
      `${JSON.stringify({ type: 'RENAMED', object: good })}\n`,
      `${JSON.stringify({ object: good })}\n`,
      `${JSON.stringify({ type: 'ADDED', object: { ...good, kind: 'Gadget' } })}\n`,
      `${JSON.stringify({ type: 'ADDED', object: { ...good, spec: 'y'.repeat(30_000) } })}\n`,
    ];
    for (const [i, bytes] of bad.entries()) {
      server.faults.raw(bytes, 'widgets');
      server.apply(widget('a', i));
    }
    await recorded(`MODIFIED a=${bad.length - 1}`);
    assert.equal(changes().length, bad.length);
    assert.equal(store.counts().rejects, bad.length);
    const text = await registry.metrics();
    assert.match(text, /crowsnest_watch_rejects_total\{cluster="fake",reason="OBJECT_INVALID"\} 5/);
    assert.match(text, /crowsnest_watch_rejects_total\{cluster="fake",reason="OBJECT_TOO_LARGE"\} 1/);
  });

  for (const [what, offMs] of [
    ['a day ahead', DAY],
    ['a day behind', -DAY],
  ] as const) {
    it(`goes on when its own clock is set ${what}, and keeps order`, async () => {
      const started = await run({ timing: { bookmarkSilenceMs: 5_000 } });
      server.apply(widget('a', 1));
      await recorded('ADDED a=1');
      clock.offMs = offMs;
      server.bookmark();
      for (const size of [2, 3]) server.apply(widget('a', size));
      await recorded('MODIFIED a=3');
      server.faults.cut('widgets');
      server.apply(widget('a', 4));
      await recorded('MODIFIED a=4');
      assert.deepEqual(changes(), ['ADDED a=1', 'MODIFIED a=2', 'MODIFIED a=3', 'MODIFIED a=4']);
      const { relists, gaps, state } = started.reflector.coverage();
      assert.deepEqual({ relists, gaps, state }, { relists: 0, gaps: 0, state: 'watched' });
      assert.equal(sizeOf(store.head(store.change(1)!.ref)?.state), 4, 'the newest is the last that came, whatever its time');
    });

    it(`names a gap with sound times when its clock was set ${what} meanwhile`, async () => {
      server.apply(widget('a', 1));
      const first = await run();
      await first.stop();
      clock.offMs = offMs;
      server.apply(widget('a', 2));
      server.compact();
      await run();
      await recorded('MODIFIED a=2');
      const gaps = store.gaps({ limit: 10 }).items;
      assert.equal(gaps.length, 2);
      for (const { fromMs, toMs } of gaps) assert.ok(fromMs !== undefined && fromMs <= toMs && toMs <= clock.nowMs());
    });

    it(`takes objects that were written by a clock ${what} as they are`, async () => {
      const skewed = (size: number) => ({
        ...widget('a', size),
        metadata: { name: 'a', namespace: 'team-a', annotations: { at: new Date(Date.now() + offMs).toISOString() } },
        status: { lastSyncTime: new Date(Date.now() + offMs + size * 1_000).toISOString() },
      });
      await run();
      server.apply(skewed(1));
      server.apply(skewed(2));
      await recorded('MODIFIED a=2');
      const [, change] = store.changesAfter(0, 10);
      assert.ok(Math.abs((change?.observedMs ?? 0) - Date.now()) < 60_000, 'time is when it was observed');
    });
  }
});
