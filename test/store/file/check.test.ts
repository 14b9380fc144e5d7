import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import { createIngest } from '../../../src/pipeline/ingest.ts';
import { type CheckResult, checkDatabase } from '../../../src/store/file/check.ts';
import { keyRing, storeKey } from '../../../src/store/seal/store-key.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import type { NewChange } from '../../../src/store/store.ts';
import { history, newChange, refTo, state } from '../new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-check-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const NAMES = ['orders', 'payments', 'audit', 'mail'];
const REVISIONS = 60;

const WHOLE = join(folder, 'whole.db');
fill(WHOLE);
let copies = 0;

function fill(file: string, keys?: ReturnType<typeof keyRing>): void {
  using store = openSqliteStore({
    file,
    keys,
    changesPerSpan: 32,
    spansPerMerge: 3,
    changesPerLargeSpan: 90,
    samplesPerRun: 10,
    scrapesPerRun: 1,
  });
  const changes: NewChange[] = Array.from({ length: REVISIONS }, (_, i) =>
    NAMES.map(
      (name, n) =>
        history(
          name,
          Array.from({ length: REVISIONS }, (_, r) => ({ r, text: `words of ${name} ${r % 3}` })),
          1 + n * 1_000,
        )[i]!,
    ),
  ).flat();
  for (let i = 0; i < changes.length; i += 7) {
    store.append({
      changes: changes.slice(i, i + 7),
      cursors: { w: String(i) },
      scrapes: [{ cluster: 'test', target: 't', tsMs: i, samples: [{ metric: 'depth', labels: {}, value: i }] }],
    });
    store.maintain();
  }
  store.commitAnalysis({ findings: [], cursors: { 'analysis.changes': String(changes.length), 'analysis.samples': '3' } });
  store.saveSnapshot('model', { version: 1, seq: changes.length, blob: Buffer.from('a model') });
}

function copy(): string {
  const file = join(folder, `copy-${copies++}.db`);
  copyFileSync(WHOLE, file);
  return file;
}

/** A copy with something done to it by SQL, the way a defect or a broken disk could. */
function changed(sql: string): string {
  const file = copy();
  const db = new Database(file);
  db.exec(sql);
  db.close();
  return file;
}

const says = ({ problems }: CheckResult) =>
  problems.map(({ area, what, where, count }) => `${area}: ${what} x${count} ${where}`).join('\n');

it('finds nothing wrong with a database that is whole, at rest and while it is written', async () => {
  const result = await checkDatabase({ file: WHOLE });
  assert.equal(says(result), '');
  const none = { problems: [], repairable: [], unreadable: [] };
  assert.deepEqual(result, { file: WHOLE, ok: true, changes: 240, objects: 4, changesHit: 0, ...none });
  const file = copy();
  using store = openSqliteStore({ file });
  const [first, ...rest] = history(
    'later',
    Array.from({ length: 300 }, (_, i) => ({ i })),
    9_000,
  );
  store.append({ changes: [first!] });
  const checking = checkDatabase({ file, onProgress: () => void store.append({ changes: rest.splice(0, 1) }) });
  assert.equal(says(await checking), '');
  assert.ok(rest.length < 299, 'nothing was written meanwhile');
});

/** Turns the log off and dies in the middle of a transaction, so that a journal is left by which the file has to be put back. */
const DIES = `
  const Database = require('better-sqlite3');
  const db = new Database(process.argv[1]);
  db.pragma('journal_mode = DELETE');
  db.pragma('cache_size = 1');
  db.exec('BEGIN; UPDATE change SET previous = 1, pathset_id = 99999; CREATE TABLE t (x)');
  const insert = db.prepare('INSERT INTO t VALUES (randomblob(2000))');
  for (let i = 0; i < 200; i++) insert.run();
  process.kill(process.pid, 'SIGKILL');
`;

