import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Leap } from '../../../src/model/detectors/leap.ts';
import { createModel } from '../../../src/model/ensemble.ts';
import { eventOf } from '../../../src/model/features.ts';
import { DAY_MS, HOUR_MS, habit, MONDAY_MS, ONLY, Stream } from '../stream.ts';

/** How surprising it is that the memory of one kind goes to `next`, where another kind has objects with `others`. */
function surpriseOf(next: string, others: readonly string[]): number {
  const detector = new Leap();
  const stream = new Stream();
  let atMs = MONDAY_MS;
  const see = (kind: string, name: string, memory: string, known: boolean) => {
    atMs += HOUR_MS;
    const event = eventOf(
      stream.change({ atMs, actor: 'user:ann', kind, name, type: known ? 'MODIFIED' : 'ADDED', spec: { resources: { memory } } }),
      {
        ...ONLY,
        known,
      },
    );
    const evidence = detector.score(event);
    detector.learn(event);
    return evidence?.surprise ?? 0;
  };
  others.forEach((memory, i) => void see('Database', `db-${i}`, memory, false));
  see('App', 'shop', '128Mi', false);
  for (let i = 0; i < 20; i++) see('App', 'shop', i % 2 === 0 ? '160Mi' : '128Mi', true);
  return see('App', 'shop', next, true);
}

test('a number far from all before is half the surprise where fields so named have it elsewhere', () => {
  const foreign = surpriseOf('16Gi', ['2Gi']);
  assert.ok(foreign > 3, `${foreign}`);
  assert.ok(Math.abs(surpriseOf('16Gi', ['2Gi', '16Gi']) - foreign / 2) < 1e-9);
});

test('a number set to nothing has leapt, unless fields so named are often set to nothing', () => {
  const replicas = (others: readonly number[]) => {
    const detector = new Leap();
    const stream = new Stream();
    let atMs = MONDAY_MS;
    const see = (name: string, count: number, known = true) => {
      atMs += HOUR_MS;
      const type = known ? 'MODIFIED' : 'ADDED';
      const event = eventOf(stream.change({ atMs, actor: 'user:ann', kind: 'App', name, type, spec: { replicas: count } }), {
        ...ONLY,
        known,
      });
      const evidence = detector.score(event);
      detector.learn(event);
      return evidence;
    };
    see('other', 3, false);
    others.forEach((count) => void see('other', count));
    see('shop', 4, false);
    return see('shop', 0);
  };
  const never = replicas([4, 3, 4, 3, 4, 3, 4, 3, 4, 3]);
  assert.ok((never?.surprise ?? 0) > 2, `${never?.surprise}`);
  assert.match(never?.explain().sentence ?? '', /^spec\.replicas went from 4 to 0, which is nothing at all;/);
  assert.ok((replicas([0, 3, 0, 3, 0, 3, 0, 3, 0, 3])?.surprise ?? 0) < 0.5 * (never?.surprise ?? 0));
});

test('a leap beyond what a number can hold leaves the scores of others numbers', () => {
  const model = createModel();
  const stream = new Stream();
  const edits = [...Array(12).keys()].flatMap((i) =>
    [1e-200, 1e200].map((ratio, k) => ({
      ...{ atMs: MONDAY_MS + i * DAY_MS + (12 + k) * HOUR_MS, actor: 'user:mallory', kind: 'Own', name: `own-${i % 2}` },
      spec: { ratio },
    })),
  );
  const later = [1, 2, 1e300].map((ratio, i) => ({
    ...{ atMs: MONDAY_MS + (14 + i) * DAY_MS, actor: 'user:ann', kind: 'Own', name: 'target', spec: { ratio } },
  }));
  const changes = [...habit(new Stream(), { seed: 7, days: 20 }), ...[...edits, ...later].map((edit) => stream.change(edit))];
  const found = changes.sort((a, b) => a.observedMs - b.observedMs).flatMap((change) => model.observe(change));
  assert.ok(found.length > 0);
  for (const { score, reasons } of found) assert.ok([score, ...reasons.map(({ bits }) => bits)].every(Number.isFinite));
});

test('a version several majors ahead of all that were seen of its chart has leapt, one that others have or that came with time has not', () => {
  const { change, edit } = charts();
  for (let minor = 0; minor < 12; minor++) edit(`1.${minor}.0`, 7);
  const ahead = edit('8.0.0', 7);
  assert.ok((ahead?.surprise ?? 0) > 2, `${ahead?.surprise}`);
  assert.match(ahead?.explain().sentence ?? '', /^spec\.version went from 1\.11\.0 to 8\.0\.0, 7 majors at once\.$/);
  assert.equal(ahead?.explain().counterfactual, 'the next major');
  // Seen twice by now: whoever comes third is where others are.
  change('other', '8.0.0', 1);
  change('third', '1.4.0', 1);
  assert.equal(change('third', '8.0.0', 1)?.surprise ?? 0, 0);

  const yearly = charts();
  for (let major = 1; major < 6; major++) yearly.edit(`${major}.0.0`, 365);
  assert.equal(yearly.edit('8.0.0', 3 * 365)?.surprise ?? 0, 0);
});

test('the next major is no leap, nor is a version of another sort', () => {
  const { edit } = charts();
  for (let minor = 0; minor < 12; minor++) edit(`1.${minor}.0`, 7);
  assert.equal(edit('2.0.0', 7)?.surprise ?? 0, 0);
  assert.equal(edit('2026.1.0', 7)?.surprise ?? 0, 0);

  const often = charts();
  for (let major = 50; major < 64; major++) often.edit(`${major}.0.0`, 30);
  assert.equal(often.edit('67.0.0', 30)?.surprise ?? 0, 0, 'what came out so often comes out thrice between two looks');
});

test('a version of another image, or by another way of numbering, is no leap', () => {
  const images = charts();
  for (const name of ['one', 'two', 'three']) images.bring(name, { image: 'a/y:2.0.0' }, 1);
  images.bring('shop', { image: 'a/x:1.2.3' }, 1);
  assert.equal(images.bring('shop', { image: 'a/y:9.0.0' }, 1)?.surprise ?? 0, 0);
  const { edit } = charts();
  for (let minor = 0; minor < 12; minor++) edit(`1.${minor}.0`, 7);
  assert.equal(edit('20260101.1', 7)?.surprise ?? 0, 0);
});

/** Releases of one chart, each so many days after the change before. */
function charts() {
  const detector = new Leap();
  const stream = new Stream();
  const known = new Set<string>();
  let atMs = MONDAY_MS;
  const bring = (name: string, spec: Record<string, string>, afterDays: number) => {
    atMs += afterDays * DAY_MS;
    const type = known.has(name) ? 'MODIFIED' : 'ADDED';
    const told = stream.change({ atMs, actor: 'user:ann', kind: 'App', name, type, spec });
    const event = eventOf(told, { ...ONLY, known: known.has(name) });
    known.add(name);
    const evidence = detector.score(event);
    detector.learn(event);
    return evidence;
  };
  const change = (name: string, version: string, afterDays: number) => bring(name, { chart: 'shop', version }, afterDays);
  return { bring, change, edit: (version: string, afterDays: number) => change('shop', version, afterDays) };
}
