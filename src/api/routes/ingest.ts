/** What may be pushed: CloudEvents, audit events, admission reviews and signed webhooks. Who may push is decided before (serve-push.ts), what it means after (src/collector). */
import { z } from 'zod';
import type { PushOutcome, PushSender } from '../../collector/pushed/push-receiver.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { IngestError } from '../problem.ts';
import { type ApiSources, type Pushed, route } from '../route.ts';
import * as schemas from '../schemas/service.ts';

const MIB = 1024 * 1024;
const EVENT_BYTES_MAX = 8 * MIB;
/** An API server sends up to 400 events at once, each with the object where its policy says so. */
const AUDIT_BYTES_MAX = 64 * MIB;
const REVIEW_BYTES_MAX = 8 * MIB;
const REJECTED_SHOWN = 100;
const PROBLEMS: ErrorCode[] = [
  ...(['INGEST_INVALID', 'UNAUTHENTICATED', 'INGEST_FORBIDDEN', 'INGEST_SLOW', 'INGEST_TOO_LARGE'] as const),
  ...(['INGEST_UNSUPPORTED', 'RATE_LIMITED', 'INGEST_BUSY'] as const),
];

const event = z.record(z.string(), z.unknown()).describe('A CloudEvent 1.0 in JSON format');
const STRUCTURED = { schema: event, description: 'One event' };
const BATCH = { schema: z.array(event), description: 'Up to 10,000 events' };
const LINES = { schema: z.string(), description: 'Lines of the stream format (docs/stream-format.md)' };

export const pushEvents = route({
  path: '/v1/ingest/events',
  id: 'pushEvents',
  summary: 'Push changes as CloudEvents: binary, structured or batch',
  description:
    'Types taken: dev.knative.apiserver.resource.{add,update,delete}, dev.knative.apiserver.ref.{add,update,delete} (counted only) and ' +
    'dev.crowsnest.cr.{created,updated,deleted}.v1. Idempotent by source and id. An answer of 200 means that it is durable.',
  tag: 'ingest',
  params: z.strictObject({}),
  query: z.strictObject({}),
  response: schemas.IngestAnswer,
  problems: PROBLEMS,
  push: {
    kind: 'events',
    bodies: {
      'application/cloudevents+json': STRUCTURED,
      'application/cloudevents-batch+json': BATCH,
      'application/json': { schema: z.unknown(), description: 'The data of a binary event, whose attributes are ce-* headers' },
    },
    bytesMax: EVENT_BYTES_MAX,
  },
  handle: async (input, sources) => {
    const { message, sender, receiver } = received(input.pushed, sources);
    return answer(await receiver.events(message, sender));
  },
});

export const pushAudit = route({
  path: '/v1/ingest/audit',
  id: 'pushAudit',
  summary: "Push audit events: the address for an API server's audit webhook",
  description:
    'Who wrote what, joined with the changes of the cluster that the key speaks for. Requests that led to no state are passed over. Objects in the ' +
    'events are read for their versions and not kept.',
  tag: 'ingest',
  params: z.strictObject({}),
  query: z.looseObject({}).describe('API servers add a timeout'),
  response: schemas.IngestAnswer,
  problems: PROBLEMS,
  push: {
    kind: 'audit',
    bodies: {
      'application/json': {
        schema: z.record(z.string(), z.unknown()),
        description: 'An EventList or Event of audit.k8s.io/v1, or what EKS, GKE or AKS export of them',
      },
    },
    bytesMax: AUDIT_BYTES_MAX,
  },
  handle: async (input, sources) => {
    const { message, sender, receiver } = received(input.pushed, sources);
    return answer(await receiver.audit(message.body, sender));
  },
});