it('leaves a file alone that a killed process left to be put back, and says what it is once that is done', async () => {
  const diesIn = (file: string) => {
    const { signal, stderr } = spawnSync(process.execPath, ['-e', DIES, file], { encoding: 'utf8' });
    assert.equal(signal, 'SIGKILL', stderr);
    return file;
  };
  const file = diesIn(copy());
  const left = () =>
    ['', '-journal'].map((end) =>
      createHash('sha256')
        .update(readFileSync(`${file}${end}`))
        .digest('hex'),
    );
  const before = left();
  const result = await checkDatabase({ file });
  assert.equal(says(result), '');
  assert.deepEqual({ file: result.file, changes: result.changes }, { file, changes: 240 });
  assert.deepEqual(left(), before);
  const link = join(folder, 'elsewhere.db');
  symlinkSync(file, link);
  assert.equal(says(await checkDatabase({ file: link })), '');
  assert.deepEqual(left(), before, 'by a link');
  const old = diesIn(changed('PRAGMA user_version = 1'));
  await assert.rejects(checkDatabase({ file: old }), { code: 'STORE_OUTDATED', where: old });
});

/** What is done to the database, what the check says of it. */
const DAMAGED: [string, string, RegExp][] = [
  ['a change is gone', 'DELETE FROM change WHERE seq = 100', /log: changes are missing x1 changes 100 to 100/],
  [
    'a chain points elsewhere',
    'UPDATE change SET previous = previous + 1 WHERE seq = 100',
    /log: it does not point to the change before it x1 change 100/,
  ],
  ['a jump leads elsewhere', 'UPDATE change SET jump = jump + 1 WHERE seq = 80', /log: it jumps .* x1 change 80/],
  [
    'a place in the chain is wrong',
    'UPDATE change SET ordinal = 999 WHERE seq = 240',
    /log: its place in the chain .* change 240/,
  ],
  ['a life is gone', 'DELETE FROM life WHERE id = 2', /log: it belongs to no object x60 change 2/],
  ['actors are gone', 'DELETE FROM actor_set', /log: its actors are missing x240/],
  ['paths are gone', 'DELETE FROM pathset', /log: its paths are missing/],
  ['a block is gone', 'DELETE FROM block WHERE id = (SELECT min(id) FROM block)', /revisions: the record of a change is missing/],
  [
    'a block is damaged',
    'UPDATE block SET data = substr(data, 1, 20) WHERE id = (SELECT min(id) FROM block)',
    /revisions: it does not decode.*block/,
  ],
  [
    'a span is gone',
    'DELETE FROM span WHERE last_seq = (SELECT min(last_seq) FROM span)',
    /revisions: the spans leave out .*changes 1 to 105(.|\n)*states of an object cannot be rebuilt/,
  ],
  ['young records are gone', 'DELETE FROM young_record', /revisions: states of an object cannot be rebuilt/],
  ['young records are damaged', "UPDATE young_record SET data = 'x'", /revisions: .*young/],
  [
    'a head speaks of another change',
    'UPDATE head SET seq = 1 WHERE object_id = 3',
    /heads: a head speaks of a change .* object 3/,
  ],
  ['a head counts wrong', 'UPDATE head SET changes = 7 WHERE object_id = 3', /heads: a head does not agree .* object 3/],
  [
    'a head is behind',
    'UPDATE head SET seq = 1, changes = 1, last_ms = 1000 WHERE object_id = 1',
    /heads: a head is behind .*object 1/,
  ],
  ['a head is gone', 'DELETE FROM head WHERE object_id = 3', /heads: an object has no head.* object 3/],
  [
    'analysis is ahead',
    "UPDATE cursor SET position = '241' WHERE name = 'analysis.changes'",
    /cursors: the position of analysis is ahead of the record/,
  ],
  [
    'analysis of samples is ahead',
    "UPDATE cursor SET position = '99' WHERE name = 'analysis.samples'",
    /cursors: .* ahead of the samples/,
  ],
  ['the model is ahead', 'UPDATE snapshot SET seq = 241', /cursors: a snapshot of the model is ahead/],
  [
    'heads are said to be ahead',
    "UPDATE small_state SET value = '241' WHERE key = 'store/heads-through'",
    /cursors: what was derived is ahead/,
  ],
  [
    'a total is wrong',
    "UPDATE tally SET total = total + 1 WHERE name = 'changes'",
    /tallies: the total of changes is wrong x1 changes: 241 counted, 240 there/,
  ],
  ['the total of objects is wrong', "UPDATE tally SET total = 0 WHERE name = 'objects'", /tallies: .*objects/],
  ['a field path hangs in the air', 'UPDATE path SET parent_id = 999 WHERE id = 1', /names: a field path hangs in the air/],
  ['a rollup is damaged', 'UPDATE rollup SET data = substr(data, 1, 10)', /series: it does not decode.* rollup 1/],
  [
    'rollups overlap',
    'UPDATE rollup SET first_scrape = 1 WHERE tier = 1 AND last_scrape = (SELECT max(last_scrape) FROM rollup WHERE tier = 1)',
    /series: rollups overlap/,
  ],
  ['rollups are said to cover more', 'UPDATE rollup_progress SET through = 999', /series: rollups are said to cover/],
  ['a block of samples is damaged', 'UPDATE scrape_block SET data = substr(data, 1, 10)', /series: it does not decode/],
  [
    'a finding is damaged',
    "INSERT INTO finding VALUES (1,'f',1,'c','k','n','n','d','s','record',1,'{')",
    /findings: it does not decode.*finding 1/,
  ],
];

