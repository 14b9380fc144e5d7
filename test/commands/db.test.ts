import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { DB_COMMANDS } from '../../src/configuration/commands.ts';
import { flagsOf } from '../../src/options.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { crowsnest, get, line, listening, MAIN, recorded, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const recording = at('recording.ndjson');
writeFileSync(recording, `${Array.from({ length: 30 }, (_, i) => line(i + 1)).join('\n')}\n`);
const keyFile = at('store.keys');
writeFileSync(keyFile, `${randomBytes(32).toString('base64')}\n`);

async function replayed(name: string, more: string[] = []): Promise<string> {
  const { code, err } = await crowsnest(['replay', recording, '--db', at(name), '--once', '--log-level', 'error', ...more]);
  assert.equal(code, 0, err);
  return at(name);
}

it('exports all into a pipe that standard error goes into too, however slowly that is read', async () => {
  const long = at('long.ndjson');
  writeFileSync(long, `${Array.from({ length: 1_000 }, (_, i) => line(i + 1)).join('\n')}\n`);
  const { code, err } = await crowsnest(['db', 'import', long, '--db', at('long.db')]);
  assert.equal(code, 0, err);
  // The shell's pipe holds 64 KiB; nothing is read before the export must have filled it.
  const reader = '(read first; sleep 0.5; echo "$first"; cat)';
  const command = `{ "$0" "$@" 2>&1; echo "ended with $?"; } | ${reader}`;
  const args = ['-c', command, process.execPath, MAIN, 'db', 'export', '--db', at('long.db')];
  const out = execFileSync('sh', args, { encoding: 'utf8', maxBuffer: 1 << 24 });
  assert.equal(out.split('\n').filter((row) => row.startsWith('{"type"')).length, 1_000);
  assert.match(out, /1000 changes exported\nended with 0\n$/);
});

describe('help', { concurrency: 2 }, () => {
  it('of db lists its commands', async () => {
    const { code, out } = await crowsnest(['db', '--help']);
    assert.equal(code, 0);
    for (const command of DB_COMMANDS) assert.match(out, new RegExp(`^  ${command.slice(3)} `, 'm'));
  });

  for (const command of DB_COMMANDS)
    it(`of ${command} lists each of its flags with what it is for`, async () => {
      const { code, out, err } = await crowsnest([...command.split(' '), '--help']);
      assert.equal(code, 0);
      assert.equal(err, '');
      for (const { flags } of flagsOf(command)) assert.match(out, new RegExp(`^  ${flags}\\s+\\S`, 'm'));
    });
});

it('backs up a database that a process has open, checks it, and restores it elsewhere', async () => {
  const db = await replayed('open.db');
  const serving = start(['replay', recording, '--db', db, '--port', '0', '--log-level', 'error']);
  await recorded(serving, 30);
  const backup = await crowsnest(['db', 'backup', at('open.backup'), '--db', db]);
  assert.equal(backup.code, 0, backup.err);
  assert.match(backup.out, /30 changes, \d+ bytes, not encrypted/);
  assert.match(backup.err, /masking key is not in it/);
  const checked = await crowsnest(['db', 'check', '--db', db, '--json']);
  assert.deepEqual([checked.code, JSON.parse(checked.out).ok, JSON.parse(checked.out).changes], [0, true, 30], checked.out);
  const inUse = await crowsnest(['db', 'restore', at('open.backup'), '--db', db, '--replace']);
  assert.equal(inUse.code, 1);
  assert.match(inUse.err, /STORE_LOCKED/);
  await serving.end();
  const restored = await crowsnest(['db', 'restore', at('open.backup'), '--db', at('restored.db')]);
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.err, /put the masking key back/);
  const again = start(['replay', recording, '--db', at('restored.db'), '--port', '0', '--log-level', 'error']);
  const url = await listening(again);
  assert.equal((await get<{ items: unknown[] }>(url, '/v1/changes?limit=100')).items.length, 30);
  await again.end();
});

