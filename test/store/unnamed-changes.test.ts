/** Where what a change has of its own cannot be read for damage, that change is left out by name, and the rest of its batch is recorded. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { FLUX, newChange, refTo, state } from './new-changes.ts';
import { middleLeafOf, overwritePages } from './overwritten-pages.ts';

const folder = temporaryFolder();
const WHOLE = join(folder, 'whole.db');
const OBJECTS = 240;
const ROUNDS = 10;
const nameOf = (i: number) => `k${i}`;
const pathOf = (i: number, round: number) => `a-field-of-object-${i}-set-in-round-${round}`;
const objectOf = (i: number, round: number): KubeObject =>
  state(nameOf(i), String(round * OBJECTS + i + 1), { [pathOf(i, round % 8)]: round, [pathOf(i, 99)]: 'x' });
const actorOf = (i: number) => ({ ...FLUX, name: `somebody-with-a-long-name-${i}` });

function changesOf(round: number) {
  return Array.from({ length: OBJECTS }, (_, i) => {
    const before = round === 0 ? undefined : objectOf(i, round - 1);
    const who = { actor: actorOf(i), candidates: [actorOf(i)] };
    return newChange(before === undefined ? 'ADDED' : 'MODIFIED', objectOf(i, round), { before, ...who });
  });
}

{
  using store = openSqliteStore({ file: WHOLE, changesPerSpan: 64 });
  for (let round = 0; round < ROUNDS; round++) store.append({ changes: changesOf(round) });
  store.maintain();
}

for (const table of ['path', 'pathset', 'actor_set', 'path_by_parent', 'sqlite_autoindex_pathset_1', 'change'])
  it(`a page of ${table} in the middle is damaged`, () => {
    const file = join(folder, `${table}.db`);
    copyFileSync(WHOLE, file);
    overwritePages(file, (db) => [middleLeafOf(db, table)]);

    using store = openSqliteStore({ file, changesPerSpan: 64 });
    const stored = store.counts().changes;
    const recorded = store.append({ changes: changesOf(ROUNDS), cursors: { w: 'on' } });
    const rejects = store.rejects(1_000).filter(({ code }) => code === 'STORE_CORRUPT');
    assert.ok(recorded.length >= OBJECTS / 3, `${recorded.length} are recorded`);
    assert.equal(recorded.length + rejects.length, OBJECTS, 'each is recorded, or told as rejected');
    assert.equal(store.counts().changes, stored + recorded.length);
    assert.equal(store.cursor('w'), 'on');
    for (const { ref, seq, state: expected } of recorded) assert.deepEqual(store.stateAt(ref, { seq }), expected);
    // Those that are known to be lost cost no transaction again.
    assert.deepEqual(
      store.append({ changes: [newChange('ADDED', state('new', '99999', { [pathOf(0, 99)]: 1 }))] }).map(({ ref }) => ref.name),
      ['new'],
    );
    assert.deepEqual(store.head(refTo('new'))?.state.spec, { [pathOf(0, 99)]: 1 });
  });
