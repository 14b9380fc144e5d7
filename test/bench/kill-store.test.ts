import assert from 'node:assert/strict';
import { it } from 'node:test';
import { killStore, SCENES } from '../../bench/kill-store.ts';

it('kill -9 in the middle of whatever the store does loses nothing committed and leaves it whole (short form)', async () => {
  const kills = 2 * SCENES.length;
  const result = await killStore({ kills, seed: 7 });
  assert.deepEqual(result.faults, []);
  assert.deepEqual([result.kills, result.lost, result.cursorsAhead, result.damaged], [kills, 0, 0, 0]);
  assert.ok(result.acknowledged > 0, 'nothing was committed before the kills');
  for (const scene of SCENES.filter((one) => one !== 'migration')) assert.equal(result.scenes[scene].interrupted, 2, scene);
});