it('encrypts states and backups with the key of a file; without it says what is missing', async () => {
  const db = await replayed('sealed.db', ['--store-key-file', keyFile]);
  const withoutKey = await crowsnest(['replay', recording, '--db', db, '--once', '--log-level', 'error']);
  assert.equal(withoutKey.code, 1);
  assert.match(
    withoutKey.err,
    /STORE_KEY_WRONG: it is encrypted with the key [0-9a-f]{16}, and no key was given.*--store-key-file/,
  );
  const other = at('other.keys');
  writeFileSync(other, `${randomBytes(32).toString('base64')}\n`);
  const wrong = await crowsnest(['db', 'check', '--db', db, '--store-key-file', other]);
  assert.match(wrong.err, /STORE_KEY_WRONG: .* which the key file does not hold/);
  const backup = await crowsnest(['db', 'backup', at('sealed.backup'), '--db', db, '--store-key-file', keyFile]);
  assert.match(backup.out, /encrypted with the key [0-9a-f]{16}/);
  assert.equal(readFileSync(at('sealed.backup')).includes('streaming'), false);
  const restored = await crowsnest([
    'db',
    'restore',
    at('sealed.backup'),
    '--db',
    at('unsealed.db'),
    '--store-key-file',
    keyFile,
  ]);
  assert.equal(restored.code, 0, restored.err);
  const checked = await crowsnest(['db', 'check', '--db', at('unsealed.db'), '--store-key-file', keyFile]);
  assert.equal(checked.code, 0, checked.out);
  assert.equal(
    readdirSync(folder).some((name) => name.includes('.backup-')),
    false,
  );
});

it('exports what imports again, once, masked, with who it was; and what replay reads', async () => {
  const db = await replayed('exported.db');
  const ndjson = await crowsnest(['db', 'export', at('all.ndjson.zst'), '--db', db]);
  assert.equal(ndjson.code, 0, ndjson.err);
  assert.match(ndjson.err, /30 changes exported/);
  const copy = at('imported.db');
  const first = await crowsnest(['db', 'import', at('all.ndjson.zst'), '--db', copy]);
  assert.match(first.out, /^30 changes imported, 0 were there already/, first.err);
  const again = await crowsnest(['db', 'import', at('all.ndjson.zst'), '--db', copy]);
  assert.match(again.out, /^0 changes imported, 30 were there already, 0 were older/);
  const exported = async (file: string) => (await crowsnest(['db', 'export', '--db', file])).out;
  assert.equal(await exported(copy), await exported(db));
  assert.equal((await crowsnest(['db', 'check', '--db', copy])).code, 0);
  const backtest = await crowsnest(['backtest', at('all.ndjson.zst'), '--json', '--log-level', 'error']);
  assert.equal(JSON.parse(backtest.out).changes, 30, backtest.out);
});

it('names items by the keys that a recording tells, also in what is exported and imported again', async () => {
  const told = (keys: string[], minute: number) => {
    const lists = { members: { spec: { members: { ports: { keys } } } } };
    const ts = new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString();
    return JSON.stringify({ type: 'LISTKEYS', ts, cluster: 'replay', keys: { group: 'kafka.strimzi.io', kind: 'Kafka', lists } });
  };
  const withPorts = (revision: number, udp: number) => {
    const read = JSON.parse(line(revision)) as { object: { spec: object } };
    const ports = ['TCP', 'UDP'].map((protocol, i) => ({ name: `p${i}`, port: 53, protocol, host: i === 0 ? 1 : udp }));
    read.object.spec = { ports };
    return JSON.stringify(read);
  };
  const lines = [
    told(['port', 'protocol'], 1),
    withPorts(1, 1),
    withPorts(2, 2),
    told(['name'], 3),
    withPorts(3, 3),
    withPorts(4, 4),
  ];
  writeFileSync(at('keyed.ndjson'), `${lines.join('\n')}\n`);
  const db = at('keyed.db');
  const { code, err } = await crowsnest(['replay', at('keyed.ndjson'), '--db', db, '--once', '--log-level', 'error']);
  assert.equal(code, 0, err);
  const found = async (of: string, path: string) => {
    const { out } = await crowsnest(['db', 'export', '--db', of, '--format', 'csv', '--filter', `path:${path}`]);
    return out
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((row) => Number(row.split(',')[0]));
  };
  const { out } = await crowsnest(['db', 'export', '--db', db]);
  assert.deepEqual(
    out
      .trimEnd()
      .split('\n')
      .map((text) => (JSON.parse(text) as { type: string }).type),
    ['LISTKEYS', 'ADDED', 'MODIFIED', 'LISTKEYS', 'MODIFIED', 'MODIFIED'],
  );
  writeFileSync(at('keyed-again.ndjson'), out);
  const copy = at('keyed-copy.db');
  assert.equal((await crowsnest(['db', 'import', at('keyed-again.ndjson'), '--db', copy])).code, 0);
  for (const each of [db, copy]) {
    assert.deepEqual(await found(each, 'spec.ports[port=53,protocol=UDP].host'), [2]);
    assert.deepEqual(await found(each, 'spec.ports[name=p1].host'), [3, 4]);
    assert.equal((await crowsnest(['db', 'check', '--db', each])).code, 0);
  }
});

