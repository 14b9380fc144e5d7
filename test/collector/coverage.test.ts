import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanaryStatus, ClusterReach, KindCoverage } from '../../src/collector/source.ts';
import { blindSpots } from '../../src/collector/watch/coverage.ts';

const row = (kind: string, state: KindCoverage['state'], everWatched = true): KindCoverage => ({
  ...{ cluster: 'prod', group: 'x.dev', version: 'v1', kind, plural: `${kind}s`, namespaced: true },
  ...{ state, everWatched, sinceMs: 5, objects: 0, relists: 0, reason: `${kind} is ${state}` },
});
const reach = (state: ClusterReach['state'], canary?: CanaryStatus['state']): ClusterReach => ({
  ...{ cluster: 'prod', state, sinceMs: 7, reason: 'no route' },
  ...(canary === undefined ? {} : { canary: { state: canary, sinceMs: 9, reason: 'not back' } }),
});
const told = (of: ClusterReach, rows: KindCoverage[]) => blindSpots(of, rows).map(({ problem, what }) => `${problem} ${what}`);

describe('what should be seen of a cluster and is not', () => {
  const kinds: [string, KindCoverage, string[]][] = [
    ['a stale kind', row('K', 'stale'), ['stale K.x.dev']],
    ['a broken kind', row('K', 'broken', false), ['broken K.x.dev']],
    ['a forbidden kind that was watched', row('K', 'forbidden'), ['forbidden K.x.dev']],
    ['no kind that was never allowed', row('K', 'forbidden', false), []],
    ['no kind that is watched', row('K', 'watched'), []],
    ['no kind that is on its way', row('K', 'listing'), []],
    ['no kind that is gone', row('K', 'gone'), []],
    ['no kind that is left out', row('K', 'excluded', false), []],
  ];
  for (const [what, kind, spots] of kinds) it(what, () => assert.deepEqual(told(reach('reached'), [kind]), spots));

  it('a canary that is missing, and no other', () => {
    assert.deepEqual(told(reach('reached', 'missing'), []), ['canary canary']);
    for (const state of ['seen', 'waiting'] as const) assert.deepEqual(told(reach('reached', state), []), []);
  });

  it('a cluster that is away is one trouble, beside which only what is forbidden is told', () => {
    const rows = [row('S', 'stale'), row('B', 'broken'), row('F', 'forbidden')];
    for (const state of ['unreachable', 'connecting'] as const)
      assert.deepEqual(told(reach(state, 'missing'), rows), ['unreachable cluster prod', 'forbidden F.x.dev']);
    assert.deepEqual(blindSpots(reach('unreachable'), [])[0], {
      ...{ cluster: 'prod', problem: 'unreachable', what: 'cluster prod', reason: 'no route', sinceMs: 7 },
    });
  });
});
