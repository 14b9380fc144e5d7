/** What is seen, and what is not. */
import { z } from 'zod';
import { GAP_REASONS } from '../../domain/gap.ts';
import { MASK_REASONS } from '../../domain/masking/secret-text.ts';
import { components, count, listOf, time } from './shared.ts';

export const Coverage = z
  .object({
    cluster: z.string(),
    group: z.string(),
    version: z.string(),
    kind: z.string(),
    plural: z.string(),
    namespaced: z.boolean(),
    state: z.enum(['listing', 'watched', 'stale', 'forbidden', 'broken', 'gone', 'excluded']),
    since: time.describe('Since when it is in this state'),
    reason: z.string().optional().describe('Why it is not watched, with the RBAC rule to add when forbidden'),
    metadataOnly: z.boolean().optional().describe('Only its metadata is read'),
    labelSelector: z.string().optional().describe('Only objects that fit are followed'),
    fieldSelector: z.string().optional(),
    everWatched: z.boolean().describe('It was seen whole once, so that being forbidden now is news'),
    objects: count,
    lastEvent: time.optional(),
    lastBookmark: time.optional(),
    lagSeconds: z.number().min(0).optional().describe('Time since the last proof that it is still followed'),
    relists: count,
    epoch: z
      .int()
      .min(1)
      .optional()
      .describe('Counts the histories of resourceVersions: a restore from a backup begins a new one'),
    gaps: count.optional().describe('Stretches of history lost since the start of the process; see /v1/gaps'),
    lastGap: time.optional(),
    missed: count.optional().describe('Objects the watch did not tell of, found by the consistency relist since the start'),
    lastCheck: time.optional().describe('When the consistency relist last compared all objects'),
  })
  .register(components, { id: 'Coverage' });

export const Gap = z
  .object({
    cluster: z.string(),
    group: z.string(),
    kind: z.string(),
    namespace: z.string(),
    name: z.string().describe('Empty for a gap of the whole kind, which stands for those of its objects'),
    reason: z.enum(GAP_REASONS),
    fromVersion: z.string().optional().describe('Last resourceVersion before it; absent for an object that was not there'),
    toVersion: z.string().optional().describe('First resourceVersion after it; absent for an object that is gone'),
    from: time.optional().describe('When it was last certain that nothing was missing'),
    to: time,
    objects: count.describe('Objects that moved meanwhile'),
    generationsSkipped: count.describe('Changes of spec that nobody saw, at least'),
  })
  .register(components, { id: 'Gap' });

export const Canary = z
  .object({
    state: z.enum(['waiting', 'seen', 'missing']),
    since: time,
    reason: z.string().optional().describe('Why it is missing'),
    lastSeen: time.optional(),
    latencySeconds: z.number().min(0).optional().describe('From the last write of it to the record'),
  })
  .register(components, { id: 'Canary' });

export const Cluster = z
  .object({
    cluster: z.string(),
    state: z.enum(['connecting', 'reached', 'unreachable']),
    since: time,
    reason: z.string().optional().describe('Why it is not reached'),
    canary: Canary.optional().describe('Our own object that proves the way through a watch, where --allow canary is given'),
  })
  .register(components, { id: 'Cluster' });

export const Source = z
  .object({
    name: z.string(),
    cluster: z.string().describe('The cluster its changes are of'),
    state: z.enum(['connecting', 'reached', 'unreachable']),
    since: time,
    reason: z.string().optional().describe('Why it is not reached'),
  })
  .register(components, { id: 'Source' });

export const MaskReason = z
  .enum(MASK_REASONS)
  .describe('Why it was taken for a secret: its schema, its name, what stands beside it, or what it looks like');

export const MaskedPlace = z
  .object({
    cluster: z.string(),
    group: z.string(),
    kind: z.string(),
    path: z.string().describe('List items are [*]; … stands for all places of the kind beyond the first 200'),
    reason: MaskReason,
    count: z.int().describe('How often a value here was masked; what does not change is not looked at again'),
    first: time,
    last: time,
  })
  .register(components, { id: 'MaskedPlace' });

export const MaskedPlaceList = listOf(MaskedPlace, 'MaskedPlaceList');

export const GapList = listOf(Gap, 'GapList');

export const CoverageList = z
  .object({
    items: z.array(Coverage),
    clusters: z.array(Cluster).describe('Whether each cluster can be asked what it serves'),
    sources: z.array(Source).describe('Message brokers and polled lists, and whether they are reached'),
    metadata: z.object({}),
  })
  .register(components, { id: 'CoverageList' });
