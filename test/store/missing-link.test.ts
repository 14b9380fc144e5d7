/** A change of an object's chain is lost: nothing that is said of the rest is wrong, and what cannot be told says so. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { checkDatabase } from '../../src/store/file/check.ts';
import { ChangeLog } from '../../src/store/log/change-log.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { history, newChange, refTo, state } from './new-changes.ts';

const folder = temporaryFolder();
const OPTIONS = { changesPerSpan: 16, spansPerMerge: 3, changesPerLargeSpan: 90, changesPerMark: Number.MAX_SAFE_INTEGER };
const REVISIONS = 60;
/** Longer than what a patch takes, so that most changes are one. */
const TEXT = 'words '.repeat(20);
const WHOLE = join(folder, 'whole.db');
const EVERY = Array.from({ length: REVISIONS }, (_, r) => r);
const seqOf = (r: number) => 2 * r + 1;
const specOf = (r: number) => ({ first: 1, r, late: r < 20 ? 0 : 1, text: TEXT });

{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  const orders = history('orders', EVERY.map(specOf), 1);
  const bills = history(
    'bills',
    EVERY.map((r) => ({ r, text: TEXT })),
    1_001,
  );
  for (const r of EVERY) {
    store.append({ changes: [orders[r]!, bills[r]!] });
    store.maintain();
  }
}

function without(...revisions: number[]): string {
  const file = join(folder, `without-${revisions.join('-')}.db`);
  copyFileSync(WHOLE, file);
  const db = new Database(file);
  for (const r of revisions) db.prepare('DELETE FROM change WHERE seq = ?').run(seqOf(r));
  db.close();
  return file;
}

/** What reading says: a value, or 'lost' where it says that something is missing. */
function told<T>(read: () => T): T | 'lost' {
  try {
    return read();
  } catch (error) {
    assert.ok(isCrowsnestError(error, 'STORE_CORRUPT'), String(error));
    return 'lost';
  }
}

const revisionOf = (object: KubeObject | undefined) => (object?.spec as { r: number } | undefined)?.r;
const revisionAt = (store: SqliteStore, atMs: number) => told(() => revisionOf(store.stateAt(refTo('orders'), { atMs })));

for (const lost of [
  [0],
  [1],
  [16],
  [17],
  [20],
  [31],
  [32],
  [33],
  [34],
  [47],
  [48],
  [57],
  [58],
  [59],
  [20, 21, 22],
  [31, 32],
  [16, 48],
])
  describe(`without revision ${lost.join(', ')} of ${REVISIONS}`, () => {
    const file = without(...lost);
    const kept = EVERY.filter((r) => !lost.includes(r));
    const store = openSqliteStore({ file, ...OPTIONS });
    after(() => store.close());

    it('the others are its history', () => {
      const expected = kept.map(seqOf).reverse();
      assert.deepEqual(
        [...store.history(refTo('orders'))].map(({ seq }) => seq),
        expected,
      );
      const listed = store.changes({ kind: 'Kafka', name: 'orders', limit: 100 }).items;
      assert.deepEqual(
        listed.map(({ seq }) => seq),
        expected,
      );
    });

    it('a state is the right one or said to be lost', () => {
      const states = kept.map((r) => told(() => revisionOf(store.change(seqOf(r))?.state)));
      for (const [i, r] of kept.entries()) assert.ok(states[i] === r || states[i] === 'lost', `${r}: ${states[i]}`);
      const isLost = (one: unknown) => one === 'lost';
      // To the next whole state, and one more whose step is not known.
      for (const after of lost) assert.ok(states.slice(after).findIndex((one) => !isLost(one)) <= 18, `after ${after}`);
      const before = kept.filter((r) => r < (lost[0] as number));
      assert.deepEqual(states.slice(0, before.length), before);
    });

    it('what it was at a time is the newest that is kept, read one by one and in a list', () => {
      for (const r of EVERY) {
        const atMs = (r + 1) * 1_000;
        const newest = kept.findLast((one) => one <= r);
        const found = revisionAt(store, atMs);
        assert.ok(found === newest || (found === 'lost' && newest !== undefined), `at ${r}: ${found} instead of ${newest}`);
        const listed = store.objects({ kind: 'Kafka', name: 'orders', atMs, limit: 5 }).items;
        assert.deepEqual(
          listed.map(({ seq }) => seq),
          newest === undefined ? [] : [seqOf(newest)],
          `listed at ${r}`,
        );
      }
    });

    it('nobody is blamed for what another one may have done', () => {
      const fields = told(() => store.blame(refTo('orders'))?.fields) ?? [];
      if (fields === 'lost') return;
      const newest = kept.at(-1) as number;
      const truth: Record<string, number> = { '/spec/first': 0, '/spec/text': 0, '/spec/late': 20, '/spec/r': newest };
      for (const { path, seq, notAfter } of fields) {
        const setBy = truth[path];
        if (setBy === undefined) continue;
        if (seq !== undefined) assert.equal(seq, seqOf(setBy), path);
        else assert.ok((notAfter ?? 0) >= seqOf(setBy), `${path}: ${notAfter}`);
      }
    });

    it('it is named, other objects are whole, and recording goes on', async () => {
      const { problems } = await checkDatabase({ file });
      const says = problems.map(({ area, what, where }) => `${area}: ${what} ${where}`).join('\n');
      assert.match(says, /log: changes are missing changes \d+|belongs|revisions: .*orders|tallies/);
      assert.doesNotMatch(says, /bills/);
      assert.deepEqual(
        [...store.history(refTo('bills'))].map(({ seq }) => revisionOf(store.change(seq)?.state)),
        EVERY.toReversed(),
      );
      const before = store.head(refTo('orders'))?.state;
      const object = state('orders', '5000', { first: 1, r: 999, text: TEXT });
      const [added] = store.append({ changes: [newChange('MODIFIED', object, { before, observedMs: 5_000_000 })] });
      assert.deepEqual(store.head(refTo('orders'))?.state.spec, object.spec);
      for (let round = 0; round < 10; round++) store.maintain();
      assert.deepEqual(store.stateAt(refTo('orders'), { seq: added!.seq })?.spec, object.spec);
      assert.equal([...store.history(refTo('orders'))].length, kept.length + 1);
    });
  });

