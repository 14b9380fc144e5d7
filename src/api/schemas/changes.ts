/** Objects, their changes and what is asked of their history. */
import { z } from 'zod';
import { ACTOR_SOURCES } from '../../domain/change.ts';
import { CHANGE_TYPES, components, count, json, listOf, state, time } from './shared.ts';

export const ObjectRef = z
  .object({
    cluster: z.string(),
    group: z.string().describe('Empty for the core group'),
    version: z.string(),
    kind: z.string(),
    namespace: z.string().describe('Empty for cluster-scoped objects'),
    name: z.string(),
  })
  .register(components, { id: 'ObjectRef' });

export const Actor = z
  .object({
    name: z.string().describe("'unknown' where no source says"),
    source: z
      .enum(ACTOR_SOURCES)
      .describe('admission and audit: as the API server authenticated it; managedFields: chosen by the client'),
    confidence: z.number().min(0).max(1),
    operation: z.string().optional(),
    impersonatedBy: z.string().optional().describe('The authenticated user who acted as `name`'),
    fieldManager: z.string().optional(),
  })
  .register(components, { id: 'Actor' });

export const Evidence = z
  .object({
    source: z.enum(['admission', 'audit', 'pushed']),
    id: z.string().describe("request.uid of the review, auditID of the event, or the pushed claim's id"),
    time,
    match: z.enum(['version', 'late', 'content', 'deletion', 'time']).describe('How it was found to speak of this change'),
    user: z.object({
      name: z.string(),
      groups: z.array(z.string()).optional(),
      impersonatedBy: z.string().optional(),
      userAgent: z.string().optional().describe('Chosen by the client'),
      sourceIPs: z.array(z.string()).optional().describe('All but the last can be forged by the client'),
      fieldManager: z.string().optional(),
    }),
  })
  .register(components, { id: 'Evidence' });

export const GitopsOrigin = z
  .object({
    tool: z.enum(['flux', 'argocd', 'helm']),
    source: z.string().describe('What applies the object, e.g. Kustomization flux-system/apps'),
    revision: z.string().optional().describe('What was applied last by then, where the applier is watched or the object tells'),
    byTool: z.boolean().describe('False: somebody else wrote an object that the tool keeps, so it may put its own state back'),
  })
  .register(components, { id: 'GitopsOrigin' })
  .describe('Where the object is kept in git or a chart, by its labels and annotations');

export const FieldDiff = z
  .object({
    op: z.enum(['add', 'set', 'remove']),
    path: z.string().describe('RFC 6901 escapes; list items as [key=value] or [index]'),
    generic: z.string().describe('The path with every list item as [*]'),
    old: json.optional(),
    new: json.optional(),
  })
  .register(components, { id: 'FieldDiff' });

const changeFields = {
  seq: z.int().min(1).describe('Position in the change log'),
  ref: ObjectRef,
  uid: z.string(),
  type: z.enum(CHANGE_TYPES),
  origin: z.enum(['watch', 'list', 'relist', 'replay', 'push']),
  time,
  resourceVersion: z.string(),
  generation: z.number().optional(),
  actor: Actor,
  own: z.boolean().describe('Made by Crowsnest itself: recorded, never judged'),
};

export const ChangeSummary = z
  .object({
    ...changeFields,
    paths: z.array(z.string()).describe('Generic paths touched; empty for ADDED and DELETED'),
    checkpoint: z
      .literal(true)
      .optional()
      .describe('Stands for the changes of its object since the one listed before it, which are no longer kept'),
  })
  .register(components, { id: 'ChangeSummary' });

export const Change = z
  .object({
    ...changeFields,
    candidates: z.array(Actor).describe('Who it may have been, likeliest first'),
    evidence: z.array(Evidence).describe('What admission, audit or a push said about who made it'),
    gitops: GitopsOrigin.optional(),
    diff: z.array(FieldDiff),
    before: state.optional().describe('With states=both, unless the object is new'),
    after: state.optional().describe('With states=after or states=both; for DELETED the last state'),
  })
  .register(components, { id: 'Change' });

export const ObjectSummary = z
  .object({
    ref: ObjectRef,
    uid: z.string(),
    resourceVersion: z.string(),
    generation: z.number().optional(),
    seq: z.int().describe('The newest change of it'),
    deleted: z.boolean(),
    changes: count,
    heartbeats: count.describe('Updates that changed nothing but bookkeeping'),
    first: time,
    last: time,
  })
  .register(components, { id: 'ObjectSummary' });

