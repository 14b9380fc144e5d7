import type { Finding, FindingSubject, Judgement, Severity } from '../../src/domain/finding.ts';
import type { ObjectRef } from '../../src/domain/object-ref.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
export const START_MS = Date.UTC(2026, 0, 5);

export interface JudgementFields {
  atMs?: number;
  name?: string;
  kind?: string;
  namespace?: string;
  cluster?: string;
  actor?: string;
  score?: number;
  detector?: string;
  mature?: boolean;
  deterministic?: boolean;
  severity?: Severity;
  subject?: FindingSubject;
  uid?: string;
}

export function refFor(fields: JudgementFields = {}): ObjectRef {
  return {
    cluster: fields.cluster ?? 'prod',
    group: 'kafka.strimzi.io',
    version: 'v1beta2',
    kind: fields.kind ?? 'Kafka',
    namespace: fields.namespace ?? 'streaming',
    name: fields.name ?? 'orders',
  };
}

/** A judgement as the model makes them; `atMs` counts from START_MS and also numbers the resourceVersion. */
export function judgement(fields: JudgementFields = {}): Judgement {
  const atMs = fields.atMs ?? 0;
  const detector = fields.detector ?? 'stable-field';
  const score = fields.score ?? 5;
  const ref = refFor(fields);
  return {
    tsMs: START_MS + atMs,
    subject: fields.subject ?? {
      type: 'change',
      seq: 1,
      resourceVersion: String(1000 + atMs),
      changeType: 'MODIFIED',
      ref,
      uid: fields.uid ?? `uid-${ref.kind}-${ref.name}`,
    },
    actor: { name: fields.actor ?? 'unknown', source: fields.actor === undefined ? 'none' : 'stream', confidence: 1 },
    score,
    onceIn: Math.max(1, Math.round(10 ** score)),
    detector,
    reasons: [{ detector, sentence: 'spec.replicas had never changed in 214 edits', bits: score, path: '/spec/replicas' }],
    mature: fields.mature ?? true,
    deterministic: fields.deterministic ?? false,
    severity: fields.severity ?? 'warning',
  };
}

export function finding(
  fields: JudgementFields & Partial<Pick<Finding, 'id' | 'decision' | 'episode' | 'summary'>> = {},
): Finding {
  return {
    ...judgement(fields),
    id: fields.id ?? 'f1',
    cluster: fields.cluster ?? 'prod',
    summary: fields.summary ?? 'user:ann changed Kafka streaming/orders: spec.replicas had never changed in 214 edits',
    decision: fields.decision ?? { verdict: 'page', why: 'over the alert level' },
    episode: fields.episode ?? 'e1',
  };
}