describe('what is wrong is found and named', { concurrency: 4 }, () => {
  for (const [what, sql, expected] of DAMAGED)
    it(what, async () => {
      const result = await checkDatabase({ file: changed(sql) });
      assert.equal(result.ok, false);
      assert.match(says(result), expected);
    });
});

it('names the objects whose states are hit, and the others stay readable and writable', async () => {
  const file = changed('UPDATE block SET data = zeroblob(length(data)) WHERE id = (SELECT min(id) FROM block)');
  const result = await checkDatabase({ file });
  assert.ok(result.changesHit > 0 && result.changesHit < 240, String(result.changesHit));
  assert.match(says(result), /states of an object cannot be rebuilt x\d+ test Kafka streaming\/orders from change \d+ on/);
  using store = openSqliteStore({ file });
  let readable = 0;
  for (let seq = 1; seq <= 240; seq++) {
    try {
      store.change(seq);
      readable++;
    } catch (error) {
      assert.ok(isCrowsnestError(error, 'STORE_CORRUPT'), String(error));
    }
  }
  // What shows the step from a lost state to a whole one needs both.
  assert.ok(readable >= 240 - result.changesHit - NAMES.length, `${readable} readable`);
  const [added] = history('new', [{ fresh: true }], 10_000);
  store.append({ changes: [added!], cursors: { w: 'on' } });
  assert.deepEqual(store.head(refTo('new'))?.state.spec, { fresh: true });
});

it('records an object whole again whose newest state is lost, and judges past what is lost', async () => {
  const file = changed("UPDATE young_record SET data = 'x'");
  const damage = await checkDatabase({ file });
  assert.ok(damage.changesHit > 0);
  using store = openSqliteStore({ file });
  assert.equal(store.head(refTo('orders')), undefined);
  const first = REVISIONS * NAMES.length - damage.changesHit + 1;
  assert.deepEqual(
    store.changesAfter(first - 3, 100).map(({ seq }) => seq),
    [first - 2, first - 1],
  );
  const ingest = createIngest({ store, hash: () => '0123456789abcdef' });
  for (const [i, name] of NAMES.entries()) {
    const object = state(name, String(50_000 + i), { healed: name });
    const { changes } = ingest.record({
      observations: [{ cluster: 'test', type: 'MODIFIED', object, observedMs: 1, origin: 'watch' }],
    });
    assert.equal(changes.length, 1);
    assert.deepEqual(store.head(refTo(name))?.state.spec, { healed: name });
  }
  assert.equal(store.changesAfter(first - 3, 100).length, 2 + NAMES.length);
  assert.ok(store.losses >= damage.changesHit);
  store.close();
  assert.equal((await checkDatabase({ file })).changesHit, damage.changesHit, 'no more is lost than was');
});

it('finds a damaged page, and looks at the rest all the same', async () => {
  const file = copy();
  const db = new Database(file);
  const page = db.prepare<[], number>("SELECT max(pageno) FROM dbstat WHERE name = 'finding_by_time'").pluck().get() as number;
  const leaf = db
    .prepare<[], number>("SELECT max(pageno) FROM dbstat WHERE name = 'change' AND pagetype = 'leaf'")
    .pluck()
    .get() as number;
  const size = db.pragma('page_size', { simple: true }) as number;
  db.close();
  const bytes = readFileSync(file);
  bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(file, bytes);
  const indexOnly = await checkDatabase({ file });
  assert.match(says(indexOnly), /pages: .*(page|Tree)/i);
  assert.equal(indexOnly.changesHit, 0, 'no state is hit by a page of an index');
  bytes.fill(0xa5, (leaf - 1) * size, leaf * size);
  writeFileSync(file, bytes);
  const rows = await checkDatabase({ file });
  assert.match(says(rows), /log: SQLite cannot read it/);
});