export const pushAdmission = route({
  path: '/v1/ingest/admission',
  id: 'pushAdmission',
  summary: 'Push an AdmissionReview; the answer always allows',
  description: 'Who tries to write what. What never comes to be written is no claim about any change.',
  tag: 'ingest',
  params: z.strictObject({}),
  query: z.looseObject({}),
  response: schemas.AdmissionReview,
  problems: PROBLEMS,
  push: {
    kind: 'admission',
    bodies: {
      'application/json': { schema: z.record(z.string(), z.unknown()), description: 'An AdmissionReview of admission.k8s.io/v1' },
    },
    bytesMax: REVIEW_BYTES_MAX,
  },
  handle: async (input, sources) => {
    const { message, sender, receiver } = received(input.pushed, sources);
    const outcome = await receiver.admission(message.body, sender);
    // A review that we cannot use is counted, and none of the API server's business.
    if (outcome.uid === undefined) return answerNothing(outcome);
    return {
      apiVersion: 'admission.k8s.io/v1' as const,
      kind: 'AdmissionReview' as const,
      response: { uid: outcome.uid, allowed: true as const },
    };
  },
});

export const pushWebhook = route({
  path: '/v1/ingest/webhook/{name}',
  id: 'pushWebhook',
  summary: 'Push changes with a signature instead of a key',
  description:
    'Signed as the Standard Webhooks specification says: HMAC-SHA-256 over id, timestamp and body, with the secret of the ingest key of this name. ' +
    'A timestamp more than five minutes off is refused; an id seen before is a repeat.',
  tag: 'ingest',
  params: z.strictObject({ name: z.string().min(1).max(100).describe('Name of the ingest key that signs') }),
  query: z.strictObject({}),
  response: schemas.IngestAnswer,
  problems: PROBLEMS,
  push: {
    kind: 'webhook',
    bodies: {
      'application/cloudevents+json': STRUCTURED,
      'application/cloudevents-batch+json': BATCH,
      'application/x-ndjson': LINES,
      'application/json': { ...LINES, description: 'One line of the stream format' },
    },
    bytesMax: EVENT_BYTES_MAX,
    signature: z.object({
      'webhook-id': z.string().min(1).max(256).describe('Names the message; the same again is a repeat'),
      'webhook-timestamp': z
        .string()
        .regex(/^\d{1,12}$/, 'must be seconds since the epoch')
        .describe('Seconds since the epoch'),
      'webhook-signature': z.string().min(1).max(2048).describe('v1,<Base64>; several separated by blanks'),
    }),
  },
  handle: async (input, sources) => {
    const { message, sender, receiver } = received(input.pushed, sources);
    return answer(await receiver.signed(message, sender, message.headers['webhook-id'] ?? ''));
  },
});

function received(pushed: Pushed | undefined, { receiver }: ApiSources) {
  if (pushed === undefined || receiver === undefined) throw new IngestError('UNAUTHENTICATED', 'key', 'Nothing was pushed');
  const sender: PushSender = { name: pushed.key.name, cluster: pushed.key.cluster };
  return { message: { headers: pushed.headers, body: pushed.body }, sender, receiver };
}

function answerNothing({ faults }: PushOutcome): never {
  const first = faults[0] ?? { reason: 'admission' as const, what: 'the review has no uid' };
  throw new IngestError(
    'INGEST_INVALID',
    first.reason,
    sentence(first.what),
    'Correct it and send it again.',
    faults.slice(0, 1),
  );
}

/** A push of which nothing could be taken is a mistake of its sender; otherwise it is told which parts were not. */
function answer({ accepted, repeated, references, skipped, faults, faultsUnlisted }: PushOutcome) {
  const shown = faults.slice(0, REJECTED_SHOWN);
  const rejectedCount = faults.length + faultsUnlisted;
  const first = shown[0];
  if (first !== undefined && accepted + repeated + references + skipped === 0) {
    const more = rejectedCount > 1 ? ` (and ${rejectedCount - 1} more)` : '';
    throw new IngestError(
      'INGEST_INVALID',
      first.reason,
      `${sentence(first.what)}${more}`,
      'Correct it and send it again.',
      shown,
    );
  }
  const rejected = shown.map(({ index, reason, what }) => ({ index, reason, detail: what }));
  return { accepted, repeated, references, skipped, rejected, rejectedCount };
}

function sentence(what: string): string {
  return `${what.charAt(0).toUpperCase()}${what.slice(1)}`;
}
