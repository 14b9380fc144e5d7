/** What becomes of history that is cut: gaps and epochs. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createCollectorMetrics } from '../../src/collector/metrics.ts';
import type { ReflectorOptions } from '../../src/collector/watch/reflector.ts';
import type { Gap } from '../../src/domain/gap.ts';
import { type FakeApiServer, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { MemoryRecord, type RunningReflector, runReflector, WIDGET, widget } from './memory-record.ts';

const CURSOR = 'watch:fake/test.dev/widgets';

for (const streamingLists of ['served', 'refused'] as const) {
  describe(`history that is cut, with streaming lists ${streamingLists}`, () => {
    let server: FakeApiServer;
    let record: MemoryRecord;
    let running: RunningReflector[];

    function run(options: Partial<ReflectorOptions> = {}): RunningReflector {
      const started = runReflector(server, record, { pageLimit: 2, ...options });
      running.push(started);
      return started;
    }

    const watched = ({ reflector }: RunningReflector) =>
      until(
        'the kind is watched',
        () => reflector.coverage().state === 'watched' && server.openWatches('widgets') > 0,
        10_000,
        2,
      );
    const remove = (name: string) => server.remove({ kind: 'Widget', namespace: 'team-a', name });
    const gapsOf = (reason: Gap['reason']) => {
      const gaps = record.gaps.filter((gap) => gap.reason === reason);
      return {
        kinds: gaps.filter(({ name }) => name === ''),
        objects: new Map(gaps.filter(({ name }) => name !== '').map((gap) => [gap.name, gap])),
      };
    };

    beforeEach(async () => {
      server = await startFakeApiServer({ kinds: [WIDGET], streamingLists });
      record = new MemoryRecord();
      running = [];
    });

    afterEach(async () => {
      for (const started of running) await started.stop();
      await server.close();
    });

    it('counts what moved once, though the list that tells it could not be recorded at first', async () => {
      for (const name of ['edited', 'deleted']) server.apply(widget(name, 1));
      const first = run();
      await watched(first);
      await first.stop();
      for (const size of [2, 3, 4]) server.apply(widget('edited', size));
      remove('deleted');
      server.compact();
      const { sink } = record;
      let refused = 0;
      record.sink = async (batch) => {
        if (refused === 0 && (batch.gaps ?? []).length > 0) {
          refused += 1;
          throw new Error('the store is full');
        }
        await sink(batch);
      };
      await watched(run());
      const [kind] = gapsOf('compacted').kinds;
      assert.deepEqual([refused, kind?.objects, kind?.generationsSkipped], [1, 2, 2]);
    });

    it('records from where to where a compaction cut it, for the kind and for each object that moved', async () => {
      for (const name of ['edited', 'deleted', 'recreated', 'same']) server.apply(widget(name, 1));
      const first = run();
      await watched(first);
      await first.stop();
      const before = Object.fromEntries(
        record.heads('test.dev', 'Widget').map(({ ref, resourceVersion }) => [ref.name, resourceVersion]),
      );
      const from = String(server.objects.resourceVersion);
      for (const size of [2, 3, 4]) server.apply(widget('edited', size));
      remove('deleted');
      remove('recreated');
      server.apply(widget('recreated', 1));
      server.apply(widget('recreated', 2));
      server.apply(widget('new', 1));
      server.compact();

      const registry = new Registry();
      const second = run({ metrics: createCollectorMetrics(registry).of('fake') });
      await watched(second);
      const { kinds, objects } = gapsOf('compacted');
      const now = Object.fromEntries(
        record.heads('test.dev', 'Widget').map(({ ref, resourceVersion }) => [ref.name, resourceVersion]),
      );
      const versions = ({ fromVersion, toVersion, generationsSkipped }: Gap) => [fromVersion, toVersion, generationsSkipped];
      assert.deepEqual([...objects.keys()].sort(), ['deleted', 'edited', 'new', 'recreated']);
      assert.deepEqual(versions(objects.get('edited') as Gap), [before.edited, now.edited, 2]);
      assert.deepEqual(versions(objects.get('deleted') as Gap), [before.deleted, undefined, 0]);
      assert.deepEqual(versions(objects.get('new') as Gap), [undefined, now.new, 0]);
      assert.deepEqual(versions(objects.get('recreated') as Gap), [undefined, now.recreated, 1]);
      const [kind] = kinds;
      assert.equal(kinds.length, 1);
      assert.deepEqual(versions(kind as Gap), [from, String(server.objects.resourceVersion), 3]);
      // The two lives of the one that was re-created count apart.
      assert.equal(kind?.objects, 5);
      assert.ok(kind.fromMs !== undefined && kind.fromMs <= kind.toMs);
      const { gaps, lastGapMs, epoch } = second.reflector.coverage();
      assert.deepEqual([gaps, lastGapMs, epoch], [1, kind.toMs, 1]);
      assert.match(
        await registry.metrics(),
        /crowsnest_watch_gaps_total\{cluster="fake",group="test.dev",kind="Widget",reason="compacted"\} 1/,
      );
    });

    it('names the whole gap although the list that makes up for it fails half-way and the process restarts', async () => {
      for (const name of ['a', 'b', 'c', 'd']) server.apply(widget(name, 1));
      const first = run();
      await watched(first);
      await first.stop();
      const from = String(server.objects.resourceVersion);
      for (const name of ['a', 'b', 'c', 'd']) server.apply(widget(name, 2));
      server.compact();
      record.failAfterNext = 2;
      const second = run({ observationsMax: 1 });
      await until('the first delivery', () => record.failAfterNext === 0, 10_000, 2);
      await second.stop();
      const third = run();
      await watched(third);
      assert.deepEqual(
        gapsOf('compacted').kinds.map(({ fromVersion }) => fromVersion),
        [from],
      );
      assert.deepEqual([...gapsOf('compacted').objects.keys()].sort(), ['a', 'b', 'c', 'd']);
    });

    it('has no gap after the first list, nor after a connection that was cut', async () => {
      server.apply(widget('a', 1));
      const started = run();
      await watched(started);
      server.faults.cut('widgets');
      server.apply(widget('a', 2));
      await record.until(2);
      await watched(started);
      assert.deepEqual(record.gaps, []);
    });

    it('opens an epoch when the storage was restored, and drops nothing of the new history', async () => {
      for (const name of ['same', 'edited', 'deleted', 'collides']) server.apply(widget(name, 1));
      const backup = server.backup();
      const started = run();
      await watched(started);
      server.apply(widget('edited', 2));
      server.apply(widget('collides', 2));
      remove('deleted');
      server.apply(widget('late', 1));
      await record.until(8);
      const from = record.cursor(CURSOR)?.split(' ')[0] as string;
      const collision = record.observations.find(
        ({ object }) => (object.spec as { size?: number })?.size === 2 && object.metadata.name === 'collides',
      );

      server.faults.down();
      server.restore(backup);
      // The new history gives the same object the same resourceVersion as the old one did, with another content.
      server.apply(widget('filler', 1));
      const again = server.apply(widget('collides', 7));
      assert.equal(again.metadata.resourceVersion, collision?.object.metadata.resourceVersion);
      server.faults.up();

      await until('the new epoch is watched', () => started.reflector.coverage().epoch === 2, 10_000, 2);
      await watched(started);
      const relisted = record.story.slice(8).filter((line) => line.endsWith('(relist)'));
      assert.deepEqual(relisted.sort(), [
        'ADDED team-a/deleted=1 (relist)',
        'ADDED team-a/filler=1 (relist)',
        'DELETED team-a/late (relist)',
        'MODIFIED team-a/collides=7 (relist)',
        'MODIFIED team-a/edited=1 (relist)',
        'MODIFIED team-a/same=1 (relist)',
      ]);
      server.apply(widget('edited', 3));
      await until('the watch goes on', () => record.story.at(-1) === 'MODIFIED team-a/edited=3 (watch)', 10_000, 2);
      const { kinds, objects } = gapsOf('restored');
      assert.deepEqual(
        kinds.map(({ fromVersion, toVersion }) => [fromVersion, toVersion]),
        [[from, again.metadata.resourceVersion]],
      );
      assert.ok(!objects.has('same'), 'what is as it was has no gap');
      assert.equal(record.cursor(CURSOR)?.split(' ')[2], '2');

      await started.stop();
      const resumed = run();
      await watched(resumed);
      assert.equal(resumed.reflector.coverage().epoch, 2, 'the epoch outlives a restart');
    });

    it('finds a restore at the relist after a compaction too, and lists once more without trust', async () => {
      server.apply(widget('a', 1));
      const backup = server.backup();
      const first = run();
      await watched(first);
      for (let size = 2; size < 9; size++) server.apply(widget('a', size));
      await record.until(8);
      await first.stop();
      server.restore(backup);
      const position = record.cursor(CURSOR) as string;
      record.cursorValues.set(CURSOR, `? compacted ${position}`);
      const second = run();
      await watched(second);
      assert.equal(second.reflector.coverage().epoch, 2);
      assert.equal(record.story.at(-1), 'MODIFIED team-a/a=1 (relist)');
    });

    it('finds a restore on a server that is silent about positions from its future, when its own watch was cut', async () => {
      await server.close();
      server = await startFakeApiServer({ kinds: [WIDGET], streamingLists, future: 'silent' });
      server.apply(widget('a', 1));
      const backup = server.backup();
      const started = run();
      await watched(started);
      for (let size = 2; size < 9; size++) server.apply(widget('a', size));
      await record.until(8);
      server.restore(backup);
      await until('a new epoch', () => started.reflector.coverage().epoch === 2, 10_000, 2);
      await watched(started);
      assert.equal(record.story.at(-1), 'MODIFIED team-a/a=1 (relist)');
      server.apply(widget('a', 2));
      await until('the watch goes on', () => record.story.at(-1) === 'MODIFIED team-a/a=2 (watch)', 10_000, 2);
    });

    it('is not called forbidden for the moment in which a server that starts forbids everything', async () => {
      server.apply(widget('a', 1));
      const states = new Set<string>();
      const started = run();
      await watched(started);
      server.faults.refuse({ status: 403, plural: 'widgets', times: 3 });
      server.faults.cut('widgets');
      server.apply(widget('a', 2));
      await until(
        'it is watched again',
        () => {
          states.add(started.reflector.coverage().state);
          return record.observations.length === 2;
        },
        10_000,
        0,
      );
      assert.deepEqual(
        [...states].filter((state) => state !== 'watched' && state !== 'stale'),
        [],
      );
    });

    it('keeps its position when a server merely lags behind', async () => {
      server.apply(widget('a', 1));
      const started = run();
      await watched(started);
      server.faults.refuse({
        status: 504,
        plural: 'widgets',
        verb: 'watch',
        times: 3,
        message: 'Too large resource version: 2000, current: 1000',
        retryAfterSeconds: 0,
      });
      server.faults.cut('widgets');
      server.apply(widget('a', 2));
      await record.until(2);
      const { relists, epoch, gaps } = started.reflector.coverage();
      assert.deepEqual(
        { relists, epoch, gaps, story: record.story[1] },
        { relists: 0, epoch: 1, gaps: 0, story: 'MODIFIED team-a/a=2 (watch)' },
      );
    });

    it('takes a bookmark older than its position for a restore', async () => {
      server.apply(widget('a', 1));
      const started = run();
      await watched(started);
      const metadata = { resourceVersion: '1' };
      server.faults.raw(`${JSON.stringify({ type: 'BOOKMARK', object: { kind: 'Widget', metadata } })}\n`, 'widgets');
      await until('an epoch', () => started.reflector.coverage().epoch === 2, 10_000, 2);
      await watched(started);
      server.apply(widget('a', 2));
      await until('the watch goes on', () => record.story.at(-1) === 'MODIFIED team-a/a=2 (watch)', 10_000, 2);
    });

    it('keeps its position behind no event that comes out of order', async () => {
      const started = run();
      await watched(started);
      const { metadata } = server.apply(widget('a', 1));
      await record.until(1);
      const newest = record.cursor(CURSOR)?.split(' ')[0];
      const old = { ...widget('b', 1), metadata: { ...metadata, name: 'b', uid: 'u', resourceVersion: '7' } };
      server.faults.raw(`${JSON.stringify({ type: 'ADDED', object: old })}\n`, 'widgets');
      await record.until(2);
      assert.equal(record.cursor(CURSOR)?.split(' ')[0], newest);
    });
  });
}
