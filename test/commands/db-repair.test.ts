/** Damage as a user meets it: what serve, `db check` and `db repair` say of it, and that recording goes on afterwards. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { overwritePages } from '../store/overwritten-pages.ts';
import { crowsnest, get, line, recorded, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const FIRST = 40;

function recording(name: string, from: number, to: number): string {
  writeFileSync(at(name), `${Array.from({ length: to - from }, (_, i) => line(from + i)).join('\n')}\n`);
  return at(name);
}
const first = recording('first.ndjson', 1, FIRST + 1);
const more = recording('more.ndjson', FIRST + 1, FIRST + 11);

async function replayed(file: string): Promise<string> {
  const { code, err } = await crowsnest(['replay', first, '--db', file, '--once', '--log-level', 'error']);
  assert.equal(code, 0, err);
  return file;
}

/** Overwrites the root page of tables and indices, as a broken disk might. */
function damage(file: string, ...names: string[]): void {
  overwritePages(file, (db) => {
    const root = db.prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck();
    return names.map((name) => root.get(name) as number);
  });
}

it('what the file holds twice is made anew, as the check says it would be, and everything is there', async () => {
  const db = await replayed(at('twice.db'));
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
  const url = await recorded(serving, FIRST + 10);
  const { items } = await get<{ items: unknown[] }>(url, '/v1/changes?limit=100');
  assert.equal(items.length, FIRST + 10);
  const found = await get<{ items: unknown[] }>(url, `/v1/changes?q=${encodeURIComponent('path:spec.kafka.replicas')}&limit=100`);
  assert.equal(found.items.length, FIRST + 9);
  await serving.end();
});

it('what it holds once is named, and nothing is thrown away', async () => {
  const db = await replayed(at('once.db'));
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

describe('what is no database of ours, or none any more, is named by every command and left as it is:', {
  concurrency: 2,
}, () => {
  const COMMANDS = [
    ['db', 'check'],
    ['db', 'repair'],
    ['db', 'backup', at('never.backup')],
    ['db', 'export'],
    ['replay', first, '--once'],
  ];
  const FILES: [what: string, make: (file: string) => Promise<unknown> | unknown, code: RegExp][] = [
    ['a text', (file) => writeFileSync(file, 'just some notes, longer than a header\n'), /STORE_FOREIGN/],
    ["another program's database", (file) => void new Database(file).exec('CREATE TABLE theirs (x)').close(), /STORE_FOREIGN/],
    [
      'one of a newer crowsnest',
      async (file) => void changed(await replayed(file), 'user_version = 99'),
      /STORE_TOO_NEW.*format 99/,
    ],
    ['one that was cut short', async (file) => cut(await replayed(file), 8_192), /STORE_CORRUPT.*backup/],
    ['one of which next to nothing is left', async (file) => truncateSync(await replayed(file), 8_192), /STORE_CORRUPT.*backup/],
  ];
  for (const [what, make, code] of FILES)
    it(what, async () => {
      const name = `${what.replaceAll(/\W/g, '-')}.db`;
      await make(at(name));
      const before = readFileSync(at(name));
      for (const command of COMMANDS) {
        const { code: exit, out, err } = await crowsnest([...command, '--db', at(name)]);
        assert.equal(exit, 1, `${command}: ${out}${err}`);
        assert.match(err.replaceAll('\n', ' '), code, command.join(' '));
        assert.deepEqual(readFileSync(at(name)), before, command.join(' '));
      }
      if (code.source.includes('FOREIGN')) assert.equal(existsSync(at(`${name}.lock`)), false, 'nothing is left beside it');
    });
});

function cut(file: string, bytes: number): void {
  truncateSync(file, statSync(file).size - bytes);
}

function changed(file: string, pragma: string): void {
  const db = new Database(file);
  db.pragma(pragma);
  db.close();
}
