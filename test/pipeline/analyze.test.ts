import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createAnalysis } from '../../src/pipeline/analyze.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { scrapesOf } from '../../src/pipeline/record-walk.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import type { Store } from '../../src/store/store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { makeRandom } from '../model/stream.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { kafka, observed } from '../support/objects.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-01-05T08:00:00Z');

function analysisOf(
  store: Store,
  seen: Finding[] = [],
  { onLost, storesLater }: { onLost?: (what: string) => void; storesLater?: boolean } = {},
) {
  return createAnalysis({
    store,
    createModel: (snapshot) => createModel({}, snapshot),
    createPolicy: (saved) => createPolicy({ pagesPerWeek: 5 }, saved),
    consequences: () => ({ alerts: [], effects: [] }),
    onFinding: (finding) => seen.push(finding),
    ...(onLost === undefined ? {} : { onLost }),
    ...(storesLater === undefined ? {} : { storesLater }),
  });
}

/** Four weeks of a bot that bumps a version each hour, and a privileged surprise at the end. */
function* stream(): Generator<ReturnType<typeof observed>> {
  let version = 1;
  for (let i = 0; i < 5; i++)
    yield observed('ADDED', kafka(`k${i}`, String(version++), { replicas: 3, version: '1.0.0' }), START, {
      actor: 'bot:bump',
      origin: 'replay',
    });
  for (let hour = 1; hour < 24 * 28; hour++) {
    const name = `k${hour % 5}`;
    yield observed('MODIFIED', kafka(name, String(version++), { replicas: 3, version: `1.${hour}.0` }), START + hour * HOUR, {
      actor: 'bot:bump',
      origin: 'replay',
    });
  }
  const spec = {
    replicas: 3,
    version: '1.671.0',
    template: { pod: { securityContext: { privileged: true }, hostNetwork: true } },
  };
  yield observed('MODIFIED', kafka('k1', String(version++), spec), START + 24 * 28 * HOUR + 60_000, {
    actor: 'user:mallory',
    origin: 'replay',
  });
}

function play(restartEvery: number): Finding[] {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const seen: Finding[] = [];
  let analysis = analysisOf(store, seen);
  let n = 0;
  for (const observation of stream()) {
    analysis.analyze(ingest.record({ observations: [observation] }).changes);
    n++;
    if (restartEvery > 0 && n % restartEvery === 0) {
      // Every other restart is a crash: no snapshot was taken since the last one.
      if ((n / restartEvery) % 2 === 0) analysis.saveSnapshot();
      analysis = analysisOf(store, seen);
      analysis.catchUp();
    }
  }
  return seen;
}

test('a privileged edit by a stranger is found, and named first', () => {
  const findings = play(0);
  const last = findings.at(-1);
  assert.ok(last !== undefined);
  assert.equal(last.actor.name, 'user:mallory');
  assert.equal(last.decision.verdict, 'page');
  assert.ok(last.score > Math.max(...findings.slice(0, -1).map((finding) => finding.score)));
});

test('restarts, clean or by crash, change no finding', () => {
  const undisturbed = play(0);
  assert.deepEqual(play(37), undisturbed);
});

test('what was recorded but not judged before a crash is judged afterwards, once', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const seen: Finding[] = [];
  for (const observation of stream()) ingest.record({ observations: [observation] });
  const analysis = analysisOf(store, seen);
  analysis.catchUp();
  assert.deepEqual(seen, play(0));
  analysis.catchUp();
  assert.deepEqual(seen, play(0));
});

test('a silence that was told before a crash is not told again, nor its page taken back', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const seen: Finding[] = [];
  const first = analysisOf(store, seen);
  const shift = 8 * HOUR;
  let atMs = START;
  for (let n = 1; n <= 840; n++) {
    atMs = START + Math.floor(n / 4) * shift + (n % 4) * 300_000;
    const object = kafka(`k${n % 4}`, String(n), { version: `1.${n}.0` });
    first.analyze(
      ingest.record({ observations: [observed(n <= 4 ? 'ADDED' : 'MODIFIED', object, atMs, { actor: `bot:${n % 4}` })] }).changes,
    );
  }
  first.saveSnapshot();
  seen.length = 0;
  first.advance(atMs + 90 * HOUR);
  const pages = store.findings({ limit: 100, verdict: 'page' }).items;
  assert.ok(seen.length > 0 && pages.length > 0, 'the bots are missed');
  seen.length = 0;
  const second = analysisOf(store, seen);
  second.catchUp();
  second.advance(atMs + 90 * HOUR + 1_000);
  assert.deepEqual(seen, []);
  assert.deepEqual(store.findings({ limit: 100, verdict: 'page' }).items, pages);
});

