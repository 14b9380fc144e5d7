/** The network beside the detectors: which are kept, what it is at, and how it stands. */
import { z } from 'zod';
import type { NeuralPort, NeuralVersion, NeuralView } from '../../model/neural/neural-view.ts';
import { wholeNumberParameter } from '../parameters.ts';
import { notFound } from '../problem.ts';
import { type ApiSources, route } from '../route.ts';
import * as schemas from '../schemas/neural.ts';

const version = wholeNumberParameter(1, Number.MAX_SAFE_INTEGER, 'must be a whole number, 1 or more').describe('Its number');

export const getNeural = route({
  path: '/v1/model/neural',
  id: 'getNeural',
  summary: 'The network that is trained beside the detectors: versions, training, and how it compares',
  tag: 'model',
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: schemas.NeuralModel,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle: (_, sources) => modelView(portOf(sources)),
});

export const getNeuralVersion = route({
  path: '/v1/model/neural/{version}',
  id: 'getNeuralVersion',
  summary: 'One network with its weights',
  tag: 'model',
  params: z.strictObject({ version }),
  query: z.strictObject({}),
  response: schemas.NeuralExport,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ params }, sources) {
    const port = portOf(sources);
    const kept = port.view().versions.find(({ id }) => id === params.version);
    const weights = kept === undefined ? undefined : port.weights(kept);
    if (kept === undefined || weights === undefined) throw notFound(`no network ${params.version} is kept`);
    return { version: versionView(kept), weights: Buffer.from(weights).toString('base64') };
  },
});

export const trainNeural = route({
  path: '/v1/model/neural/train',
  id: 'trainNeural',
  summary: 'Trains a network as soon as may be, whether due or not',
  tag: 'model',
  acts: true,
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: schemas.NeuralModel,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle(_, sources) {
    const port = portOf(sources);
    port.trainNow();
    return modelView(port);
  },
});

export const useNeural = route({
  path: '/v1/model/neural/use',
  id: 'useNeural',
  summary: 'Goes back to a network that is kept, or to the newest again',
  tag: 'model',
  acts: true,
  params: z.strictObject({}),
  query: z.strictObject({ version: version.optional().describe('Its number; the newest, also when others come, unless given') }),
  response: schemas.NeuralModel,
  problems: ['REQUEST_INVALID', 'NOT_FOUND'],
  handle({ query }, sources) {
    const port = portOf(sources);
    if (!port.revert(query.version)) throw notFound(`no network ${query.version} is kept`);
    return modelView(port);
  },
});

function modelView(port: NeuralPort): z.input<typeof schemas.NeuralModel> {
  const { current, versions, forecasters, seq, ...rest } = port.view();
  return {
    ...rest,
    forecasters: forecasters.map(forecasterView),
    current: current?.id,
    versions: versions.map(versionView),
    followedSeq: seq,
  };
}

function portOf({ neural }: ApiSources): NeuralPort {
  const port = neural?.();
  if (port === undefined) throw notFound('no network is trained here', 'Start serve with --neural shadow');
  return port;
}

function forecasterView(version: NeuralView['forecasters'][number]): z.input<typeof schemas.ForecasterVersion> {
  const { id, throughMs, seconds, cpuSeconds, backend, windows, series, chosenWithout, chosenWith, inBand, earned } = version;
  const through = new Date(throughMs).toISOString();
  return { ...{ id, through, seconds, cpuSeconds, backend, windows, series, chosenWithout, chosenWith, inBand }, earned };
}

function versionView({ slot: _, throughMs, ...version }: NeuralVersion): z.input<typeof schemas.NeuralVersion> {
  return { ...version, through: new Date(throughMs).toISOString() };
}
