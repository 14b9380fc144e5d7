/**
 * Audit events in the wrappings of managed control planes, whose API servers cannot be pointed at a webhook:
 * EKS as CloudWatch Logs delivers them (a subscription's message, also gzipped in base64, or the answer of FilterLogEvents), GKE as
 * Cloud Logging entries (alone, in a list, or pushed by Pub/Sub), AKS as Azure Monitor records. Which one it is shows in the shape. Pure.
 */
import { gunzipSync } from 'node:zlib';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { type Claim, type ParsedClaims, writtenBy } from '../../domain/who/claim.ts';
import { addAuditEvent, isWrite, keep, type Outcome, parseAuditEvents, readJson, reject, textOf, timeOf } from './audit-event.ts';

/** What a gzipped message may unpack to; CloudWatch holds one to 1 MB packed. */
const UNPACKED_BYTES_MAX = 32 * 1024 * 1024;
/** And all that one body holds: a few kilobytes may unpack to megabytes, and thousands of them would hold up everything else for minutes. */
const UNPACKED_TOTAL_MAX = 64 * 1024 * 1024;
const AKS_CATEGORIES: ReadonlySet<string> = new Set(['kube-audit', 'kube-audit-admin']);

/** Any of the shapes above, an audit EventList or a single Event. `body` is text or bytes, or what was parsed of them. */
export function parseAuditExport(body: unknown, cluster: string): ParsedClaims {
  const parsed: ParsedClaims = { claims: [], rejects: [], rejectsUnlisted: 0, skipped: 0 };
  const value = typeof body === 'string' || body instanceof Uint8Array ? readJson(body) : body;
  const room: Room = { bytes: UNPACKED_TOTAL_MAX };
  if (Array.isArray(value) && value.length > 0)
    for (const [i, item] of value.entries()) addAny(parsed, item, { cluster, where: `[${i}]`, depth: 0, room });
  else addAny(parsed, value, { cluster, where: 'the body', depth: 0, room });
  return parsed;
}

interface Place {
  cluster: string;
  where: string;
  /** How many wrappings were taken off: one inside one is enough, and no input may unpack for ever. */
  depth: number;
  room: Room;
}

/** What may still be unpacked of a body. */
interface Room {
  bytes: number;
}

function addAny(parsed: ParsedClaims, value: unknown, place: Place): void {
  const { cluster, where, depth, room } = place;
  const inside = (what: string): string => (where === 'the body' ? what : `${where}.${what}`);
  if (!isJsonObject(value)) reject(parsed, where, typeof value === 'string' ? value : 'not a JSON object');
  else if (isJsonObject(value.awslogs) && depth < 2)
    addAny(parsed, unpack(value.awslogs.data, room), { cluster, where: inside('awslogs.data'), depth: depth + 1, room });
  else if (isJsonObject(value.message) && typeof value.message.data === 'string' && depth < 2)
    addAny(parsed, decode(value.message.data), { cluster, where: inside('message.data'), depth: depth + 1, room });
  else if (value.messageType === 'CONTROL_MESSAGE') parsed.skipped += 1;
  else if (Array.isArray(value.logEvents)) addMessages(parsed, value.logEvents, inside('logEvents'), cluster);
  else if (Array.isArray(value.events)) addMessages(parsed, value.events, inside('events'), cluster);
  else if (Array.isArray(value.records))
    for (const [i, record] of value.records.entries()) keepRecord(parsed, record, cluster, inside(`records[${i}]`));
  else if (isJsonObject(value.protoPayload)) keep(parsed, fromLogEntry(value, value.protoPayload, cluster), where);
  else if (isJsonObject(value.properties) && value.category !== undefined) keepRecord(parsed, value, cluster, where);
  else if (value.kind === 'EventList') merge(parsed, parseAuditEvents(value, cluster), where);
  else addAuditEvent(parsed, value, cluster, where);
}

/** CloudWatch: the audit stream of an EKS log group beside those of other parts; a line of those is no audit event and passed over. */
function addMessages(parsed: ParsedClaims, events: unknown[], where: string, cluster: string): void {
  for (const [i, event] of events.entries()) {
    const message = isJsonObject(event) ? event.message : undefined;
    if (typeof message !== 'string') reject(parsed, `${where}[${i}]`, 'message is not a text');
    else addLine(parsed, message, cluster, `${where}[${i}].message`);
  }
}

/** Azure Monitor: only the kube-audit categories hold audit events, each as JSON text. */
function keepRecord(parsed: ParsedClaims, record: unknown, cluster: string, where: string): void {
  const { category, properties } = isJsonObject(record) ? record : {};
  const log = isJsonObject(properties) ? properties.log : undefined;
  if (typeof category !== 'string') reject(parsed, where, 'a record without a category');
  else if (!AKS_CATEGORIES.has(category.toLowerCase())) parsed.skipped += 1;
  else if (typeof log !== 'string') reject(parsed, where, 'properties.log is not a text');
  else addLine(parsed, log, cluster, `${where}.properties.log`);
}