test('a snapshot taken in the middle of catching up is not gone through again', () => {
  const record = () => {
    const store = openMemoryStore();
    const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
    for (const observation of stream()) ingest.record({ observations: [observation] });
    return store;
  };
  const seen: Finding[] = [];
  const store = record();
  const first = analysisOf(store, seen);
  for (let n = 0; n < 40; n++) first.step(10);
  first.saveSnapshot();
  const second = analysisOf(store, seen);
  second.catchUp();
  assert.equal(second.model.maturity().changes, 5 + 24 * 28 - 1 + 1);
  assert.deepEqual(seen, play(0));
});

test('a snapshot taken while findings wait for the disk is not ahead of them', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const commit = store.commitAnalysis.bind(store);
  const seen: Finding[] = [];
  let analysis = analysisOf(store);
  const observations = [...stream()];
  const last = observations.pop() as (typeof observations)[number];
  for (const observation of observations) analysis.analyze(ingest.record({ observations: [observation] }).changes);
  store.commitAnalysis = () => {
    throw new CrowsnestError({ code: 'STORE_FULL', what: 'full' });
  };
  const { changes } = ingest.record({ observations: [last] });
  assert.throws(() => analysis.analyze(changes), { code: 'STORE_FULL' });
  assert.throws(() => analysis.saveSnapshot(), { code: 'STORE_FULL' });
  store.commitAnalysis = commit;
  analysis.saveSnapshot();
  analysis = analysisOf(store, seen);
  analysis.catchUp();
  assert.equal(analysis.model.maturity().changes, observations.length + 1);
  assert.deepEqual(store.findings({ limit: 1 }).items[0], play(0).at(-1));
});

test('what nobody has to be told of waits to be stored, and goes with what somebody has; after a crash it is decided again, and alike', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const commit = store.commitAnalysis.bind(store);
  let commits = 0;
  store.commitAnalysis = (batch) => {
    commits++;
    commit(batch);
  };
  const seen: Finding[] = [];
  let analysis = analysisOf(store, seen, { storesLater: true });
  const observations = [...stream()];
  for (const [n, observation] of observations.entries()) {
    const paged = analysis.analyze(ingest.record({ observations: [observation] }).changes);
    assert.equal(paged.length > 0, analysis.isStored());
    if (n !== 300) continue;
    assert.equal(commits, 0);
    analysis.store();
    assert.ok(analysis.isStored());
    analysis.store();
    assert.equal(commits, 1);
  }
  assert.equal(commits, 2);
  assert.equal(store.cursor('analysis.changes'), String(observations.length));

  const crashed = openMemoryStore();
  const before = createIngest({ store: crashed, hash: keyedHash(Buffer.from('k')) });
  const again: Finding[] = [];
  analysis = analysisOf(crashed, again, { storesLater: true });
  for (const [n, observation] of observations.entries()) {
    analysis.analyze(before.record({ observations: [observation] }).changes);
    if (n !== 400) continue;
    again.length = 0;
    analysis = analysisOf(crashed, again, { storesLater: true });
    analysis.catchUp();
  }
  assert.deepEqual(again, seen);
});

test('a snapshot holds nothing that is not stored', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const analysis = analysisOf(store, [], { storesLater: true });
  for (const observation of [...stream()].slice(0, 50)) analysis.analyze(ingest.record({ observations: [observation] }).changes);
  analysis.advance(START + 60 * HOUR);
  assert.equal(store.cursor('analysis.changes'), undefined);
  analysis.saveSnapshot();
  assert.ok(analysis.isStored());
  assert.equal(store.cursor('analysis.changes'), '50');
  assert.equal(store.cursor('analysis.clock'), String(START + 60 * HOUR));
});

