/** What would have paged, by week and detector: of a recording, and of a database that another process may be writing. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { runBacktestOfRecord } from '../../src/commands/backtest-record.ts';
import type { Terminal } from '../../src/commands/terminal.ts';
import { type Weekly, weeklyOf, weeklyText } from '../../src/commands/weekly-table.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { parseOptions } from '../../src/options.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { type Life, live, shortStream } from '../support/judged-record.ts';
import { crowsnest, line, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const MONDAY_MS = Date.parse('2026-03-02T00:00:00Z');
const DAY_MS = 86_400_000;
const page = (day: number, detector: string, score: number) =>
  ({ tsMs: MONDAY_MS + day * DAY_MS, detector, score, summary: `${detector} ${score}` }) as Finding;

describe('the weekly table', () => {
  const pages = [page(0, 'fact', 3), page(6.99, 'fact', 5), page(7, 'fact', 4), page(20, 'burst', 9)];
  const weekly = weeklyOf(
    {
      pages,
      byDetector: [
        ['fact', { ranked: 8 }],
        ['burst', { ranked: 2 }],
        ['drift', { ranked: 4 }],
      ],
    },
    { fromMs: MONDAY_MS, toMs: MONDAY_MS + 28 * DAY_MS - 1 },
  );

  it('counts by week from Monday, quiet weeks too, and keeps the strongest as examples', () => {
    assert.deepEqual(weekly.weeks, [
      { from: '2026-03-02', pages: 2 },
      { from: '2026-03-09', pages: 1 },
      { from: '2026-03-16', pages: 1 },
      { from: '2026-03-23', pages: 0 },
    ]);
    assert.deepEqual([weekly.perWeek, weekly.most], [1, 2]);
    assert.deepEqual(
      weekly.detectors.map(({ detector, pages: count, most, ranked }) => [detector, count, most, ranked]),
      [
        ['fact', 3, 2, 8],
        ['burst', 1, 1, 2],
        ['drift', 0, 0, 4],
      ],
    );
    assert.deepEqual(
      weekly.detectors[0]?.examples.map(({ score }) => score),
      [5, 4],
    );
  });

  it('shows what steers a terminal and lets none of it through', () => {
    const evil = { ...page(0, 'fact', 3), summary: '\u001b[2Jgone\u009b31m\u202e' };
    const told = weeklyText(
      weeklyOf({ pages: [evil], byDetector: [['fact', { ranked: 1 }]] }, { fromMs: MONDAY_MS, toMs: MONDAY_MS }),
      5,
    );
    assert.match(told, /\\u\{1b\}\[2Jgone\\u\{9b\}31m\\u\{202e\}/);
    assert.doesNotMatch(told, /(?!\n)[\p{Cc}\p{Cf}]/u);
  });

  it('reads as a table', () => {
    assert.equal(
      weeklyText(weekly, 5),
      `alerts a week: 1 on average over 4 weeks, 2 in the busiest, 5 allowed beside critical facts
weeks from: 03-02 2, 03-09 1, 03-16 1, 03-23 0

detector  alerts  most a week  findings
fact           3            2         8
burst          1            1         2
drift          0            0         4

fact
  2026-03-08T23:45:36.000Z  fact 5
  2026-03-09T00:00:00.000Z  fact 4

burst
  2026-03-22T00:00:00.000Z  burst 9
`,
    );
  });
});

describe('a backtest of a database', () => {
  const file = join(folder, 'record.db');
  const seen: Finding[] = [];
  let writer: Life;

  before(() => {
    writer = live(file, seen);
    for (const batch of shortStream(11)) writer.analysis.analyze(writer.ingest.record(batch).changes);
  });

  it('comes to what the live run came to, while that goes on, and stores nothing', async () => {
    const before = readFileSync(file);
    const { code, out, err } = await crowsnest(['backtest', '--db', file, '--json', '--findings', join(folder, 'findings')]);
    assert.equal(code, 0, err);
    const { changes, ranked, weeks, detectors } = JSON.parse(out) as Weekly & { changes: number; ranked: number };
    assert.deepEqual([changes, ranked], [writer.store.counts().changes, seen.length]);
    const paged = seen.filter(({ decision }) => decision.verdict === 'page');
    assert.equal(
      weeks.reduce((sum, week) => sum + week.pages, 0),
      paged.length,
    );
    assert.deepEqual(
      detectors
        .filter(({ pages }) => pages > 0)
        .map(({ detector }) => detector)
        .sort(),
      [...new Set(paged.map(({ detector }) => detector))].sort(),
    );
    assert.equal(readFileSync(join(folder, 'findings'), 'utf8').trimEnd().split('\n').length, seen.length);
    assert.ok(before.equals(readFileSync(file)));
  });

  it('with less of a budget says what would still page', async () => {
    const { code, out, err } = await crowsnest(['backtest', '--db', file, '--pages-per-week', '1']);
    assert.equal(code, 0, err);
    assert.match(
      out,
      /^\d+ changes judged, \d+ findings ranked, \d+ would page\nalerts a week: [\d.]+ on average over 4 weeks, 2 in the busiest, 1 allowed beside critical facts\n/,
    );
    assert.match(out, /\nfact\n {2}2026-05-27T10:21:58\.137Z {2}user:rika changed HelmRelease web\/account/);
  });

  for (const json of [false, true]) {
    it(`interrupted says how far it came, no weeks, and does not end well${json ? ', as JSON' : ''}`, async () => {
      const stopping = new AbortController();
      const printed: string[] = [];
      const terminal: Terminal = {
        ...{ isInteractive: false, version: 'test', token: undefined, signal: stopping.signal },
        out: (text) => void printed.push(text),
        note: (text) => void (text.startsWith('judging: ') && stopping.abort()),
      };
      const given = parseOptions({ command: 'backtest', flags: { db: file, json }, environment: {} });
      assert.equal(await runBacktestOfRecord(given, terminal), 130);
      const out = printed.join('');
      const all = writer.store.counts().changes;
      if (!json) assert.match(out, new RegExp(`^stopped after \\d+ of ${all} changes: \\d+ findings ranked, \\d+ would page\n$`));
      else {
        const { changes, ...rest } = JSON.parse(out) as { changes: number; ranked: number };
        assert.ok(changes > 0 && changes < all && rest.ranked < seen.length);
        assert.deepEqual(Object.keys(rest), ['stopped', 'of', 'ranked', 'pages']);
      }
    });
  }

  it('says that there is none, or nothing in it', async () => {
    const none = await crowsnest(['backtest', '--db', join(folder, 'none.db')]);
    assert.equal(none.code, 1);
    assert.match(none.err, /NOT_FOUND: /);
    openSqliteStore({ file: join(folder, 'empty.db') }).close();
    const empty = await crowsnest(['backtest', '--db', join(folder, 'empty.db')]);
    assert.equal(empty.code, 1);
    assert.match(empty.err, /NOT_FOUND: the database holds no change/);
  });

  it('of a recording gives the weeks too', async () => {
    const recording = join(folder, 'short.ndjson');
    writeFileSync(recording, `${[1, 2, 3].map((revision) => line(revision)).join('\n')}\n`);
    const { out } = await crowsnest(['backtest', recording, '--json']);
    assert.deepEqual((JSON.parse(out) as Weekly).weeks, [{ from: '2026-01-05', pages: 0 }]);
  });
});

describe('a recording with secrets in it', () => {
  it('comes to the same findings to the letter each time, and to none of the secrets', async () => {
    const file = join(folder, 'secrets.ndjson');
    const config = join(folder, 'secrets.yaml');
    const withPassword = (revision: number) => {
      const written = JSON.parse(line(revision)) as { object: { spec: Record<string, unknown> } };
      written.object.spec.password = `hunter2-${revision}`;
      return JSON.stringify(written);
    };
    writeFileSync(file, `${[1, 2, 3].map(withPassword).join('\n')}\n`);
    writeFileSync(config, 'rules:\n  - name: password\n    path: /spec/password\n');
    const findings: string[] = [];
    for (const name of ['first', 'second']) {
      const out = join(folder, `${name}-findings.ndjson`);
      const { code, err } = await crowsnest(['backtest', file, '--config', config, '--findings', out]);
      assert.equal(code, 0, err);
      findings.push(readFileSync(out, 'utf8'));
    }
    assert.match(findings[0] ?? '', /masked:[0-9a-f]{16}/);
    assert.doesNotMatch(findings[0] ?? '', /hunter2/);
    assert.equal(findings[0], findings[1]);
  });
});