it('exports a part as a table', async () => {
  const db = await replayed('table.db');
  const args = [
    '--db',
    db,
    '--format',
    'csv',
    '--filter',
    'kind:Kafka',
    '--filter',
    'type:MODIFIED',
    '--from',
    '2026-01-05T08:03:00Z',
  ];
  const { code, out, err } = await crowsnest(['db', 'export', ...args, '--to', '2026-01-05T08:05:00Z']);
  assert.equal(code, 0, err);
  const [head, ...rows] = out.trimEnd().split('\r\n');
  assert.match(head!, /^seq,time,cluster,group,version,kind,namespace,name,/);
  assert.deepEqual(
    rows.map((row) => row.split(',').slice(0, 8).join(',')),
    [3, 4, 5].map((n) => `${n},2026-01-05T08:0${n}:00.000Z,replay,kafka.strimzi.io,v1,Kafka,streaming,orders`),
  );
  assert.match(rows[0]!, /,ann,stream,1,false,\/spec\/kafka\/replicas$/);
});

/** The scores of findings, by their changes. */
function scoresIn(file: string): Map<number, number> {
  using store = openSqliteStore({ file });
  const { items } = store.findings({ limit: 100 });
  return new Map(items.flatMap(({ subject, score }) => (subject.type === 'change' ? [[subject.seq, score]] : [])));
}

it('exports what a filter of the one grammar finds, oldest first', async () => {
  const db = await replayed('filtered.db');
  const seqs = async (...filters: string[]) => {
    const asked = filters.flatMap((filter) => ['--filter', filter]);
    const { code, out, err } = await crowsnest(['db', 'export', '--db', db, '--format', 'csv', ...asked]);
    assert.equal(code, 0, err);
    return out
      .trimEnd()
      .split('\r\n')
      .slice(1)
      .map((row) => Number(row.split(',')[0]));
  };
  const all = Array.from({ length: 30 }, (_, i) => i + 1);
  assert.deepEqual(await seqs('kind:Kafka path:spec.kafka.* value>27 actor:an*'), [28, 29, 30]);
  assert.deepEqual(await seqs('type:ADDED,MODIFIED -value:"5"', 'before:2026-01-05T08:08:00Z'), [1, 2, 3, 4, 6, 7]);
  const scored = scoresIn(db);
  const isHigh = (seq: number) => (scored.get(seq) ?? 0) >= 1;
  const [high, low] = [all.filter(isHigh), all.filter((seq) => !isHigh(seq))];
  assert.ok(high.length > 0 && low.length > 0);
  assert.deepEqual([await seqs('score>=1'), await seqs('score<1')], [high, low]);
  assert.deepEqual(await seqs(''), all);
  const environment = { CROWSNEST_FILTER: 'name:orders value:"29"' };
  const asked = await crowsnest(['db', 'export', '--db', db, '--format', 'csv'], { environment });
  assert.match(asked.out, /^seq,[^\n]*\n29,[^\n]*\n$/, asked.err);
  const words = await crowsnest(['db', 'export', '--db', db, '--filter', 'text:orders']);
  assert.equal(words.code, 2);
  assert.match(words.err, /CONFIG_BAD_VALUE: text: needs the index of words.*--filter.*value:\*word\*/);
});

it('leaves out and counts what is lost to damage, in a search by values too', async () => {
  const db = await replayed('damaged.db');
  // The newest records only, so that what came before stays whole.
  const more = at('damaged.ndjson');
  writeFileSync(more, `${line(31)}\n${line(32)}\n`);
  assert.equal((await crowsnest(['db', 'import', more, '--db', db])).code, 0);
  const database = new Database(db);
  database.exec("UPDATE young_record SET data = 'x' WHERE last_seq > 30");
  database.close();
  const filtered = await crowsnest(['db', 'export', '--db', db, '--filter', '-value:"29" -type:ADDED', '--format', 'csv']);
  assert.equal(filtered.code, 1);
  assert.match(filtered.err, /28 changes exported.*2 changes are lost to damage/s);
  const seqs = filtered.out
    .trimEnd()
    .split('\r\n')
    .slice(1)
    .map((row) => Number(row.split(',')[0]));
  assert.deepEqual(
    seqs,
    Array.from({ length: 30 }, (_, i) => i + 1).filter((seq) => seq !== 1 && seq !== 29),
  );
});