test('what came after time had passed it by is learnt after a restart as it was before', () => {
  const lives = (restartEvery: number): Finding[] => {
    const random = makeRandom(7);
    const store = openMemoryStore();
    const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
    const seen: Finding[] = [];
    let analysis = analysisOf(store, seen);
    for (let n = 1; n <= 400; n++) {
      const nowMs = START + n * HOUR;
      const late = random() < 0.3 ? random() * 20 * HOUR : 0;
      const name = `k${Math.floor(random() * 4)}`;
      const object = kafka(name, String(n), { version: `1.${n}.0`, replicas: Math.floor(random() * 3) });
      const actor = random() < 0.7 ? 'bot:bump' : `user:${Math.floor(random() * 20)}`;
      analysis.analyze(
        ingest.record({ observations: [observed('MODIFIED', object, nowMs - late, { actor, origin: 'push' })] }).changes,
      );
      analysis.advance(nowMs + HOUR / 2);
      if (n % restartEvery !== 0) continue;
      if (n % (3 * restartEvery) === 0) analysis.saveSnapshot();
      analysis = analysisOf(store, seen);
      analysis.catchUp();
    }
    return seen;
  };
  const undisturbed = lives(Number.POSITIVE_INFINITY);
  assert.ok(undisturbed.length > 20);
  assert.deepEqual(lives(23), undisturbed);
});

/** A store of whose observations all but the last were recorded and learnt. */
function learntButForTheLast() {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const observations = [...stream()];
  const last = observations.pop() as (typeof observations)[number];
  const before = analysisOf(store);
  for (const observation of observations) before.analyze(ingest.record({ observations: [observation] }).changes);
  before.saveSnapshot();
  return { store, ingest, observations, last };
}

test('what was learnt, or said, and cannot be read any more costs itself alone', () => {
  const { store, ingest, last } = learntButForTheLast();
  const snapshot = store.loadSnapshot('model');
  assert.ok(snapshot !== undefined);
  const blob = Buffer.from(snapshot.blob);
  blob.fill(0, blob.length >> 1);
  store.saveSnapshot('model', { ...snapshot, blob });
  store.verdicts = () => {
    throw new CrowsnestError({ code: 'STORE_CORRUPT', what: 'the database is damaged' });
  };
  const [seen, lost]: [Finding[], string[]] = [[], []];
  const analysis = analysisOf(store, seen, { onLost: (what) => lost.push(what) });
  analysis.catchUp();
  assert.deepEqual(lost, ['what was learnt', 'verdicts']);
  analysis.analyze(ingest.record({ observations: [last] }).changes);
  assert.deepEqual(seen.at(-1), play(0).at(-1));
});

test('what was learnt is not judged again where damage lost how far that was', () => {
  const { store, ingest, observations, last } = learntButForTheLast();
  store.cursor = () => undefined;
  const seen: Finding[] = [];
  const analysis = analysisOf(store, seen);
  analysis.catchUp();
  assert.deepEqual(seen, []);
  analysis.analyze(ingest.record({ observations: [last] }).changes);
  assert.equal(analysis.model.maturity().changes, observations.length + 1);
  assert.deepEqual(
    seen.map(({ id }) => id),
    [play(0).at(-1)?.id],
  );
});

test('a change that the model fails on costs neither its neighbours nor the next start', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const faults: number[] = [];
  const seen: Finding[] = [];
  const begin = () =>
    createAnalysis({
      store,
      createModel: (snapshot) => {
        const model = createModel({}, snapshot);
        const observe = model.observe.bind(model);
        model.observe = (change) => {
          if (change.ref.name === 'poison') throw new RangeError('a mistake in a detector');
          return observe(change);
        };
        return model;
      },
      createPolicy: (saved) => createPolicy({ pagesPerWeek: 5 }, saved),
      consequences: () => ({ alerts: [], effects: [] }),
      onFinding: (finding) => seen.push(finding),
      onFault: (of) => 'seq' in of && faults.push(of.seq),
    });
  const privileged = { template: { pod: { securityContext: { privileged: true } } } };
  const batch = ['before', 'poison', 'after'].map((name, i) => observed('ADDED', kafka(name, String(i + 1), privileged), START));
  begin().analyze(ingest.record({ observations: batch }).changes);
  assert.deepEqual(faults, [2]);
  assert.deepEqual(
    seen.map(({ subject }) => subject.ref.name),
    ['before', 'after'],
  );
  assert.deepEqual(begin().catchUp(), []);
  assert.equal(seen.length, 2);
});

