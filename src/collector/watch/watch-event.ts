/** From the bytes of a watch line or a list item to something typed, or to a reason why not. Pure; nothing here throws. */
import { isUtf8 } from 'node:buffer';
import type { ErrorCode } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject, NumberRangeError, parseJson } from '../../domain/json.ts';
import { type KubeObject, parseApiVersion } from '../../domain/object-ref.ts';
import { type ScannedObject, scanObject } from '../../domain/scan/object-scan.ts';
import { readStatus, type StatusFacts } from '../../kube/kube-status.ts';
import { type Identity, scanIdentity } from './identity-scan.ts';
import type { PlannedKind } from './kind-plan.ts';
import { metadataOf } from './read-mode.ts';

/** A line or object that cannot be recorded. `identity` is what can still be said of the object. */
export interface Unreadable {
  type: 'UNREADABLE';
  code: ErrorCode;
  what: string;
  identity: Identity;
}

export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject; scanned?: ScannedObject | undefined }
  | { type: 'MODIFIED'; object: undefined; scanned: ScannedObject }
  | { type: 'BOOKMARK'; resourceVersion: string; initialEventsEnd: boolean }
  | { type: 'ERROR'; status: StatusFacts }
  | Unreadable;

/** What an API server's encoder writes before the object. */
const MODIFIED_HEAD = Buffer.from('{"type":"MODIFIED","object":');

/**
 * An update whose text is as API servers write it is only scanned, as most are compared by sections and never parsed; anything else is
 * parsed, and its sections are at hand too where it can be scanned.
 */
export function parseWatchLine(line: Buffer, kind: PlannedKind): WatchEvent {
  // What is asked for as metadata may come with more, which must be dropped before anything looks at it.
  if (kind.metadataOnly === true) return parseWhole(line, kind);
  if (beginsAsUpdate(line)) {
    const scanned = scanObject(line, MODIFIED_HEAD.length);
    if (
      scanned !== undefined &&
      isOfKind(scanned, kind) &&
      scanned.end === line.length - 1 &&
      line[scanned.end] === CLOSE &&
      (scanned.isAscii || isUtf8(line))
    )
      return { type: 'MODIFIED', object: undefined, scanned };
  }
  return parseWhole(line, kind);
}

const CLOSE = 0x7d;

/** Byte by byte, as asking Node to compare so few of them takes longer. */
function beginsAsUpdate(line: Buffer): boolean {
  for (let i = 0; i < MODIFIED_HEAD.length; i++) if (line[i] !== MODIFIED_HEAD[i]) return false;
  return true;
}

function isOfKind({ apiVersion, kind: name }: ScannedObject, kind: PlannedKind): boolean {
  return name === kind.kind && apiVersion === (kind.group === '' ? kind.version : `${kind.group}/${kind.version}`);
}

/** Parses a line at once; for lists, which are compared object by object. */
export function parseWhole(line: Buffer, kind: PlannedKind): WatchEvent {
  const parsed = readJson(line);
  if (!isJsonObject(parsed))
    return typeof parsed === 'string' ? unreadable(parsed, line) : unreadable('the line is not a JSON object', line);
  const { type, object } = parsed;
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED': {
      const checked = checkObject(object, kind);
      if (typeof checked === 'string') return unreadable(checked, line);
      return { type, object: checked, scanned: kind.metadataOnly === true ? undefined : scanIn(line, checked) };
    }
    case 'BOOKMARK':
      return parseBookmark(object, line);
    case 'ERROR':
      return { type, status: readStatus(object, 500) };
    default:
      return unreadable(typeof type === 'string' ? `unknown event type "${type.slice(0, 40)}"` : 'the event has no type', line);
  }
}

/** The object of a watch line that was parsed, by sections. */
function scanIn(line: Buffer, { metadata }: KubeObject): ScannedObject | undefined {
  const head = line.indexOf('"object":');
  const scanned = head < 0 ? undefined : scanObject(line, head + '"object":'.length);
  if (scanned === undefined || line[scanned.end] !== CLOSE) return undefined;
  return scanned.uid === metadata.uid && scanned.resourceVersion === metadata.resourceVersion ? scanned : undefined;
}

/** A list item: lists of built-in style leave apiVersion and kind to the list, so they are filled in. */
export function parseListItem(bytes: Buffer, kind: PlannedKind): KubeObject | Unreadable {
  const parsed = readJson(bytes);
  if (typeof parsed === 'string') return unreadable(parsed, bytes);
  if (isJsonObject(parsed)) {
    parsed.apiVersion ??= kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
    parsed.kind ??= kind.kind;
  }
  const checked = checkObject(parsed, kind);
  return typeof checked === 'string' ? unreadable(checked, bytes) : checked;
}

/** For a piece over the size limit, of which `prefix` is the beginning. */
export function tooLarge(prefix: Buffer, bytesMax: number): Unreadable {
  return { type: 'UNREADABLE', code: 'OBJECT_TOO_LARGE', what: `larger than ${bytesMax} bytes`, identity: scanIdentity(prefix) };
}

/** The least an object must have to be recorded; otherwise a sentence saying what is wrong. */
function checkObject(given: unknown, kind: PlannedKind): KubeObject | string {
  if (!isJsonObject(given)) return 'there is no object';
  const value = kind.metadataOnly === true ? metadataOf(given, kind) : given;
  if (value.kind !== kind.kind) return `the object's kind is ${quote(value.kind)}, not "${kind.kind}"`;
  if (typeof value.apiVersion !== 'string' || parseApiVersion(value.apiVersion).group !== kind.group) {
    return `the object's apiVersion is ${quote(value.apiVersion)}, not of group "${kind.group}"`;
  }
  const { metadata } = value;
  if (!isJsonObject(metadata)) return 'metadata is missing';
  for (const field of ['name', 'uid', 'resourceVersion'] as const) {
    if (typeof metadata[field] !== 'string' || metadata[field] === '') return `metadata.${field} is missing`;
  }
  if (metadata.namespace !== undefined && typeof metadata.namespace !== 'string') return 'metadata.namespace is not a string';
  return value as KubeObject;
}

function parseBookmark(object: unknown, line: Buffer): WatchEvent {
  const metadata: JsonObject = isJsonObject(object) && isJsonObject(object.metadata) ? object.metadata : {};
  const { resourceVersion, annotations } = metadata;
  if (typeof resourceVersion !== 'string' || resourceVersion === '')
    return unreadable('a bookmark without resourceVersion', line);
  const initialEventsEnd = isJsonObject(annotations) && annotations['k8s.io/initial-events-end'] === 'true';
  return { type: 'BOOKMARK', resourceVersion, initialEventsEnd };
}

/** The value, or a sentence when there is none. */
function readJson(bytes: Buffer): Json {
  // Parsing would take replacement characters for what the object says.
  if (!isUtf8(bytes)) return 'the bytes are not valid UTF-8';
  try {
    const value = parseJson(bytes.toString('utf8'));
    return typeof value === 'string' ? 'there is no object' : value;
  } catch (error) {
    return error instanceof NumberRangeError ? error.message : 'the text is not valid JSON';
  }
}

function unreadable(what: string, bytes: Buffer): Unreadable {
  return { type: 'UNREADABLE', code: 'OBJECT_INVALID', what, identity: scanIdentity(bytes) };
}

function quote(value: unknown): string {
  return typeof value === 'string' ? `"${value.slice(0, 80)}"` : 'missing';
}
