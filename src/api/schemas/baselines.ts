/** What is usual. */
import { z } from 'zod';
import { components, count, listOf } from './shared.ts';

const BaselineSubject = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('object'),
    group: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string(),
  }),
  z.object({ type: z.literal('kind'), group: z.string(), kind: z.string() }),
  z.object({ type: z.literal('actor'), name: z.string() }),
]);

const Habit = z
  .object({
    about: z.enum(['actors', 'kinds', 'fields', 'hours', 'pace', 'beat', 'company']),
    sentence: z.string(),
    samples: count.describe('How many past cases it rests on'),
    mature: z.boolean().describe('False where those are too few'),
    seen: z
      .array(z.object({ name: z.string(), count }))
      .optional()
      .describe('What was seen how often, most first'),
  })
  .register(components, { id: 'Habit' });

export const Baseline = z
  .object({
    cluster: z.string(),
    of: BaselineSubject,
    summary: z.string().describe('The habits in one sentence'),
    mature: z.boolean().describe("False while the cluster's history is too short for what is learnt to page"),
    habits: z.array(Habit),
  })
  .register(components, { id: 'Baseline' });

export const BaselineList = listOf(Baseline, 'BaselineList');
