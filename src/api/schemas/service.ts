/** The service itself, and what it answers to pushes and mistakes. */
import { z } from 'zod';
import { ERROR_CODES } from '../../domain/errors.ts';
import { components, count, time } from './shared.ts';

export const Stats = z
  .object({
    version: z.string(),
    now: time,
    first: time.optional().describe('Event time of the first recorded change'),
    last: time.optional().describe('Event time of the newest recorded change; old for a replayed stream'),
    changes: count,
    objects: count,
    heartbeats: count,
    amendments: count.describe('How often evidence that came late told who had made a change'),
    findings: count,
    pages: count,
    rejects: count,
    samples: count,
    bytes: count,
    readOnly: z.boolean().describe('True while the disk takes no writes'),
    maturity: z
      .object({
        changes: count,
        first: time.optional(),
        last: time.optional(),
        detectors: z.record(z.string(), z.object({ mature: z.boolean(), samples: z.number() })),
      })
      .optional(),
    behind: z
      .object({
        phase: z
          .enum(['relearning', 'judging'])
          .describe(
            'Learns again what was judged before, as after an upgrade of the model, or judges what was recorded and not judged',
          ),
        done: count.describe('Changes it went through since the start'),
        all: count.describe('Changes it has to go through'),
      })
      .optional()
      .describe('While the model goes through the record after a start; what is recorded meanwhile is judged after it, in order'),
  })
  .register(components, { id: 'Stats' });

export const Activity = z
  .object({
    from: time,
    to: time,
    stepSeconds: z.int().min(1),
    counts: z.array(count).describe('Changes per step from `from` on'),
    partial: z.boolean().describe('True when changes older than the look-back were not counted'),
  })
  .register(components, { id: 'Activity' });

export const Health = z
  .object({
    status: z.enum(['ok', 'failing']),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })).optional(),
  })
  .register(components, { id: 'Health' });

export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(ERROR_CODES),
    detail: z.string(),
    instance: z.string(),
    request_id: z.string(),
    errors: z
      .array(z.object({ in: z.enum(['query', 'path', 'header', 'body']), name: z.string(), detail: z.string() }))
      .optional()
      .describe('One per parameter, or part of the body, that was wrong'),
    checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })).optional(),
  })
  .register(components, { id: 'Problem' });

export const IngestAnswer = z
  .object({
    accepted: count.describe('New, and durable by the time of this answer'),
    repeated: count.describe('Told before: nothing was recorded now'),
    references: count.describe('Named an object without its content, of which nothing can be recorded'),
    skipped: count.describe('Well-formed, but no write that led to a state: reads, refused requests, dry runs'),
    rejected: z
      .array(z.object({ index: z.int().optional(), reason: z.string(), detail: z.string() }))
      .describe('Which parts were not taken, and why; at most 100'),
    rejectedCount: count,
  })
  .register(components, { id: 'IngestAnswer' });

export const AdmissionReview = z
  .object({
    apiVersion: z.literal('admission.k8s.io/v1'),
    kind: z.literal('AdmissionReview'),
    response: z.object({ uid: z.string(), allowed: z.literal(true).describe('Always: Crowsnest watches and forbids nothing') }),
  })
  .register(components, { id: 'AdmissionReviewResponse' });
