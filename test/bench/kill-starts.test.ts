/** The bench of starts after a kill, in short: each start answers, records and judges again, in this order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killStartsText, measureKillStarts } from '../../bench/kill-starts.ts';

test('a service that is killed under load answers, records and judges again', async () => {
  const result = await measureKillStarts({ kills: 1, seed: 1, objects: 20, rate: 50, seconds: 1 });
  for (const { answers, records, judges } of [result.first, ...result.starts]) {
    assert.ok(answers.cpuMs > 0);
    assert.ok(records !== undefined && records.ms >= answers.ms, 'nothing is recorded');
    assert.ok(judges !== undefined && judges.ms >= records.ms, 'nothing is judged');
  }
  assert.ok((result.starts[0]?.logBytes ?? 0) > 0, 'the kill left no log');
  assert.match(killStartsText(result), /^after kill 1 +\d+ \(\d+\)/m);
});
