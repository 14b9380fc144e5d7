import type { Options } from '../options.ts';
import { isAside, isDerivedTable } from '../store/derived.ts';
import { type CheckResult, checkDatabase } from '../store/file/check.ts';
import type { Problem } from '../store/file/check-report.ts';
import { repair } from '../store/file/repair.ts';
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

/** Makes anew what is damaged and follows from the rest. Exit code 0: nothing that cannot be read is left. 1: something is, and what. */
export async function runRepair(options: Options, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  const { rebuilt, lost, rewritten } = await withProgress(createProgress(terminal, 'repairing', 'rows'), (onProgress) =>
    repair({ file, keys: keysOf(options), onProgress, signal: terminal.signal }),
  );
  const what = rebuilt.length === 0 ? 'nothing to make anew' : `made anew: ${rebuilt.join(', ')}`;
  terminal.out(`${file}: ${what}${rewritten ? '; the file was written anew without the damaged pages' : ''}\n`);
  if (lost.length === 0) return 0;
  terminal.out(`Pages of ${lost.join(', ')} cannot be read and follow from nothing else. ${RESTORE}`);
  return 1;
}

const RESTORE = 'Keep a copy of it, and restore a backup to get back what is hit (crowsnest db restore).\n';
/** Problems that are printed; damage to a page may show at each change. */
const LINES_MAX = 40;

/** Nothing of the record is hit, only what follows from it. */
function isDerived({ area, where }: Problem, { repairable, unreadable }: CheckResult): boolean {
  // Pages of no table: what says which are free.
  if (area === 'pages' && repairable.length === 0 && unreadable.length === 0) return true;
  if (area === 'postings' || area === 'marks') return true;
  if (area === 'heads') return !unreadable.some((table) => ['change', 'life', 'object'].includes(table));
  if (area === 'names' && where === 'path_pathset') return true;
  return area === 'pages' && (isDerivedTable(where) || isAside(where) || repairable.includes(where));
}

function textOf(result: CheckResult): string {
  const { file, ok, changes, objects, changesHit, problems, repairable } = result;
  const whole = `${changes} changes of ${objects} objects`;
  if (ok) return `${file}: whole, ${whole}\n`;
  const lines = problems.slice(0, LINES_MAX).map(({ area, what, where, count }) => {
    const times = count === 1 ? '' : ` (${count} times; first:)`;
    return `${printable(`  ${area}: ${what}${times} ${where}`)}\n`;
  });
  if (problems.length > LINES_MAX) lines.push(`  and ${problems.length - LINES_MAX} more, which --json gives\n`);
  const named = lines.join('');
  if (problems.every((problem) => isDerived(problem, result)))
    return `${file}: damaged, but nothing of the record\n${named}Stop serve and run crowsnest db repair, which makes anew what is hit.\n`;
  const hit = `the states of ${changesHit} of ${whole} cannot be told`;
  if (repairable.length === 0) return `${file}: damaged, ${hit}; the rest is readable\n${named}${RESTORE}`;
  const made = `Stop serve and run crowsnest db repair, which makes anew ${repairable.join(', ')}, and check again: much of this may follow from that.\n`;
  return `${file}: damaged, ${hit} as it is\n${named}${made}`;
}
