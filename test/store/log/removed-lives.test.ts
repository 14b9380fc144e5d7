/** An object that had two lives is forgotten: what is given the number of either one is not taken for it. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openDatabase } from '../../../src/store/file/database.ts';
import { Interning } from '../../../src/store/log/interning.ts';
import { type Life, Objects } from '../../../src/store/log/objects.ts';
import { refTo } from '../new-changes.ts';

it('numbers of lives that went are those of whoever is given them next', (t) => {
  const { db, close } = openDatabase({ file: ':memory:' });
  t.after(close);
  const objects = new Objects(db, new Interning(db), 100);
  const live = (name: string) => {
    const { entry } = objects.create(refTo(name), 1);
    const ids = ['first', 'second'].map((life) => {
      objects.beginLife(entry, `${life} of ${name}`, entry.ref);
      objects.save(entry);
      return entry.lifeId;
    });
    return ids.map((id) => objects.life(id) as Life);
  };
  const gone = live('gone');
  objects.remove(gone[0] as Life);
  const next = live('next');
  assert.deepEqual(
    next.map(({ id }) => id),
    gone.map(({ id }) => id),
    'SQLite gives them again',
  );
  assert.deepEqual(
    next.map(({ uid, ref }) => [uid, ref.name]),
    [
      ['first of next', 'next'],
      ['second of next', 'next'],
    ],
  );
});
