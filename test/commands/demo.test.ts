import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from '../support/until.ts';
import { start, temporaryFolder } from './run-crowsnest.ts';

interface Report {
  changes: number;
  planted: number;
  found: number;
  false: number;
  findings: { id: string; verdict: string }[];
}

const db = join(temporaryFolder(), 'demo.db');
const changesIn = (file: string) => {
  const store = openSqliteStore({ file, logger: createLogger('silent') });
  try {
    return store.counts().changes;
  } finally {
    store.close();
  }
};

describe('demo', () => {
  let before = 0;

  it('ends within 3 s when told to in the middle, and its database opens', async () => {
    const demo = start(['demo', '--port', '0', '--db', db, '--durability', 'process-crash']);
    await until('it plays', () => /playing four weeks: [2-9]0%/.test(demo.err), 60_000);
    const { code, tookMs, err, out } = await demo.end();
    assert.equal(code, 0, err);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    assert.equal(out, '', 'half a demo has no result');
    before = changesIn(db);
    assert.ok(before > 0);
  });

  it('--once --json goes on from there and prints one line of JSON', async () => {
    const { code, out, err } = await start(['demo', '--once', '--json', '--db', db, '--durability', 'process-crash']).ended;
    assert.equal(code, 0, err);
    assert.equal(out.split('\n').length, 2, 'one line and its line feed');
    const report = JSON.parse(out) as Report;
    for (const key of ['changes', 'planted', 'found', 'false'] as const) assert.ok(Number.isInteger(report[key]), key);
    assert.equal(report.planted, 8);
    assert.ok(report.found > 0 && report.findings.length >= report.found);
    assert.equal(report.changes, changesIn(db), 'nothing was recorded twice');
    assert.ok(report.changes > before);
  });

  it('played to its end before, tells the same again without playing', async () => {
    const changes = changesIn(db);
    const { code, out, err } = await start(['demo', '--once', '--json', '--db', db]).ended;
    assert.equal(code, 0, err);
    const report = JSON.parse(out) as Report;
    assert.equal(report.changes, changes);
    assert.ok(report.found > 0);
  });
});
