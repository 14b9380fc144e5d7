/** What was found, and why. */
import { z } from 'zod';
import { SEVERITIES } from '../../domain/finding.ts';
import { Actor, GitopsOrigin, ObjectRef } from './changes.ts';
import { CHANGE_TYPES, components, count, json, listOf, time } from './shared.ts';

export const Reason = z
  .object({
    detector: z.string(),
    sentence: z.string(),
    bits: z.number().describe('-log10 of the calibrated tail probability'),
    path: z.string().optional(),
    observed: json.optional(),
    usual: json.optional(),
    samples: z.number().optional().describe('How many past cases the statement rests on'),
    scope: z.string().optional().describe('The level of habit that decided'),
    counterfactual: z.string().optional().describe('What would not have been flagged'),
  })
  .register(components, { id: 'Reason' });

const Subject = z
  .discriminatedUnion('type', [
    z.object({
      type: z.literal('change'),
      seq: z.int(),
      resourceVersion: z.string(),
      changeType: z.enum(CHANGE_TYPES),
      ref: ObjectRef,
      uid: z.string(),
    }),
    z.object({
      type: z.literal('silence'),
      ref: z.object({
        cluster: z.string(),
        kind: z.string(),
        group: z.string().optional(),
        version: z.string().optional(),
        namespace: z.string().optional(),
        name: z.string().optional(),
      }),
      actor: z.string().optional(),
    }),
    z.object({ type: z.literal('series'), ref: ObjectRef, controller: z.string(), metric: z.string() }),
  ])
  .register(components, { id: 'FindingSubject' });

export const Moved = z
  .object({
    fields: z.array(z.object({ path: z.string(), from: z.string().optional(), to: z.string().optional() })),
    more: count.describe('Further fields that moved'),
  })
  .describe('What the change did, as text to be read; of changes to objects that were there before')
  .register(components, { id: 'Moved' });

export const Finding = z
  .object({
    id: z.string(),
    time,
    cluster: z.string(),
    subject: Subject,
    summary: z.string(),
    actor: Actor.describe('As known now; the judgement rests on what was known then'),
    candidates: z.array(Actor).optional().describe('Of the change judged, likeliest first'),
    gitops: GitopsOrigin.optional(),
    moved: Moved.optional(),
    score: z.number().describe('Combined -log10 tail probability'),
    onceIn: z.number().describe('Expected once in this many judged events'),
    detector: z.string(),
    reasons: z.array(Reason).describe('Strongest first'),
    mature: z.boolean().describe('False while the habits it rests on are still being learnt'),
    deterministic: z.boolean(),
    severity: z.enum(SEVERITIES),
    decision: z.object({
      verdict: z.enum(['page', 'record']),
      why: z.string(),
      heard: z.string().optional().describe('The verdict of a person that made the difference'),
    }),
    episode: z.string().describe('Findings of one episode share it'),
    examples: z
      .array(z.object({ seq: z.int(), time, actor: z.string() }))
      .optional()
      .describe(
        'Earlier changes of the object that show what is usual: of the same field, or by whoever usually makes them; newest first',
      ),
  })
  .register(components, { id: 'Finding' });

export const FindingList = listOf(Finding, 'FindingList');
