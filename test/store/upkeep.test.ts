/** Upkeep in slices of no time at all: every part has its turn, and it ends. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { checkDatabase } from '../../src/store/file/check.ts';
import { RUN } from '../../src/store/log/posting-runs.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { sliceMs, Upkeep, type UpkeepParts } from '../../src/store/upkeep.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { history } from './new-changes.ts';

const CHANGES = RUN + 10;
const SLICES_MAX = 50_000;

it('finds out who set the fields of an object in pieces, however long its history is', () => {
  const changes = history(
    'orders',
    Array.from({ length: 2_048 }, (_, i) => ({ i })),
    1,
  );
  // What is set once is looked for through the whole history.
  for (const change of changes) Object.assign(change.state.metadata, { labels: { team: 'streaming' } });
  const slices = [4_096, 2_048].map((changesPerMark) => {
    using store = openSqliteStore({ file: ':memory:', changesPerMark });
    for (let at = 0; at < changes.length; at += 500) store.append({ changes: changes.slice(at, at + 500) });
    let count = 0;
    while (store.maintain({ msMax: 0 })) assert.ok(++count < SLICES_MAX, 'upkeep does not end');
    return count;
  }) as [number, number];
  assert.ok(slices[1] - slices[0] >= 30, `2,048 changes were gone through in ${slices[1] - slices[0]} slices`);
});

it('a slice is shorter while people ask, unless upkeep is behind with what they ask for', () => {
  const told = [false, true].map((isBehind) => [false, true].map((isAsked) => sliceMs(3, { isAsked, isBehind })));
  assert.deepEqual(told, [
    [3, 1],
    [3, 3],
  ]);
});

it('is behind while more than two runs of changes have no postings, or lie unsealed', () => {
  const isBehind = (newest: number, through: number, sealedThrough: number) =>
    new Upkeep({ log: { newest: () => newest }, postings: { through }, blocks: { sealedThrough } } as unknown as UpkeepParts)
      .isBehind;
  const newest = 10 * RUN;
  const near = newest - 2 * RUN;
  assert.equal(isBehind(newest, near, near), false);
  assert.equal(isBehind(newest, near - 1, newest), true);
  assert.equal(isBehind(newest, newest, near - 1), true);
});

it('slices that are over at once do everything that one without an end does, and then say so', async () => {
  const files = ['slices', 'whole'].map((name) => join(temporaryFolder(), `${name}.db`)) as [string, string];
  const changes = history(
    'orders',
    Array.from({ length: CHANGES }, (_, i) => ({ i })),
    1,
  );
  const told = files.map((file) => {
    using store = openSqliteStore({ file, changesPerMark: 64, changesPerNewestMark: 1_024, changesPerLargeSpan: 4_096 });
    for (let at = 0; at < changes.length; at += 500) store.append({ changes: changes.slice(at, at + 500) });
    let slices = 0;
    if (file === files[0]) while (store.maintain({ msMax: 0 })) assert.ok(++slices < SLICES_MAX, 'upkeep does not end');
    else while (store.maintain() && slices < SLICES_MAX) slices += 1;
    assert.equal(store.maintain({ msMax: 0 }), false);
    const read = new Database(file, { readonly: true });
    const count = (sql: string) => read.prepare<[], number>(sql).pluck().get() as number;
    const found = {
      runs: count('SELECT count(DISTINCT last_seq) FROM posting'),
      young: count('SELECT count(*) FROM young_record'),
      spans: count('SELECT count(*) FROM span'),
      blameMarks: count('SELECT count(*) FROM blame_mark'),
      newestMarks: count('SELECT count(*) FROM newest_mark'),
    };
    read.close();
    return found;
  });
  assert.deepEqual(told[0], told[1]);
  assert.equal(told[0]?.runs, 1);
  assert.ok((told[0]?.blameMarks ?? 0) > 0 && (told[0]?.newestMarks ?? 0) > 0);
  for (const file of files) {
    const report = await checkDatabase({ file });
    assert.deepEqual(report.problems, []);
  }
});
