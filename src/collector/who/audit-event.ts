/**
 * audit.k8s.io/v1 Events, alone or in an EventList, as the audit webhook posts them and the audit log has them, to claims. Pure.
 * Bodies (requestObject, responseObject) are looked at for names and versions and never kept: they may hold secrets.
 */
import { isUtf8 } from 'node:buffer';
import type { ErrorCode } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../domain/json.ts';
import { CLAIM_VERBS, type Claim, type ClaimVerb, type ParsedClaims, writtenBy } from '../../domain/who/claim.ts';
import type { Reject } from '../../store/store.ts';

/** More than an API server sends at once (400), so a longer list is no batch of its webhook but still of use. */
const REJECTS_MAX = 100;

/** `body` is JSON text or bytes, or what was parsed of it. */
export function parseAuditEvents(body: unknown, cluster: string): ParsedClaims {
  const parsed: ParsedClaims = { claims: [], rejects: [], rejectsUnlisted: 0, skipped: 0 };
  const value = typeof body === 'string' || body instanceof Uint8Array ? readJson(body) : body;
  if (!isJsonObject(value)) {
    reject(parsed, 'the body', typeof value === 'string' ? value : 'not a JSON object');
  } else if (value.kind === 'EventList') {
    if (!isAuditVersion(value.apiVersion)) reject(parsed, 'apiVersion', 'not of audit.k8s.io/v1');
    else if (!Array.isArray(value.items)) reject(parsed, 'items', 'not a list');
    else for (const [i, item] of value.items.entries()) addAuditEvent(parsed, item, cluster, `items[${i}]`);
  } else addAuditEvent(parsed, value, cluster, 'the event');
  return parsed;
}

/** Adds what one event says to `parsed`. */
export function addAuditEvent(parsed: ParsedClaims, event: unknown, cluster: string, where: string): void {
  keep(parsed, claimOf(event, cluster), where);
}

/** A claim; 'skip' for what is no finished write; any other text says what is wrong. */
export type Outcome = Claim | 'skip' | string;

export function keep(parsed: ParsedClaims, outcome: Outcome, where: string): void {
  if (outcome === 'skip') parsed.skipped += 1;
  else if (typeof outcome === 'string') reject(parsed, where, outcome);
  else parsed.claims.push(outcome);
}

/** What could not be used, as it is counted and shown. `where` is the file or the way it came in. */
export function claimRejects(
  parsed: Pick<ParsedClaims, 'rejects'>,
  from: { cluster: string; where: string; observedMs: number },
): Reject[] {
  const { cluster, observedMs } = from;
  return parsed.rejects.map(({ where, what }) => ({
    ...{ cluster, code: 'CLAIM_INVALID' satisfies ErrorCode, where: `${from.where}: ${where}`, what, observedMs },
  }));
}

/** The value, or a sentence when there is none. */
export function readJson(body: string | Uint8Array): JsonObject | unknown[] | string | undefined {
  if (typeof body !== 'string' && !isUtf8(body)) return 'the bytes are not valid UTF-8';
  try {
    const value = parseJson(typeof body === 'string' ? body : Buffer.from(body).toString('utf8'));
    return isJsonObject(value) || Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return 'not valid JSON';
  }
}

export function reject(parsed: ParsedClaims, where: string, what: string): void {
  if (parsed.rejects.length < REJECTS_MAX) parsed.rejects.push({ where, what });
  else parsed.rejectsUnlisted += 1;
}

