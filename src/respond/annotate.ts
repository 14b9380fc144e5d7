/** The annotation that names an object's newest finding. Pure; the runner in effects.ts sends it. */
import type { Finding } from '../domain/finding.ts';
import type { JsonObject } from '../domain/json.ts';
import { apiVersionOf } from '../domain/object-ref.ts';
import { OWN_ANNOTATION } from '../domain/who/own-writes.ts';
import type { EffectRecord } from '../store/store.ts';

export const APPLY_CONTENT_TYPE = 'application/apply-patch+yaml';

export function annotatePayload(finding: Finding): JsonObject {
  return { finding: finding.id };
}

/**
 * The body of a server-side apply that sets our annotation and nothing else. With the uid in it the API server refuses to create an
 * object that is gone, and to mark a new life of the same name. JSON is YAML, so the content type holds.
 */
export function annotateBody(effect: EffectRecord): JsonObject {
  const { ref } = effect;
  return {
    apiVersion: apiVersionOf(ref),
    kind: ref.kind,
    metadata: {
      name: ref.name,
      ...(ref.namespace === '' ? {} : { namespace: ref.namespace }),
      uid: effect.uid,
      annotations: { [OWN_ANNOTATION]: String(effect.payload.finding) },
    },
  };
}
