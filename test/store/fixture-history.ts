/** The history in fixtures/databases, the same whatever code wrote it: a formula, so that what must come back needs no file of its own. */
import type { Finding } from '../../src/domain/finding.ts';
import type { AppendBatch, NewChange } from '../../src/store/store.ts';
import { HUMAN, newChange, refTo, state } from './new-changes.ts';

const NAMES = ['orders', 'payments', 'audit', 'mail', 'stock'];
const BATCH = 4;
export const FIXTURE_CHANGES = 120;
const DELETED_AT = 71;

/** Change `n`, from 1: the objects in turn; one is deleted and comes back as another, one moves to another version. */
function changeAt(n: number, before: Map<string, NewChange>): NewChange {
  const name = NAMES[n % NAMES.length] as string;
  const last = before.get(name);
  const round = Math.floor(n / NAMES.length);
  const uid = name === 'payments' && n > DELETED_AT ? '5e8ac2f0-1111-4222-8333-444455556666' : `uid-${name}`;
  const object = state(
    name,
    String(1_000 + n),
    { n, text: `revision ${n} of ${name}`, list: [{ name: 'a', port: round }] },
    { uid },
  );
  if (name === 'audit' && n > 60) object.apiVersion = 'kafka.strimzi.io/v1';
  const more = { observedMs: Date.UTC(2026, 0, 5) + n * 60_000, ...(n % 7 === 0 ? { actor: HUMAN, candidates: [HUMAN] } : {}) };
  if (n === DELETED_AT) return newChange('DELETED', last?.state ?? object, { ...more, before: last?.state });
  const goesOn = last !== undefined && last.uid === uid && last.type !== 'DELETED';
  return newChange(goesOn ? 'MODIFIED' : 'ADDED', object, { ...more, before: goesOn ? last.state : undefined });
}

export function fixtureChanges(): NewChange[] {
  const before = new Map<string, NewChange>();
  return Array.from({ length: FIXTURE_CHANGES }, (_, i) => {
    const change = changeAt(i + 1, before);
    before.set(change.ref.name, change);
    return change;
  });
}

export function fixtureHistory(): AppendBatch[] {
  const changes = fixtureChanges();
  const batches: AppendBatch[] = [];
  for (let i = 0; i < changes.length; i += BATCH) {
    const last = changes[Math.min(i + BATCH, changes.length) - 1] as NewChange;
    batches.push({
      changes: changes.slice(i, i + BATCH),
      cursors: { 'watch:test': last.resourceVersion },
      scrapes: [
        {
          cluster: 'test',
          target: 't',
          tsMs: last.observedMs,
          samples: [{ metric: 'depth', labels: { name: 'kafka' }, value: i }],
        },
      ],
      heartbeats: [{ ref: last.ref, uid: last.uid, resourceVersion: `${last.resourceVersion}9`, observedMs: last.observedMs }],
      rejects: i === 0 ? [{ cluster: 'test', code: 'OBJECT_INVALID', where: 'Kafka', what: 'no uid', observedMs: 1 }] : [],
    });
  }
  return batches;
}

export const FINDING: Finding = {
  id: 'finding-1',
  tsMs: Date.UTC(2026, 0, 5, 1),
  cluster: 'test',
  detector: 'fact',
  score: 4,
  severity: 'critical',
  deterministic: true,
  subject: { type: 'change', ref: refTo('orders'), uid: 'uid-orders', seq: 60, resourceVersion: '1060' },
  decision: { verdict: 'page', why: 'critical' },
  summary: 'verification switched off '.repeat(20),
} as unknown as Finding;
