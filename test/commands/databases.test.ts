import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from '../support/until.ts';
import { crowsnest, get, line, listening, type Running, start, temporaryFolder } from './run-crowsnest.ts';

const NOBODY = 65_534;
const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const recording = at('recording.ndjson');
writeFileSync(recording, `${[1, 2, 3].map((revision) => line(revision)).join('\n')}\n`);
const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** What a database holds, as far as two ways there must agree. */
function contentsOf(file: string) {
  const store = openSqliteStore({ file, logger: createLogger('silent') });
  try {
    const { changes, objects, heartbeats, findings, pages, rejects } = store.counts();
    const all = store.findings({ limit: 100_000 }).items;
    const said = all.map(({ id, tsMs, score, detector, decision, summary }) => ({
      id,
      tsMs,
      score,
      detector,
      decision,
      summary,
    }));
    return { counts: { changes, objects, heartbeats, findings, pages, rejects }, said };
  } finally {
    store.close();
  }
}

describe('a database that is in use', () => {
  let first: Running;
  const db = at('shared.db');
  before(async () => {
    first = start(['replay', recording, '--db', db, '--port', '0']);
    await until('it was played', () => /3 changes/.test(first.out));
  });

  it('is refused to a second crowsnest, which says what to do; the first goes on', async () => {
    const second = await crowsnest(['backtest', recording, '--db', db]);
    assert.equal(second.code, 1);
    assert.match(second.err, /^crowsnest: STORE_LOCKED: .*another process \(\S*shared\.db\)\. .*--db/m);
    const stats = await get<{ changes: number }>(await listening(first), '/v1/stats');
    assert.equal(stats.changes, 3);
  });

  it('is free again when the first was told to end, with all it held', async () => {
    const { code, tookMs, err } = await first.end();
    assert.equal(code, 0, err);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    assert.equal(contentsOf(db).counts.changes, 3);
  });
});

describe('a file that is not for us', { concurrency: 2 }, () => {
  it('is left as it was when it is a text', async () => {
    writeFileSync(at('letter.txt'), 'Dear Ann,\n');
    const { code, err } = await crowsnest(['backtest', recording, '--db', at('letter.txt')]);
    assert.equal(code, 1);
    assert.match(err, /^crowsnest: STORE_FOREIGN: .*\(\S*letter\.txt\)\. .*--db/m);
    assert.equal(readFileSync(at('letter.txt'), 'utf8'), 'Dear Ann,\n');
  });

  it('is left as it was, byte for byte, when a newer Crowsnest wrote it', async () => {
    const db = at('newer.db');
    assert.equal((await crowsnest(['backtest', recording, '--db', db])).code, 0);
    const descriptor = openSync(db, 'r+');
    // user_version, big-endian at byte 60 of SQLite's header.
    writeSync(descriptor, Buffer.from([0, 0, 0, 99]), 0, 4, 60);
    closeSync(descriptor);
    const before = hashOf(db);
    const { code, err } = await crowsnest(['replay', recording, '--db', db, '--once']);
    assert.equal(code, 1);
    assert.match(err, /^crowsnest: STORE_TOO_NEW: .*format 99.*\(\S*newer\.db\)\. /m);
    assert.equal(hashOf(db), before);
  });

  it('is refused when it cannot be written', async () => {
    const db = at('read-only.db');
    assert.equal((await crowsnest(['backtest', recording, '--db', db])).code, 0);
    const before = hashOf(db);
    chmodSync(folder, 0o755);
    chmodSync(db, 0o444);
    const { code, err } = await crowsnest(['backtest', recording, '--db', db], process.getuid?.() === 0 ? { uid: NOBODY } : {});
    assert.equal(code, 1);
    assert.match(err, /^crowsnest: STORE_READ_ONLY: .*\(\S*read-only\.db\S*\)\. .*writable/m);
    assert.equal(hashOf(db), before);
  });

  it('is refused to the demo when it holds something else, which it leaves alone', async () => {
    const db = at('real-cluster.db');
    assert.equal((await crowsnest(['backtest', recording, '--db', db])).code, 0);
    const { code, err } = await crowsnest(['demo', '--once', '--db', db]);
    assert.equal(code, 2);
    assert.match(err, /CONFIG_BAD_VALUE: .*something else.*--db \S*real-cluster\.db/);
    assert.equal(contentsOf(db).counts.changes, 3);
  });
});

describe('a replay killed in the middle', () => {
  const long = at('long.ndjson');
  const config = at('rules.yaml');
  before(() => {
    const revisions = Array.from({ length: 12_000 }, (_, i) =>
      line(Math.floor(i / 20) + 1, {
        name: `kafka-${i % 20}`,
        // Habits with exceptions, so that learnt detectors and the rule both have something to say.
        replicas: i % 997 === 996 ? 0 : 3 + (Math.floor(i / 20) % 2),
        actor: i % 1_501 === 1_500 ? 'stranger' : `bot-${i % 5}`,
        tsMs: Date.UTC(2026, 0, 5) + i * 150_000,
      }),
    );
    writeFileSync(long, `${revisions.join('\n')}\n`);
    const rule = '  - name: stopped\n    kind: Kafka\n    path: /spec/kafka/replicas\n    op: set\n    value: ^0$\n';
    writeFileSync(config, `pagesPerWeek: 20\nrules:\n${rule}`);
  });
  after(() => writeFileSync(long, ''));

  it('and started again holds what an undisturbed one holds: the same changes, the same findings', async () => {
    const play = (db: string) =>
      start(['replay', long, '--once', '--config', config, '--db', at(db), '--durability', 'process-crash']);
    const undisturbed = play('undisturbed.db');
    const disturbed = play('disturbed.db');
    await until('it is well under way', () => /replaying: [2-5]0%/.test(disturbed.err));
    assert.equal((await disturbed.end('SIGKILL')).code, null, 'it was killed before its end');
    const resumed = await play('disturbed.db').ended;
    assert.equal(resumed.code, 0, resumed.err);
    assert.match(resumed.err, /of 12000 lines were played into this database before/);
    assert.equal((await undisturbed.ended).code, 0);
    const [expected, actual] = [contentsOf(at('undisturbed.db')), contentsOf(at('disturbed.db'))];
    assert.ok(expected.counts.findings > 10 && expected.counts.pages > 0, JSON.stringify(expected.counts));
    assert.deepEqual(actual.counts, expected.counts);
    assert.deepEqual(actual.said, expected.said);
  });
});
