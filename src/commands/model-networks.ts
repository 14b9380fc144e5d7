/** The networks of a running service: what is kept, another training, an older one back, and one taken out as a file. */
import { existsSync, writeFileSync } from 'node:fs';
import type { NeuralExport, NeuralModel } from '../api/answers.ts';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { createAsker } from './ask-api.ts';
import type { Terminal } from './terminal.ts';

const PATH = '/v1/model/neural';

export async function runModelVersions(options: Options, terminal: Terminal): Promise<number> {
  const model = await createAsker(options, terminal).get<NeuralModel>(PATH);
  terminal.out(options.json ? model.versions.map((version) => `${JSON.stringify(version)}\n`).join('') : words(model));
  return 0;
}

export async function runModelTrain(options: Options, terminal: Terminal): Promise<number> {
  await createAsker(options, terminal).post<NeuralModel>(`${PATH}/train`);
  terminal.note('a training begins as soon as may be; crowsnest model versions shows how far it is\n');
  return 0;
}

/** Without a number the newest is used again. */
export async function runModelRevert(options: Options, text: string, terminal: Terminal): Promise<number> {
  const version = text === '' ? undefined : numberOf(text);
  const { current } = await createAsker(options, terminal).post<NeuralModel>(`${PATH}/use`, { version });
  terminal.note(current === undefined ? 'there is no network yet\n' : `network ${current} is in use\n`);
  return 0;
}

export async function runModelExport(options: Options, text: string, terminal: Terminal): Promise<number> {
  const version = numberOf(text);
  const file = options.out ?? `network-${version}.weights`;
  if (existsSync(file)) {
    const todo = 'Give another name with --out';
    throw new CrowsnestError({
      code: 'FILE_EXISTS',
      what: 'the file is there already and is not overwritten',
      where: file,
      todo,
    });
  }
  const { weights } = await createAsker(options, terminal).get<NeuralExport>(`${PATH}/${version}`);
  const bytes = Buffer.from(weights, 'base64');
  try {
    writeFileSync(file, bytes, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const todo = 'Give a place that can be written with --out';
    throw new CrowsnestError({ code: 'STREAM_UNWRITABLE', what: 'the file cannot be written', where: file, todo, cause });
  }
  terminal.note(`network ${version}: ${bytes.length} bytes in ${file}\n`);
  return 0;
}

function numberOf(text: string): string {
  if (/^[1-9]\d{0,8}$/.test(text)) return text;
  const todo = 'Give a number that crowsnest model versions lists';
  throw new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `"${text}" is no number of a network`,
    where: 'command line',
    todo,
  });
}

function words({ versions, current, pinned, progress, standing, comparison, promoted }: NeuralModel): string {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const rows = versions.map(
    ({ id, through, trainedOn, seconds, backend, toldByNetwork, toldByPairs }) =>
      `${id === current ? '*' : ' '} ${String(id).padStart(4)}  ${through}  ${String(trainedOn).padStart(7)}  ${seconds.toFixed(1).padStart(7)} s  ${backend.padEnd(6)}  ${percent(toldByNetwork).padStart(5)}  ${percent(toldByPairs).padStart(5)}`,
  );
  const head = '     no  through                    changes       took  on       told  pairs';
  const { judged, both, formsOnly, networkOnly } = comparison;
  return [
    ...(rows.length === 0 ? ['no network was trained yet'] : [head, ...rows]),
    ...(pinned === undefined ? [] : [`network ${pinned} was gone back to; crowsnest model revert takes the newest again`]),
    progress.state === 'training' ? `training, ${percent(progress.share)}` : progress.state,
    `of ${judged} changes stood out to both ${both}, to the detectors alone ${formsOnly}, to the network alone ${networkOnly}`,
    promoted ? 'it adds findings' : `in the shadow: ${standing.why}`,
    '',
  ].join('\n');
}
