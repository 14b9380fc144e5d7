/**
 * The recorded stream: NDJSON, one line per watch event or scrape, in the order they became known.
 *
 *   {"type":"ADDED|MODIFIED|DELETED","ts":RFC 3339,"cluster"?,"origin"?,"actor"?,"object":{…}}
 *   {"type":"METRICS","ts","cluster"?,"target","samples":[["metric",{label: value},number | "NaN" | "+Inf" | "-Inf"],…]}
 *   {"type":"BOOKMARK",…}   passed over and counted apart
 *   further types           see stream-side.ts
 *
 * Other members are never read: labelled streams carry their answers in some (`label`, `incident`, `aftermath`, `reverted`).
 */
import type { ChangeOrigin, Observation } from '../../domain/change.ts';
import { holdsHalfCharacter, isJsonObject, type Json, type JsonObject, NumberRangeError, parseJson } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import type { Scrape } from '../../domain/series/series.ts';
import type { Reject } from '../../store/store.ts';
import { isSideType, readSide, SIDE_TYPES, type SideEntry, sideTime } from './stream-side.ts';
import { formatTime, parseTime } from './stream-time.ts';

/** What a line leaves open: the cluster it belongs to, the file to name in rejects, the event time of a line that has none. */
export interface LineContext {
  cluster: string;
  file: string;
  /** Milliseconds; a reject carries it, since a broken line has no time to be trusted. */
  observedMs: number;
}

/** An entry of a stream: what a generator makes, a recorder writes and a playback reads. */
export type StreamEntry = { observation: Observation } | { scrape: Scrape };

export type ParsedLine = StreamEntry | SideEntry | { bookmark: true } | { reject: Reject };

/** How a live source came to know; a line that does not say is a replay's own. */
const ORIGINS: readonly ChangeOrigin[] = ['watch', 'list', 'relist', 'push', 'replay'];

/** Reads one line (without its line feed). Never throws: what is wrong with it comes back as a reject that names file and line. */
export function parseLine(text: string, lineNumber: number, context: LineContext): ParsedLine {
  let line: unknown;
  try {
    line = parseJson(text);
  } catch (error) {
    const what = error instanceof NumberRangeError ? error.message : 'the line is not valid JSON';
    return rejectLine(lineNumber, context, what);
  }
  if (holdsHalfCharacter(text)) return rejectLine(lineNumber, context, 'the line holds half a character, which is no text');
  const parsed = readEntry(line, context);
  return typeof parsed === 'string' ? rejectLine(lineNumber, context, parsed) : parsed;
}

/** The reject of one line of a stream. */
export function rejectLine(
  lineNumber: number,
  context: LineContext,
  what: string,
  code: 'STREAM_BAD_LINE' | 'STREAM_TRUNCATED' = 'STREAM_BAD_LINE',
): { reject: Reject } {
  const { cluster, file, observedMs } = context;
  return { reject: { cluster, code, where: `${file}:${lineNumber}`, what, observedMs } };
}

/** The line of an observation, without line feed. */
export function formatObservation(observation: Observation): string {
  const { type, observedMs, cluster, origin, actor, object } = observation;
  // What was a replay before is one again without saying so.
  const stated = origin === 'replay' ? undefined : origin;
  return JSON.stringify({ type, ts: formatTime(observedMs), cluster, origin: stated, actor, object });
}

/** The line of a scrape, without line feed. */
export function formatScrape(scrape: Scrape): string {
  const { cluster, target, tsMs } = scrape;
  const samples = scrape.samples.map(({ metric, labels, value }) => [metric, labels, formatValue(value)]);
  return JSON.stringify({ type: 'METRICS', ts: formatTime(tsMs), cluster, target, samples });
}

export function formatEntry(entry: StreamEntry): string {
  return 'scrape' in entry ? formatScrape(entry.scrape) : formatObservation(entry.observation);
}

/** Event time of an entry, milliseconds. */
export function entryTime(entry: StreamEntry | SideEntry): number {
  if ('observation' in entry) return entry.observation.observedMs;
  return 'scrape' in entry ? entry.scrape.tsMs : sideTime(entry);
}

