import type { Blame } from '../api/answers.ts';
import type { Options } from '../options.ts';
import { createAsker, findObject } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

const VALUE_LENGTH_MAX = 60;

/** Each field of a revision with the change that set it. */
export async function runBlame(options: Options, object: string, terminal: Terminal): Promise<number> {
  const asker = createAsker(options, terminal);
  const { path } = await findObject(asker, options, object);
  const blame = await asker.get<Blame>(`${path}/blame`, { at: options.revision });
  if (options.json) {
    terminal.out(`${JSON.stringify(blame)}\n`);
    return 0;
  }
  const rows = blameRows(blame);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    terminal.out(`${row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell)).join('  ')}\n`);
  return 0;
}

/** Of each field: the number of the change that set it, when that was, by whom, and what it is. */
export function blameRows(blame: Pick<Blame, 'fields' | 'changes'>): string[][] {
  const changes = new Map(blame.changes.map((change) => [change.seq, change]));
  return blame.fields.map(({ path: field, value, seq, notAfter, gone }) => {
    const change = changes.get(seq ?? notAfter ?? 0);
    // Set by this change or an earlier one.
    const number = seq === undefined ? `≤${notAfter ?? '?'}` : String(seq);
    const text = JSON.stringify(value);
    const shown = text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
    return [number, change?.time ?? (gone === true ? 'no longer kept' : ''), change?.actor.name ?? '', `${field}: ${shown}`].map(
      printable,
    );
  });
}
