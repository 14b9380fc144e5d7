/**
 * CloudEvents 1.0 out of an HTTP request or a broker's message: binary, structured or batch.
 *
 * The rules of the specification are checked by the `cloudevents` package (attribute names, URIs, times). Its own reader of messages is not used,
 * because it is lenient where we must not be: it makes up a missing id (no repeat would ever be recognised) and a missing time, reads
 * `application/json; charset=utf-8` as text, checks no structured event, and fails a batch as a whole.
 */
import { createRequire } from 'node:module';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { parseTime } from '../recording/stream-time.ts';
import type { IngestFault } from './ingest-fault.ts';
import { parseStrictJson } from './strict-json.ts';

/** A message as it came: header names in lower case. */
export interface RawMessage {
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

export interface PushedEvent {
  id: string;
  source: string;
  type: string;
  subject: string | undefined;
  /** Milliseconds since the epoch, by the sender's clock. */
  timeMs: number | undefined;
  extensions: Readonly<Record<string, string | number | boolean>>;
  data: Json | undefined;
}

export type ReadEvent = PushedEvent | { fault: IngestFault };

const STRUCTURED = 'application/cloudevents+json';
const BATCH = 'application/cloudevents-batch+json';
export const EVENTS_MAX = 10_000;
/** One attribute; the specification asks intermediaries to forward events of 64 KiB. */
const ATTRIBUTE_LENGTH_MAX = 4096;
const CORE = new Set(['id', 'source', 'specversion', 'type', 'subject', 'time', 'datacontenttype', 'dataschema']);

/** The media type of a message without its parameters, in lower case. */
export function mediaTypeOf(message: RawMessage): string {
  return (message.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Whether a message is a CloudEvent of any mode, by its headers. */
export function isCloudEvent(message: RawMessage): boolean {
  const mediaType = mediaTypeOf(message);
  return mediaType === STRUCTURED || mediaType === BATCH || message.headers['ce-specversion'] !== undefined;
}

/** A message of a broker without headers, whose body says itself that it is a structured event. */
export function looksStructured(message: RawMessage): boolean {
  if (mediaTypeOf(message) !== '' || !message.body.includes('"specversion"')) return false;
  const parsed = parseStrictJson(message.body);
  return 'value' in parsed && isJsonObject(parsed.value) && parsed.value.specversion !== undefined;
}

/** One entry per event, in the message's order; a message that is none at all is one fault. */
export function readCloudEvents(message: RawMessage): ReadEvent[] {
  const mediaType = mediaTypeOf(message);
  if (mediaType !== STRUCTURED && mediaType !== BATCH) return [readBinary(message, mediaType)];
  const parsed = parseStrictJson(message.body);
  if ('fault' in parsed) return [parsed];
  if (mediaType === STRUCTURED) return [readStructured(parsed.value)];
  if (!Array.isArray(parsed.value)) return [fault('event', 'a batch must be a JSON list of events')];
  if (parsed.value.length > EVENTS_MAX) return [fault('size', `the batch has more than ${EVENTS_MAX} events`)];
  return parsed.value.map((each, index) => {
    const read = readStructured(each);
    return 'fault' in read ? { fault: { ...read.fault, index } } : read;
  });
}

function readBinary({ headers, body }: RawMessage, mediaType: string): ReadEvent {
  if (headers['ce-specversion'] === undefined) {
    return fault('event', `neither a ${STRUCTURED} body nor a ce-specversion header: this is no CloudEvent`);
  }
  const attributes: JsonObject = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-') || value === undefined) continue;
    const decoded = percentDecoded(value);
    if (decoded === undefined) return fault('encoding', `the header ${name.slice(0, 40)} is not percent-encoded UTF-8`);
    attributes[name.slice(3)] = decoded;
  }
  // HTTP has the content type as a header of its own, brokers may have it among the attributes; without any, data are JSON.
  if (mediaType !== '') attributes.datacontenttype = mediaType;
  if (body.length === 0) return checked(attributes, undefined);
  if (!isJsonType(String(attributes.datacontenttype ?? 'application/json')))
    return fault('media-type', 'the data of a binary CloudEvent must be JSON (content-type: application/json)');
  const parsed = parseStrictJson(body);
  return 'fault' in parsed ? parsed : checked(attributes, parsed.value);
}

function readStructured(value: Json): ReadEvent {
  if (!isJsonObject(value)) return fault('event', 'an event must be a JSON object');
  const { data, data_base64: base64, ...attributes } = value;
  const mediaType = attributes.datacontenttype;
  if (mediaType !== undefined && mediaType !== null && !(typeof mediaType === 'string' && isJsonType(mediaType))) {
    return fault('media-type', 'the data of an event must be JSON (datacontenttype: application/json)');
  }
  if (base64 === undefined || base64 === null) return checked(attributes, data);
  if (data !== undefined) return fault('event', 'an event has data or data_base64, not both');
  if (typeof base64 !== 'string' || !BASE64.test(base64)) return fault('event', 'data_base64 is not Base64');
  const parsed = parseStrictJson(Buffer.from(base64, 'base64'));
  return 'fault' in parsed ? parsed : checked(attributes, parsed.value);
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function checked(attributes: JsonObject, data: Json | undefined): ReadEvent {
  for (const name of ['id', 'source', 'type', 'specversion']) {
    const value = attributes[name];
    if (typeof value !== 'string' || value === '') return fault('event', `the attribute ${name} is missing`);
  }
  if (attributes.specversion !== '1.0') return fault('event', 'specversion must be 1.0');
  const extensions: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'string' && value.length > ATTRIBUTE_LENGTH_MAX) {
      return fault('size', `an attribute is longer than ${ATTRIBUTE_LENGTH_MAX} characters`);
    }
    if (CORE.has(name) || value === null) continue;
    if (typeof value === 'object') return fault('event', 'an extension attribute must be a string, a number or a boolean');
    // No integer of CloudEvents is as large as that.
    extensions[name] = typeof value === 'bigint' ? String(value) : (value as string | number | boolean);
  }
  // Loaded with the first event, as it brings thirty files with it.
  const { CloudEvent } = createRequire(import.meta.url)('cloudevents') as typeof import('cloudevents');
  try {
    // Strict: throws on what the specification's JSON schema and naming rules forbid. The data are not its business.
    new CloudEvent(attributes as { source: string; type: string });
  } catch (error) {
    return fault('event', `not a valid CloudEvent: ${firstComplaint(error)}`);
  }
  const timeMs = typeof attributes.time === 'string' ? parseTime(attributes.time) : undefined;
  if (typeof attributes.time === 'string' && timeMs === undefined) return fault('event', 'time is not an RFC 3339 time');
  return {
    id: attributes.id as string,
    source: attributes.source as string,
    type: attributes.type as string,
    subject: typeof attributes.subject === 'string' ? attributes.subject : undefined,
    timeMs,
    extensions,
    data,
  };
}

/** The package's error lists schema violations as objects with the place and the rule. */
function firstComplaint(error: unknown): string {
  const [first] = (error as { errors?: { instancePath?: string; message?: string }[] }).errors ?? [];
  if (first?.message !== undefined) return `${(first.instancePath ?? '').slice(1) || 'event'} ${first.message}`.slice(0, 200);
  return error instanceof Error ? error.message.split('\n')[0]!.slice(0, 200) : 'refused';
}

function isJsonType(mediaType: string): boolean {
  return /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(mediaType);
}

function percentDecoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function fault(reason: IngestFault['reason'], what: string): { fault: IngestFault } {
  return { fault: { reason, what } };
}