/** The entry, or what is wrong with it. */
function readEntry(line: unknown, context: LineContext): Exclude<ParsedLine, { reject: Reject }> | string {
  if (!isJsonObject(line)) return 'the line is not a JSON object';
  const type = line.type;
  if (type === 'BOOKMARK') return { bookmark: true };
  const isChange = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
  if (!isChange && type !== 'METRICS' && !isSideType(type)) {
    return `type must be ADDED, MODIFIED, DELETED, METRICS, BOOKMARK, ${SIDE_TYPES.join(', ')}, not ${show(type)}`;
  }
  const observedMs = typeof line.ts === 'string' ? parseTime(line.ts) : undefined;
  if (observedMs === undefined) return `ts must be an RFC 3339 time, not ${show(line.ts)}`;
  const cluster = line.cluster ?? context.cluster;
  if (!isName(cluster)) return `cluster must be a non-empty string, not ${show(cluster)}`;
  if (type === 'METRICS') return readScrape(line, cluster, observedMs);
  if (!isChange) return readSide(type, line, cluster, observedMs);
  const actor = line.actor ?? undefined;
  if (actor !== undefined && typeof actor !== 'string') return `actor must be a string, not ${show(actor)}`;
  const origin = (line.origin ?? 'replay') as ChangeOrigin;
  if (!ORIGINS.includes(origin)) return `origin must be ${ORIGINS.join(', ')}, not ${show(line.origin)}`;
  const wrong = objectFault(line.object);
  if (wrong !== undefined) return wrong;
  const observation: Observation = { cluster, type, object: line.object as KubeObject, observedMs, origin };
  if (actor !== undefined && actor !== '') observation.actor = actor;
  return { observation };
}

/** What keeps a value from being a Kubernetes object we can record, if anything. */
export function objectFault(object: Json | undefined): string | undefined {
  if (!isJsonObject(object)) return 'object is missing or not a JSON object';
  for (const field of ['apiVersion', 'kind'] as const) {
    if (!isName(object[field])) return `object.${field} must be a non-empty string, not ${show(object[field])}`;
  }
  const metadata = object.metadata;
  if (!isJsonObject(metadata)) return 'object.metadata is missing or not a JSON object';
  for (const field of ['name', 'uid', 'resourceVersion'] as const) {
    if (!isName(metadata[field])) return `object.metadata.${field} must be a non-empty string, not ${show(metadata[field])}`;
  }
  const namespace = metadata.namespace ?? '';
  if (namespace !== '' && !isName(namespace)) return `object.metadata.namespace must be a string, not ${show(namespace)}`;
  return undefined;
}

function readScrape(line: JsonObject, cluster: string, tsMs: number): { scrape: Scrape } | string {
  if (!isName(line.target)) return `target must be a non-empty string, not ${show(line.target)}`;
  if (!Array.isArray(line.samples)) return 'samples must be a list';
  const samples: Scrape['samples'] = [];
  for (const [i, sample] of line.samples.entries()) {
    const [metric, labels, shown] = Array.isArray(sample) ? sample : [];
    const value = parseValue(shown);
    if (!isName(metric) || !isLabels(labels) || value === undefined) {
      return `samples[${i}] must be [metric, {label: string}, number]`;
    }
    samples.push({ metric, labels, value });
  }
  return { scrape: { cluster, target: line.target, tsMs, samples } };
}

/** A NUL would let two different names share one object key. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\u0000');
}

function isLabels(value: unknown): value is Record<string, string> {
  return isJsonObject(value) && Object.values(value).every((label) => typeof label === 'string');
}

/** JSON has no word for these three, so they go as the strings Prometheus uses. */
const SPECIAL_VALUES: Record<string, number> = {
  NaN: Number.NaN,
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
};

function parseValue(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && Object.hasOwn(SPECIAL_VALUES, value) ? SPECIAL_VALUES[value] : undefined;
}

function formatValue(value: number): number | string {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

/** Short and harmless in a message: types and short scalars only, since an object may hold secrets. */
function show(value: unknown): string {
  if (value === undefined) return 'absent';
  if (typeof value === 'string')
    return value === '' ? 'empty' : JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return String(value);
}
