/** Timelines: a month of habit, then one thing; what is said about it and what about its harmless look-alike. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Change } from '../../src/domain/change.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { createModel, type ModelOptions } from '../../src/model/ensemble.ts';
import { DAY_MS, type Edit, HOUR_MS, habit, MINUTE_MS, MONDAY_MS, Stream } from './stream.ts';

const DAYS = 42;
/** Wednesday 10:30 of the week after the habit. */
const NOW_MS = MONDAY_MS + DAYS * DAY_MS + 2 * DAY_MS + 10.5 * HOUR_MS;

/** Weeks of habit, then the edits; the judgements on the edits alone. */
function after(
  edits: readonly (Edit | ((stateOf: (name: string) => JsonObject) => Edit))[],
  options: ModelOptions = {},
  days = DAYS,
) {
  const model = createModel(options);
  const stream = new Stream();
  const past = habit(stream, { seed: 11, days });
  const states = new Map<string, JsonObject>();
  for (const change of past) {
    model.observe(change);
    states.set(change.ref.name, change.state.spec as JsonObject);
  }
  const stateOf = (name: string) => states.get(name) as JsonObject;
  const found: Judgement[] = [];
  for (const edit of edits) {
    const change: Change = stream.change(typeof edit === 'function' ? edit(stateOf) : edit);
    if (change.state.spec !== undefined) states.set(change.ref.name, change.state.spec as JsonObject);
    found.push(...model.observe(change));
  }
  return { model, found: found.filter((judgement) => judgement.subject.type === 'change') };
}

const strongest = (found: readonly Judgement[]): Judgement | undefined => [...found].sort((a, b) => b.score - a.score)[0];

const kafka =
  (changed: (spec: JsonObject) => JsonObject, edit: Partial<Edit> = {}) =>
  (stateOf: (name: string) => JsonObject): Edit => ({
    atMs: NOW_MS,
    actor: 'alice',
    name: 'kafka-2',
    spec: changed(stateOf('kafka-2')),
    ...edit,
  });

test('what is done every day is not worth a word', () => {
  const { found } = after([
    kafka((spec) => ({ ...spec, replicas: spec.replicas === 4 ? 5 : 4 })),
    kafka((spec) => ({ ...spec, image: 'registry.example/kafka:1.0.999' }), { actor: 'flux', atMs: NOW_MS + HOUR_MS }),
  ]);
  assert.ok((strongest(found)?.score ?? 0) < 2, JSON.stringify(strongest(found)));
});

test('a stranger on Kafka is named, with who usually does it', () => {
  const { found } = after([kafka((spec) => ({ ...spec, replicas: spec.replicas === 4 ? 5 : 4 }), { actor: 'mallory' })]);
  const top = strongest(found);
  assert.ok(top !== undefined && top.score >= 2, JSON.stringify(top));
  assert.ok(top.mature);
  assert.equal(top.detector, 'actor-affinity');
  assert.match(top.reasons[0]?.sentence ?? '', /^mallory has not been seen in this cluster before.* came from flux\.$/);
  assert.equal(top.reasons[0]?.counterfactual, 'the same change by flux');
});

test('three in the morning is odd for alice and not for flux', () => {
  const nightMs = MONDAY_MS + DAYS * DAY_MS + 2 * DAY_MS + 3 * HOUR_MS;
  const alice = strongest(after([kafka((spec) => ({ ...spec, replicas: 5 }), { atMs: nightMs })]).found);
  assert.equal(alice?.detector, 'hour-of-week');
  assert.match(alice?.reasons[0]?.sentence ?? '', /on a Wednesday between 03:00 and 04:00/);
  const flux = strongest(
    after([kafka((spec) => ({ ...spec, image: 'registry.example/kafka:1.0.999' }), { atMs: nightMs, actor: 'flux' })]).found,
  );
  assert.ok((flux?.score ?? 0) < 2);
});

test('hours are those of the configured zone', () => {
  const eveningMs = MONDAY_MS + DAYS * DAY_MS + 2 * DAY_MS + 8 * HOUR_MS;
  const found = after([kafka((spec) => ({ ...spec, replicas: 5 }), { atMs: eveningMs + 12 * HOUR_MS })], {
    timeZone: 'America/New_York',
  }).found;
  assert.match(JSON.stringify(found), /Wednesday between 15:00 and 16:00/);
});

test('a field that rests, edited, is told with its history', () => {
  const top = strongest(after([kafka((spec) => ({ ...spec, host: 'kafka.elsewhere.example.org' }))]).found);
  assert.ok(top !== undefined && top.score >= 2, JSON.stringify(top));
  assert.ok(top.reasons.some((reason) => reason.path === '/spec/host'));
  assert.ok(
    top.reasons.some((reason) => /never changed in \d+ edits/.test(reason.sentence)),
    JSON.stringify(top.reasons),
  );
});