it('the log is gone through once for each link that is missing, however often and up to where the chain is read', () => {
  const db = new Database(without(20, 21, 40));
  let scans = 0;
  const counting = {
    prepare(sql: string) {
      const statement = db.prepare(sql);
      if (!sql.includes('ORDER BY c.seq DESC')) return statement;
      const get = (...asked: number[]) => {
        scans += 1;
        return statement.get(...asked);
      };
      return { get };
    },
  };
  const log = new ChangeLog(counting as unknown as Database.Database);
  const kept = EVERY.filter((r) => ![20, 21, 40].includes(r));
  const newest = seqOf(REVISIONS - 1);
  const objectId = db.prepare<[], number>(`SELECT id FROM object WHERE name = 'orders'`).pluck().get() as number;
  for (const r of [...EVERY, ...EVERY.toReversed()]) {
    const expected = kept.findLast((one) => one <= r) as number;
    assert.equal(log.newestUpTo(newest, seqOf(r), objectId)?.seq, seqOf(expected), `up to ${r}`);
    // Of one that is lost itself it says where it would be.
    if (kept.includes(r)) assert.deepEqual(log.newestSeqsUpTo([newest], seqOf(r)), [seqOf(expected)], `all up to ${r}`);
  }
  assert.deepEqual(
    [...log.back(newest, objectId)].map(({ seq }) => seq),
    kept.map(seqOf).reverse(),
  );
  assert.equal(scans, 2);
  db.close();
});

it('where an object is lost, the others go on from their newest changes after a kill', () => {
  const [open, file] = [join(folder, 'open.db'), join(folder, 'killed.db')];
  {
    using store = openSqliteStore({ file: open });
    const lives = ['lost', 'kept'].map((name, i) => history(name, [{ r: 0 }, { r: 1 }, { r: 2 }], 1 + i * 10));
    for (const r of [0, 1, 2]) store.append({ changes: lives.map((changes) => changes[r]!) });
    // As a kill leaves it: closing it would write where each object stands.
    new Database(open, { readonly: true }).exec(`VACUUM INTO '${file}'`).close();
  }
  const db = new Database(file);
  db.exec(`DELETE FROM object WHERE name = 'lost'`);
  db.close();
  using store = openSqliteStore({ file });
  assert.equal(store.head(refTo('kept'))?.seq, 6);
  const before = store.head(refTo('kept'))?.state;
  store.append({ changes: [newChange('MODIFIED', state('kept', '20', { r: 3 }), { before })] });
  assert.deepEqual(
    [...store.history(refTo('kept'))].map(({ seq }) => seq),
    [7, 6, 4, 2],
  );
});
