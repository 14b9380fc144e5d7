import type { Finding } from '../domain/finding.ts';
import type { JsonObject } from '../domain/json.ts';
import { apiVersionOf, type ObjectRef } from '../domain/object-ref.ts';

/** A finding as `replay` and `backtest` write it: one NDJSON line, the shape scorers of labelled streams read. */
export function findingLine(finding: Finding): string {
  const { subject } = finding;
  const line: JsonObject = { ts: new Date(finding.tsMs).toISOString(), score: round(finding.score), detector: finding.detector };
  if (subject.type === 'change') {
    line.resourceVersion = subject.resourceVersion;
    line.object = objectOf(subject.ref);
  } else if (subject.type === 'silence') {
    line.silence = { ...objectOf(subject.ref), ...(subject.actor === undefined ? {} : { actor: subject.actor }) };
  } else {
    line.series = { controller: subject.controller, metric: subject.metric };
  }
  line.verdict = finding.decision.verdict;
  line.why = finding.decision.why;
  line.summary = finding.summary;
  line.reasons = finding.reasons.map((reason) => ({
    detector: reason.detector,
    bits: round(reason.bits),
    sentence: reason.sentence,
  }));
  return `${JSON.stringify(line)}\n`;
}

function objectOf(ref: Partial<ObjectRef> & { kind: string }): JsonObject {
  return {
    ...(ref.version === undefined ? {} : { apiVersion: apiVersionOf({ group: ref.group ?? '', version: ref.version }) }),
    kind: ref.kind,
    ...(ref.namespace === undefined || ref.namespace === '' ? {} : { namespace: ref.namespace }),
    ...(ref.name === undefined ? {} : { name: ref.name }),
  };
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
