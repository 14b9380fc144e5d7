/** An object is lost of which a change is ahead of its head row, as a kill leaves it: it is named, and everything else is recorded and answered. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { history, newChange, refTo, state } from './new-changes.ts';

const folder = temporaryFolder();

/** Two objects of three changes each, none of which a head row has been written for since the first. */
function killed(name: string): string {
  const whole = join(folder, 'whole.db');
  using store = openSqliteStore({ file: whole, create: true });
  if (store.counts().changes === 0)
    for (const [i, object] of ['lost', 'orders'].entries())
      for (const change of history(object, [{ v: 1 }, { v: 2 }, { v: 3 }], 1 + 10 * i)) store.append({ changes: [change] });
  const file = join(folder, name);
  const db = new Database(whole);
  db.pragma('wal_checkpoint(TRUNCATE)');
  copyFileSync(whole, file);
  db.close();
  return file;
}

it('the first question is answered, and the first change recorded', () => {
  for (const first of ['a change', 'a question'] as const) {
    const file = killed(`${first.replace(' ', '-')}.db`);
    const db = new Database(file);
    db.pragma('foreign_keys = OFF');
    const id = db.prepare<[string], number>('SELECT id FROM object WHERE name = ?').pluck().get('lost');
    db.prepare('DELETE FROM head WHERE object_id = ?').run(id);
    db.prepare("DELETE FROM small_state WHERE key = 'store/heads-through'").run();
    db.close();
    const said: unknown[] = [];
    const log = (fields: { where?: string }) => void said.push(fields.where);
    using store = openSqliteStore({ file, logger: { debug() {}, info() {}, warn() {}, error: log } as never });
    if (first === 'a question') assert.deepEqual(store.head(refTo('orders'))?.state.spec, { v: 3 });
    store.append({ changes: history('later', [{ v: 1 }], 100) });
    assert.deepEqual(store.head(refTo('orders'))?.state.spec, { v: 3 });
    assert.deepEqual(said, [`object ${id}`]);
  }
});

it('its own next change is recorded, with those of the same batch, and it is no further object', () => {
  const file = killed('own.db');
  const db = new Database(file);
  db.exec("DELETE FROM head WHERE object_id = (SELECT id FROM object WHERE name = 'lost')");
  db.close();
  using store = openSqliteStore({ file });
  const next = newChange('MODIFIED', state('lost', '50', { v: 4 }));
  store.append({ changes: [next, ...history('later', [{ v: 1 }], 60)] });
  assert.deepEqual(store.head(refTo('lost'))?.state.spec, { v: 4 });
  assert.deepEqual(store.head(refTo('later'))?.state.spec, { v: 1 });
  assert.equal(store.counts().objects, 3);
});
