import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor } from '../../../src/domain/change.ts';
import type { Claim } from '../../../src/domain/who/claim.ts';
import { type Attribution, matchOf, type Written, withClaims } from '../../../src/domain/who/claim-join.ts';

const EDIT: Written = {
  ...{ uid: 'u-1', type: 'MODIFIED', resourceVersion: '12', observedMs: 100_000, statusOnly: false, marked: false },
  contentHash: () => 'hash-12',
};

function claim(over: Partial<Claim> = {}, target: Partial<Claim['target']> = {}): Claim {
  return {
    ...{ cluster: 'test', source: 'audit', id: 'a-1', verb: 'update', atMs: 99_900, user: { name: 'alice' } },
    ...over,
    target: { group: 'example.com', resource: 'widgets', namespace: 'shop', name: 'front', ...target },
  };
}

test('which change a claim speaks of', () => {
  const cases: [string, Claim, Partial<Written>, ReturnType<typeof matchOf>][] = [
    ['the version it led to', claim({ resourceVersion: '12' }), {}, 'version'],
    ['another version', claim({ resourceVersion: '11' }), {}, undefined],
    ['a write that found this version made', claim({ resourceVersion: '12', atMs: 150_000 }), {}, 'late'],
    ['another life of the name', claim({ resourceVersion: '12' }, { uid: 'u-0' }), {}, undefined],
    ['the moment', claim(), {}, 'time'],
    ['long before', claim({ atMs: 60_000 }), {}, undefined],
    ['after it was seen', claim({ atMs: 103_000 }), {}, undefined],
    ['a creation is no edit', claim({ verb: 'create' }), {}, undefined],
    ['a creation', claim({ verb: 'create' }), { type: 'ADDED' }, 'time'],
    ['an apply that created', claim({ verb: 'patch' }), { type: 'ADDED' }, 'time'],
    ['an update creates nothing', claim({ verb: 'update' }), { type: 'ADDED' }, undefined],
    ['a deletion', claim({ verb: 'delete' }), { type: 'DELETED' }, 'time'],
    ['a deletion that finalizers hold up', claim({ verb: 'delete' }), { marked: true }, 'time'],
    ['a deletion is no edit', claim({ verb: 'delete' }), {}, undefined],
    ['a status write is no edit of the spec', claim({}, { subresource: 'status' }), {}, undefined],
    ['a status write', claim({}, { subresource: 'status' }), { statusOnly: true }, 'time'],
    ['the content a webhook saw', claim({ source: 'admission', contentHash: 'hash-12' }), {}, 'content'],
    ['other content', claim({ source: 'admission', contentHash: 'hash-13' }), {}, undefined],
    ['admission is not joined by time', claim({ source: 'admission' }), {}, undefined],
    ['a deletion a webhook saw', claim({ source: 'admission', verb: 'delete' }, { uid: 'u-1' }), { type: 'DELETED' }, 'deletion'],
  ];
  for (const [what, one, written, expected] of cases) assert.equal(matchOf(one, { ...EDIT, ...written }), expected, what);
});

const MANAGER: Actor = { name: 'kubectl-edit', source: 'managedFields', confidence: 0.7, operation: 'Update' };
const KNOWN: Attribution = { actor: MANAGER, candidates: [MANAGER], evidence: [] };

test('what was authenticated comes before what a client says of itself, and what was pushed after both', () => {
  const audit = { claim: claim({ resourceVersion: '12' }), match: 'version' as const };
  const admission = { claim: claim({ source: 'admission', id: 'r-1' }), match: 'content' as const };
  const pushed = {
    claim: claim({ source: 'pushed', id: 'p-1', resourceVersion: '12', user: { name: 'ci' } }),
    match: 'version' as const,
  };
  const all = withClaims(KNOWN, [pushed, admission, audit]);
  assert.deepEqual(
    all.candidates.map(({ name, source, confidence }) => [name, source, confidence]),
    [
      ['alice', 'audit', 0.98],
      ['alice', 'admission', 0.95],
      ['kubectl-edit', 'managedFields', 0.7],
      ['ci', 'pushed', 0.6],
    ],
  );
  assert.equal(all.actor, all.candidates[0]);
  assert.deepEqual(
    all.evidence.map(({ id }) => id),
    ['p-1', 'r-1', 'a-1'],
  );
  const alone = withClaims({ ...KNOWN, candidates: [{ ...MANAGER, confidence: 0.3 }] }, [pushed]);
  assert.equal(alone.actor.name, 'ci');
});

test('a claim told twice adds nothing', () => {
  const once = withClaims(KNOWN, [{ claim: claim(), match: 'time' }]);
  assert.equal(withClaims(once, [{ claim: claim(), match: 'time' }]), once);
  assert.equal(withClaims(KNOWN, []), KNOWN);
});

test('of several at the same moment each may be the one; the client that managedFields name is likelier', () => {
  const bob = claim({ id: 'a-2', user: { name: 'bob', userAgent: 'kubectl-edit/v1.33' } });
  const both = withClaims(KNOWN, [
    { claim: claim(), match: 'time' },
    { claim: bob, match: 'time' },
  ]);
  assert.deepEqual(
    both.candidates.slice(0, 2).map(({ name, confidence }) => [name, confidence]),
    [
      ['bob', 0.75],
      ['alice', 0.5],
    ],
  );
  assert.equal(withClaims(KNOWN, [{ claim: claim(), match: 'time' }]).actor.confidence, 0.8);
});

test('of two that are said to have led to the same version the earlier one did, whichever is told first', () => {
  const real = { claim: claim({ resourceVersion: '12' }), match: 'version' as const };
  const noop = {
    claim: claim({ id: 'a-9', resourceVersion: '12', atMs: 100_500, user: { name: 'operator' } }),
    match: 'version' as const,
  };
  assert.equal(withClaims(withClaims(KNOWN, [noop]), [real]).actor.name, 'alice');
  const first = withClaims(KNOWN, [real]);
  assert.equal(withClaims(first, [noop]), first);
});

test('certainty drives out what fitted by time', () => {
  const guess = withClaims(KNOWN, [{ claim: claim({ id: 'a-2', user: { name: 'bob' } }), match: 'time' }]);
  const sure = withClaims(guess, [{ claim: claim({ resourceVersion: '12' }), match: 'version' }]);
  assert.deepEqual(
    sure.candidates.map(({ name }) => name),
    ['alice', 'kubectl-edit'],
  );
  assert.equal(withClaims(sure, [{ claim: claim({ id: 'a-3', user: { name: 'bob' } }), match: 'time' }]), sure);
});

test('evidence on one change is bounded', () => {
  const many = Array.from({ length: 100 }, (_, i) => ({
    claim: claim({ id: `a-${i}`, user: { name: `user-${i}` } }),
    match: 'time' as const,
  }));
  assert.ok(withClaims(KNOWN, many).evidence.length <= 16);
});
