/** What the API tells of the network beside the detectors. */
import { z } from 'zod';
import { components, count } from './shared.ts';

const share = z.number().min(0).max(1);

export const NeuralVersion = z
  .object({
    id: z.int().min(1).describe('Never given twice'),
    through: z.iso.datetime().describe('Time of the last change it rests on'),
    throughSeq: z.int().describe('That change: later ones are scored with it'),
    seed: z.int(),
    backend: z.enum(['wasm', 'native']),
    seconds: z.number().describe('How long its training took'),
    cpuSeconds: z.number().describe('CPU of the thread for it'),
    bytes: count,
    trainedOn: count.describe('Changes it was trained on'),
    loss: z.number().describe('Nats for each feature at the end'),
    measured: count.describe('Later changes that it was measured on'),
    planted: count.describe('Made-up combinations among them'),
    toldByNetwork: share.describe('Share of the made-up ones told at one false alarm in 100'),
    toldByPairs: share.describe('The same by pairs of features alone'),
  })
  .register(components, { id: 'NeuralVersion' });

export const ForecasterVersion = z
  .object({
    id: z.int().min(1),
    through: z.iso.datetime(),
    seconds: z.number(),
    cpuSeconds: z.number(),
    backend: z.enum(['wasm', 'native']),
    windows: count.describe('Stretches of series it was trained on'),
    series: count.describe('Series whose later part it was measured on'),
    chosenWithout: z
      .number()
      .nullable()
      .describe(
        'Mean absolute error of the closed form that erred least so far, that of the last value being 1; null where nothing was measured',
      ),
    chosenWith: z.number().nullable().describe('The same with the network in the choice'),
    inBand: share.describe('Share of values within the band of 80 %'),
    earned: z.boolean().describe('Whether it competes: with it the error was 3 % less'),
  })
  .register(components, { id: 'ForecasterVersion' });

export const NeuralModel = z
  .object({
    mode: z.enum(['shadow', 'auto']),
    promoted: z.boolean().describe('True where it may add findings; false in the shadow, where it changes none'),
    current: z.int().optional().describe('The network in use; absent before the first'),
    pinned: z.int().optional().describe('The one that was gone back to by hand'),
    versions: z.array(NeuralVersion).describe('Oldest first'),
    forecasters: z.array(ForecasterVersion).describe('Networks that forecast series, oldest first'),
    progress: z.object({ state: z.enum(['idle', 'reading', 'training', 'scoring']), share }),
    running: z.boolean().describe('Whether its thread runs'),
    followedSeq: z.int().describe('The last change that it followed'),
    standing: z
      .object({
        earned: z.boolean(),
        why: z.string(),
        confirmed: count.describe('Findings confirmed by people that it was measured with'),
        precisionWithout: share.describe('Average precision of what was confirmed, by the score without the network'),
        precisionWith: share.describe('The same with its say'),
      })
      .describe('Whether it has earned a say'),
    comparison: z
      .object({ judged: count, both: count, formsOnly: count, networkOnly: count })
      .describe(
        'Changes that stood out, once in 1,000, to both, to the closed forms alone, to the network alone, of those judged',
      ),
  })
  .register(components, { id: 'NeuralModel' });

export const NeuralExport = z
  .object({ version: NeuralVersion, weights: z.base64().describe('One line of JSON, then float32, see docs/data-format.md') })
  .register(components, { id: 'NeuralExport' });

export const SeriesForecast = z
  .object({
    cluster: z.string(),
    target: z.string(),
    controller: z.string(),
    what: z.enum(['busy-workers', 'queue-depth']),
    limit: z.number().optional().describe('1 for the share of busy workers'),
    at: z.iso.datetime(),
    now: z.number(),
    by: z.string().describe('The forecaster that erred least on this series lately, six hours ahead'),
    ahead: z.array(
      z.object({
        seconds: z.number(),
        median: z.number(),
        low: z.number().optional().describe('One in ten came lower'),
        high: z.number().optional().describe('One in ten came higher'),
      }),
    ),
    full: z
      .object({
        seconds: z.number().optional().describe('Absent where the median does not get there within six hours'),
        earliestSeconds: z.number(),
        latestSeconds: z.number().optional(),
      })
      .optional()
      .describe('When the limit is reached at this rate; absent where not even the upper edge of the band gets there'),
  })
  .register(components, { id: 'SeriesForecast' });

export const ForecastList = z
  .object({ items: z.array(SeriesForecast), metadata: z.object({}) })
  .register(components, { id: 'ForecastList' });
