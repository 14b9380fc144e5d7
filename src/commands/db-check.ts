import type { Options } from '../options.ts';
import { type CheckResult, checkDatabase } from '../store/file/check.ts';
import { databaseOf, keysOf, withProgress } from './db-backup.ts';
import { printable } from './printable.ts';
import { createProgress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Exit code 0: whole. 1: something is wrong with it, and what is printed. */
export async function runCheck(options: Options, terminal: Terminal): Promise<number> {
  const result = await withProgress(createProgress(terminal, 'checking', 'rows'), (onProgress) =>
    checkDatabase({ file: databaseOf(options), keys: keysOf(options), onProgress, signal: terminal.signal }),
  );
  terminal.out(options.json ? `${JSON.stringify(result)}\n` : textOf(result));
  return result.ok ? 0 : 1;
}

function textOf({ file, ok, changes, objects, changesHit, problems }: CheckResult): string {
  const whole = `${changes} changes of ${objects} objects`;
  if (ok) return `${file}: whole, ${whole}\n`;
  const lines = problems.map(({ area, what, where, count }) => {
    const times = count === 1 ? '' : ` (${count} times; first:)`;
    return `${printable(`  ${area}: ${what}${times} ${where}`)}\n`;
  });
  const hit = `the states of ${changesHit} of ${whole} cannot be told; the rest is readable`;
  return `${file}: damaged, ${hit}\n${lines.join('')}Keep a copy of it, and restore a backup to get back what is hit (crowsnest db restore).\n`;
}