test('an image from another repository is odd, more so from another registry; the next tag of the usual one is not', () => {
  const said = (image: string) => strongest(after([kafka((spec) => ({ ...spec, image }), { actor: 'flux' })]).found);
  const repository = said('registry.example/rabbit:1.0.999');
  assert.ok(repository !== undefined && repository.score >= 2, JSON.stringify(repository));
  assert.equal(repository.reasons[0]?.detector, 'new-value');
  assert.match(repository.reasons[0]?.sentence ?? '', /image repository not seen/);
  const registry = said('mirror.example.net/kafka:1.0.999');
  assert.ok(registry !== undefined && registry.score > repository.score, `${registry?.score} beside ${repository.score}`);
  assert.equal(registry.reasons[0]?.detector, 'new-origin');
  assert.match(registry.reasons[0]?.sentence ?? '', /nothing in this cluster came from example\.net before/);
  assert.ok((said('registry.example/kafka:1.0.999')?.score ?? 0) < 2);
});

test('a hot object is told while it happens, and two hundred flaps do not become usual', () => {
  const flaps = Array.from({ length: 60 }, (_, i) =>
    kafka((spec) => ({ ...spec, replicas: spec.replicas === 3 ? 4 : 3 }), { atMs: NOW_MS + i * 10_000, actor: 'flux' }),
  );
  const { found } = after(flaps);
  const first = found.find((judgement) => judgement.detector === 'burst' && judgement.score >= 2);
  assert.ok(first !== undefined && first.tsMs - NOW_MS <= 2 * MINUTE_MS);
  assert.ok((found.at(-1)?.score ?? 0) >= 2);
});

test('mass deletion is critical by its fifth object or so', () => {
  const gone = Array.from({ length: 8 }, (_, i): Edit => ({ atMs: NOW_MS, actor: 'alice', name: `kafka-${i}`, type: 'DELETED' }));
  const found = after(gone).found.filter((judgement) => judgement.detector === 'mass-delete');
  assert.ok(found.length >= 3);
  assert.equal(strongest(found)?.severity, 'critical');
  assert.match(strongest(found)?.reasons[0]?.sentence ?? '', /^alice deleted \d objects more than it created/);
});

test('a dangerous setting is told from the first minute and is immature otherwise', () => {
  const { found } = after(
    [kafka((spec) => ({ ...spec, pod: { securityContext: { privileged: true } } }), { atMs: MONDAY_MS + HOUR_MS })],
    {},
    0,
  );
  const top = strongest(found);
  assert.ok(top?.deterministic);
  assert.equal(top.mature, false);
  assert.equal(top.severity, 'critical');
  assert.ok(
    top.reasons.some((reason) => reason.detector === 'fact' && /do nearly everything the host can/.test(reason.sentence)),
  );
});

test('a field of a kind that was never edited is not said to have rested', () => {
  const spec = { kafka: { replicas: 1 } };
  const { found } = after(
    [
      { atMs: MONDAY_MS, actor: 'flux', name: 'kafka-2', type: 'ADDED', spec },
      kafka(() => ({ kafka: { replicas: 5 }, pod: { hostNetwork: true } }), { atMs: MONDAY_MS + HOUR_MS, actor: 'flux' }),
    ],
    {},
    0,
  );
  const reasons = found.flatMap((judgement) => judgement.reasons);
  const told = reasons.filter(({ detector, samples }) => detector === 'stable-field' && samples === 0);
  assert.ok(told.length > 0);
  for (const { sentence } of told) assert.match(sentence, /no edit of Kafka objects with this field had been learnt/);
});

test('nothing learnt is mature within the first week', () => {
  const model = createModel();
  const found = habit(new Stream(), { seed: 12, days: 6 }).flatMap((change) => model.observe(change));
  assert.ok(found.length > 0);
  assert.deepEqual(
    found.filter((judgement) => judgement.mature),
    [],
  );
  assert.ok(Object.entries(model.maturity().detectors).every(([name, { mature }]) => mature === (name === 'fact')));
});

test('own writes are neither judged nor learnt', () => {
  const model = createModel();
  const stream = new Stream();
  for (const change of habit(stream, { seed: 13, days: 10 })) model.observe(change);
  const before = model.maturity().changes;
  const own = stream.change({
    atMs: NOW_MS,
    actor: 'crowsnest',
    name: 'kafka-1',
    metadata: { annotations: { 'crowsnest.dev/finding': 'x' } },
    own: true,
  });
  assert.deepEqual(
    model.observe(own).filter((judgement) => judgement.subject.type === 'change'),
    [],
  );
  assert.equal(model.maturity().changes, before);
});

test('status writes of a healthy controller stay silent, a hot loop is told once per window', () => {
  const write =
    (i: number, everyMs: number) =>
    (stateOf: (name: string) => JsonObject): Edit => ({
      atMs: NOW_MS + i * everyMs,
      actor: 'kafka-operator',
      name: 'kafka-2',
      spec: stateOf('kafka-2'),
      status: { observed: i },
    });
  const healthy = after([...Array(100).keys()].map((i) => write(i, MINUTE_MS))).found;
  assert.deepEqual(
    healthy.filter((judgement) => judgement.detector === 'status-loop'),
    [],
  );
  const hot = after([...Array(500).keys()].map((i) => write(i, 1_000))).found.filter(
    (judgement) => judgement.detector === 'status-loop',
  );
  assert.equal(hot.length, 1);
  assert.match(hot[0]?.reasons[0]?.sentence ?? '', /written \d+ times within ten minutes by kafka-operator/);
});

