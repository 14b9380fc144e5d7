/** Damage as a user meets it: what serve, `db check` and `db repair` say of it, and that recording goes on afterwards. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import { crowsnest, get, line, listening, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const FIRST = 40;

function recording(name: string, from: number, to: number): string {
  writeFileSync(at(name), `${Array.from({ length: to - from }, (_, i) => line(from + i)).join('\n')}\n`);
  return at(name);
}
const first = recording('first.ndjson', 1, FIRST + 1);
const more = recording('more.ndjson', FIRST + 1, FIRST + 11);

async function replayed(name: string): Promise<string> {
  const { code, err } = await crowsnest(['replay', first, '--db', at(name), '--once', '--log-level', 'error']);
  assert.equal(code, 0, err);
  return at(name);
}

/** Overwrites the root page of tables and indices, as a broken disk might. */
function damage(file: string, ...names: string[]): void {
  const db = new Database(file);
  const size = db.pragma('page_size', { simple: true }) as number;
  const root = db.prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck();
  const pages = names.map((name) => root.get(name) as number);
  db.close();
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(file, bytes);
}

it('what the file holds twice is made anew, as the check says it would be, and everything is there', async () => {
  const db = await replayed('twice.db');
  damage(db, 'head', 'path_pathset', 'object', 'sqlite_autoindex_namespace_1', 'block_by_place');
  const check = await crowsnest(['db', 'check', '--db', db]);
  assert.equal(check.code, 1);
  assert.match(check.out, /Stop serve and run crowsnest db repair, which makes anew .*\bhead\b/);
  assert.match(check.out, /path_pathset/);
  const repair = await crowsnest(['db', 'repair', '--db', db]);
  assert.equal(repair.code, 0, repair.err);
  assert.match(repair.out, /made anew: .*head.*; the file was written anew without the damaged pages/);
  const again = await crowsnest(['db', 'check', '--db', db]);
  assert.deepEqual([again.code, again.out], [0, `${db}: whole, ${FIRST} changes of 1 objects\n`]);
  const serving = start(['replay', more, '--db', db, '--port', '0', '--log-level', 'error']);
  const url = await listening(serving);
  const { items } = await get<{ items: unknown[] }>(url, '/v1/changes?limit=100');
  assert.equal(items.length, FIRST + 10);
  const found = await get<{ items: unknown[] }>(url, `/v1/changes?q=${encodeURIComponent('path:spec.kafka.replicas')}&limit=100`);
  assert.equal(found.items.length, FIRST + 9);
  await serving.end();
});

it('what it holds once is named, and nothing is thrown away', async () => {
  const db = await replayed('once.db');
  damage(db, 'life');
  const check = await crowsnest(['db', 'check', '--db', db]);
  assert.equal(check.code, 1);
  assert.match(check.out, /restore a backup to get back what is hit/);
  const before = readFileSync(db);
  const repair = await crowsnest(['db', 'repair', '--db', db]);
  assert.equal(repair.code, 1);
  assert.match(repair.out, /Pages of life cannot be read and follow from nothing else/);
  assert.equal(readFileSync(db).length, before.length);
});
