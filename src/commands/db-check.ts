import type { Options } from '../options.ts';
import { isDerivedTable } from '../store/derived.ts';
import { type CheckResult, checkDatabase } from '../store/file/check.ts';
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

/** Makes anew what is damaged and follows from the record. Exit code 0: nothing that does is damaged any more. */
export async function runRepair(options: Options, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  const { rebuilt, rewritten } = await withProgress(createProgress(terminal, 'repairing', 'rows'), (onProgress) =>
    repair({ file, keys: keysOf(options), onProgress, signal: terminal.signal }),
  );
  const what = rebuilt.length === 0 ? 'nothing to make anew' : `made anew: ${rebuilt.join(', ')}`;
  terminal.out(`${file}: ${what}${rewritten ? '; the file was written anew without the damaged pages' : ''}\n`);
  return 0;
}

/** Nothing of the record is hit, only what follows from it. */
function isDerived({ area, where }: CheckResult['problems'][number]): boolean {
  if (area === 'postings' || area === 'marks') return true;
  return area === 'pages' && isDerivedTable(where);
}

function textOf({ file, ok, changes, objects, changesHit, problems }: CheckResult): string {
  const whole = `${changes} changes of ${objects} objects`;
  if (ok) return `${file}: whole, ${whole}\n`;
  const lines = problems.map(({ area, what, where, count }) => {
    const times = count === 1 ? '' : ` (${count} times; first:)`;
    return `${printable(`  ${area}: ${what}${times} ${where}`)}\n`;
  });
  const hit = `the states of ${changesHit} of ${whole} cannot be told; the rest is readable`;
  if (problems.every(isDerived))
    return `${file}: damaged, but nothing of the record\n${lines.join('')}Stop serve and run crowsnest db repair, which makes anew what is hit.\n`;
  return `${file}: damaged, ${hit}\n${lines.join('')}Keep a copy of it, and restore a backup to get back what is hit (crowsnest db restore).\n`;
}
