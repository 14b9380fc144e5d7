import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ControllerTies, type DeclaredController } from '../../../src/domain/series/controller-ties.ts';
import type { Scrape } from '../../../src/domain/series/series.ts';

const MINUTE = 60_000;
interface Page {
  controller?: string;
  instance?: string;
  reconciles?: number;
  errors?: number;
  queue?: number;
  master?: number;
  more?: Scrape['samples'];
}
const scrape = (
  minute: number,
  { controller = 'loop', instance = 'a:8080', reconciles = 0, errors = 0, queue, master, more = [] }: Page = {},
): Scrape => {
  const labels = { controller, instance };
  return {
    cluster: 'c',
    target: `http://${instance}/metrics`,
    tsMs: minute * MINUTE,
    samples: [
      { metric: 'controller_runtime_reconcile_total', labels: { ...labels, result: 'success' }, value: reconciles - errors },
      { metric: 'controller_runtime_reconcile_total', labels: { ...labels, result: 'error' }, value: errors },
      { metric: 'controller_runtime_reconcile_errors_total', labels, value: errors },
      ...(queue === undefined ? [] : [{ metric: 'workqueue_depth', labels: { name: controller, instance }, value: queue }]),
      ...(master === undefined
        ? []
        : [{ metric: 'leader_election_master_status', labels: { name: 'x', instance }, value: master }]),
      ...more,
    ],
  };
};
const change = (kind: string, minute: number, statusWriter?: string) => ({
  cluster: 'c',
  group: 'test.dev',
  kind,
  atMs: minute * MINUTE,
  statusWriter,
});
const kindsOf = (ties: ControllerTies, controller = 'loop', known = [] as Parameters<ControllerTies['views']>[0]) =>
  (ties.view('c', controller, known)?.kinds ?? []).map(({ kind, source, confidence }) => [kind, source, confidence]);

/** A controller that works whenever `of` says so, beside kinds that change at times of their own. */
function watched(
  minutes: number,
  busy: (minute: number) => boolean,
  kinds: Record<string, (minute: number) => boolean>,
): ControllerTies {
  const ties = new ControllerTies();
  let reconciles = 0;
  for (let minute = 0; minute < minutes; minute++) {
    for (const [kind, changes] of Object.entries(kinds)) if (changes(minute)) ties.observeChange(change(kind, minute - 0.5));
    // Resyncs of its own, as every controller has them.
    reconciles += (minute % 3) + (busy(minute) ? 20 : 0);
    ties.observeScrape(scrape(minute, { reconciles }));
  }
  return ties;
}

