import type { ObjectDiff } from '../api/answers.ts';
import type { Options } from '../options.ts';
import { createAsker, findObject } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

/** What changed between two revisions of an object, as `diff -u` of YAML or as JSON. */
export async function runDiff(options: Options, object: string, terminal: Terminal): Promise<number> {
  const asker = createAsker(options, terminal);
  const { path } = await findObject(asker, options, object);
  const diff = await asker.get<ObjectDiff>(`${path}/diff`, { ...revisionsOf(options.revisions), text: 'true' });
  if (options.json) terminal.out(`${JSON.stringify(diff)}\n`);
  else terminal.out((diff.text ?? '').split('\n').map(printable).join('\n'));
  if (diff.changes.length === 0) terminal.note(`crowsnest: changes ${diff.from} and ${diff.to} lead to the same state\n`);
  return 0;
}

/** `A..B`, `A..` up to the newest, `B` against the one before it. */
function revisionsOf(text: string | undefined): { from?: string; to?: string } {
  if (text === undefined) return {};
  const [first = '', second] = text.split('..');
  if (second === undefined) return { to: first };
  return second === '' ? { from: first } : { from: first, to: second };
}
