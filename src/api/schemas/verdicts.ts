/** What people say of findings, and what is drawn for them to say something of. */
import { z } from 'zod';
import { VERDICTS } from '../../domain/verdict.ts';
import { Finding } from './findings.ts';
import { components, count, listOf, pageMetadata, time } from './shared.ts';

const scopeText = z.string().max(1000, 'is longer than 1000 characters').optional();

/** All members that are given must fit. */
export const VerdictScope = z
  .strictObject({
    cluster: z.string().max(1000),
    detector: scopeText,
    group: scopeText,
    kind: scopeText,
    namespace: scopeText,
    name: scopeText,
    actor: scopeText,
    controller: scopeText.describe('Of findings on the series of a controller'),
    path: scopeText.describe('With [*] for every list item'),
  })
  .describe('What it speaks of: all that is given must fit')
  .register(components, { id: 'VerdictScope' });

export const Verdict = z
  .object({
    id: z.string(),
    findingId: z.string(),
    verdict: z.enum(VERDICTS).describe('expected: this sort is fine; wrong: it was a problem indeed'),
    scope: VerdictScope,
    by: z.string().describe('As whoever gave it calls themselves: no proof'),
    why: z.string().optional(),
    given: time,
    expires: time.describe('In event time'),
    withdrawn: z.object({ by: z.string(), time }).optional(),
    hits: z
      .object({
        muted: count.describe('Findings that it kept under the alert level, each of an episode counted'),
        raised: count.describe('Findings that paged because of it'),
        last: time.optional().describe('Event time of the newest; absent where it made no difference yet'),
      })
      .describe('How often it made the difference, so that one that no longer does can be taken back'),
  })
  .register(components, { id: 'Verdict' });

export const WithdrawnVerdict = Verdict.extend({
  already: z.boolean().describe('Somebody, named in `withdrawn`, had taken it back before; nothing was changed'),
}).register(components, { id: 'WithdrawnVerdict' });

export const VerdictAnswer = z
  .object({
    verdict: Verdict,
    stored: z.boolean().describe('False for a preview'),
    preview: z
      .object({
        findings: count.describe('Findings it speaks of'),
        pages: count.describe('Of these, how many paged'),
        muted: count.describe('How many of those would not have'),
        raised: count.describe('How many would have besides'),
        neverMuted: count.describe('In its scope, but muted by no verdict: critical facts, rules, once in a million'),
        examples: z.array(z.object({ id: z.string(), time, summary: z.string() })),
        complete: z.boolean().describe('False where there are more findings than were looked at'),
      })
      .describe('What it would have done in the 30 days before the newest finding'),
  })
  .register(components, { id: 'VerdictAnswer' });

export const ReviewItem = z
  .object({
    cluster: z.string(),
    day: z.iso.date().describe('Of event time, in UTC'),
    slot: z
      .string()
      .describe('highest: the most surprising of the day that did not page; random-1 to random-3: drawn from under the level'),
    level: z.number().describe('The score from which it could have paged'),
    population: count.describe('Findings of the day from under the level, for which all its draws stand'),
    weight: z.number().describe('How many of them this one stands for'),
    finding: Finding,
    answer: Verdict.pick({ id: true, verdict: true, by: true, given: true }).optional().describe('The last verdict that stands'),
  })
  .register(components, { id: 'ReviewItem' });

const Share = z
  .object({ value: z.number(), low: z.number(), high: z.number() })
  .describe('With the bounds of a 95 % interval')
  .register(components, { id: 'Share' });

export const ReviewEstimate = z
  .object({
    cluster: z.string(),
    from: z.iso.date(),
    to: z.iso.date(),
    pages: z
      .object({ all: count, answered: count, wrong: count })
      .describe('Pages of these days, without facts and rules, which need no level'),
    notPaged: z.object({
      all: count.describe('Findings that the drawn ones stand for'),
      sampled: count,
      answered: count,
      gone: count
        .optional()
        .describe(
          'Of those sampled, how many nobody can answer: they went before their day was drawn, to keep to --db-max-bytes',
        ),
      wrong: z.number().optional().describe('Of all of them, about how many would be called wrong'),
    }),
    precision: Share.optional().describe('Of pages, how many were wrong indeed'),
    recall: Share.optional().describe('Of what was wrong indeed, over the level or within a decade under it, how much paged'),
  })
  .describe('Precision and recall are absent until the answers they rest on are there')
  .register(components, { id: 'ReviewEstimate' });

export const Review = z
  .object({ items: z.array(ReviewItem), estimates: z.array(ReviewEstimate), metadata: pageMetadata })
  .register(components, { id: 'Review' });

export const VerdictList = listOf(Verdict, 'VerdictList');
