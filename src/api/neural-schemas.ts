/** What the API tells of the network beside the detectors. */
import { z } from 'zod';
import { components } from './schemas.ts';

const count = z.int().min(0);
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

export const NeuralModel = z
  .object({
    mode: z.enum(['shadow', 'auto']),
    promoted: z.boolean().describe('True where it may add findings; false in the shadow, where it changes none'),
    current: z.int().optional().describe('The network in use; absent before the first'),
    pinned: z.int().optional().describe('The one that was gone back to by hand'),
    versions: z.array(NeuralVersion).describe('Oldest first'),
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
