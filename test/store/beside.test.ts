import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openToRead } from '../../src/store/file/database.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';

const LOCKS = '/proc/locks';
const skip = existsSync(LOCKS) ? false : 'the locks of a process can only be looked at on Linux';

test('a second connection of this process takes nothing of the first one’s locks with it when it closes', { skip }, () => {
  const file = join(temporaryFolder(), 'beside.db');
  using store = openSqliteStore({ file });
  store.counts();
  const { ino } = statSync(file);
  const isLocked = () => new RegExp(`POSIX .* ${process.pid} \\S+:${ino} `).test(readFileSync(LOCKS, 'latin1'));
  assert.ok(isLocked());
  openToRead(file).close();
  // Without it, another program that opens and closes the database takes itself for the last one and removes the log under our feet.
  assert.ok(isLocked());
});
