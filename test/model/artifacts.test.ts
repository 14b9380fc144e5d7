import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../src/domain/json.ts';
import { Leap } from '../../src/model/detectors/leap.ts';
import { eventOf } from '../../src/model/features.ts';
import { DAY_MS, MONDAY_MS, ONLY, Stream } from './stream.ts';

const chart = (name: string, version: string): JsonObject => ({ chart: { spec: { chart: name, version } } });
const image = (repository: string, tag: string): JsonObject => ({ image: { repository, tag } });
const whole = (repository: string, tag: string): JsonObject => ({ containers: [{ name: 'app', image: `${repository}:${tag}` }] });
const source = (url: string, tag: string): JsonObject => ({ url, ref: { tag } });

/** What is said of a new object so many days after the last of these specs of an older one. */
function birthAfter(past: readonly JsonObject[], born: JsonObject, restDays = 1) {
  const detector = new Leap();
  const stream = new Stream();
  for (const [i, spec] of past.entries()) {
    const change = stream.change({ atMs: MONDAY_MS + i * DAY_MS, actor: 'bot:bumps', name: 'older', spec });
    detector.learn(eventOf(change, { ...ONLY, known: i > 0 }));
  }
  const change = stream.change({
    atMs: MONDAY_MS + (past.length - 1 + restDays) * DAY_MS,
    actor: 'user:ann',
    name: 'newer',
    spec: born,
  });
  return detector.score(eventOf(change, { ...ONLY, known: false }));
}

const FORMS = { chart, image, whole, source };

for (const [form, made] of Object.entries(FORMS)) {
  const past = ['2.5.0', '2.9.1', '2.14.0', '2.14.1'].map((version) => made('acme/web', version));
  test(`a new object with a far older or newer version of what others have is told (${form})`, () => {
    const older = birthAfter(past, made('acme/web', '0.7.0'));
    assert.ok((older?.surprise ?? 0) > 2, `${older?.surprise}`);
    assert.match(older?.explain().sentence ?? '', /is 0\.7\.0; of acme\/web 2\.5\.0 to 2\.14\.1 were seen before \(4 values\)/);
    assert.ok((birthAfter(past, made('acme/web', '9.0.0'))?.surprise ?? 0) > 1);
  });

  test(`one within them, the next major one and one of another thing are not (${form})`, () => {
    assert.equal(birthAfter(past, made('acme/web', '2.7.3')), undefined);
    assert.equal(birthAfter(past, made('acme/web', '3.0.0')), undefined);
    assert.equal(birthAfter(past, made('acme/other', '0.7.0')), undefined);
  });
}

test('of a version that nothing beside it names nothing is said', () => {
  const past = ['2.5.0', '2.9.1', '2.14.0', '2.14.1'].map((version) => ({ settings: { version } }));
  assert.equal(birthAfter(past, { settings: { version: '0.7.0' } }), undefined);
});

/** How surprising it is that an object goes from the last of these versions to that one. */
function backTo(past: readonly string[], next: string): number {
  const detector = new Leap();
  const stream = new Stream();
  let surprise = 0;
  for (const [i, version] of [...past, next].entries()) {
    const change = stream.change({
      atMs: MONDAY_MS + i * DAY_MS,
      actor: 'user:ann',
      name: 'older',
      spec: chart('acme/web', version),
    });
    const event = eventOf(change, { ...ONLY, known: i > 0 });
    surprise = detector.score(event)?.surprise ?? 0;
    detector.learn(event);
  }
  return surprise;
}

test('what stood still for long may have come out in many majors, and dates are no later versions than numbers', () => {
  const past = ['2.5.0', '3.9.1', '5.14.0', '6.14.1'].map((version) => chart('acme/web', version));
  assert.ok((birthAfter(past, chart('acme/web', '12.0.0'))?.surprise ?? 0) > 1);
  assert.equal(birthAfter(past, chart('acme/web', '12.0.0'), 2 * 365), undefined);
  assert.equal(birthAfter(past, chart('acme/web', '2026.1.0')), undefined);
});

test('a step back to before all that was seen of a thing is more of a leap than one among it', () => {
  const past = ['3.5.0', '3.6.0', '4.0.0', '4.2.0'];
  const among = backTo(past, '3.6.0');
  assert.ok(among > 0 && backTo(past, '3.4.0') > 1.9 * among, `${among}`);
});

test('no release is undone by a step back of several majors', () => {
  const past = ['2.5.0', '3.1.0', '4.0.0', '5.2.0'];
  const [far, near] = [backTo(past, '2.6.0'), backTo(past, '4.0.0')];
  assert.ok(far > 0 && near > 0 && far > 1.3 * near, `${far} beside ${near}`);
});

test('the state, which may have to be parsed, is read only where it says of what a version is', () => {
  const stream = new Stream();
  const spec = { replicas: 1, image: 'acme/web:1.0.0', chart: { name: 'redis', version: '1.0.0' } };
  const readsOf = (next: typeof spec): number => {
    stream.change({ atMs: MONDAY_MS, actor: 'user:ann', spec });
    const change = stream.change({ atMs: MONDAY_MS + 1, actor: 'user:ann', spec: next });
    const { state } = change;
    // As of one that was compared by sections, which needs no state for it.
    Object.assign(change, { keeper: () => undefined });
    let reads = 0;
    Object.defineProperty(change, 'state', {
      get: () => {
        reads += 1;
        return state;
      },
    });
    eventOf(change, { ...ONLY, known: true });
    return reads;
  };
  assert.equal(readsOf({ ...spec, replicas: 2 }), 0);
  assert.equal(readsOf({ ...spec, image: 'acme/web:1.0.1' }), 0);
  assert.ok(readsOf({ ...spec, chart: { name: 'redis', version: '1.0.1' } }) > 0);
});

test('a range that grew past what was once beyond it does not shrink', () => {
  const past = ['9.0.0', '9.1.0', '9.2.0', '12.0.0', '10.0.0', '11.0.0', '12.0.0', '13.0.0', '40.0.0'];
  const born = birthAfter(
    past.map((version) => chart('web', version)),
    chart('web', '4.0.1'),
  );
  assert.match(born?.explain().sentence ?? '', /of web 9\.0\.0 to 13\.0\.0 were seen/);
});

test('one version that nobody else has opens no range, two do', () => {
  const past = ['9.0.0', '9.1.0', '9.2.0', '9.3.0'];
  const told = (...more: string[]) =>
    birthAfter(
      [...past, ...more].map((version) => chart('web', version)),
      chart('web', '4.0.1'),
    );
  assert.notEqual(told(), undefined);
  assert.notEqual(told('1.0.0', '9.3.0'), undefined);
  assert.equal(told('1.0.0', '9.3.0', '3.0.0', '9.3.0'), undefined);
  const skipped = birthAfter(
    [...past, '1900.0.0', '9.3.0'].map((version) => chart('web', version)),
    chart('web', '40.0.0'),
  );
  assert.notEqual(skipped, undefined);
});
