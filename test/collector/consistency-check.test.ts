/** The slow relist beside the watch: what it finds, and what it must not take for missed. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ReflectorOptions } from '../../src/collector/watch/reflector.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, type RunningReflector, runReflector, WIDGET, widget } from './memory-record.ts';

const EVERY_MS = 25;

describe('consistency relist', () => {
  let server: FakeApiServer;
  let record: MemoryRecord;
  let running: RunningReflector[];

  function run(options: Partial<ReflectorOptions> = {}): RunningReflector {
    const timing = { consistencyMs: EVERY_MS, settleMs: 5_000, ...options.timing };
    const started = runReflector(server, record, { pageLimit: 2, ...options, timing });
    running.push(started);
    return started;
  }

  const watched = ({ reflector }: RunningReflector) =>
    until('the kind is watched', () => reflector.coverage().state === 'watched' && server.openWatches('widgets') > 0, 10_000, 2);
  /** The beginnings of the lists that are made beside the watch. */
  const lists = () =>
    server.requests.filter(
      ({ query, path }) => path.endsWith('/widgets') && query.limit !== undefined && query.continue === undefined,
    ).length;
  /** Two more lists have begun, so one of them began and ended after now. */
  const checked = async () => {
    const before = lists();
    await until('a check', () => lists() >= before + 2, 10_000, 2);
  };
  const missed = ({ reflector }: RunningReflector) => reflector.coverage().missed;
  const remove = (name: string) => server.remove({ kind: 'Widget', namespace: 'team-a', name });

  beforeEach(async () => {
    server = await startFakeApiServer({ kinds: [WIDGET] });
    record = new MemoryRecord();
    running = [];
  });

  afterEach(async () => {
    for (const started of running) await started.stop();
    await server.close();
  });

  it('records an edit, an addition, a deletion and a re-creation that the watch did not tell, and names the gap', async () => {
    for (const name of ['edited', 'deleted', 'recreated', 'same']) server.apply(widget(name, 1));
    const started = run({ timing: { consistencyMs: 200 } });
    await watched(started);
    for (let i = 0; i < 5; i++) server.faults.swallow('widgets');
    server.apply(widget('edited', 2));
    remove('deleted');
    remove('recreated');
    server.apply(widget('recreated', 5));
    server.apply(widget('new', 1));
    server.apply(widget('told', 1));
    server.bookmark();
    await until('all is recorded', () => record.gaps.some(({ name }) => name === ''), 10_000, 2);
    assert.equal(record.story[4], 'ADDED team-a/told=1 (watch)');
    assert.deepEqual(record.story.slice(5).sort(), [
      'ADDED team-a/new=1 (relist)',
      'ADDED team-a/recreated=5 (relist)',
      'DELETED team-a/deleted (relist)',
      'DELETED team-a/recreated (relist)',
      'MODIFIED team-a/edited=2 (relist)',
    ]);
    assert.deepEqual(record.gaps.map(({ name, reason, objects }) => [name, reason, objects]).sort(), [
      ['', 'missed', 4],
      ['deleted', 'missed', 1],
      ['edited', 'missed', 1],
      ['new', 'missed', 1],
      ['recreated', 'missed', 1],
    ]);
    await checked();
    const { missed: count, relists, gaps, lastCheckMs } = started.reflector.coverage();
    assert.deepEqual({ count, relists, gaps }, { count: 4, relists: 0, gaps: 1 });
    assert.ok(lastCheckMs !== undefined);
    server.apply(widget('edited', 3));
    await until('the watch goes on', () => record.story.at(-1) === 'MODIFIED team-a/edited=3 (watch)', 10_000, 2);
  });

  it('takes nothing for missed that is merely in flight, however busy the kind and slow the store', async () => {
    for (let i = 0; i < 6; i++) server.apply(widget(`w${i}`, 0));
    const slow = record.sink;
    record.sink = async (batch) => {
      await new Promise((resolve) => setTimeout(resolve, 3));
      await slow(batch);
    };
    const started = run({ timing: { consistencyMs: 2 } });
    await watched(started);
    const from = lists();
    for (let size = 1; lists() < from + 15; size++) {
      const name = `w${size % 6}`;
      if (size % 7 === 0) remove(name);
      server.apply(widget(name, size));
      if (size % 10 === 0) server.bookmark();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    server.bookmark();
    await until('the record equals the server', () => record.live.length === 6 && lists() > from + 16, 10_000, 2);
    assert.deepEqual([missed(started), record.gaps, started.reflector.coverage().epoch], [0, [], 1]);
    const versions = record.observations.map(({ object }) => `${object.metadata.uid}@${object.metadata.resourceVersion}`);
    assert.equal(new Set(versions).size, versions.length, 'nothing is told twice');
  });

  it('opens the watch anew when it does not get as far as a list, and misses nothing that way', async () => {
    const started = run({ timing: { consistencyMs: 20, settleMs: 60 } });
    await watched(started);
    server.faults.stall('widgets');
    server.apply(widget('a', 1));
    await record.until(1);
    assert.deepEqual([record.story, missed(started)], [['ADDED team-a/a=1 (watch)'], 0]);
  });

  it('finds a restored storage that has grown past our position unseen', async () => {
    for (const name of ['a', 'b']) server.apply(widget(name, 1));
    const backup = server.backup();
    const started = run({ timing: { consistencyMs: 500, watchSeconds: 1 } });
    await watched(started);
    server.apply(widget('a', 2));
    await record.until(3);
    server.faults.down();
    server.restore(backup);
    for (let i = 0; i < 3; i++) server.apply(widget('b', 10 + i));
    server.objects.compactedAt = 0;
    server.faults.up();
    await until('a new epoch', () => started.reflector.coverage().epoch === 2, 10_000, 2);
    await until('a is as it is', () => record.story.includes('MODIFIED team-a/a=1 (relist)'), 10_000, 2);
  });

  it('does not take an object that cannot be recorded for missed', async () => {
    const started = run({ objectBytesMax: 2_000 });
    await watched(started);
    server.apply({ ...widget('big', 1), spec: { size: 1, blob: 'x'.repeat(9_000) } });
    await until('the reject', () => record.rejects.length > 0, 10_000, 2);
    server.bookmark();
    await checked();
    assert.deepEqual([missed(started), record.observations.length], [0, 0]);
  });

  it('tries again when a list fails, and does nothing at all when it is off', async () => {
    const started = run();
    await watched(started);
    server.faults.refuse({ status: 429, plural: 'widgets', verb: 'list', times: 2, retryAfterSeconds: 1 });
    await checked();
    await started.stop();
    const quiet = run({ timing: { consistencyMs: 0 } });
    await watched(quiet);
    const before = lists();
    server.apply(widget('a', 1));
    await record.until(1);
    assert.equal(lists(), before);
  });
});
