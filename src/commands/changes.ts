import type { ChangeList, ChangeSummary } from '../api/answers.ts';
import { describeRef } from '../domain/object-ref.ts';
import type { Options } from '../options.ts';
import { type Asker, createAsker, findObject } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

const PAGE_MAX = 1_000;
/** Fields named on a line; a diff names them all. */
const PATHS_SHOWN = 4;

/** What happened to one object, newest first. */
export async function runHistory(options: Options, object: string, terminal: Terminal): Promise<number> {
  const asker = createAsker(options, terminal);
  const { path } = await findObject(asker, options, object);
  for await (const change of pages(asker, `${path}/history`, {}, options.limit, terminal))
    print(change, options, terminal, false);
  return 0;
}

/** Changes that fit a filter (docs/queries.md), newest first. */
export async function runChanges(options: Options, filter: string, terminal: Terminal): Promise<number> {
  const asker = createAsker(options, terminal);
  const query = { q: filter, cluster: options.cluster };
  for await (const change of pages(asker, '/v1/changes', query, options.limit, terminal)) print(change, options, terminal, true);
  return 0;
}

async function* pages(
  asker: Asker,
  path: string,
  query: Record<string, string | undefined>,
  limit: number,
  terminal: Terminal,
): AsyncGenerator<ChangeSummary> {
  let position: string | undefined;
  let found = false;
  for (let left = limit; left > 0; ) {
    const page = await asker.get<ChangeList>(path, { ...query, limit: String(Math.min(left, PAGE_MAX)), continue: position });
    yield* page.items;
    found ||= page.items.length > 0;
    left -= page.items.length;
    const { stopped, damaged } = page.metadata;
    if (damaged !== undefined)
      terminal.note(`crowsnest: ${damaged} changes are left out that are lost to damage; see crowsnest db check\n`);
    position = page.metadata.continue;
    if (position === undefined) {
      if (!found) terminal.note('crowsnest: no recorded change fits\n');
      return;
    }
    if (stopped?.through !== undefined && terminal.isInteractive) terminal.note(`searched back to ${stopped.through} …\n`);
  }
  terminal.note(`crowsnest: there are more; --limit shows them\n`);
}

function print(change: ChangeSummary, options: Options, terminal: Terminal, withObject: boolean): void {
  if (options.json) {
    terminal.out(`${JSON.stringify(change)}\n`);
    return;
  }
  const { seq, time, type, actor, ref, paths } = change;
  const more = paths.length > PATHS_SHOWN ? ` and ${paths.length - PATHS_SHOWN} more` : '';
  const object = withObject ? [describeRef(ref)] : [];
  const columns = [String(seq), time, type, actor.name, ...object, `${paths.slice(0, PATHS_SHOWN).join(' ')}${more}`];
  terminal.out(`${columns.map(printable).join('  ').trimEnd()}\n`);
}
