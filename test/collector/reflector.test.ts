import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { ReflectorOptions } from '../../src/collector/watch/reflector.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { type FakeApiServer, type FakeApiServerOptions, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { clientOf, MemoryRecord, type RunningReflector, runReflector, WIDGET, widget } from './memory-record.ts';

const CURSOR = 'watch:fake/test.dev/widgets';

describe('reflector', () => {
  let server: FakeApiServer;
  let record: MemoryRecord;
  let running: RunningReflector[];

  async function serve(options: Partial<FakeApiServerOptions> = {}): Promise<void> {
    await server?.close();
    server = await startFakeApiServer({ kinds: [WIDGET], ...options });
  }

  function run(options: Partial<ReflectorOptions> = {}): RunningReflector {
    const started = runReflector(server, record, options);
    running.push(started);
    return started;
  }

  async function watched({ reflector }: RunningReflector): Promise<void> {
    await until(
      'the kind is watched',
      () => reflector.coverage().state === 'watched' && server.openWatches('widgets') > 0,
      10_000,
      2,
    );
  }

  const cursor = () => record.cursor(CURSOR)?.split(' ')[0];

  beforeEach(async () => {
    server = await startFakeApiServer({ kinds: [WIDGET] });
    record = new MemoryRecord();
    running = [];
  });

  afterEach(async () => {
    for (const started of running) await started.stop();
    await server.close();
  });

  it('gives back what the watch brought once it is delivered', async () => {
    const client = clientOf(server);
    const brought: Buffer[] = [];
    async function* copied(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const piece of body) {
        const chunk = Buffer.allocUnsafeSlow(piece.length);
        piece.copy(chunk);
        brought.push(chunk);
        yield chunk;
      }
    }
    const watching: KubeClient = {
      ...client,
      async stream(path, options) {
        const stream = await client.stream(path, options);
        return options.query?.watch === undefined ? stream : { ...stream, body: copied(stream.body) };
      },
    };
    server.apply(widget('a', 1));
    await watched(run({ client: watching }));
    for (let size = 2; size <= 5; size++) server.apply(widget('a', size));
    await record.until(5);
    await until(
      'all is given back',
      () => brought.length > 0 && brought.every(({ buffer }) => buffer.byteLength === 0),
      5_000,
      2,
    );
    assert.deepEqual(
      record.story.slice(1),
      [2, 3, 4, 5].map((size) => `MODIFIED team-a/a=${size} (watch)`),
    );
    await client.close();
  });

  it('lists what is there and then tells what happens, in order', async () => {
    server.apply(widget('a', 1));
    server.apply(widget('b', 1));
    const started = run();
    await watched(started);
    server.apply(widget('a', 2));
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'b' });
    server.apply(widget('b', 3));
    server.apply(widget('a', 4));
    await record.until(6);
    assert.deepEqual(record.story, [
      'ADDED team-a/a=1 (list)',
      'ADDED team-a/b=1 (list)',
      'MODIFIED team-a/a=2 (watch)',
      'DELETED team-a/b=1 (watch)',
      'ADDED team-a/b=3 (watch)',
      'MODIFIED team-a/a=4 (watch)',
    ]);
    assert.equal(cursor(), String(server.objects.resourceVersion));
    assert.equal(started.reflector.coverage().objects, 2);
    const requests = server.requests.filter((request) => request.path.endsWith('/widgets'));
    assert.equal(requests.length, 1, 'a streaming list goes on as the watch');
  });

  for (const streamingLists of ['refused', 'etcd34'] as const) {
    it(`lists in pages when a streaming list is ${streamingLists}, once and for all`, async () => {
      await serve({ streamingLists });
      for (let i = 0; i < 5; i++) server.apply(widget(`w${i}`, i));
      const started = run({ pageLimit: 2 });
      await watched(started);
      server.apply(widget('w0', 9));
      await record.until(6);
      assert.deepEqual(
        record.story.slice(0, 5),
        [0, 1, 2, 3, 4].map((i) => `ADDED team-a/w${i}=${i} (list)`),
      );
      assert.equal(record.story[5], 'MODIFIED team-a/w0=9 (watch)');
      const withCursor = record.batches.filter((batch) => batch.cursors !== undefined && batch.observations.length !== 1);
      assert.equal(withCursor.length, 1, 'only the end of the list has a position');

      server.compact();
      server.endWatches();
      await until('the relist', () => started.reflector.coverage().relists === 1, 10_000, 2);
      await watched(started);
      const streaming = server.requests.filter((request) => request.query.sendInitialEvents === 'true');
      assert.equal(streaming.length, 1);
    });
  }

  it('skips at the first list what is recorded at the same resourceVersion', async () => {
    server.apply(widget('same', 1));
    const first = run();
    await record.until(1);
    await first.stop();
    record.cursorValues.clear();
    server.apply(widget('new', 1));
    run();
    await record.until(2);
    assert.deepEqual(record.story, ['ADDED team-a/same=1 (list)', 'ADDED team-a/new=1 (list)']);
  });

  it('resumes from the stored position with nothing lost and nothing twice', async () => {
    server.apply(widget('a', 1));
    const first = run();
    await watched(first);
    await first.stop();
    server.apply(widget('a', 2));
    server.apply(widget('b', 1));
    const second = run();
    await record.until(3);
    await watched(second);
    server.apply(widget('b', 2));
    await record.until(4);
    assert.deepEqual(record.story.slice(1), [
      'MODIFIED team-a/a=2 (watch)',
      'ADDED team-a/b=1 (watch)',
      'MODIFIED team-a/b=2 (watch)',
    ]);
    assert.equal(second.reflector.coverage().objects, 2);
    assert.equal(second.reflector.coverage().relists, 0);
  });

  it('relists after 410 and recovers edits, deletions and re-creations by uid', async () => {
    for (const name of ['edited', 'deleted', 'recreated', 'same']) server.apply(widget(name, 1));
    const first = run();
    await watched(first);
    await first.stop();
    const uidBefore = record.observations.find((seen) => seen.object.metadata.name === 'recreated')?.object.metadata.uid;
    server.apply(widget('edited', 2));
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'deleted' });
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'recreated' });
    server.apply(widget('recreated', 1));
    server.apply(widget('new', 1));
    server.compact();

    const second = run();
    await record.until(9);
    await watched(second);
    assert.deepEqual(record.story.slice(4).sort(), [
      'ADDED team-a/new=1 (relist)',
      'ADDED team-a/recreated=1 (relist)',
      'DELETED team-a/deleted (relist)',
      'DELETED team-a/recreated (relist)',
      'MODIFIED team-a/edited=2 (relist)',
    ]);
    const recreated = record.observations.slice(4).filter((seen) => seen.object.metadata.name === 'recreated');
    assert.deepEqual(
      recreated.map((seen) => [seen.type, seen.object.metadata.uid === uidBefore]),
      [
        ['DELETED', true],
        ['ADDED', false],
      ],
    );
    assert.equal(second.reflector.coverage().relists, 1);
    const positions = record.batches.flatMap((batch) => Object.values(batch.cursors ?? {}));
    assert.ok(
      positions.some((position) => position.startsWith('? compacted ')),
      'the old position is given up before the list begins',
    );
    assert.equal(cursor(), String(server.objects.resourceVersion));
  });

  it('lists again when it died in the middle of a relist', async () => {
    record.cursorValues.set(CURSOR, '');
    server.apply(widget('a', 1));
    run();
    await record.until(1);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (relist)']);
  });

  it('relists when the server has never heard of its position', async () => {
    record.cursorValues.set(CURSOR, '999999');
    server.apply(widget('a', 1));
    const { reflector } = run();
    await record.until(1);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (relist)']);
    assert.equal(reflector.coverage().relists, 1);
  });

  it('repeats a list in one piece when its continue token expires', async () => {
    await serve({ streamingLists: 'refused' });
    for (let i = 0; i < 4; i++) server.apply(widget(`w${i}`, i));
    server.faults.expireContinue(3);
    const started = run({ pageLimit: 2 });
    await watched(started);
    assert.equal(record.observations.length, 4, 'what came before the token expired is not delivered again');
    assert.deepEqual(server.requests.at(-2)?.query, {}, 'without limit');
  });

  it('loses nothing and repeats nothing when the stream is cut in the middle of a line', async () => {
    server.apply(widget('a', 1));
    const started = run();
    await watched(started);
    server.faults.cutMidLine('widgets');
    server.apply(widget('a', 2));
    server.apply(widget('a', 3));
    await record.until(3);
    await watched(started);
    server.apply(widget('a', 4));
    await record.until(4);
    assert.deepEqual(
      record.story.map((line) => line.split(' ')[1]),
      ['team-a/a=1', 'team-a/a=2', 'team-a/a=3', 'team-a/a=4'],
    );
    assert.deepEqual(record.rejects, []);
  });

  it('finds a half-open connection by its silence and goes on where it was', async () => {
    const started = run({ timing: { bookmarkSilenceMs: 60, listSilenceMs: 100, graceMs: 100_000 } });
    await watched(started);
    server.bookmark();
    await until('the bookmark', () => started.reflector.coverage().lastBookmarkMs !== undefined, 10_000, 2);
    server.faults.stall();
    server.apply(widget('a', 1));
    await record.until(1);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (watch)']);
  });

  it('says which rule is missing for a forbidden kind, and watches it once granted', async () => {
    server.faults.forbid('widgets');
    server.apply(widget('a', 1));
    const { reflector } = run();
    await until('forbidden', () => reflector.coverage().state === 'forbidden', 10_000, 2);
    const rule = /apiGroups: \["test\.dev"\], resources: \["widgets"\], verbs: \["get", "list", "watch"\]/;
    assert.match(reflector.coverage().reason ?? '', rule);
    server.faults.allow('widgets');
    await record.until(1);
    await until('watched', () => reflector.coverage().state === 'watched', 10_000, 2);
    assert.equal(reflector.coverage().reason, undefined);
  });

  it('waits as long as a throttling server asks', async () => {
    const sleeps: number[] = [];
    const clock = { nowMs: () => 0, sleep: async (ms: number, signal?: AbortSignal) => waitOr(ms, signal) };
    /** Retry waits are skipped; the watchdog's sleeps last until the stream is over. */
    async function waitOr(ms: number, signal?: AbortSignal): Promise<void> {
      if (ms > 4_000 && ms < 6_000) {
        sleeps.push(ms);
        return;
      }
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
    }
    server.faults.refuse({ status: 429, plural: 'widgets', times: 2, retryAfterSeconds: 5 });
    server.apply(widget('a', 1));
    run({ clock });
    await record.until(1);
    assert.equal(sleeps.length, 2);
    assert.ok(
      sleeps.every((ms) => ms >= 4_980 && ms < 5_600),
      String(sleeps),
    );
  });

  it('delivers again what the store refused', async () => {
    const started = run();
    await watched(started);
    record.failNext = 2;
    server.apply(widget('a', 1));
    server.apply(widget('a', 2));
    await record.until(2);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (watch)', 'MODIFIED team-a/a=2 (watch)']);
  });

  it('does not deliver again what was recorded although the delivery failed', async () => {
    const started = run();
    await watched(started);
    record.failAfterNext = 1;
    server.apply(widget('a', 1));
    await until('the failure', () => record.failAfterNext === 0, 10_000, 2);
    server.apply(widget('a', 2));
    await until('all is there', () => record.story.includes('MODIFIED team-a/a=2 (watch)'), 10_000, 2);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (watch)', 'MODIFIED team-a/a=2 (watch)']);
  });

  it('comes back after the server was away', async () => {
    server.apply(widget('a', 1));
    const started = run();
    await watched(started);
    server.faults.down();
    await until('the reason', () => started.reflector.coverage().reason?.includes('CLUSTER_UNREACHABLE'), 10_000, 2);
    assert.equal(started.reflector.coverage().state, 'stale');
    server.apply(widget('a', 2));
    server.faults.up();
    await record.until(2);
    assert.equal(record.story[1], 'MODIFIED team-a/a=2 (watch)');
  });

  it('is gone when its kind is no longer served and comes back with it', async () => {
    server.apply(widget('a', 1));
    const started = run();
    await watched(started);
    server.removeKind('widgets');
    await until('gone', () => started.reflector.coverage().state === 'gone', 10_000, 2);
    assert.deepEqual(record.story.at(-1), 'DELETED team-a/a=1 (watch)');
    server.addKind(WIDGET);
    server.apply(widget('a', 7));
    await record.until(3);
    assert.equal(record.story[2], 'ADDED team-a/a=7 (watch)');
  });

  it('counts what it cannot read and goes on', async () => {
    const started = run({ objectBytesMax: 20_000 });
    await watched(started);
    const object = {
      apiVersion: 'test.dev/v1',
      kind: 'Widget',
      metadata: { name: 'x', namespace: 'n', uid: 'u', resourceVersion: '1' },
    };
    const line = (type: string, value: unknown) => `${JSON.stringify({ type, object: value })}\n`;
    const { uid: _, ...withoutUid } = object.metadata;
    const invalidUtf8 = Buffer.concat([
      Buffer.from('{"type":"ADDED","object":{"metadata":{"name":"x","namespace":"n"},"spec":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}}\n'),
    ]);
    const cases: [string | Buffer, RegExp][] = [
      ['no json at all\n', /not valid JSON/],
      [invalidUtf8, /UTF-8/],
      [line('ADDED', { ...object, metadata: withoutUid }), /metadata\.uid is missing/],
      [line('ADDED', { ...object, kind: 'Gadget' }), /kind is "Gadget"/],
      [line('ADDED', { ...object, apiVersion: 'other.dev/v1' }), /apiVersion is "other\.dev\/v1"/],
      [line('RENAMED', object), /unknown event type "RENAMED"/],
      [line('BOOKMARK', {}), /bookmark without resourceVersion/],
      [line('ADDED', null), /no object/],
      [line('MODIFIED', { ...object, spec: { blob: 'x'.repeat(30_000) } }), /larger than 20000 bytes/],
    ];
    for (const [bytes] of cases) server.faults.raw(bytes);
    server.apply(widget('a', 1));
    await record.until(1);
    assert.equal(record.rejects.length, cases.length);
    for (const [i, [, pattern]] of cases.entries()) assert.match(record.rejects[i]?.what ?? '', pattern);
    assert.deepEqual(record.story, ['ADDED team-a/a=1 (watch)']);
    const large = record.rejects.at(-1);
    assert.deepEqual([large?.code, large?.where], ['OBJECT_TOO_LARGE', 'Widget.test.dev n/x']);
    assert.equal(record.rejects[1]?.where, 'Widget.test.dev n/x');
  });

  it('records a deletion whose last state is too large to read', async () => {
    server.apply({ ...widget('big', 1), spec: { size: 1, blob: 'x'.repeat(9_000) } });
    const started = run({ objectBytesMax: 30_000 });
    await watched(started);
    await started.stop();
    const again = run({ objectBytesMax: 5_000 });
    await watched(again);
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'big' });
    await record.until(2);
    assert.deepEqual(record.story[1], 'DELETED team-a/big (watch)');
    assert.equal(record.rejects[0]?.code, 'OBJECT_TOO_LARGE');
  });

  it('does not take an object for deleted that a list holds but that cannot be read', async () => {
    await serve({ streamingLists: 'refused' });
    server.apply({ ...widget('big', 1), spec: { size: 1, blob: 'x'.repeat(9_000) } });
    server.apply(widget('small', 1));
    const first = run();
    await watched(first);
    await first.stop();
    server.compact();
    const second = run({ objectBytesMax: 5_000 });
    await watched(second);
    assert.deepEqual(record.observations.length, 2);
    assert.equal(record.rejects[0]?.where, 'Widget.test.dev team-a/big');
  });

  it('asks about each missing object when a list holds one that cannot even be named', async () => {
    await serve({ streamingLists: 'refused' });
    for (const name of ['hidden', 'deleted']) server.apply(widget(name, 1));
    const first = run();
    await watched(first);
    await first.stop();
    server.remove({ kind: 'Widget', namespace: 'team-a', name: 'deleted' });
    server.compact();
    server.faults.rawItem('widgets', { kind: 'Widget' });
    server.faults.hideFromLists('widgets', 'hidden');
    const second = run();
    await watched(second);
    assert.deepEqual(record.story.slice(2), ['DELETED team-a/deleted (relist)']);
  });

  it('watches one namespace by the namespaced path, with a position of its own', async () => {
    server.apply(widget('mine', 1, 'team-a'));
    server.apply(widget('other', 1, 'team-b'));
    const started = run({ namespace: 'team-a' });
    await watched(started);
    server.apply(widget('other', 2, 'team-b'));
    server.apply(widget('mine', 2, 'team-a'));
    await record.until(2);
    assert.deepEqual(record.story, ['ADDED team-a/mine=1 (list)', 'MODIFIED team-a/mine=2 (watch)']);
    assert.ok(record.cursor(`${CURSOR}/team-a`));
  });

  it('delivers at most so many observations in one batch', async () => {
    for (let i = 0; i < 25; i++) server.apply(widget(`w${i}`, i));
    run({ observationsMax: 10 });
    await record.until(25);
    assert.ok(record.batches.every((batch) => batch.observations.length <= 10));
  });
});
