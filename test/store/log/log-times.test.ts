import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import { Containment } from '../../../src/store/containment.ts';
import { Derived } from '../../../src/store/derived.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { LogTimes } from '../../../src/store/log/log-times.ts';
import { RUN } from '../../../src/store/log/posting-runs.ts';

const CHANGES = 4 * RUN + 700;
/** A large span that begins and ends within runs, small ones after it, and some changes that are not sealed. */
const SPANS = [
  [1, 100] as const,
  [101, 3 * RUN + 50] as const,
  [3 * RUN + 51, 4 * RUN] as const,
  [4 * RUN + 1, 4 * RUN + 512] as const,
];

/** The log of a clock that goes back by up to `jitterMs`. */
function logOf(jitterMs: number) {
  const { db, close } = openDatabase({ file: ':memory:' });
  const random = createRandom(`log times ${jitterMs}`);
  const times = Array.from({ length: CHANGES }, (_, i) => 1_000 * i - random.int(0, jitterMs));
  const add = db.prepare(
    'INSERT INTO change (seq, life_id, flags, observed_ms, rv, actor_set_id, ordinal) VALUES (?, 1, 0, ?, 1, 1, 1)',
  );
  const span = db.prepare('INSERT INTO span (first_seq, last_seq, level, ms_min, ms_max, block_key) VALUES (?, ?, 0, ?, ?, ?)');
  const logTimes = new LogTimes(db, new Derived(db, new Containment(() => {})));
  db.transaction(() => {
    for (const [i, ms] of times.entries()) add.run(i + 1, ms);
    for (const [first, last] of SPANS) {
      const own = times.slice(first - 1, last);
      span.run(first, last, Math.min(...own), Math.max(...own), last);
    }
    for (let last = RUN; last <= 4 * RUN; last += RUN) logTimes.addRun(last);
  })();
  return { times, logTimes, random, add: (seq: number, ms: number) => add.run(seq, ms), [Symbol.dispose]: close };
}

for (const jitterMs of [0, 5_000, 3_000_000])
  it(`leaves out no change of a time with a clock that goes back by up to ${jitterMs} ms`, () => {
    using log = logOf(jitterMs);
    for (let n = 0; n < 400; n++) {
      const fromMs = log.random.int(-10_000, CHANGES * 1_000 + 10_000);
      const toMs = fromMs + log.random.int(0, 5_000_000);
      const { low, high } = log.logTimes.range(fromMs, toMs);
      const first = log.times.findIndex((ms) => ms >= fromMs) + 1;
      const last = log.times.findLastIndex((ms) => ms <= toMs) + 1;
      assert.ok(first === 0 || low <= first, `from ${fromMs} on: change ${first} lies before ${low}`);
      assert.ok(high >= last, `up to ${toMs}: change ${last} lies after ${high}`);
    }
  });

it('comes as near as a run, however large the span is', () => {
  using log = logOf(0);
  for (let n = 0; n < 400; n++) {
    const at = log.random.int(1, CHANGES);
    const ms = log.times[at - 1] as number;
    const { low, high } = log.logTimes.range(ms, ms);
    assert.ok(at - low < RUN && high - at < RUN, `change ${at} is looked for from ${low} to ${high}`);
  }
});

it('knows of changes that were added since', () => {
  using log = logOf(0);
  const ms = CHANGES * 2_000;
  assert.equal(log.logTimes.highest(ms), CHANGES);
  log.add(CHANGES + 1, ms);
  log.logTimes.forget();
  assert.equal(log.logTimes.highest(ms), CHANGES + 1);
});
