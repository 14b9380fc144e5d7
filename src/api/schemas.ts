/**
 * What the API answers, as zod schemas: the OpenAPI document, the types the page is written against and the shapes the views
 * must return all come from here. Each schema with an id becomes one entry under components/schemas.
 */
import { z } from 'zod';
import { ACTOR_SOURCES } from '../domain/change.ts';
import { ERROR_CODES } from '../domain/errors.ts';
import { SEVERITIES } from '../domain/finding.ts';
import { GAP_REASONS } from '../domain/gap.ts';
import { MASK_REASONS } from '../domain/secret-text.ts';
import { VERDICTS } from '../domain/verdict.ts';

export const components = z.registry<{ id: string }>();

const time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds');
/** Any JSON value, as it stands in the custom resource after masking. */
const json = z.unknown().describe('Any JSON value, masked');
const state = z.record(z.string(), z.unknown()).describe('A custom resource without managedFields, secrets masked');
const count = z.int().min(0);
export const CHANGE_TYPES = ['ADDED', 'MODIFIED', 'DELETED'] as const;

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
        muted: count.describe('Findings that would have paged without it'),
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
      wrong: z.number().optional().describe('Of all of them, about how many would be called wrong'),
    }),
    precision: Share.optional().describe('Of pages, how many were wrong indeed'),
    recall: Share.optional().describe('Of what was wrong indeed, over the level or within a decade under it, how much paged'),
  })
  .describe('Precision and recall are absent until the answers they rest on are there')
  .register(components, { id: 'ReviewEstimate' });

export const Review = z
  .object({ items: z.array(ReviewItem), estimates: z.array(ReviewEstimate), metadata: z.object({}) })
  .register(components, { id: 'Review' });

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
  .object({ ref: ObjectRef, seq: z.int().optional(), at: time.optional(), state })
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
      .array(z.object({ seq: z.int(), type: z.enum(CHANGE_TYPES), time, actor: Actor, own: z.boolean() }))
      .describe('Each change that is named, newest first'),
  })
  .register(components, { id: 'Blame' });

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

export const Stats = z
  .object({
    version: z.string(),
    now: time,
    first: time.optional().describe('Event time of the first recorded change'),
    last: time.optional().describe('Event time of the newest recorded change; old for a replayed stream'),
    changes: count,
    objects: count,
    heartbeats: count,
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

function listOf<T extends z.ZodType>(item: T, id: string) {
  return z
    .object({ items: z.array(item), metadata: z.object({ continue: z.string().optional().describe('Absent on the last page') }) })
    .register(components, { id });
}

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
    }),
  })
  .register(components, { id: 'ChangeList' });
export const FindingList = listOf(Finding, 'FindingList');
export const ObjectList = listOf(ObjectSummary, 'ObjectList');
export const KubeEventList = listOf(KubeEvent, 'KubeEventList');
export const ControllerList = listOf(Controller, 'ControllerList');
export const VerdictList = listOf(Verdict, 'VerdictList');
export const BaselineList = listOf(Baseline, 'BaselineList');
export const MaskedPlaceList = listOf(MaskedPlace, 'MaskedPlaceList');
export const SeriesList = listOf(Series, 'SeriesList');
export const SeriesSteps = z
  .object({
    items: z.array(SeriesOfSteps),
    step: z.number().describe('Seconds; longer than asked for where only rollups reach back so far'),
    tier: z.enum(['raw', '5m', '1h']).describe('What it was read from; what is not rolled up yet is read from finer tiers'),
    metadata: z.object({}),
  })
  .register(components, { id: 'SeriesSteps' });
export const GapList = listOf(Gap, 'GapList');
export const CoverageList = z
  .object({
    items: z.array(Coverage),
    clusters: z.array(Cluster).describe('Whether each cluster can be asked what it serves'),
    sources: z.array(Source).describe('Message brokers and polled lists, and whether they are reached'),
    metadata: z.object({}),
  })
  .register(components, { id: 'CoverageList' });
