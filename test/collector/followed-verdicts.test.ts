import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createFollowedVerdicts } from '../../src/collector/recording/followed-verdicts.ts';
import type { ToldVerdict } from '../../src/domain/verdict.ts';
import { until } from '../support/until.ts';

const NOW_MS = 1_000;

function verdict(id: string, fields: Partial<ToldVerdict> = {}): ToldVerdict {
  return {
    ...{ id, findingId: 'f', verdict: 'expected', scope: { cluster: 'east' }, by: 'ann', givenMs: 1, expiresMs: 2_000 },
    ...fields,
  };
}

it('what people say is delivered once, what they take back too, and nothing that was over before or is of another cluster', async () => {
  const stopping = new AbortController();
  const withdrawn = { by: 'bob', ms: 2 };
  const answers: (ToldVerdict[] | Error)[] = [
    new Error('not there yet'),
    [
      verdict('gone', { withdrawn }),
      verdict('expired', { expiresMs: 900 }),
      verdict('stands'),
      verdict('west', { scope: { cluster: 'west' } }),
    ],
    new Error('away'),
    [verdict('gone', { withdrawn }), verdict('stands', { withdrawn }), verdict('new')],
    [verdict('stands', { withdrawn }), verdict('new')],
  ];
  const waits: number[] = [];
  const warned: string[] = [];
  const told: string[] = [];
  let asked = 0;
  const source = createFollowedVerdicts({
    clusters: ['east'],
    clock: {
      nowMs: () => NOW_MS,
      sleep: async (ms) => {
        waits.push(ms);
      },
    },
    logger: { warn: (_: unknown, what: string) => void warned.push(what), info: () => {} } as never,
    list: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      if (asked > answers.length) stopping.abort();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const running = source.run(async ({ verdicts = [] }) => {
    for (const one of verdicts) told.push(one.withdrawn === undefined ? one.id : `-${one.id}`);
  }, stopping.signal);
  await until('all was asked for', () => stopping.signal.aborted);
  await running;
  assert.deepEqual(told, ['stands', '-stands', 'new']);
  assert.deepEqual(waits.slice(0, 4), [4_000, 2_000, 4_000, 2_000]);
  assert.equal(warned.length, 2);
});