function claimOf(event: unknown, cluster: string): Outcome {
  if (!isJsonObject(event)) return 'not a JSON object';
  // Items of a list may leave out what the list says; a kind of something else may not pass for an audit event.
  if (event.kind !== undefined && event.kind !== 'Event') return 'not an audit Event';
  if (event.apiVersion !== undefined && !isAuditVersion(event.apiVersion)) return 'not of audit.k8s.io/v1';
  const { auditID, stage, verb, objectRef, responseStatus } = event;
  if (typeof auditID !== 'string' || auditID === '') return 'auditID is missing';
  if (typeof stage !== 'string') return 'stage is missing';
  if (typeof verb !== 'string') return 'verb is missing';
  // A request is told of once for each stage; only the last one says how it ended.
  if (stage !== 'ResponseComplete' || !isWrite(verb) || !isJsonObject(objectRef)) return 'skip';
  const code = isJsonObject(responseStatus) ? responseStatus.code : undefined;
  if (typeof code !== 'number' || code < 200 || code > 299) return 'skip';
  const query = queryOf(event.requestURI);
  if (query.has('dryRun')) return 'skip';

  const response = metadataOf(event.responseObject);
  const resourceVersion = textOf(response.resourceVersion);
  // An update that changed nothing is answered with the version it was given, which somebody else had written.
  if (resourceVersion !== undefined && resourceVersion === metadataOf(event.requestObject).resourceVersion) return 'skip';
  const resource = textOf(objectRef.resource);
  if (resource === undefined) return 'objectRef.resource is missing';
  // A name that the API server made up (generateName) stands in the response only.
  const name = textOf(objectRef.name) ?? textOf(response.name);
  if (name === undefined && verb !== 'deletecollection') return 'skip';
  const atMs = timeOf(event.requestReceivedTimestamp) ?? timeOf(event.stageTimestamp);
  if (atMs === undefined) return 'requestReceivedTimestamp is not a time';
  const user = effectiveUser(event, query.get('fieldManager'));
  if (user === undefined) return 'user.username is missing';

  const claim: Claim = {
    cluster,
    source: 'audit',
    id: auditID.slice(0, 128),
    target: {
      group: textOf(objectRef.apiGroup) ?? '',
      resource,
      namespace: textOf(objectRef.namespace) ?? '',
      name: name ?? '',
    },
    verb,
    atMs,
    user,
  };
  const uid = textOf(objectRef.uid) ?? textOf(response.uid);
  if (uid !== undefined) claim.target.uid = uid;
  const subresource = textOf(objectRef.subresource);
  // Other subresources are answered with an object of their own: a Scale, a Binding.
  const kind = subresource === undefined || subresource === 'status' ? kindOf(event.responseObject) : undefined;
  if (kind !== undefined) claim.target.kind = kind;
  if (subresource !== undefined) claim.target.subresource = subresource;
  if (resourceVersion !== undefined && verb !== 'deletecollection') claim.resourceVersion = resourceVersion;
  return claim;
}

/** With impersonation the API server acted for somebody else than who was authenticated. */
function effectiveUser(event: JsonObject, fieldManager: string | null): Claim['user'] | undefined {
  const caller = isJsonObject(event.user) ? event.user : {};
  const impersonated = isJsonObject(event.impersonatedUser) ? event.impersonatedUser : undefined;
  const effective = impersonated ?? caller;
  return writtenBy({
    name: effective.username,
    groups: effective.groups,
    impersonatedBy: impersonated === undefined ? undefined : caller.username,
    userAgent: event.userAgent,
    sourceIPs: event.sourceIPs,
    fieldManager,
  });
}

export function isWrite(verb: string): verb is ClaimVerb {
  return (CLAIM_VERBS as readonly string[]).includes(verb);
}

function isAuditVersion(apiVersion: unknown): boolean {
  return typeof apiVersion === 'string' && apiVersion.startsWith('audit.k8s.io/');
}

/** A deletion is answered with a Status, which is not the object. */
function kindOf(response: unknown): string | undefined {
  return isJsonObject(response) && response.kind !== 'Status' ? textOf(response.kind) : undefined;
}

function metadataOf(object: unknown): JsonObject {
  return isJsonObject(object) && object.kind !== 'Status' && isJsonObject(object.metadata) ? object.metadata : {};
}

function queryOf(requestURI: unknown): URLSearchParams {
  const text = typeof requestURI === 'string' ? requestURI : '';
  const mark = text.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : text.slice(mark + 1));
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 512 ? value : undefined;
}

/** Microseconds are cut; undefined for what is no time. */
export function timeOf(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(ms) ? ms : undefined;
}