it('leaves out what lies on a page that is damaged, as a table too', async () => {
  const db = await replayed('page.db');
  const database = new Database(db);
  database.pragma('wal_checkpoint(TRUNCATE)');
  const size = database.pragma('page_size', { simple: true }) as number;
  const page = database.prepare("SELECT max(pageno) FROM dbstat WHERE name = 'young_record'").pluck().get() as number;
  database.close();
  const bytes = readFileSync(db);
  bytes.fill(0x5a, (page - 1) * size, page * size);
  writeFileSync(db, bytes);
  for (const asked of [
    ['--format', 'csv'],
    ['--filter', 'value:"29"'],
  ]) {
    const { code, err } = await crowsnest(['db', 'export', '--db', db, ...asked]);
    assert.equal(code, 1);
    assert.match(err, /0 changes exported.* changes are lost to damage and left out/s, `${asked}`);
  }
});

it('goes on behind a page of changes that is damaged, with a filter as without one', async () => {
  const [long, db] = [at('many.ndjson'), at('many.db')];
  writeFileSync(long, `${Array.from({ length: 1_000 }, (_, i) => line(i + 1)).join('\n')}\n`);
  assert.equal((await crowsnest(['db', 'import', long, '--db', db])).code, 0);
  const database = new Database(db);
  database.pragma('wal_checkpoint(TRUNCATE)');
  const size = database.pragma('page_size', { simple: true }) as number;
  const leaves = database.prepare("SELECT pageno FROM dbstat WHERE name = 'change' AND pagetype = 'leaf' ORDER BY path").pluck();
  const pages = leaves.all() as number[];
  database.close();
  const bytes = readFileSync(db);
  const page = pages[pages.length >>> 1] as number;
  bytes.fill(0x5a, (page - 1) * size, page * size);
  writeFileSync(db, bytes);
  const exported = async (...asked: string[]) => {
    const { code, out, err } = await crowsnest(['db', 'export', '--db', db, ...asked]);
    assert.equal(code, 1, err);
    const [, changes, lost] = /(\d+) changes exported.*?(\d+) changes are lost/s.exec(err) ?? [];
    assert.ok(out.includes('"seq":1,') || out.includes('\n1,'), 'with the first change');
    return [Number(changes), Number(lost)] as const;
  };
  const whole = await exported();
  const count = 1_000;
  assert.ok(whole[1] > 10 && whole[1] < count / 2, `${whole[1]} are lost`);
  assert.equal(whole[0] + whole[1], count);
  assert.deepEqual(await exported('--filter', '-type:DELETED'), whole);
  assert.deepEqual(await exported('--filter', 'value:"29",* type:ADDED,MODIFIED', '--format', 'csv'), whole);
});

it('exports a table where the file is called so, unless something else is asked for', async () => {
  const db = await replayed('named.db');
  const first = async (file: string, ...more: string[]) => {
    const { code, err } = await crowsnest(['db', 'export', at(file), '--db', db, ...more]);
    assert.equal(code, 0, err);
    const bytes = readFileSync(at(file));
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').slice(0, 4);
  };
  assert.equal(await first('named.csv'), 'seq,');
  assert.equal(await first('named.csv.gz'), 'seq,');
  assert.equal(await first('lines.csv', '--format', 'ndjson'), '{"ty');
  assert.equal(await first('lines.txt'), '{"ty');
});

it('imports what is good of a broken file, masks it, and names the rest', async () => {
  const secret = 'hunter2-hunter2';
  const withSecret = JSON.parse(line(1, { name: 'vault' })) as { object: { spec: object } };
  withSecret.object.spec = { password: secret };
  const broken = at('broken.ndjson');
  writeFileSync(
    broken,
    `${line(1)}\nnot json\n${JSON.stringify(withSecret)}\n${JSON.stringify({ ...JSON.parse(line(2)), crowsnest: { actor: 7 } })}\n${line(3)}`,
  );
  const db = at('broken.db');
  const { code, out, err } = await crowsnest(['db', 'import', broken, '--db', db]);
  assert.equal(code, 1);
  assert.match(out, /^3 changes imported, .* 2 lines were no changes/);
  assert.match(err, /STREAM_BAD_LINE: the line is not valid JSON \(.*broken.ndjson:2\)/);
  assert.match(err, /STREAM_BAD_LINE: the member crowsnest is not what db export writes \(.*broken.ndjson:4\)/);
  assert.equal(readFileSync(db).includes(secret), false);
  assert.match((await crowsnest(['db', 'export', '--db', db])).out, /"password":"masked:[0-9a-f]{16}"/);
  // What is older than the newest recorded of its object has no place any more; what is newer has.
  writeFileSync(at('more.ndjson'), `${line(2)}\n${line(3)}\n${line(4)}\n`);
  const more = await crowsnest(['db', 'import', at('more.ndjson'), '--db', db]);
  assert.match(more.out, /^1 changes imported, 1 were there already, 1 were older/);
});