describe('ties between controllers and kinds', () => {
  it('are learnt from a name, once the kind is known', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0, { controller: 'widget' }));
    assert.deepEqual(kindsOf(ties, 'widget'), []);
    ties.observeChange(change('Widget', 1));
    assert.deepEqual(kindsOf(ties, 'widget'), [['Widget', 'learnt', 0.8]]);
    const known = [
      { cluster: 'c', group: 'other.dev', kind: 'Widget', plural: 'widgets' },
      { cluster: 'd', group: 'x', kind: 'Widget', plural: 'widgets' },
    ];
    assert.deepEqual(
      kindsOf(ties, 'widget', known).map(([, , confidence]) => confidence),
      [0.4, 0.4],
      'two groups share what a bare name says',
    );
  });

  it('are learnt from time alone, whatever the names', () => {
    const ties = watched(200, (minute) => minute % 7 === 3, {
      Widget: (minute) => minute % 7 === 3,
      Gadget: (minute) => minute % 11 === 5,
    });
    assert.deepEqual(kindsOf(ties), [['Widget', 'learnt', 0.7]]);
    assert.match(
      ties.view('c', 'loop')?.kinds[0]?.evidence[0]?.words ?? '',
      /busy in \d+ of the 29 intervals in which it changed/,
    );
  });

  it('are shared by kinds that always change together', () => {
    const wave = (minute: number) => minute % 7 === 3;
    assert.deepEqual(kindsOf(watched(200, wave, { Widget: wave, Gadget: wave })), [
      ['Gadget', 'learnt', 0.35],
      ['Widget', 'learnt', 0.35],
    ]);
  });

  it('are not made up of chance, nor of too little', () => {
    const random = (seed: number) => (minute: number) => (Math.imul(minute + 1, 2654435761 + seed * 97) >>> 16) % 5 === 0;
    const others = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`Kind${i}`, random(i + 1)]));
    assert.deepEqual(kindsOf(watched(2_000, random(0), others)), []);
    const early = watched(16, (minute) => minute % 4 === 3, { Widget: (minute) => minute % 4 === 3 });
    assert.deepEqual(kindsOf(early), []);
  });

  it('are learnt from who writes the status', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0, { controller: 'fleet-sync' }));
    ties.observeChange(change('Widget', 1, 'system:serviceaccount:ops:fleet-sync-controller'));
    assert.deepEqual(kindsOf(ties, 'fleet-sync'), [['Widget', 'learnt', 0.6]]);
    assert.match(ties.view('c', 'fleet-sync')?.kinds[0]?.evidence[0]?.words ?? '', /fleet-sync-controller writes its status/);
  });

  it('are those of the kind that fits a name best', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0, { controller: 'prometheus-agent' }));
    for (const kind of ['Prometheus', 'PrometheusAgent']) ties.observeChange(change(kind, 1));
    assert.deepEqual(kindsOf(ties, 'prometheus-agent'), [['PrometheusAgent', 'learnt', 0.7]]);
  });

  it('share what a writer of several kinds tells', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0, { controller: 'fleet' }));
    for (const kind of ['Widget', 'Gadget']) ties.observeChange(change(kind, 1, 'fleet-operator'));
    assert.deepEqual(
      kindsOf(ties, 'fleet').map(([, , confidence]) => confidence),
      [0.3, 0.3],
    );
  });

  it('are read off series that name the kind', () => {
    const ties = new ControllerTies();
    const labels = { kind: 'HelmRelease', name: 'x', namespace: 'y', instance: 'a:8080' };
    ties.observeScrape({ ...scrape(0), samples: [{ metric: 'gotk_reconcile_duration_seconds_count', labels, value: 4 }] });
    assert.deepEqual(kindsOf(ties, 'helmrelease'), [['HelmRelease', 'learnt', 0.95]]);
  });

  it('are what the configuration says, where it says something', () => {
    const declared: DeclaredController[] = [
      { name: 'widget', kinds: [{ kind: 'Gadget', group: 'test.dev' }, { kind: 'Unseen' }] },
    ];
    const ties = new ControllerTies(declared);
    ties.observeScrape(scrape(0, { controller: 'widget' }));
    ties.observeChange(change('Widget', 1));
    ties.observeChange(change('Gadget', 1));
    assert.deepEqual(kindsOf(ties, 'widget'), [
      ['Gadget', 'declared', 1],
      ['Unseen', 'declared', 1],
    ]);
  });

  it('say the same after a restart, and go on from there', () => {
    const kinds = { Widget: (minute: number) => minute % 7 === 3 };
    const ties = watched(200, kinds.Widget, kinds);
    const restored = new ControllerTies([], JSON.parse(JSON.stringify(ties.save())));
    assert.deepEqual(restored.views(), ties.views());
    for (const each of [ties, restored]) {
      each.observeChange(change('Widget', 200.5));
      each.observeScrape(scrape(201, { reconciles: 10_000 }));
    }
    assert.deepEqual(restored.views(), ties.views());
    assert.deepEqual(new ControllerTies([], { version: 9 } as never).views(), []);
  });

  it('stand names that every object inherits', () => {
    const ties = new ControllerTies();
    for (const name of ['__proto__', 'constructor', 'toString']) {
      ties.observeScrape(scrape(0, { controller: name, instance: name }));
      ties.observeChange({ ...change(name, 0, name), group: name });
      ties.observeScrape(scrape(1, { controller: name, instance: name }));
    }
    assert.deepEqual(
      ties.views().map(({ controller, targets }) => [controller, targets.length]),
      [
        ['__proto__', 1],
        ['constructor', 1],
        ['toString', 1],
      ],
    );
    assert.equal(({} as Record<string, unknown>).lastScrapeMs, undefined);
  });

  it('are bounded whatever comes', () => {
    const ties = new ControllerTies();
    for (let i = 0; i < 1_500; i++) ties.observeScrape(scrape(i, { controller: `loop-${i}` }));
    for (let i = 0; i < 200; i++) ties.observeScrape(scrape(i, { instance: `a:${i}` }));
    for (let i = 0; i < 5_000; i++) ties.observeChange(change(`Kind${i}`, i, `writer-${i}`));
    const { controllers, kinds } = ties.save();
    assert.equal(controllers.length, 1_000);
    assert.ok(!controllers.some(({ name }) => name === 'loop-0') && controllers.some(({ name }) => name === 'loop-1499'));
    assert.equal(Object.keys(controllers.find(({ name }) => name === 'loop')?.targets ?? {}).length, 50);
    assert.equal(kinds.length, 2_000);
  });
});

describe('the health of a controller', () => {
  it('is what it did between the last two scrapes', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0, { reconciles: 100, errors: 3, queue: 1 }));
    ties.observeScrape(scrape(0.5, { reconciles: 110, errors: 5, queue: 4 }));
    assert.deepEqual(ties.view('c', 'loop')?.last, { seconds: 30, reconciles: 10, errors: 2, queue: 4 });
    ties.observeScrape(scrape(1, { reconciles: 7, errors: 0, queue: 0 }));
    assert.deepEqual(
      ties.view('c', 'loop')?.last,
      { seconds: 30, reconciles: 7, errors: 0, queue: 0 },
      'a counter that fell began anew',
    );
  });

  it('is that of the leader, whatever its standby shows', () => {
    const ties = new ControllerTies();
    for (const minute of [0, 1, 2]) {
      ties.observeScrape(scrape(minute, { reconciles: 100 + 10 * minute, master: 1 }));
      ties.observeScrape(scrape(minute, { instance: 'b:8080', reconciles: 0, master: 0 }));
    }
    const view = ties.view('c', 'loop');
    assert.equal(view?.last?.reconciles, 10);
    assert.deepEqual(
      view?.targets.map(({ instance, standby, up }) => [instance, standby, up]),
      [
        ['a:8080', false, true],
        ['b:8080', true, true],
      ],
    );
  });

  it('is down where its page is', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(0));
    const down = { ...scrape(1), samples: [{ metric: 'crowsnest_scrape_up', labels: { instance: 'a:8080' }, value: 0 }] };
    ties.observeScrape(down);
    assert.equal(ties.view('c', 'loop')?.targets[0]?.up, false);
    ties.observeScrape(scrape(2));
    assert.equal(ties.view('c', 'loop')?.targets[0]?.up, true);
  });

  it('is not set back by scrapes that come late', () => {
    const ties = new ControllerTies();
    ties.observeScrape(scrape(5, { reconciles: 100 }));
    ties.observeScrape(scrape(4, { reconciles: 90 }));
    ties.observeScrape(scrape(6, { reconciles: 104 }));
    assert.equal(ties.view('c', 'loop')?.last?.reconciles, 4);
  });
});
