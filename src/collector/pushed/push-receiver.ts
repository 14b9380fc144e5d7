/**
 * What is pushed over HTTP, from a checked sender to the pipeline. Resolves only once it is durable: the answer to the sender is its acknowledgement.
 * Who may send what, from where and how much of it at once is decided in src/api before anything comes here.
 */

import type { Clock } from '../../domain/clock.ts';
import type { Claim } from '../../domain/who/claim.ts';
import type { Reject, Store } from '../../store/store.ts';
import type { Sink } from '../source.ts';
import { readAdmissionReview } from '../who/admission-review.ts';
import { parseAuditExport } from '../who/audit-exports.ts';
import type { RawMessage } from './cloud-event.ts';
import { DeliveryGate } from './delivery-gate.ts';
import type { IngestFault } from './ingest-fault.ts';
import type { IngestMetrics, IngestWay } from './ingest-metrics.ts';
import { type MessageParts, takeApart } from './pushed-message.ts';
import { parseStrictJson } from './strict-json.ts';

/** Whoever holds the key, and the cluster it speaks for. */
export interface PushSender {
  name: string;
  cluster: string;
}

export interface PushOutcome {
  /** New and durable. */
  accepted: number;
  /** Recorded before; nothing was recorded now. */
  repeated: number;
  /** Named an object without content; nothing can be recorded of it. */
  references: number;
  /** Well-formed and of no use: reads, refused requests, dry runs. */
  skipped: number;
  faults: IngestFault[];
  /** Parts that were not taken either, beyond those that `faults` lists. */
  faultsUnlisted: number;
}

export interface PushReceiver {
  events(message: RawMessage, sender: PushSender): Promise<PushOutcome>;
  /** A message whose signature over `messageId` and body was checked. */
  signed(message: RawMessage, sender: PushSender, messageId: string): Promise<PushOutcome>;
  /** An audit.k8s.io EventList, as an API server's audit webhook posts it. */
  audit(body: Buffer, sender: PushSender): Promise<PushOutcome>;
  /** An AdmissionReview; `uid` is what the answer has to name, undefined where there is none. */
  admission(body: Buffer, sender: PushSender): Promise<PushOutcome & { uid: string | undefined }>;
}

export interface PushReceiverOptions {
  sink: Sink;
  store: Pick<Store, 'delivered'>;
  clock: Clock;
  metrics: IngestMetrics;
}

interface ReadClaims {
  claims: Claim[];
  skipped: number;
  faults: IngestFault[];
  faultsUnlisted?: number;
}

/** Faults of one body that are kept in the store; all are counted. */
const REJECTS_PER_BODY = 20;

export function createPushReceiver({ sink, store, clock, metrics }: PushReceiverOptions): PushReceiver {
  const gate = new DeliveryGate(store, sink);

  const rejectsOf = (way: IngestWay, sender: PushSender, faults: readonly IngestFault[]): Reject[] => {
    for (const { reason } of faults) metrics.reject(reason);
    return rejectsOfFaults(faults.slice(0, REJECTS_PER_BODY), `ingest ${way} ${sender.name}`, sender.cluster, clock.nowMs());
  };
  const counted = (way: IngestWay, outcome: PushOutcome): PushOutcome => {
    metrics.told(way, 'accepted', outcome.accepted);
    metrics.told(way, 'repeated', outcome.repeated);
    metrics.told(way, 'reference', outcome.references);
    metrics.told(way, 'skipped', outcome.skipped);
    return outcome;
  };

  const deliver = async (way: IngestWay, sender: PushSender, parts: MessageParts): Promise<PushOutcome> => {
    const { told, references, faults } = parts;
    const { repeated } = await gate.deliver(told, { atMs: clock.nowMs(), rejects: rejectsOf(way, sender, faults) });
    return counted(way, { accepted: told.length - repeated, repeated, references, skipped: 0, faults, faultsUnlisted: 0 });
  };
  const take = (way: IngestWay, message: RawMessage, { name, cluster }: PushSender, messageId: string | undefined) =>
    deliver(way, { name, cluster }, takeApart(message, { cluster, sender: name, nowMs: clock.nowMs(), messageId }));

  /** A claim has an id of its own, by which whoever joins it with a change knows a repeat. */
  const deliverClaims = async (way: IngestWay, sender: PushSender, read: ReadClaims) => {
    const { claims, skipped, faults, faultsUnlisted = 0 } = read;
    const rejects = rejectsOf(way, sender, faults);
    metrics.reject(way === 'audit' ? 'audit' : 'admission', faultsUnlisted);
    if (claims.length + rejects.length > 0) await sink({ observations: [], claims, rejects });
    return counted(way, { accepted: claims.length, repeated: 0, references: 0, skipped, faults, faultsUnlisted });
  };

  return {
    events: (message, sender) => take('events', message, sender, undefined),
    signed: (message, sender, messageId) => take('webhook', message, sender, messageId),
    audit: (body, sender) => deliverClaims('audit', sender, auditClaims(body, sender.cluster)),
    async admission(body, sender) {
      const { uid, ...read } = admissionClaims(body, sender.cluster, clock.nowMs());
      return { ...(await deliverClaims('admission', sender, read)), uid };
    },
  };
}

/** Faults as the store keeps them: `place` and the index within the body say where. */
export function rejectsOfFaults(faults: readonly IngestFault[], place: string, cluster: string, observedMs: number): Reject[] {
  return faults.map(({ what, index }) => {
    const where = index === undefined ? place : `${place} [${index}]`;
    return { cluster, code: 'INGEST_INVALID', where, what, observedMs };
  });
}

function auditClaims(body: Buffer, cluster: string): ReadClaims {
  const json = parseStrictJson(body);
  if ('fault' in json) return { claims: [], skipped: 0, faults: [json.fault] };
  const { claims, skipped, rejects, rejectsUnlisted } = parseAuditExport(json.value, cluster);
  const faults = rejects.map(({ where, what }): IngestFault => ({ reason: 'audit', what: `${where}: ${what}` }));
  return { claims, skipped, faults, faultsUnlisted: rejectsUnlisted };
}

function admissionClaims(body: Buffer, cluster: string, nowMs: number): ReadClaims & { uid: string | undefined } {
  const json = parseStrictJson(body);
  if ('fault' in json) return { claims: [], skipped: 0, faults: [json.fault], uid: undefined };
  const reading = readAdmissionReview(json.value, cluster, nowMs);
  return {
    claims: reading.type === 'claim' ? [reading.claim] : [],
    skipped: reading.type === 'skipped' ? 1 : 0,
    faults: reading.type === 'invalid' ? [{ reason: 'admission', what: reading.what }] : [],
    uid: reading.uid === '' ? undefined : reading.uid,
  };
}
