/** Metric series and the controllers they tell of. */
import { z } from 'zod';
import { components, listOf, time } from './shared.ts';

export const Series = z
  .object({
    cluster: z.string(),
    metric: z.string(),
    labels: z.record(z.string(), z.string()),
    samples: z
      .array(z.tuple([time, z.number().nullable()]))
      .describe('[time, value], rising time; null where the value is not a number'),
  })
  .register(components, { id: 'Series' });

export const SeriesOfSteps = z
  .object({
    cluster: z.string(),
    metric: z.string(),
    labels: z.record(z.string(), z.string()),
    points: z
      .array(z.tuple([time, z.number().nullable()]))
      .describe('[beginning of the step, value], rising time; null where the value is not a number'),
  })
  .register(components, { id: 'SeriesOfSteps' });

export const Controller = z
  .object({
    cluster: z.string(),
    controller: z.string().describe('As its metrics name it'),
    kinds: z
      .array(
        z.object({
          group: z.string(),
          kind: z.string(),
          source: z.enum(['declared', 'learnt']),
          confidence: z.number().min(0).max(1),
          evidence: z.array(
            z.object({
              type: z.enum(['declared', 'series', 'name', 'writer', 'time']),
              confidence: z.number().min(0).max(1),
              words: z.string(),
            }),
          ),
        }),
      )
      .describe('The kinds it acts on, surest first'),
    targets: z.array(
      z.object({
        instance: z.string(),
        lastScrape: time,
        up: z.boolean(),
        standby: z.boolean().describe('A replica that waits for the leader to go: it reconciles nothing'),
      }),
    ),
    lastScrape: time,
    state: z.enum(['reconciling', 'standby', 'down']),
    last: z
      .object({ seconds: z.number(), reconciles: z.number(), errors: z.number(), queue: z.number().optional() })
      .optional()
      .describe('What it did between the last two scrapes'),
  })
  .register(components, { id: 'Controller' });

export const ControllerList = listOf(Controller, 'ControllerList');

export const SeriesList = listOf(Series, 'SeriesList');

export const SeriesSteps = z
  .object({
    items: z.array(SeriesOfSteps),
    step: z.number().describe('Seconds; longer than asked for where only rollups reach back so far'),
    tier: z.enum(['raw', '5m', '1h']).describe('What it was read from; what is not rolled up yet is read from finer tiers'),
    metadata: z.object({}),
  })
  .register(components, { id: 'SeriesSteps' });
