import type { BaselineList } from '../api/answers.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { createAsker, findObject } from './ask-api.ts';
import { printable } from './printable.ts';
import type { Terminal } from './terminal.ts';

type Baseline = BaselineList['items'][number];

/** What the model holds for usual of an object, a kind or an actor. */
export async function runModelExplain(options: Options, subject: string, terminal: Terminal): Promise<number> {
  const asker = createAsker(options, terminal);
  const { items } = await asker.get<BaselineList>('/v1/model/explain', await queryOf(subject));
  terminal.out(options.json ? items.map((item) => `${JSON.stringify(item)}\n`).join('') : items.map(words).join('\n'));
  return 0;

  async function queryOf(text: string): Promise<Record<string, string | undefined>> {
    const { cluster } = options;
    const [, sort, name = ''] = /^(actor|kind):(.*)$/s.exec(text) ?? [];
    if (sort !== undefined && name === '') {
      const todo = 'Write actor:NAME, kind:KIND[.GROUP] or KIND[.GROUP]/[NAMESPACE/]NAME.';
      throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what: `"${text}" names nothing`, where: 'command line', todo });
    }
    if (sort === 'actor') return { cluster, actor: name };
    if (sort === 'kind') {
      const dot = name.indexOf('.');
      return dot < 0 ? { cluster, kind: name } : { cluster, kind: name.slice(0, dot), group: name.slice(dot + 1) };
    }
    const { ref } = await findObject(asker, options, text);
    return { cluster: ref.cluster, group: ref.group, kind: ref.kind, namespace: ref.namespace, name: ref.name };
  }
}

function words({ cluster, of, summary, mature, habits }: Baseline): string {
  const lines = [`${title(of)} in ${cluster}`, summary];
  for (const { about, samples, mature: enough, seen } of habits) {
    if (seen === undefined) continue;
    lines.push('', `${TITLES[about]}, of ${samples}${enough ? '' : ' (few yet)'}`);
    const widest = Math.max(...seen.map(({ count }) => String(count).length));
    for (const { name, count } of seen) lines.push(`  ${String(count).padStart(widest)}  ${name}`);
  }
  if (!mature) lines.push('', 'Still learning: the history of this cluster is too short for what is learnt from it to page.');
  return `${lines.map(printable).join('\n')}\n`;
}

const TITLES: Record<Baseline['habits'][number]['about'], string> = {
  actors: 'Who changes it',
  kinds: 'What is changed',
  fields: 'Fields that are replaced',
  hours: 'Hours',
  pace: 'Pace',
  beat: 'Beat',
  company: 'What changes with it',
};

function title(of: Baseline['of']): string {
  if (of.type === 'actor') return `Actor ${of.name}`;
  const kind = of.group === '' ? of.kind : `${of.kind}.${of.group}`;
  return of.type === 'kind' ? `Kind ${kind}` : [kind, of.namespace, of.name].filter((part) => part !== '').join('/');
}
