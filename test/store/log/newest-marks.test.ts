import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { newChange, state } from '../new-changes.ts';

it('marks are made though changes are written between any two steps', () => {
  const file = join(temporaryFolder(), 'marks.db');
  const objects = 600;
  using store = openSqliteStore({ file, changesPerNewestMark: 100 });
  const change = (n: number) => {
    const spec = (of: number) => state(`k${of % objects}`, String(of + 1), { n: of });
    return newChange(n < objects ? 'ADDED' : 'MODIFIED', spec(n), n < objects ? {} : { before: spec(n - objects) });
  };
  store.append({ changes: Array.from({ length: objects * 3 }, (_, n) => change(n)) });
  const db = new Database(file, { readonly: true });
  const complete = db
    .prepare<[], number>('SELECT count(*) FROM newest_mark GROUP BY through_seq ORDER BY 1 DESC LIMIT 1')
    .pluck();
  // Some 20 steps a mark; a slice that is over at once is one step, and each part of upkeep has its turn.
  for (let n = objects * 3; n < objects * 3 + 400; n++) {
    store.append({ changes: [change(n)] });
    store.maintain({ msMax: 0 });
  }
  const chunks = complete.get() ?? 0;
  db.close();
  assert.ok(chunks >= 3, `${chunks} of three chunks are marked`);
});
