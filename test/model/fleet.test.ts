/** Several clusters: what most others know for days is less odd, what none knows is odder, a flood teaches nobody, and one cluster alone is judged as ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { ClusterModel } from '../../src/model/cluster-model.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { eventOf } from '../../src/model/features.ts';
import { actorClaim, Fleet, fieldClaim, valueClaim } from '../../src/model/fleet.ts';
import { AskedMap } from './asked-map.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, makeRandom, ONLY, Stream } from './stream.ts';

const NEWS = 'registry.new.example/app:1.2.3';

function eventAt(day: number, image: string, more: { actor?: string; atMs?: number; spec?: JsonObject } = {}) {
  const atMs = more.atMs ?? MONDAY_MS + day * DAY_MS;
  const change = new Stream().change({ atMs, actor: more.actor ?? 'bot', kind: 'App', spec: { image, ...more.spec } });
  return eventOf(change, { ...ONLY, known: false });
}

const claimOf = (image: string) => {
  const event = eventAt(0, image);
  const field = event.fields.find(({ generic }) => generic === '/spec/image');
  const token = field?.tokens.find((one) => one.startsWith('repo:'));
  assert.ok(field !== undefined && token !== undefined);
  return valueClaim(event, field.generic, token);
};

function fleetOf(...clusters: string[]): Fleet {
  const fleet = new Fleet();
  for (const cluster of ['here', ...clusters]) fleet.join(cluster);
  return fleet;
}

describe('a fleet', () => {
  const old = 'registry.corp.example/app:1.2.3';

  it('weighs what all others know less, what none knows more, and leaves what a few know', () => {
    const fleet = fleetOf('b', 'c', 'd');
    for (let day = 0; day < 3; day++) {
      for (const cluster of ['b', 'c', 'd']) fleet.note(cluster, eventAt(day, old));
      fleet.note('b', eventAt(day, NEWS));
    }
    const others = fleet.of('here');
    assert.ok(Math.abs(others.weigh(5, claimOf(old)) - 2) < 1e-9);
    assert.equal(others.words(claimOf(old)), '; of 3 other clusters 3 know it');
    assert.equal(others.weigh(5, claimOf(NEWS)), 5);
    const never = claimOf('registry.never.example/app:1.2.3');
    assert.equal(others.weigh(5, never), 5 + 0.5 * Math.log(4));
    assert.equal(others.words(never), '; it is new to 3 other clusters too');
    // A cluster's own knowledge is not its neighbour's.
    assert.equal(fleet.of('b').weigh(5, claimOf(NEWS)), 5 + 0.5 * Math.log(3));
  });

  it('learns nothing from a flood within two days, however large, nor from the clock set back', () => {
    const fleet = fleetOf('b');
    for (let day = 0; day < 5; day++) fleet.note('b', eventAt(day, old));
    for (let n = 0; n < 5_000; n++) fleet.note('b', eventAt(5, NEWS, { atMs: MONDAY_MS + 5 * DAY_MS + n * 34_000 }));
    for (let n = 0; n < 10; n++) fleet.note('b', eventAt(2 - n, NEWS));
    assert.equal(fleet.of('here').weigh(5, claimOf(NEWS)), 5 + 0.5 * Math.log(2));
    fleet.note('b', eventAt(7, NEWS));
    assert.ok(Math.abs(fleet.of('here').weigh(5, claimOf(NEWS)) - 2) < 1e-9);
  });

  it('lets go of what came least recently, which is not looked for anew each time', () => {
    const cap = 40_000;
    const known = new AskedMap(Array.from({ length: cap }, (_, i): [number, number] => [-1 - i, 1]));
    const fleet = new Fleet();
    fleet.load(new Map([...[...'bcdefgh'].map((name) => [name, new Map()] as const), ['here', known]]));
    for (let n = 0; n < 100; n++) fleet.note('here', eventAt(n, old, { spec: { [`field${n}`]: true } }));
    assert.equal(known.size, cap);
    assert.ok(!known.has(-100) && known.has(-cap));
    assert.equal(known.asked, 1);
  });

  it('gives no voice to a cluster that could not know: without the field, or of a single day', () => {
    const fleet = fleetOf('b', 'c');
    fleet.note('b', eventAt(0, old));
    for (let day = 0; day < 3; day++) {
      const event = eventAt(day, old);
      fleet.note('c', { ...event, fields: event.fields.filter(({ generic }) => generic !== '/spec/image') });
    }
    assert.equal(fleet.of('here').weigh(5, claimOf(NEWS)), 5);
    assert.equal(fleet.of('here').words(claimOf(NEWS)), '');
    // Of the kind itself c knows enough to be asked.
    assert.ok(fleet.of('here').weigh(5, fieldClaim(eventAt(0, old), '/spec/extra')) > 5);
    assert.ok(fleet.of('here').weigh(5, actorClaim(eventAt(0, old, { actor: 'eve' }))) > 5);
    assert.ok(fleet.of('here').weigh(5, actorClaim(eventAt(0, old))) < 5);
  });

  it('keeps a bounded number of things of each cluster, the longest unseen going first', () => {
    const fleet = fleetOf('b');
    for (let n = 0; n < 130; n++) {
      const spec = Object.fromEntries(Array.from({ length: 380 }, (_, i) => [`f${n}-${i}`, i]));
      fleet.note('b', eventAt(0, old, { spec }));
    }
    assert.equal(fleet.size().entries, 40_000);
    const many = fleetOf(...Array.from({ length: 99 }, (_, i) => `c${i}`));
    for (let n = 0; n < 12; n++) {
      const spec = Object.fromEntries(Array.from({ length: 380 }, (_, i) => [`f${n}-${i}`, i]));
      for (let i = 0; i < 3; i++) many.note(`c${i}`, eventAt(0, old, { spec }));
    }
    assert.equal(many.size().entries, 3 * 3_200);
  });

  it('of one cluster notes nothing', () => {
    const fleet = fleetOf();
    for (let day = 0; day < 9; day++) fleet.note('here', eventAt(day, old));
    assert.deepEqual(fleet.size(), { clusters: 1, entries: 0 });
    assert.equal(fleet.of('here').any(), false);
  });
});

const DAYS = 42;
const AT = MONDAY_MS + DAYS * DAY_MS + 9 * HOUR_MS;

/** Six weeks of clusters that do the same sort of things each by its own dice, in the order of time; some use a registry of their own in the last fortnight, and then the first of them meets it. */
function weeks(clusters: readonly string[], newsIn: readonly string[]): Change[] {
  const streams = clusters.map((cluster) => ({ cluster, stream: new Stream(cluster), next: makeRandom(5) }));
  const changes: Change[] = [];
  for (let day = 0; day < DAYS; day++) {
    for (let i = 0; i < 6; i++) {
      for (const { cluster, stream, next } of streams) {
        const registry = day >= 28 && i === 5 && newsIn.includes(cluster) ? 'registry.new.example' : 'registry.corp.example';
        const image = `${registry}/app:1.${Math.floor(next() * 9)}.${Math.floor(next() * 9)}`;
        const name = `app-${Math.floor(next() * 30)}`;
        const spec = { image, replicas: 2 + Math.floor(next() * 3) };
        const atMs = MONDAY_MS + day * DAY_MS + (8 + i) * HOUR_MS;
        changes.push(stream.change({ atMs, actor: 'pipeline-bot', kind: 'App', name, spec }));
      }
    }
  }
  const [own] = streams;
  const spec = { image: NEWS, replicas: 3 };
  changes.push((own as { stream: Stream }).stream.change({ atMs: AT, actor: 'pipeline-bot', kind: 'App', name: 'app-7', spec }));
  return changes;
}

