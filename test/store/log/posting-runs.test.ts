import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { PostingRuns, RUN } from '../../../src/store/log/posting-runs.ts';

const RUNS = 700;
const DIMENSION = 2;

/** Each value is in some of the runs, those of higher numbers in fewer and later ones. */
function noted() {
  const { db, close } = openDatabase({ file: ':memory:' });
  const random = createRandom('posting runs');
  const runs = new PostingRuns(db);
  const endsOf = new Map<number, number[]>();
  db.transaction(() => {
    for (let n = 1; n <= RUNS; n++) {
      const values = Array.from({ length: 200 }, (_, value) => value).filter((value) => value <= n && random.int(0, value) < 2);
      runs.add(
        n * RUN,
        values.map((value) => ({ dimension: DIMENSION, value })),
      );
      for (const value of values) endsOf.set(value, [n * RUN, ...(endsOf.get(value) ?? [])]);
    }
  })();
  return { db, runs, endsOf, random, [Symbol.dispose]: close };
}

it('the newest runs of a value are told, from any place and over all eras', () => {
  using made = noted();
  const known = made.runs.of(DIMENSION);
  for (let n = 0; n < 2_000; n++) {
    const value = made.random.int(0, 210);
    const [last, limit] = [made.random.int(1, RUNS) * RUN, made.random.int(1, 40)];
    const expected = (made.endsOf.get(value) ?? []).filter((end) => end <= last).slice(0, limit);
    assert.deepEqual(known.newest(value, last, limit), expected, `value ${value} up to ${last}`);
  }
});

it('a value that is taken out of a run is not told any more, the others are', () => {
  using made = noted();
  for (let n = 0; n < 300; n++) {
    const value = made.random.int(0, 199);
    const ends = made.endsOf.get(value) ?? [];
    const end = ends[made.random.int(0, ends.length - 1)];
    if (end === undefined) continue;
    made.runs.remove(end, [{ dimension: DIMENSION, value }]);
    made.endsOf.set(
      value,
      ends.filter((other) => other !== end),
    );
  }
  const known = made.runs.of(DIMENSION);
  for (const [value, ends] of made.endsOf) assert.deepEqual(known.newest(value, RUNS * RUN, RUNS), ends);
});

it('a row of which any byte is another is not believed', () => {
  using made = noted();
  const [bucket, era, data] = made.db.prepare('SELECT bucket, era, data FROM posting_run WHERE era = 1').raw().get() as [
    number,
    number,
    Buffer,
  ];
  const put = made.db.prepare('UPDATE posting_run SET data = ? WHERE bucket = ? AND era = ?');
  const all = [...made.endsOf.keys()];
  for (let n = 0; n < 300; n++) {
    const at = made.random.int(0, data.length - 1);
    const wrong = Buffer.from(data);
    wrong[at] = (wrong[at] as number) ^ (1 << made.random.int(0, 7));
    put.run(wrong, bucket, era);
    const known = made.runs.of(DIMENSION);
    assert.throws(
      () => all.map((value) => known.newest(value, RUNS * RUN, RUNS)),
      (error) => isCrowsnestError(error, 'STORE_CORRUPT'),
      `byte ${at}`,
    );
  }
});