export const ObjectState = z
  .object({
    ref: ObjectRef,
    seq: z.int().optional().describe('The change that led to it'),
    at: time.optional(),
    state,
    manifest: z
      .object({
        yaml: z
          .string()
          .describe(
            '`@MASKED` stands for what was masked: no YAML parser takes that, so kubectl refuses the file until it is put in; `@ROUNDED` stands before whole numbers beyond 2^53 that were recorded before format 18, which may have been others',
          ),
        masked: z.array(z.string()).describe('JSON pointers to what has to be put in'),
        rounded: z.array(z.string()).describe('JSON pointers to whole numbers that may be rounded, to be put right'),
        leftOut: z.array(z.string()).describe('JSON pointers to what was recorded and is not in the file'),
      })
      .optional()
      .describe('With manifest=true'),
  })
  .register(components, {
    id: 'ObjectState',
  });

const structuralChange = {
  op: z.enum(['add', 'remove', 'set', 'move']).describe('move: an item of a list that changed its place, and maybe more'),
  pointer: z.string().describe('JSON pointer into the state after; of what was removed, into the state before'),
  from: z.string().optional().describe('Of what moved: JSON pointer into the state before'),
  path: z.string().describe('The same place with list items as [key=value] where keys tell them apart, else [index]'),
  old: json.optional(),
  new: json.optional(),
};

export const StructuralChange = z
  .object({
    ...structuralChange,
    document: z
      .object({ format: z.enum(['json', 'yaml']), changes: z.array(z.object(structuralChange)) })
      .optional()
      .describe('Both values are text that holds a document: what changed within it'),
  })
  .register(components, { id: 'StructuralChange' });

export const ObjectDiff = z
  .object({
    ref: ObjectRef,
    from: z.int().describe('The change that led to the state before'),
    to: z.int().describe('The change that led to the state after'),
    changes: z
      .array(StructuralChange)
      .describe('Whole subtrees come and go as one entry; from the state before they give the one after'),
    noise: count.describe('Differences left out: bookkeeping of the API server, renewed times of a last look'),
    text: z.string().optional().describe('With text=true: as diff -u of YAML writes it'),
    diff: z.array(FieldDiff).describe('Leaf by leaf, as in a change'),
  })
  .register(components, { id: 'ObjectDiff' });

export const BlamedField = z
  .object({
    path: z.string().describe('A leaf: RFC 6901 escapes; list items as [key=value] or [index]'),
    value: json,
    seq: z.int().optional().describe('The change that gave it this value'),
    gone: z
      .literal(true)
      .optional()
      .describe(
        'That change is no longer kept: when it was and who made it is not known any more, and `changes` does not have it',
      ),
    notAfter: z
      .int()
      .optional()
      .describe(
        'In place of seq: set by this change or an earlier one. The time for looking ended there, or what is kept of the history',
      ),
  })
  .register(components, { id: 'BlamedField' });

export const Blame = z
  .object({
    ref: ObjectRef,
    seq: z.int().describe('The change that led to the state that is blamed'),
    fields: z.array(BlamedField).describe('By path, without bookkeeping'),
    changes: z
      .array(
        z.object({
          seq: z.int(),
          previous: z.int().optional().describe("The object's change before it, as far as it is kept"),
          ...{ type: z.enum(CHANGE_TYPES), time, actor: Actor, own: z.boolean() },
        }),
      )
      .describe('Each change that is named, newest first'),
  })
  .register(components, { id: 'Blame' });

export const KubeEvent = z
  .object({
    uid: z.string().describe("The Event's own"),
    ref: ObjectRef,
    objectUid: z.string().describe('Empty where the Event does not say'),
    type: z.string().describe('Normal or Warning, as a rule'),
    reason: z.string(),
    action: z.string(),
    note: z.string().describe('Masked, at most 1,024 characters'),
    reportedBy: z.string().describe('The controller or component, as it calls itself: no proof'),
    first: time,
    last: time,
    count: z.int().min(1).describe('How often it happened'),
  })
  .register(components, { id: 'KubeEvent' });

export const ObjectStateList = listOf(ObjectState, 'ObjectStateList');

export const ChangeList = z
  .object({
    items: z.array(ChangeSummary),
    metadata: z.object({
      continue: z.string().optional().describe('Absent on the last page'),
      stopped: z
        .object({ reason: z.literal('time'), through: time.optional() })
        .optional()
        .describe('The search used up its time before the page was full: go on with `continue`. It got as far back as `through`'),
      damaged: count
        .optional()
        .describe('So many of the changes looked at are left out: they are lost to damage on disk, see `crowsnest db check`'),
    }),
  })
  .register(components, { id: 'ChangeList' });

export const ObjectList = listOf(ObjectSummary, 'ObjectList');

export const KubeEventList = listOf(KubeEvent, 'KubeEventList');
