import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor, Change } from '../../src/domain/change.ts';
import type { Judgement } from '../../src/domain/finding.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { DAY_MS, HOUR_MS, MONDAY_MS, Stream } from './stream.ts';

/** Who writes with which client: two people with kubectl, and a controller. */
const WRITERS = [
  { user: 'alice', manager: 'kubectl-edit', names: ['orders', 'carts'] },
  { user: 'bob', manager: 'kubectl-edit', names: ['orders', 'stock'] },
  { user: 'system:serviceaccount:kafka:operator', manager: 'operator', names: ['orders', 'carts', 'stock'] },
];

function seen(change: Change, writer: { user: string; manager: string }, admission: boolean): Change {
  const manager: Actor = { name: writer.manager, source: 'managedFields', confidence: 0.7, operation: 'Update' };
  const user: Actor = { name: writer.user, source: 'admission', confidence: 0.95 };
  return admission
    ? { ...change, actor: user, candidates: [user, manager] }
    : { ...change, actor: manager, candidates: [manager] };
}

/** Days of changes, with admission from `since` on; what is judged about actors from then on. */
function run(days: number, sinceDay: number, last?: { user: string; manager: string }, model = createModel()) {
  const stream = new Stream();
  const judged: Judgement[] = [];
  for (let day = 0; day < days; day++) {
    for (const [i, writer] of WRITERS.entries()) {
      for (const [j, name] of writer.names.entries()) {
        const atMs = MONDAY_MS + day * DAY_MS + (9 + i) * HOUR_MS + j * 60_000;
        const change = stream.change({ atMs, actor: writer.user, name, spec: { replicas: 3 + ((day + j) % 2) } });
        const found = model.observe(seen(change, writer, day >= sinceDay));
        if (day >= sinceDay) judged.push(...found);
      }
    }
  }
  if (last !== undefined) {
    const change = stream.change({ atMs: MONDAY_MS + days * DAY_MS + 10 * HOUR_MS, actor: last.user, spec: { replicas: 5 } });
    judged.push(...model.observe(seen(change, last, true)));
  }
  return { judged, model };
}
const strangers = (judged: Judgement[]) =>
  judged
    .filter((one) => one.reasons.some(({ detector, bits }) => detector === 'actor-affinity' && bits >= 1))
    .map(({ actor }) => actor.name);

test('switching admission on makes nobody a stranger', () => {
  assert.deepEqual(strangers(run(35, 28).judged), []);
});

test('somebody new behind a well-known client is one, once users are known; without admission nobody would be', () => {
  const mallory = { user: 'mallory', manager: 'kubectl-edit' };
  assert.deepEqual(strangers(run(56, 28, mallory).judged), ['mallory']);
  assert.deepEqual(strangers(run(56, 28, WRITERS[0]).judged), [], 'who was met before is none');
  assert.deepEqual(strangers(run(56, 56, mallory).judged), [], 'met in the first two weeks: as well known as the client');
});

test('where admission is on from the first day, users have their own habits', () => {
  assert.deepEqual(strangers(run(42, 0, { user: 'mallory', manager: 'kubectl-edit' }).judged).at(-1), 'mallory');
});

test('a finding names the user, whatever name the habits go by', () => {
  const model = createModel({ rules: [{ name: 'any', kind: 'Kafka' }] });
  const { judged } = run(30, 28, undefined, model);
  assert.ok(judged.length > 0);
  for (const { actor, subject } of judged) if (subject.type === 'change') assert.equal(actor.source, 'admission');
});

test('a model that is restored in between judges as one that was not', () => {
  const mallory = { user: 'mallory', manager: 'kubectl-edit' };
  const { model } = run(40, 28);
  const restored = createModel({}, model.snapshot());
  const stream = new Stream();
  stream.change({ atMs: MONDAY_MS, actor: 'x', spec: { replicas: 3 } });
  const change = { ...stream.change({ atMs: MONDAY_MS + 43 * DAY_MS, actor: 'x', spec: { replicas: 9 } }), seq: 9_999 };
  assert.deepEqual(restored.observe(seen(change, mallory, true)), model.observe(seen(change, mallory, true)));
});