function lastOf(changes: readonly Change[]): Judgement | undefined {
  const model = createModel();
  let last: Judgement[] = [];
  for (const change of changes) last = model.observe(change);
  return last.find(({ subject }) => subject.type === 'change' && subject.seq === changes.at(-1)?.seq);
}

describe('a registry that is new in a cluster', () => {
  const ALL = ['a', 'b', 'c', 'd'];
  const bitsOf = (judgement: Judgement | undefined) => judgement?.reasons.find(({ detector }) => detector === 'new-value');

  it('is odder where it is new to all others, and less odd where they have used it for a fortnight, and says so', () => {
    const alone = bitsOf(lastOf(weeks(['a'], [])));
    const nowhere = bitsOf(lastOf(weeks(ALL, [])));
    const everywhere = bitsOf(lastOf(weeks(ALL, ['b', 'c', 'd'])));
    assert.ok(alone !== undefined && nowhere !== undefined && everywhere !== undefined);
    assert.ok(nowhere.bits > alone.bits, `${nowhere.bits} over ${alone.bits}`);
    assert.ok(everywhere.bits < alone.bits - 0.3, `${everywhere.bits} under ${alone.bits}`);
    assert.doesNotMatch(alone.sentence, /cluster/);
    assert.match(nowhere.sentence, /; it is new to 3 other clusters too\.$/);
    assert.match(everywhere.sentence, /; of 3 other clusters 3 know it\.$/);
  });

  it('is no less odd for having flooded one other cluster within a day', () => {
    const changes = weeks(ALL, []);
    const news = changes.pop() as Change;
    const flood = new Stream('b');
    const spec = { image: NEWS, replicas: 3 };
    for (let n = 0; n < 500; n++) {
      const atMs = AT - 12 * HOUR_MS + n * MINUTE_MS;
      changes.push(flood.change({ atMs, actor: 'pipeline-bot', kind: 'App', name: `flood-${n}`, spec }));
    }
    assert.equal(bitsOf(lastOf([...changes, news]))?.bits, bitsOf(lastOf(weeks(ALL, [])))?.bits);
  });

  it('is judged the same however time is let pass, and over snapshots', () => {
    const changes = weeks(ALL, ['b', 'c']);
    const judgedOf = (found: readonly Judgement[]) => found.filter(({ subject }) => subject.type === 'change');
    const plain = createModel();
    const expected = changes.flatMap((change) => judgedOf(plain.observe(change)));
    assert.ok(expected.length > 10);
    let model = createModel();
    const seen: Judgement[] = [];
    for (const [i, change] of changes.entries()) {
      model.advance(change.observedMs - MINUTE_MS);
      seen.push(...judgedOf(model.observe(change)));
      if (i % 101 === 100) model = createModel({}, model.snapshot());
    }
    assert.deepEqual(seen, expected);
    assert.deepEqual(model.fleet(), plain.fleet());
    assert.ok(plain.fleet().entries > 50);
  });
});

describe('one cluster', () => {
  it('is judged byte for byte as by a model that knows of no others', () => {
    const changes = weeks(['a'], ['a']);
    const bare = new ClusterModel({ timeZone: 'UTC', rules: [] });
    const ensemble = createModel();
    for (const change of changes) {
      assert.equal(JSON.stringify(ensemble.observe(change)), JSON.stringify(bare.observe(change)));
    }
    assert.deepEqual(ensemble.fleet(), { clusters: 1, entries: 0 });
  });
});
