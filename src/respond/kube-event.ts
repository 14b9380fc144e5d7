/** The Kubernetes Event of a finding: the mark that `kubectl describe` shows. Pure; the runner in effects.ts sends it. */
import type { Finding } from '../domain/finding.ts';
import type { JsonObject } from '../domain/json.ts';
import { apiVersionOf } from '../domain/object-ref.ts';
import type { EffectRecord } from '../store/store.ts';
import { cutText } from './cut-text.ts';
import { familyOf } from './finding-family.ts';

/** The API server counts bytes. */
const NOTE_BYTES_MAX = 1_024;

/** Reads as "Regarding Kafka orders: Flagged - UnusualChange". */
const ACTION = 'Flagged';

/** What of the finding the Event needs, kept with the effect so that it can be sent after a restart. */
export function eventPayload(finding: Finding): JsonObject {
  return {
    reason: familyOf(finding),
    type: finding.severity === 'info' ? 'Normal' : 'Warning',
    note: cutText(`${finding.summary} (finding ${finding.id})`, NOTE_BYTES_MAX),
    eventTimeMs: finding.tsMs,
  };
}

/**
 * The request that creates the Event. Its name comes from the effect, so a repeat after a lost answer is a conflict and no second Event.
 * Events of cluster-scoped objects live in `default`; the API server refuses them anywhere else.
 */
export function eventRequest(effect: EffectRecord, instance: string): { path: string; body: JsonObject } {
  const { ref, payload } = effect;
  const namespace = ref.namespace === '' ? 'default' : ref.namespace;
  return {
    path: `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/events`,
    body: {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `crowsnest-${effect.id}`, namespace },
      eventTime: microTime(Number(payload.eventTimeMs)),
      reportingController: 'crowsnest.dev/detector',
      reportingInstance: cutText(instance, 128),
      action: ACTION,
      reason: payload.reason ?? 'UnusualChange',
      type: payload.type ?? 'Warning',
      note: payload.note ?? '',
      regarding: {
        apiVersion: apiVersionOf(ref),
        kind: ref.kind,
        ...(ref.namespace === '' ? {} : { namespace: ref.namespace }),
        name: ref.name,
        uid: effect.uid,
        resourceVersion: effect.resourceVersion,
      },
    },
  };
}

/** RFC 3339 with exactly six digits of a second, which is all that MicroTime parses. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000Z');
}
