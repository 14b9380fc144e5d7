import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { KubeEvent } from '../../domain/kube-event.ts';
import { type KubeObject, parseApiVersion } from '../../domain/object-ref.ts';

/** Our own Events say what is in our store already. */
const OWN_CONTROLLER = 'crowsnest.dev/';

/**
 * Reads an events.k8s.io/v1 Event, those written through the core API included, whose times and counts stand in `deprecated…` fields.
 * Undefined for our own, and for one that does not name its object.
 */
export function readKubeEvent(event: KubeObject, cluster: string, observedMs: number): KubeEvent | undefined {
  const regarding: JsonObject = isJsonObject(event.regarding) ? event.regarding : {};
  const [kind, name] = [textOf(regarding.kind), textOf(regarding.name)];
  const source: JsonObject = isJsonObject(event.deprecatedSource) ? event.deprecatedSource : {};
  const reportedBy = textOf(event.reportingController) || textOf(source.component);
  if (kind === '' || name === '' || reportedBy.startsWith(OWN_CONTROLLER)) return undefined;
  const series: JsonObject = isJsonObject(event.series) ? event.series : {};
  const created = timeOf(event.metadata.creationTimestamp);
  const firstMs = timeOf(event.deprecatedFirstTimestamp) ?? timeOf(event.eventTime) ?? created ?? observedMs;
  const lastMs = timeOf(series.lastObservedTime) ?? timeOf(event.deprecatedLastTimestamp) ?? firstMs;
  return {
    uid: event.metadata.uid,
    ref: { cluster, ...parseApiVersion(textOf(regarding.apiVersion)), kind, namespace: textOf(regarding.namespace), name },
    objectUid: textOf(regarding.uid),
    type: textOf(event.type),
    reason: textOf(event.reason),
    action: textOf(event.action),
    note: textOf(event.note),
    reportedBy,
    firstMs: Math.min(firstMs, lastMs),
    lastMs: Math.max(firstMs, lastMs),
    count: Math.max(1, numberOf(series.count) ?? numberOf(event.deprecatedCount) ?? 1),
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** The zero time of Go's JSON is null or year 1. */
function timeOf(value: Json | undefined): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms > 0 ? ms : undefined;
}
