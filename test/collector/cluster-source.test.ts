import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Registry } from 'prom-client';
import { createCollectorMetrics } from '../../src/collector/metrics.ts';
import type { CoverageState } from '../../src/collector/source.ts';
import { type ClusterSource, type ClusterSourceOptions, createClusterSource } from '../../src/collector/watch/cluster-source.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { type FakeApiServer, type FakeApiServerOptions, type FakeKind, startFakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';
import { clientOf, MemoryRecord, QUICK, SILENT_LOGGER, WIDGET, widget } from './memory-record.ts';

const GADGET: FakeKind = { group: 'other.dev', version: 'v1beta1', kind: 'Gadget', plural: 'gadgets', namespaced: false };
const gadget = (name: string) => ({ apiVersion: 'other.dev/v1beta1', kind: 'Gadget', metadata: { name }, spec: {} });

describe('cluster source', () => {
  let server: FakeApiServer;
  let record: MemoryRecord;
  let stops: (() => Promise<void>)[];

  async function serve(options: Partial<FakeApiServerOptions> = {}): Promise<void> {
    await server?.close();
    server = await startFakeApiServer({ kinds: [WIDGET, GADGET], ...options });
  }

  function run(options: Partial<ClusterSourceOptions> = {}): ClusterSource {
    const client = clientOf(server);
    const stop = new AbortController();
    const base = { client, clock: systemClock, logger: SILENT_LOGGER, known: record, cursors: record };
    const source = createClusterSource({ ...base, rediscoverMs: 60_000, retireMs: 20, reflector: { timing: QUICK }, ...options });
    const running = source.run(record.sink, stop.signal);
    stops.push(async () => {
      stop.abort();
      await running;
      await client.close();
    });
    return source;
  }

  const states = (source: ClusterSource) => Object.fromEntries(source.coverage().map(({ kind, state }) => [kind, state]));
  const untilStates = (source: ClusterSource, wanted: Record<string, CoverageState>) =>
    until(`${JSON.stringify(wanted)}`, () => JSON.stringify(states(source)) === JSON.stringify(wanted), 10_000, 5);

  beforeEach(async () => {
    await serve();
    record = new MemoryRecord();
    stops = [];
  });

  afterEach(async () => {
    for (const stop of stops) await stop();
    await server.close();
  });

  it('watches every custom kind, and none of Kubernetes itself', async () => {
    server.apply(widget('w', 1));
    server.apply(gadget('g'));
    const source = run();
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    assert.deepEqual(record.observations.map(({ object }) => object.kind).sort(), ['Gadget', 'Widget']);
    const [first] = source.coverage();
    assert.deepEqual(
      [first?.cluster, first?.group, first?.version, first?.plural, first?.namespaced, first?.objects],
      ['fake', 'other.dev', 'v1beta1', 'gadgets', false, 1],
    );
  });

  it('watches a new kind within moments of its CRD, long before the next look at the clock', async () => {
    const source = run();
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    server.addKind({ group: 'new.dev', version: 'v1', kind: 'Novelty', plural: 'novelties' });
    server.apply({ apiVersion: 'new.dev/v1', kind: 'Novelty', metadata: { name: 'n', namespace: 'a' }, spec: {} });
    await record.until(1);
    await untilStates(source, { Novelty: 'watched', Gadget: 'watched', Widget: 'watched' });
  });

  it('finds new kinds by the clock where CRDs may not be watched', async () => {
    server.faults.forbid('customresourcedefinitions');
    const source = run({ rediscoverMs: 20 });
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    server.addKind({ group: 'new.dev', version: 'v1', kind: 'Novelty', plural: 'novelties' });
    await untilStates(source, { Novelty: 'watched', Gadget: 'watched', Widget: 'watched' });
  });

  it('records the last deletions of a kind whose CRD is deleted, says that it is gone, and takes it up again', async () => {
    server.apply(widget('w', 1));
    const source = run();
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    server.removeKind('widgets');
    await untilStates(source, { Gadget: 'watched', Widget: 'gone' });
    assert.equal(record.story.at(-1), 'DELETED team-a/w=1 (watch)');
    server.addKind(WIDGET);
    server.apply(widget('w', 2));
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    await record.until(3);
    assert.equal(record.story.at(-1), 'ADDED team-a/w=2 (watch)');
  });

  it('moves to the preferred version without telling anything again', async () => {
    server.apply(gadget('g'));
    const source = run();
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    server.addKind({ ...GADGET, version: 'v1', otherVersions: ['v1beta1'] });
    await until(
      'v1 is watched',
      () => source.coverage()[0]?.version === 'v1' && source.coverage()[0]?.state === 'watched',
      10_000,
      5,
    );
    server.apply({ ...gadget('g'), apiVersion: 'other.dev/v1', spec: { size: 2 } });
    await record.until(2);
    assert.deepEqual(
      record.observations.map(({ type, object }) => `${type} ${object.apiVersion}`),
      ['ADDED other.dev/v1beta1', 'MODIFIED other.dev/v1'],
    );
  });

  it('keeps the troubles of one kind away from the others', async () => {
    server.faults.forbid('gadgets');
    server.apply(widget('w', 1));
    const registry = new Registry();
    const source = run({ metrics: createCollectorMetrics(registry).of('fake') });
    await untilStates(source, { Gadget: 'forbidden', Widget: 'watched' });
    assert.match(source.coverage()[0]?.reason ?? '', /resources: \["gadgets"\]/);
    const text = await registry.metrics();
    assert.match(text, /crowsnest_watch_kinds\{cluster="fake",state="forbidden"\} 1/);
    assert.match(text, /crowsnest_watch_kinds\{cluster="fake",state="watched"\} 1/);
    assert.match(text, /crowsnest_watch_events_total\{cluster="fake",group="test.dev",kind="Widget",type="ADDED"\} 1/);
    assert.match(text, /crowsnest_watch_errors_total\{cluster="fake",group="other.dev",kind="Gadget",reason="forbidden"\} \d/);
    assert.match(text, /crowsnest_watch_blind\{cluster="fake",group="other.dev",kind="Gadget"\} 1/);
    assert.match(text, /crowsnest_watch_lag_seconds\{cluster="fake",group="test.dev",kind="Widget"\} \d/);
    server.faults.allow('gadgets');
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
  });

  it('goes on with the kinds of a group whose discovery fails, and says so', async () => {
    const source = run({ rediscoverMs: 20 });
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
    server.faults.failGroup('other.dev');
    await until('the failure is known', () => source.failedGroups().some(({ group }) => group === 'other.dev'), 10_000, 5);
    server.apply(gadget('g'));
    await record.until(1);
    assert.deepEqual(states(source), { Gadget: 'watched', Widget: 'watched' });
  });

  it('waits for a server that is not there yet', async () => {
    server.faults.down();
    const warnings: string[] = [];
    const logger = {
      ...SILENT_LOGGER,
      warn: (_: unknown, message: string) => void warnings.push(message),
    } as ClusterSourceOptions['logger'];
    const source = run({ logger });
    await until('a failed try', () => warnings.includes('discovery failed'), 10_000, 5);
    assert.deepEqual(source.coverage(), []);
    server.faults.up();
    await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
  });

  it('watches only what is selected', async () => {
    const source = run({ selection: { include: ['*.dev'], exclude: ['gadget.other.dev'] } });
    await untilStates(source, { Gadget: 'excluded', Widget: 'watched' });
  });

  it('watches a set of namespaces by namespaced paths alone', async () => {
    for (const namespace of ['a', 'b', 'c']) server.apply(widget('w', 1, namespace));
    const source = run({ selection: { namespaces: ['a', 'b'] } });
    await untilStates(source, { Gadget: 'excluded', Widget: 'watched' });
    await record.until(2);
    assert.equal(source.coverage()[1]?.objects, 2);
    assert.ok(!server.requests.some(({ path }) => path.includes('customresourcedefinitions')), 'CRDs are not asked for');
    const paths = new Set(server.requests.map((request) => request.path).filter((path) => path.includes('widgets')));
    assert.deepEqual([...paths].sort(), ['/apis/test.dev/v1/namespaces/a/widgets', '/apis/test.dev/v1/namespaces/b/widgets']);
  });

  describe('a kind whose CRD is deleted while nobody looks', () => {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const quick = { rediscoverMs: 5, vanishedMs: 40 };
    /** Two widgets and a gadget are recorded, and the collector ends. */
    async function recorded(): Promise<void> {
      for (const name of ['a', 'b']) server.apply(widget(name, 1));
      server.apply(gadget('g'));
      const source = run();
      await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
      await record.until(3);
      await stops.pop()?.();
    }
    /** Runs until what is missing was judged: the first look finds it missing, one after the time judges, and at the next that is over. */
    async function judged(options: Partial<ClusterSourceOptions> = {}): Promise<ClusterSource> {
      const looks = () => server.requests.filter(({ path }) => path === '/apis').length;
      const before = looks();
      const source = run({ ...quick, ...options });
      await until('a first look', () => looks() > before, 10_000, 5);
      await pause(2 * quick.vanishedMs);
      const then = looks();
      await until('two more', () => looks() >= then + 2, 10_000, 5);
      return source;
    }
    const deletions = () => record.story.filter((line) => line.startsWith('DELETED'));

    it('has its objects recorded as deleted, with the gap, and coverage says why', async () => {
      await recorded();
      server.removeKind('widgets');
      const source = run(quick);
      await record.until(5);
      assert.deepEqual(deletions(), ['DELETED team-a/a (relist)', 'DELETED team-a/b (relist)']);
      await until('coverage says so', () => source.coverage().some(({ state }) => state === 'gone'), 10_000, 5);
      const row = source.coverage().find(({ state }) => state === 'gone');
      assert.deepEqual([row?.group, row?.version, row?.plural, row?.everWatched], ['test.dev', 'v1', 'widgets', true]);
      assert.match(row?.reason ?? '', /no longer serves it; 2 objects were recorded as deleted/);
      assert.deepEqual(
        record.gaps.map(({ reason, name, objects, toVersion }) => ({ reason, name, objects, toVersion })),
        ['a', 'b', ''].map((name) => ({ reason: 'unserved', name, objects: name === '' ? 2 : 1, toVersion: undefined })),
      );
      assert.ok(record.gaps.every(({ fromMs, fromVersion }) => fromMs !== undefined && fromVersion !== undefined));
      // It may come back, and is not told as gone again at the next start.
      await stops.pop()?.();
      const again = await judged();
      await untilStates(again, { Gadget: 'watched' });
      assert.equal(deletions().length, 2);
      server.addKind(WIDGET);
      server.apply(widget('a', 2));
      await untilStates(again, { Gadget: 'watched', Widget: 'watched' });
    });

    it('has them recorded too where the connection was cut while it went', async () => {
      server.apply(widget('a', 1));
      const source = run(quick);
      await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
      server.faults.swallow('widgets');
      server.removeKind('widgets');
      await untilStates(source, { Gadget: 'watched', Widget: 'gone' });
      await record.until(2);
      assert.deepEqual(deletions(), ['DELETED team-a/a (relist)']);
      await until('coverage says why', () => /recorded as deleted/.test(source.coverage()[1]?.reason ?? ''), 10_000, 5);
    });

    const untouched: [string, () => Partial<ClusterSourceOptions>, Record<string, CoverageState>][] = [
      [
        'of a group whose discovery fails',
        () => {
          server.faults.failGroup('test.dev');
          return {};
        },
        { Gadget: 'watched' },
      ],
      [
        'that is left out from now on',
        () => {
          server.removeKind('widgets');
          return { selection: { exclude: ['widget.*'] } };
        },
        { Gadget: 'watched' },
      ],
      [
        'that may not be read',
        () => {
          server.faults.forbid('widgets');
          return {};
        },
        { Gadget: 'watched', Widget: 'stale' },
      ],
      [
        'whose CRD serves no version',
        () => {
          server.objects.kinds = server.objects.kinds.filter(({ plural }) => plural !== 'widgets');
          return {};
        },
        { Gadget: 'watched', Widget: 'gone' },
      ],
      [
        'that is served and may not be watched any more',
        () => {
          server.objects.kinds = server.objects.kinds.map((kind) =>
            kind.plural === 'widgets' ? { ...kind, verbs: ['get', 'list'] } : kind,
          );
          // Not that of a CRD, which can always be watched.
          server.objects.delete(server.objects.kindNamed('CustomResourceDefinition'), '', 'widgets.test.dev');
          return {};
        },
        { Gadget: 'watched' },
      ],
      [
        'whose CRD is there, on a server that does not say so at the moment',
        () => {
          server.objects.kinds = server.objects.kinds.filter(({ plural }) => plural !== 'widgets');
          server.faults.refuse({ status: 503, times: 1_000, plural: 'customresourcedefinitions' });
          return {};
        },
        { Gadget: 'watched' },
      ],
      [
        'that was never watched but pushed',
        () => {
          server.removeKind('widgets');
          record.cursorValues.delete('watch:fake/test.dev/widgets');
          return {};
        },
        { Gadget: 'watched' },
      ],
    ];
    for (const [what, change, wanted] of untouched) {
      it(`is told apart from one ${what}`, async () => {
        await recorded();
        const source = await judged(change());
        await until(
          'as it should be',
          () => {
            const shown = states(source);
            if (shown.Widget === 'forbidden') shown.Widget = 'stale';
            return JSON.stringify(shown) === JSON.stringify(wanted);
          },
          10_000,
          5,
        );
        assert.deepEqual(deletions(), []);
        assert.deepEqual(record.gaps, []);
      });
    }

    it('has them recorded too where another kind was made in its place, also when that is told twice', async () => {
      await recorded();
      server.removeKind('widgets');
      server.addKind({ ...WIDGET, kind: 'Gizmo' });
      server.apply({ ...widget('a', 7), kind: 'Gizmo' });
      // The first list is not recorded.
      record.failNext = 1;
      const source = run(quick);
      await untilStates(source, { Gadget: 'watched', Gizmo: 'watched' });
      await record.until(6);
      const told = record.observations
        .slice(3)
        .map(({ type, object, origin }) => `${type} ${object.kind} ${object.metadata.name} ${origin}`);
      assert.deepEqual(told.sort(), ['ADDED Gizmo a list', 'DELETED Widget a relist', 'DELETED Widget b relist']);
      assert.deepEqual(
        record.gaps.map(({ reason, kind, name, objects }) => [reason, kind, name, objects]),
        [
          ['a', 1],
          ['b', 1],
          ['', 2],
        ].map(([name, objects]) => ['unserved', 'Widget', name, objects]),
      );
      await stops.pop()?.();
      await untilStates(run(quick), { Gadget: 'watched', Gizmo: 'watched' });
      assert.equal(record.observations.length, 6);
    });

    it('leaves its objects be that are watched under another plural when another kind is made in its place', async () => {
      await recorded();
      server.removeKind('widgets');
      server.addKind({ ...WIDGET, plural: 'oldwidgets' });
      for (const name of ['a', 'c']) server.apply(widget(name, 7));
      const source = run(quick);
      await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
      await record.until(7);
      const before = record.story.length;
      server.addKind({ ...WIDGET, kind: 'Gizmo' });
      server.apply({ ...widget('g', 7), kind: 'Gizmo' });
      await untilStates(source, { Gadget: 'watched', Widget: 'watched', Gizmo: 'watched' });
      await record.until(8);
      assert.deepEqual(record.story.slice(before), ['ADDED team-a/g=7 (list)']);
    });

    it('is told apart from one that is served under another plural', async () => {
      await recorded();
      server.removeKind('widgets');
      server.addKind({ ...WIDGET, plural: 'widgetries' });
      for (const name of ['b', 'c']) server.apply(widget(name, 2));
      const source = await judged();
      await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
      // What is gone is told by the list of the other; what is there is not deleted afterwards.
      assert.deepEqual(deletions().sort(), ['DELETED team-a/a (relist)', 'DELETED team-a/b (relist)']);
      assert.deepEqual(record.gaps, []);
    });

    for (const streamingLists of ['refused', 'etcd34'] as const) {
      it(`is told apart from one whose CRD serves no version, by a server without streaming lists (${streamingLists})`, async () => {
        await serve({ streamingLists });
        await recorded();
        server.objects.kinds = server.objects.kinds.filter(({ plural }) => plural !== 'widgets');
        const source = await judged();
        await untilStates(source, { Gadget: 'watched', Widget: 'gone' });
        assert.match(source.coverage()[1]?.reason ?? '', /serves no version/);
        assert.deepEqual(deletions(), []);
      });
    }

    it('is told apart from a server that has just started and shows no custom kinds yet', async () => {
      await recorded();
      const { kinds } = server.objects;
      server.objects.kinds = kinds.filter(({ group }) => !group.endsWith('.dev'));
      const source = run({ ...quick, vanishedMs: 300 });
      await pause(100);
      server.objects.kinds = kinds;
      await untilStates(source, { Gadget: 'watched', Widget: 'watched' });
      await pause(300);
      assert.deepEqual(deletions(), []);
    });
  });

  it('starts many kinds a few at a time, and all of them', async () => {
    const kinds = Array.from({ length: 40 }, (_, i) => ({ group: 'many.dev', version: 'v1', kind: `K${i}`, plural: `k${i}s` }));
    await serve({ kinds });
    const source = run({ startsAtOnce: 3 });
    await until('all are watched', () => source.coverage().filter(({ state }) => state === 'watched').length === 40, 10_000, 5);
  });
});
