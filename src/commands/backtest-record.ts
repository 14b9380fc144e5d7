/** A backtest over what a database holds: judged anew from the first change, beside whoever writes it, and nothing of it is stored. */
import { setImmediate as turn } from 'node:timers/promises';
import { judgeAnew } from '../app.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { openSqliteReader } from '../store/sqlite-store.ts';
import { databaseOf, keysOf } from './db-backup.ts';
import { createFindings, weeklyOfStore } from './outcome.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { weeklyText } from './weekly-table.ts';

export async function runBacktestOfRecord(options: Options, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  using store = openSqliteReader({ file, keys: keysOf(options) });
  const { changes } = store.counts();
  if (changes === 0) {
    const todo = 'Give the database of a serve with --db, or a recording.';
    throw new CrowsnestError({ code: 'NOT_FOUND', what: 'the database holds no change', where: file, todo });
  }
  const findings = createFindings(options.findings, [file]);
  const progress = createProgress(terminal, 'judging', 'changes');
  try {
    const analysis = judgeAnew({ options, store, onFinding: findings.add });
    for (let behind = analysis.behind(); behind !== undefined && !terminal.signal.aborted; behind = analysis.behind()) {
      analysis.step();
      progress.update(behind.done, behind.all);
      await turn();
    }
    findings.finish();
  } finally {
    progress.stop();
    findings.close();
  }
  if (terminal.signal.aborted) terminal.note('stopped before the end\n');
  const { tally } = findings;
  const weekly = weeklyOfStore(store, tally);
  if (options.json) {
    terminal.out(`${JSON.stringify({ changes, ranked: tally.ranked, pagesPerWeek: options.pagesPerWeek, ...weekly })}\n`);
    return 0;
  }
  terminal.out(`${changes} changes judged, ${tally.ranked} findings ranked, ${tally.pages.length} would page\n`);
  if (weekly !== undefined) terminal.out(weeklyText(weekly, options.pagesPerWeek));
  return 0;
}