it('changes the key: the old one is needed until everything is encrypted anew, and not after', async () => {
  const db = await replayed('rekeyed.db');
  const [oldKey, newKey] = [randomBytes(32), randomBytes(32)].map((key) => `${key.toString('base64')}\n`);
  const keys = (name: string, text: string) => {
    writeFileSync(at(name), text);
    return ['--db', db, '--store-key-file', at(name)];
  };
  const before = (await crowsnest(['db', 'export', '--db', db])).out;
  assert.equal((await crowsnest(['db', 'rekey', ...keys('old', oldKey!)])).code, 0);
  assert.equal(readFileSync(db).includes('replicas":'), false, 'states in plain text are left');
  assert.match((await crowsnest(['db', 'rekey', ...keys('new', newKey!)])).err, /STORE_KEY_WRONG/);
  const rekeyed = await crowsnest(['db', 'rekey', ...keys('both', oldKey! + newKey!)]);
  assert.match(rekeyed.out, /[1-9]\d* values newly encrypted, all with the key [0-9a-f]{16}/);
  const after = await crowsnest(['db', 'export', ...keys('new', newKey!)]);
  assert.equal(after.out, before);
  assert.equal((await crowsnest(['db', 'check', ...keys('new', newKey!)])).code, 0);
  assert.match((await crowsnest(['db', 'check', ...keys('old', oldKey!)])).err, /STORE_KEY_WRONG/);
});

const REFUSED: [string, string[], number, RegExp][] = [
  ['a backup of no database', ['backup', at('x'), '--db', at('none.db')], 1, /NOT_FOUND: there is no such database/],
  ['a check of a file of another program', ['check', '--db', recording], 1, /STORE_FOREIGN/],
  ['restoring what is not there', ['restore', at('none'), '--db', at('y.db')], 1, /NOT_FOUND: there is no such backup/],
  ['restoring what is no backup', ['restore', recording, '--db', at('z.db')], 1, /BACKUP_UNUSABLE/],
  ['an export over a file that is there', ['export', recording, '--db', at('x.db')], 1, /FILE_EXISTS/],
  [
    'a filter of no field',
    ['export', '--filter', 'kind:A colour:red'],
    2,
    /CONFIG_BAD_VALUE.*column 8: expected one of .*--filter/,
  ],
  ['a filter as it was written before', ['export', '--filter', 'kind=Kafka'], 2, /column 5: expected : after kind .*--filter/],
  ['a type there is none of', ['export', '--filter', 'type:NEW'], 2, /column 6: expected one of ADDED, MODIFIED, DELETED/],
  ['an export of no database', ['export', '--db', recording], 1, /STORE_FOREIGN/],
  ['a time that is none', ['export', '--from', 'yesterday'], 2, /CONFIG_BAD_VALUE.*RFC 3339|--from/],
  ['an import of nothing', ['import', at('none'), '--db', at('y.db')], 1, /STREAM_UNREADABLE/],
  ['an import of a folder', ['import', at('.'), '--db', at('y.db')], 1, /STREAM_UNREADABLE/],
  ['encrypting without a key', ['rekey', '--db', at('y.db')], 2, /CONFIG_BAD_VALUE: there is no key/],
  ['a key file that is not there', ['check', '--store-key-file', at('none')], 2, /CONFIG_UNREADABLE.*--store-key-file/],
];
for (const [what, args, code, expected] of REFUSED)
  it(`refuses ${what}`, async () => {
    const ended = await crowsnest(['db', ...args]);
    assert.match(ended.err, expected);
    assert.equal(ended.code, code);
    for (const name of ['y.db', 'z.db']) assert.equal(existsSync(at(name)), false);
  });