it('names the table of a damaged page, whichever it is', async () => {
  const db = new Database(WHOLE, { readonly: true });
  const size = db.pragma('page_size', { simple: true }) as number;
  const pages = db
    .prepare<[], { table: string; page: number }>(
      `SELECT tbl_name AS "table", max(pageno) AS page FROM dbstat JOIN sqlite_schema USING (name)
       WHERE pagetype = 'leaf' GROUP BY name`,
    )
    .all();
  db.close();
  assert.ok(pages.length > 60, `${pages.length} tables and indices`);
  const whole = readFileSync(WHOLE);
  const file = join(folder, 'page.db');
  for (const { table, page } of pages) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xa5, (page - 1) * size, page * size);
    writeFileSync(file, bytes);
    const { ok, problems } = await checkDatabase({ file });
    const named = problems.some(({ what, where }) => where === table || what.includes(`page ${page}:`));
    assert.ok(!ok && named, `${table}: ${JSON.stringify(problems)}`);
  }
});

it('needs the key of an encrypted database, and finds it whole with it', async () => {
  const file = join(folder, 'sealed.db');
  const keys = keyRing([storeKey(randomBytes(32))]);
  fill(file, keys);
  await assert.rejects(checkDatabase({ file }), (error) => isCrowsnestError(error, 'STORE_KEY_WRONG'));
  assert.equal(says(await checkDatabase({ file, keys })), '');
  const db = new Database(file);
  const [id, data] = db.prepare<[], [number, Buffer]>('SELECT id, data FROM block ORDER BY id LIMIT 1').raw().get() as [
    number,
    Buffer,
  ];
  data[data.length - 1] = (data.at(-1) as number) ^ 1;
  db.prepare('UPDATE block SET data = ? WHERE id = ?').run(data, id);
  db.close();
  assert.match(says(await checkDatabase({ file, keys })), /revisions: an encrypted value is damaged/);
});

it('is content with a process that was killed when retention had just let go of the last block of a span', async () => {
  const file = join(folder, 'killed-in-retention.db');
  {
    using store = openSqliteStore({ file, changesPerSpan: 8, spansPerMerge: 100, keepChangesMs: 0, keepCheckpointsMs: 0 });
    // Stays, so that what is let go of later lies between what is there.
    store.append({ changes: history('bills', [{ a: 1 }], 1) });
    const specs = Array.from({ length: 200 }, (_, i) => ({ i }));
    for (const change of history('orders', specs, 1)) {
      store.append({ changes: [{ ...change, observedMs: Number(change.resourceVersion) * 3_600_000 }] });
      store.maintain();
    }
  }
  const db = new Database(file);
  const unfinished = `UPDATE span SET tier = 0 WHERE last_seq = (SELECT max(last_seq) FROM span s WHERE tier > 1
    AND NOT EXISTS (SELECT 1 FROM block b WHERE b.span_seq = s.block_key))`;
  assert.equal(db.prepare(unfinished).run().changes, 1);
  db.close();
  assert.equal(says(await checkDatabase({ file })), '');
});

it('is content with a clock that goes backwards and one uid in two clusters', async () => {
  const file = join(folder, 'odd.db');
  {
    using store = openSqliteStore({ file, changesPerSpan: 8 });
    let before: NewChange['before'];
    for (let i = 0; i < 40; i++) {
      const object = state('orders', String(i + 1), { i });
      const observedMs = 1_000_000 - (i % 5) * 60_000;
      for (const cluster of ['east', 'west'])
        store.append({ changes: [newChange(i === 0 ? 'ADDED' : 'MODIFIED', object, { cluster, before, observedMs })] });
      before = object;
      store.maintain();
    }
    for (const cluster of ['east', 'west']) {
      assert.equal(store.changes({ cluster, limit: 100 }).items.length, 40);
      assert.deepEqual(store.head(refTo('orders', { cluster }))?.state.spec, { i: 39 });
    }
    const inTime = store.changes({ cluster: 'east', fromMs: 1_000_000, toMs: 1_000_000, limit: 100 }).items;
    assert.deepEqual(
      inTime.map(({ resourceVersion }) => Number(resourceVersion)).sort((a, b) => a - b),
      [1, 6, 11, 16, 21, 26, 31, 36],
    );
  }
  assert.equal(says(await checkDatabase({ file })), '');
});