function addLine(parsed: ParsedClaims, line: string, cluster: string, where: string): void {
  const text = line.trim();
  // Lines of an API server's own log stand beside the audit events and are not JSON.
  if (text.startsWith('{')) {
    const event = readJson(text);
    if (typeof event === 'string') reject(parsed, where, event);
    else addAuditEvent(parsed, event, cluster, where);
  } else parsed.skipped += 1;
}

/** Cloud Logging rewrites the event into an AuditLog: the user's e-mail, a method `GROUP.VERSION.RESOURCE.VERB`, a resource name. */
function fromLogEntry(entry: JsonObject, payload: JsonObject, cluster: string): Outcome {
  const verb = textOf(payload.methodName)?.split('.').at(-1) ?? '';
  const code = isJsonObject(payload.status) ? payload.status.code : undefined;
  // A google.rpc.Code: absent or 0 is success.
  if (payload.serviceName !== 'k8s.io' || !isWrite(verb) || (code !== undefined && code !== 0)) return 'skip';
  const target = targetOf(payload.resourceName);
  if (target === undefined) return 'resourceName is not group/version/[namespaces/NAME/]resource/name';
  const id = textOf(isJsonObject(entry.operation) ? entry.operation.id : undefined) ?? textOf(entry.insertId);
  if (id === undefined) return 'insertId is missing';
  const atMs = timeOf(entry.timestamp) ?? timeOf(entry.receiveTimestamp);
  if (atMs === undefined) return 'timestamp is not a time';
  const user = callerOf(payload);
  if (user === undefined) return 'authenticationInfo.principalEmail is missing';

  const response = isJsonObject(payload.response) && payload.response.kind !== 'Status' ? payload.response : {};
  const metadata = metadataOf(response);
  const resourceVersion = textOf(metadata.resourceVersion);
  if (resourceVersion !== undefined && metadataOf(payload.request).resourceVersion === resourceVersion) return 'skip';
  const name = target.name === '' ? (textOf(metadata.name) ?? '') : target.name;
  if (name === '' && verb !== 'deletecollection') return 'skip';
  const claim: Claim = { cluster, source: 'audit', id, target: { ...target, name }, verb, atMs, user };
  const [uid, kind] = [textOf(metadata.uid), textOf(response.kind)];
  if (uid !== undefined) claim.target.uid = uid;
  if (kind !== undefined) claim.target.kind = kind;
  return resourceVersion === undefined ? claim : { ...claim, resourceVersion };
}

function callerOf(payload: JsonObject): Claim['user'] | undefined {
  const authentication = isJsonObject(payload.authenticationInfo) ? payload.authenticationInfo : {};
  const caller = isJsonObject(payload.requestMetadata) ? payload.requestMetadata : {};
  return writtenBy({
    name: authentication.principalEmail,
    userAgent: caller.callerSuppliedUserAgent,
    sourceIPs: [caller.callerIp],
  });
}

function metadataOf(object: unknown): JsonObject {
  return isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};
}

/** `example.com/v1/namespaces/shop/widgets/w1/status`; the core group is written as `core`. */
function targetOf(resourceName: unknown): Claim['target'] | undefined {
  const [group, version, ...rest] = typeof resourceName === 'string' ? resourceName.split('/') : [];
  if (group === undefined || version === undefined || rest.length === 0 || rest.some((part) => part === '')) return undefined;
  const isNamespaced = rest[0] === 'namespaces' && rest.length > 2;
  const namespace = isNamespaced ? (rest[1] as string) : '';
  const [resource, name = '', subresource] = isNamespaced ? rest.slice(2) : rest;
  if (resource === undefined) return undefined;
  const target = { group: group === 'core' ? '' : group, resource, namespace, name };
  return subresource === undefined ? target : { ...target, subresource };
}

/** The JSON of a gzipped message in base64, or a sentence when there is none. */
function unpack(data: unknown, room: Room): unknown {
  if (typeof data !== 'string') return 'not a text';
  const most = Math.min(UNPACKED_BYTES_MAX, room.bytes);
  if (most === 0) return 'too much is packed into one body';
  try {
    const unpacked = gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: most });
    room.bytes -= unpacked.length;
    return readJson(unpacked);
  } catch (error) {
    // What it took to find out counts too.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') room.bytes -= most;
    return 'not gzip in base64, or too large unpacked';
  }
}

function decode(data: string): unknown {
  return readJson(Buffer.from(data, 'base64'));
}

function merge(into: ParsedClaims, from: ParsedClaims, where: string): void {
  into.claims.push(...from.claims);
  into.skipped += from.skipped;
  into.rejectsUnlisted += from.rejectsUnlisted;
  for (const each of from.rejects) reject(into, where === 'the body' ? each.where : `${where}.${each.where}`, each.what);
}
