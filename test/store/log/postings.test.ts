import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { encodeRun, endOfRun, intersectionOf, POSTED_THROUGH, Postings, RUN } from '../../../src/store/log/postings.ts';

const RUNS = 120;

/** Postings of values, as the runs would have made them. */
function postingsOf(lists: readonly (readonly number[])[]): { postings: Postings; close: () => void } {
  const { db, close } = openDatabase({ file: ':memory:' });
  const add = db.prepare('INSERT INTO posting (dimension, value, last_seq, data) VALUES (2, ?, ?, ?)');
  for (const [value, seqs] of lists.entries())
    for (const [last, ofRun] of Map.groupBy(seqs, endOfRun)) add.run(value, last, encodeRun(ofRun, last));
  db.prepare('INSERT INTO small_state (key, value) VALUES (?, ?)').run(POSTED_THROUGH, String(RUNS * RUN));
  return { postings: new Postings(db, () => {}), close };
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
      const positions = intersectionOf(wanted.map((value) => postings.positions('pathsets', [value])));
      const found: number[] = [];
      for (let seq = positions.upTo(RUNS * RUN); seq !== undefined; seq = positions.upTo(seq - 1)) found.push(seq);
      const [first = [], ...others] = wanted.map((value) => lists[value] ?? []);
      const sets = others.map((other) => new Set(other));
      assert.deepEqual(found, first.filter((seq) => sets.every((set) => set.has(seq))).reverse());
    }
    close();
  }
});
