/** A backtest over what a database holds: judged anew from the first change, beside whoever writes it, and nothing of it is stored. */
import { setImmediate as turn } from 'node:timers/promises';
import { judgeAnew } from '../app.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import type { Behind } from '../pipeline/analyze.ts';
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
  let behind: Behind | undefined;
  try {
    const analysis = judgeAnew({ options, store, onFinding: findings.add });
    for (behind = analysis.behind(); behind !== undefined && !terminal.signal.aborted; behind = analysis.behind()) {
      analysis.step();
      progress.update(behind.done, behind.all);
      await turn();
    }
    findings.finish();
  } finally {
    progress.stop();
    findings.close();
  }
  const { tally } = findings;
  // By week it would read as if the rest had been quiet.
  if (behind !== undefined) return stopped({ ...behind, ranked: tally.ranked, pages: tally.pages.length }, options, terminal);
  const weekly = weeklyOfStore(store, tally);
  if (options.json) {
    terminal.out(`${JSON.stringify({ changes, ranked: tally.ranked, pagesPerWeek: options.pagesPerWeek, ...weekly })}\n`);
    return 0;
  }
  terminal.out(`${changes} changes judged, ${tally.ranked} findings ranked, ${tally.pages.length} would page\n`);
  if (weekly !== undefined) terminal.out(weeklyText(weekly, options.pagesPerWeek));
  return 0;
}

/** As a shell says of what SIGINT ended. */
const INTERRUPTED = 130;

function stopped(
  { done, all, ranked, pages }: { done: number; all: number; ranked: number; pages: number },
  options: Options,
  terminal: Terminal,
): number {
  terminal.note('stopped before the end\n');
  const text = `stopped after ${done} of ${all} changes: ${ranked} findings ranked, ${pages} would page`;
  terminal.out(`${options.json ? JSON.stringify({ stopped: true, changes: done, of: all, ranked, pages }) : text}\n`);
  return INTERRUPTED;
}
