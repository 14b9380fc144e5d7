/** What a person says of findings, from the command line. */
import { userInfo } from 'node:os';
import type { Verdict, VerdictAnswer, VerdictList, WithdrawnVerdict } from '../api/answers.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { createAsker } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

export async function runVerdict(
  options: Options,
  { verdict, finding }: { verdict: Verdict['verdict']; finding: string },
  terminal: Terminal,
): Promise<number> {
  const { scope, why, expires, preview } = options;
  const expiresAt = expires === undefined ? undefined : new Date(expires).toISOString();
  const path = `/v1/findings/${encodeURIComponent(finding)}/verdict`;
  const said = { verdict, scope, why, preview, by: nameOf(options), expires: expiresAt };
  const answer = await createAsker(options, terminal).post<VerdictAnswer>(path, {}, said);
  terminal.out(options.json ? `${JSON.stringify(answer)}\n` : words(answer));
  return 0;
}

export async function runVerdictList(options: Options, terminal: Terminal): Promise<number> {
  const { items } = await createAsker(options, terminal).get<VerdictList>('/v1/verdicts');
  if (items.length === 0 && !options.json) terminal.note('nothing was said yet\n');
  for (const item of items) terminal.out(options.json ? `${JSON.stringify(item)}\n` : `${printable(line(item))}\n`);
  return 0;
}

export async function runVerdictUndo(options: Options, id: string, terminal: Terminal): Promise<number> {
  const path = `/v1/verdicts/${encodeURIComponent(id)}/withdraw`;
  const verdict = await createAsker(options, terminal).post<WithdrawnVerdict>(path, {}, { by: nameOf(options) });
  const { already, withdrawn } = verdict;
  if (already) terminal.note(printable(`nothing changed: ${withdrawn?.by} took it back already, at ${withdrawn?.time}\n`));
  terminal.out(`${options.json ? JSON.stringify(verdict) : printable(line(verdict))}\n`);
  return 0;
}

function nameOf({ by }: Options): string {
  if (by !== undefined) return by;
  try {
    return userInfo().username;
  } catch (cause) {
    const what = 'the system knows no name for this user';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: '--by', todo: 'Say who you are with --by NAME.', cause });
  }
}

function words({ verdict, stored, preview }: VerdictAnswer): string {
  const { findings, pages, muted, raised, neverMuted, examples, complete } = preview;
  const effect = verdict.verdict === 'expected' ? `${muted} of them would not have` : `${raised} more would have`;
  const lines = [
    `${stored ? 'stored' : 'not stored'}: ${line(verdict, false)}`,
    `In the last 30 days it speaks of ${complete ? '' : 'at least '}${findings} findings; ${pages} paged, ${effect}.`,
    ...(neverMuted === 0 ? [] : [`${neverMuted} more are never muted: critical facts, rules, once in a million.`]),
    ...examples.map(({ time, summary }) => `  ${time}  ${summary}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function line({ id, verdict, scope, by, why, expires, withdrawn, hits }: Verdict, used = true): string {
  const what = Object.entries(scope).map(([name, value]) => `${name}=${value}`);
  const end = withdrawn === undefined ? `until ${expires.slice(0, 10)}` : `taken back by ${withdrawn.by}`;
  return [
    id,
    verdict,
    what.join(' '),
    `by ${by}`,
    end,
    ...(used ? [effect(hits)] : []),
    ...(why === undefined ? [] : [why]),
  ].join('  ');
}

function effect({ muted, raised, last }: Verdict['hits']): string {
  if (last === undefined) return 'no effect yet';
  const what = [...(muted > 0 ? [`muted ${muted}`] : []), ...(raised > 0 ? [`raised ${raised}`] : [])];
  return `${what.join(', ')}, last ${last.slice(0, 10)}`;
}