test('a missing change is told at the time it was due, whenever that is noticed', () => {
  const build = () => {
    const model = createModel();
    const stream = new Stream();
    const beats = [...Array(40).keys()].flatMap((day) =>
      model.observe(
        stream.change({
          atMs: MONDAY_MS + day * DAY_MS + (day % 3) * HOUR_MS,
          actor: 'backup-bot',
          kind: 'Backup',
          name: 'nightly',
          spec: { run: day },
        }),
      ),
    );
    assert.deepEqual(
      beats.filter((judgement) => judgement.subject.type === 'silence'),
      [],
    );
    return model;
  };
  const late = build()
    .advance(MONDAY_MS + 60 * DAY_MS)
    .filter((judgement) => judgement.subject.type === 'silence');
  // Once, however long it lasts: of the object and of its writer, who fell silent with it.
  const whose = late.map(({ subject }) => (subject.type === 'silence' ? (subject.actor ?? subject.ref.name) : ''));
  assert.equal(whose.filter((name) => name === 'nightly').length, 1);
  assert.equal(new Set(whose).size, whose.length);
  const silence = late.find((judgement) => judgement.subject.type === 'silence' && judgement.subject.ref.name === 'nightly');
  assert.match(silence?.reasons[0]?.sentence ?? '', /^No change of Backup nightly for \d+ (h|days); in \d+ changes before/);
  const lastMs = MONDAY_MS + 39 * DAY_MS;
  assert.ok(silence !== undefined && silence.tsMs > lastMs + DAY_MS && silence.tsMs < lastMs + 5 * DAY_MS);
  const hourly = build();
  const stepped = [...Array(24 * 21).keys()].flatMap((hour) => hourly.advance(lastMs + hour * HOUR_MS));
  assert.deepEqual(
    stepped.filter((judgement) => judgement.subject.type === 'silence'),
    late,
  );
});

/** Two objects that always change together, forty days; then one of them alone, at the time returned. */
function parted() {
  const model = createModel();
  const stream = new Stream();
  const edit = (day: number, name: string, spec: JsonObject) =>
    model.observe(stream.change({ atMs: MONDAY_MS + day * DAY_MS, actor: 'alice', kind: 'ModelRoute', name, spec }));
  for (const change of habit(new Stream(), { seed: 5, days: 1 })) model.observe(change);
  for (let day = 1; day <= 40; day++) {
    edit(day, 'chat', { weight: day });
    edit(day, 'chat-shadow', { weight: 100 - day });
    edit(day + 0.3, 'other', { weight: day });
  }
  edit(41, 'chat', { weight: 41 });
  return { model, edit, atMs: MONDAY_MS + 41 * DAY_MS };
}

test('the missing partner of two objects that always change together is told when it has not followed within 45 minutes', () => {
  const { model, atMs } = parted();
  assert.deepEqual(model.advance(atMs + 44 * MINUTE_MS), []);
  const found = model.advance(atMs + 46 * MINUTE_MS).filter((judgement) => judgement.detector === 'company');
  assert.equal(found.length, 1);
  assert.equal(found[0]?.tsMs, atMs + 45 * MINUTE_MS);
  assert.match(
    found[0]?.reasons[0]?.sentence ?? '',
    /ModelRoute streaming\/chat changed without ModelRoute streaming\/chat-shadow/,
  );
});

test('a partner that follows is not missed', () => {
  const { model, edit, atMs } = parted();
  const later = edit(41 + 20 / (24 * 60), 'chat-shadow', { weight: 59 });
  const found = [...later, ...model.advance(atMs + 2 * HOUR_MS)].filter((judgement) => judgement.detector === 'company');
  assert.deepEqual(found, []);
});

test('an object whose partner went ahead alone and is followed a day later is not missed again', () => {
  const { model, edit, atMs } = parted();
  const told = () => model.advance(atMs + 2 * DAY_MS).filter((judgement) => judgement.detector === 'company');
  model.advance(atMs + 46 * MINUTE_MS);
  edit(42, 'chat-shadow', { weight: 59 });
  assert.deepEqual(told(), []);
});

test('a limit crept up in small steps is drift', () => {
  const steps = [...Array(10).keys()].map((i) =>
    kafka((spec) => ({ ...spec, retention: Number(spec.retention) + 6 }), { atMs: NOW_MS + i * DAY_MS }),
  );
  const { found } = after(steps);
  const drift = found.filter((judgement) => judgement.reasons.some((reason) => reason.detector === 'drift'));
  assert.ok(drift.length >= 3);
  assert.match(JSON.stringify(drift.at(-1)?.reasons), /has moved up \d+ times in a row/);
});