test('a full disk loses no finding: the write is tried again, the model is not', async () => {
  const store = openMemoryStore();
  let refusals = 0;
  const flaky: Store = new Proxy(store, {
    get(target, property) {
      const value = Reflect.get(target, property, target) as unknown;
      if (property !== 'commitAnalysis') return typeof value === 'function' ? value.bind(target) : value;
      return (batch: Parameters<Store['commitAnalysis']>[0]) => {
        if (batch.findings.length > 0 && refusals++ < 2)
          throw new CrowsnestError({ code: 'STORE_FULL', what: 'the disk is full' });
        target.commitAnalysis(batch);
      };
    },
  });
  const paged: Finding[] = [];
  const pipeline = createPipeline({
    ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }),
    analysis: analysisOf(flaky),
    store: { probeWrite: () => true },
    clock: { nowMs: () => 0, sleep: async () => undefined },
    logger: createLogger('silent'),
    signal: new AbortController().signal,
    react: (findings) => paged.push(...findings),
  });
  for (const observation of stream()) await pipeline.sink({ observations: [observation] });
  assert.ok(refusals > 2);
  assert.ok(paged.some((finding) => finding.actor.name === 'user:mallory'));
  assert.deepEqual(
    store.findings({ limit: 1000 }).items.filter((finding) => finding.decision.verdict === 'page').length,
    paged.length,
  );
});

test('what pages is told of by whoever finds room for it first, also where that is not the batch it came with', async () => {
  const store = openMemoryStore();
  const commit = store.commitAnalysis.bind(store);
  let isFull = false;
  store.commitAnalysis = (batch) => {
    if (isFull) throw new CrowsnestError({ code: 'STORE_FULL', what: 'the disk is full' });
    commit(batch);
  };
  const clock = new ManualClock(0);
  const paged: Finding[] = [];
  const pipeline = createPipeline({
    ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }),
    analysis: analysisOf(store, [], { storesLater: true }),
    store: { probeWrite: () => !isFull },
    clock,
    logger: createLogger('silent'),
    signal: new AbortController().signal,
    react: (findings) => paged.push(...findings),
  });
  const observations = [...stream()];
  const last = observations.pop() as (typeof observations)[number];
  for (const observation of observations) await pipeline.sink({ observations: [observation] });
  isFull = true;
  const taken = pipeline.sink({ observations: [last] });
  await until('the batch waits beside what was decided before', () => clock.sleeping === 2);
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  // What was decided before is tried at 200 ms and 250, the batch at 50, 150 and 350.
  for (const ms of [50, 100, 50]) await pass(ms);
  isFull = false;
  await pass(50);
  assert.equal(store.findings({ limit: 1, verdict: 'page' }).items.length, 1);
  assert.deepEqual(
    paged.map(({ actor }) => actor.name),
    ['user:mallory'],
  );
  await pass(100);
  await taken;
  assert.equal(paged.length, 1);
  assert.equal(pipeline.counts.paged, 1);
});

test('what a first list finds is learnt but not judged', () => {
  const store = openMemoryStore();
  const ingest = createIngest({ store, hash: keyedHash(Buffer.from('k')) });
  const seen: Finding[] = [];
  const analysis = analysisOf(store, seen);
  const dangerous = kafka('old', '1', { template: { pod: { securityContext: { privileged: true } } } });
  const recorded: Change[] = ingest.record({ observations: [observed('ADDED', dangerous, START, { origin: 'list' })] }).changes;
  assert.deepEqual(analysis.analyze(recorded), []);
  assert.deepEqual(seen, []);
});

test('samples are put back together by target and time', () => {
  const key = (metric: string, instance: string) => ({ cluster: 'c', metric, labels: { instance } });
  const scrapes = scrapesOf([
    { key: key('a', 'x'), tsMs: 1, value: 1 },
    { key: key('a', 'y'), tsMs: 1, value: 2 },
    { key: key('b', 'x'), tsMs: 1, value: 3 },
    { key: key('a', 'x'), tsMs: 2, value: 4 },
  ]);
  assert.deepEqual(
    scrapes.map((scrape) => [scrape.target, scrape.tsMs, scrape.samples.length]),
    [
      ['x', 1, 2],
      ['y', 1, 1],
      ['x', 2, 1],
    ],
  );
});
