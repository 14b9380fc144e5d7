/** AdmissionReview v1, as a validating webhook is asked, to a claim about an attempted write. Pure. */

import { contentHash } from '../../domain/content-hash.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { type Claim, type ClaimVerb, writtenBy } from '../../domain/who/claim.ts';
import { textOf } from './audit-event.ts';

const VERBS = new Map<unknown, ClaimVerb>([
  ['CREATE', 'create'],
  ['UPDATE', 'update'],
  ['DELETE', 'delete'],
]);

export type AdmissionReading =
  | { type: 'claim'; uid: string; claim: Claim }
  /** Nothing will be written (dry run), or nothing that a watch would tell of (CONNECT). */
  | { type: 'skipped'; uid: string }
  | { type: 'invalid'; uid: string; what: string };

/** `nowMs` is when the review came: admission has no time of its own. Never throws. */
export function readAdmissionReview(review: unknown, cluster: string, nowMs: number): AdmissionReading {
  const request = isJsonObject(review) && isJsonObject(review.request) ? review.request : undefined;
  const uid = textOf(request?.uid) ?? '';
  const invalid = (what: string): AdmissionReading => ({ type: 'invalid', uid, what });
  if (!isJsonObject(review) || review.kind !== 'AdmissionReview') return invalid('not an AdmissionReview');
  if (review.apiVersion !== 'admission.k8s.io/v1') return invalid('not of admission.k8s.io/v1');
  if (request === undefined) return invalid('request is missing');
  if (uid === '') return invalid('request.uid is missing');
  const verb = VERBS.get(request.operation);
  if (request.dryRun === true || request.operation === 'CONNECT') return { type: 'skipped', uid };
  if (verb === undefined) return invalid('request.operation is not known');

  const written = isJsonObject(request.object) ? request.object : undefined;
  const former = isJsonObject(request.oldObject) ? request.oldObject : undefined;
  const object = verb === 'delete' ? former : written;
  const { kind: kindRef, resource: resourceRef } = request;
  const kind = isJsonObject(kindRef) ? textOf(kindRef.kind) : undefined;
  const resource = isJsonObject(resourceRef) ? textOf(resourceRef.resource) : undefined;
  if (kind === undefined || resource === undefined || !isJsonObject(resourceRef))
    return invalid('request.kind or request.resource is missing');
  const metadata = metadataOf(object);
  const name = textOf(request.name) ?? textOf(metadata.name);
  if (name === undefined) return invalid('the object has no name');
  const user = userOf(request);
  if (user === undefined) return invalid('request.userInfo.username is missing');

  const claim: Claim = {
    cluster,
    source: 'admission',
    id: uid,
    target: { group: textOf(resourceRef.group) ?? '', resource, kind, namespace: textOf(request.namespace) ?? '', name },
    verb,
    atMs: nowMs,
    user,
  };
  const objectUid = textOf(metadata.uid);
  if (objectUid !== undefined) claim.target.uid = objectUid;
  const subresource = textOf(request.subResource);
  if (subresource !== undefined) claim.target.subresource = subresource;
  // What a deletion leads to is no object; it is joined by uid.
  if (verb !== 'delete' && object !== undefined) claim.contentHash = contentHash(object);
  return { type: 'claim', uid, claim };
}

function userOf(request: JsonObject): Claim['user'] | undefined {
  const info = isJsonObject(request.userInfo) ? request.userInfo : {};
  const options = isJsonObject(request.options) ? request.options : {};
  return writtenBy({ name: info.username, groups: info.groups, fieldManager: options.fieldManager });
}

function metadataOf(object: JsonObject | undefined): JsonObject {
  return isJsonObject(object?.metadata) ? object.metadata : {};
}
