import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import { Containment } from '../../../src/store/containment.ts';
import { Derived } from '../../../src/store/derived.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { endOfRun, PostingRuns, RUN } from '../../../src/store/log/posting-runs.ts';
import { encodeRun, listsOf, newestInAll, POSTED_THROUGH, Postings, type RunRow } from '../../../src/store/log/postings.ts';

const RUNS = 120;

/** Postings of values, as the runs would have made them. */
function postingsOf(lists: readonly (readonly number[])[]): { postings: Postings; close: () => void } {
  const { db, close } = openDatabase({ file: ':memory:' });
  const add = db.prepare('INSERT INTO posting (dimension, value, last_seq, data) VALUES (2, ?, ?, ?)');
  const runs = new PostingRuns(db);
  const byRun = Map.groupBy(
    lists.flatMap((seqs, value) =>
      [...Map.groupBy(seqs, endOfRun)].map(([last, ofRun]) => ({ dimension: 2, value, last, ofRun })),
    ),
    ({ last }) => last,
  );
  for (const [last, ofRun] of [...byRun].sort(([a], [b]) => a - b)) {
    for (const one of ofRun) add.run(one.value, last, encodeRun(one, one.ofRun));
    runs.add(last, ofRun);
  }
  db.prepare('INSERT INTO small_state (key, value) VALUES (?, ?)').run(POSTED_THROUGH, String(RUNS * RUN));
  return { postings: new Postings(db, new Derived(db, new Containment(() => {})), () => {}), close };
}

test('positions that several lists have are found however dense or sparse the lists are', () => {
  const random = createRandom('postings');
  for (let round = 0; round < 20; round++) {
    // Some in every run, some with long holes, some of a few changes only.
    const lists = [1 / 40, 1 / 400, 1 / 4_000, 1 / 40_000].map((share) => {
      const seqs: number[] = [];
      const hole = random.int(0, RUNS - 20) * RUN;
      for (let seq = 1; seq <= RUNS * RUN; seq += random.int(1, 2 / share))
        if (seq < hole || seq > hole + 20 * RUN) seqs.push(seq);
      return seqs;
    });
    // What all have, so that there is something to find.
    for (let n = 0; n < 5; n++) {
      const seq = random.int(1, RUNS * RUN);
      for (const list of lists) if (!list.includes(seq)) list.splice(list.findIndex((other) => other > seq) >>> 0, 0, seq);
    }
    const { postings, close } = postingsOf(lists);
    for (const wanted of [[0], [3], [0, 1], [1, 3], [3, 1, 0], [0, 1, 2, 3]]) {
      const positions = wanted.map((value) => postings.positions('pathsets', [value]));
      const found: number[] = [];
      // Whether it stops in between or for what it has found, it goes on from where it was.
      for (let high = RUNS * RUN; high > 0; ) {
        const { seqs, next } = newestInAll(positions, { low: 1, high }, random.int(1, 3_000), () => random.int(0, 20) === 0);
        assert.ok(next < high, 'it goes on');
        found.push(...seqs);
        high = next;
      }
      const [first = [], ...others] = wanted.map((value) => lists[value] ?? []);
      const sets = others.map((other) => new Set(other));
      assert.deepEqual(found, first.filter((seq) => sets.every((set) => set.has(seq))).reverse());
    }
    close();
  }
});

test('the changes of a run are listed by dimension and value, each in their order', () => {
  const random = createRandom('lists of a run');
  const value = (max: number) => random.int(0, max);
  const rows = Array.from({ length: RUN }, (_, i): RunRow => {
    const seq = 5 * RUN + i + 1;
    return [seq, value(3), value(4) === 0 ? null : value(3_000_000), value(2), value(9) === 0 ? null : 0];
  });
  const expected = [1, 2, 3, 4].flatMap((dimension) => {
    const having = rows.filter((row) => row[dimension] !== null);
    return [...Map.groupBy(having, (row) => row[dimension] as number)]
      .sort(([a], [b]) => a - b)
      .map(([value, ofValue]) => ({ dimension, value, seqs: ofValue.map(([seq]) => seq) }));
  });
  assert.deepEqual(
    listsOf(rows).map(({ seqs, ...list }) => ({ ...list, seqs: [...seqs] })),
    expected,
  );
});

test('a value beyond what can be told apart does not keep the lists from coming to an end', () => {
  const rows = [1, 2, 3].map((seq): RunRow => [seq, 2 ** 60, null, -(2 ** 60), null]);
  assert.equal(
    listsOf(rows).every(({ seqs }) => seqs.length > 0),
    true,
  );
});
