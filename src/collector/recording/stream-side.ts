/**
 * The lines of a stream that are neither changes nor scrapes, and are there so that a replay comes to the same findings as the live run did:
 *
 *   {"type":"RECORDING","ts","format":3,"clusters":[…],"timeZone"?}   a recorder began here, or went on
 *   {"type":"TIME","ts","cursors"?}                                   everything up to `ts` is told; where the watches stood
 *   {"type":"KINDS","ts","kinds":[{cluster, group, kind, plural},…]}  what there is, by discovery
 *   {"type":"LISTKEYS","ts","cluster","keys":{group, kind, lists?}}   by which keys items of lists are told apart from here on
 *   {"type":"CLAIM","ts","cluster","claim":{…}}                       who wrote, as admission, audit or a push said
 *   {"type":"EVENT","ts","cluster","event":{…}}                       a Kubernetes Event
 *   {"type":"VERDICT","ts","cluster","verdict":{…}}                   what a person said of a finding (stream-verdict.ts)
 *   {"type":"GAP","ts","cluster","gap":{…}}                           a stretch of history that nobody can tell
 */

import { GAP_REASONS, type Gap } from '../../domain/gap.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { KubeEvent } from '../../domain/kube-event.ts';
import { listKeysJson, parseListKeys } from '../../domain/list-keys-text.ts';
import type { ToldLists } from '../../domain/schema-book.ts';
import type { KnownKind } from '../../domain/series/controller-ties.ts';
import { isTimeZone } from '../../domain/time-text.ts';
import type { ToldVerdict } from '../../domain/verdict.ts';
import { CLAIM_VERBS, type Claim, type WrittenBy, writtenBy } from '../../domain/who/claim.ts';
import { faultOf, isText, isTexts } from './stream-shape.ts';
import { formatTime, parseTime } from './stream-time.ts';
import { formatVerdict, readVerdict } from './stream-verdict.ts';

export const FORMAT_VERSION = 3;

export interface RecordingHead {
  atMs: number;
  clusters: string[];
  /** Of the cluster's people; habits by the hour are learnt in it. */
  timeZone?: string;
}

export type SideEntry =
  | { head: RecordingHead }
  | { seenToMs: number; cursors?: Record<string, string> }
  /** All there are from now on. */
  | { kinds: KnownKind[]; atMs: number }
  | { lists: ToldLists; atMs: number }
  /** `atMs`: when it was told, which may be long after what it speaks of. */
  | { claim: Claim; atMs: number }
  | { kubeEvent: KubeEvent; atMs: number }
  /** `atMs`: in event time. */
  | { verdict: ToldVerdict; atMs: number }
  | { gap: Gap };

export const SIDE_TYPES = ['RECORDING', 'TIME', 'KINDS', 'LISTKEYS', 'CLAIM', 'EVENT', 'VERDICT', 'GAP'] as const;
export type SideType = (typeof SIDE_TYPES)[number];

const CLAIM_SOURCES = ['admission', 'audit', 'pushed'] as const;

export function isSideType(type: Json | undefined): type is SideType {
  return SIDE_TYPES.includes(type as SideType);
}

/** Event time of an entry, milliseconds. */
export function sideTime(entry: SideEntry): number {
  if ('head' in entry) return entry.head.atMs;
  if ('seenToMs' in entry) return entry.seenToMs;
  return 'gap' in entry ? entry.gap.toMs : entry.atMs;
}

/** The line of an entry, without line feed. */
export function formatSide(entry: SideEntry): string {
  const ts = formatTime(sideTime(entry));
  if ('head' in entry) {
    const { clusters, timeZone } = entry.head;
    return JSON.stringify({ type: 'RECORDING', ts, format: FORMAT_VERSION, clusters, timeZone });
  }
  if ('seenToMs' in entry) return JSON.stringify({ type: 'TIME', ts, cursors: entry.cursors });
  if ('kinds' in entry) return JSON.stringify({ type: 'KINDS', ts, kinds: entry.kinds });
  if ('lists' in entry) {
    const { cluster, lists, ...kind } = entry.lists;
    return JSON.stringify({ type: 'LISTKEYS', ts, cluster, keys: { ...kind, lists: lists && listKeysJson(lists) } });
  }
  if ('claim' in entry) {
    const { cluster, atMs, ...claim } = entry.claim;
    return JSON.stringify({ type: 'CLAIM', ts, cluster, claim: { ...claim, at: formatTime(atMs) } });
  }
  if ('gap' in entry) {
    const { cluster, fromMs, toMs: _, ...gap } = entry.gap;
    const from = fromMs === undefined ? undefined : formatTime(fromMs);
    return JSON.stringify({ type: 'GAP', ts, cluster, gap: { ...gap, from } });
  }
  if ('verdict' in entry) return formatVerdict(entry.verdict, ts);
  const { ref, firstMs, lastMs, ...event } = entry.kubeEvent;
  const { cluster, ...object } = ref;
  return JSON.stringify({
    type: 'EVENT',
    ts,
    cluster,
    event: { ...event, object, first: formatTime(firstMs), last: formatTime(lastMs) },
  });
}

/** The entry of a line whose type, time and cluster were read, or what is wrong with it. */
export function readSide(type: SideType, line: JsonObject, cluster: string, atMs: number): SideEntry | string {
  switch (type) {
    case 'RECORDING':
      return readHead(line, atMs);
    case 'TIME':
      return readMark(line, atMs);
    case 'KINDS':
      return readKinds(line.kinds, atMs);
    case 'LISTKEYS':
      return readListKeys(line.keys, cluster, atMs);
    case 'CLAIM':
      return readClaim(line.claim, cluster, atMs);
    case 'EVENT':
      return readEvent(line.event, cluster, atMs);
    case 'VERDICT':
      return readVerdict(line.verdict, cluster, atMs);
    case 'GAP':
      return readGap(line.gap, cluster, atMs);
  }
}

function readHead(line: JsonObject, atMs: number): SideEntry | string {
  const wrong = faultOf(line, { format: 'count', timeZone: 'text?' }, '');
  if (wrong !== undefined) return wrong;
  if ((line.format as number) > FORMAT_VERSION)
    return `format ${line.format} is newer than this program, which reads ${FORMAT_VERSION}`;
  const clusters = line.clusters ?? [];
  if (!Array.isArray(clusters) || !clusters.every(isText)) return 'clusters must be a list of names';
  if (isText(line.timeZone) && !isTimeZone(line.timeZone)) return 'timeZone must be an IANA time zone';
  return { head: { atMs, clusters, ...(isText(line.timeZone) ? { timeZone: line.timeZone } : {}) } };
}

function readMark(line: JsonObject, seenToMs: number): SideEntry | string {
  const { cursors } = line;
  if (cursors === undefined) return { seenToMs };
  if (!isTexts(cursors)) return 'cursors must be an object of strings';
  return { seenToMs, cursors };
}

function readKinds(kinds: Json | undefined, atMs: number): SideEntry | string {
  if (!Array.isArray(kinds)) return 'kinds must be a list';
  const shape = { cluster: 'text', group: 'text0', kind: 'text', plural: 'text?' } as const;
  const wrong = kinds.map((kind, i) => faultOf(kind, shape, `kinds[${i}].`)).find((fault) => fault !== undefined);
  return wrong ?? { kinds: kinds as unknown as KnownKind[], atMs };
}

function readListKeys(keys: Json | undefined, cluster: string, atMs: number): SideEntry | string {
  const wrong = faultOf(keys, { group: 'text0', kind: 'text' }, 'keys.');
  if (wrong !== undefined) return wrong;
  const { group, kind, lists: told } = keys as { group: string; kind: string; lists?: Json };
  const lists = told === undefined ? undefined : parseListKeys(told);
  if (told !== undefined && lists === undefined) return 'keys.lists is not what a recorder writes';
  return { lists: { cluster, group, kind, lists }, atMs };
}

function readClaim(claim: Json | undefined, cluster: string, toldMs: number): SideEntry | string {
  if (!isJsonObject(claim)) return 'claim is missing or not a JSON object';
  const { target, user } = claim;
  const versions = { resourceVersion: 'text?', contentHash: 'text?' } as const;
  const wrong =
    faultOf(claim, { source: CLAIM_SOURCES, id: 'text', verb: CLAIM_VERBS, at: 'time', ...versions }, 'claim.') ??
    faultOf(target, TARGET, 'claim.target.');
  if (wrong !== undefined) return wrong;
  const who: WrittenBy | undefined = isJsonObject(user) ? writtenBy(user) : undefined;
  if (who === undefined) return 'claim.user needs a name';
  const { at, user: _, ...rest } = claim;
  return {
    claim: { ...(rest as unknown as Omit<Claim, 'cluster'>), cluster, atMs: parseTime(at as string)!, user: who },
    atMs: toldMs,
  };
}

const TARGET = { group: 'text0', resource: 'text', namespace: 'text0', name: 'text0', kind: 'text?', uid: 'text?' } as const;

function readEvent(event: Json | undefined, cluster: string, toldMs: number): SideEntry | string {
  const words = {
    type: 'text0',
    reason: 'text0',
    action: 'text0',
    note: 'text0',
    reportedBy: 'text0',
    objectUid: 'text0',
  } as const;
  const wrong = faultOf(event, { uid: 'text', ...words, first: 'time', last: 'time', count: 'count' }, 'event.');
  if (wrong !== undefined) return wrong;
  const { object, first, last, ...rest } = event as JsonObject;
  const names = { group: 'text0', version: 'text', kind: 'text', namespace: 'text0', name: 'text' } as const;
  const unnamed = faultOf(object, names, 'event.object.');
  if (unnamed !== undefined) return unnamed;
  const ref = { ...(object as unknown as Omit<KubeEvent['ref'], 'cluster'>), cluster };
  const times = { firstMs: parseTime(first as string)!, lastMs: parseTime(last as string)! };
  return { kubeEvent: { ...(rest as unknown as Omit<KubeEvent, 'ref'>), ref, ...times }, atMs: toldMs };
}

function readGap(gap: Json | undefined, cluster: string, toMs: number): SideEntry | string {
  const place = { group: 'text0', kind: 'text', namespace: 'text0', name: 'text0' } as const;
  const versions = { fromVersion: 'text?', toVersion: 'text?', from: 'time?' } as const;
  const wrong = faultOf(
    gap,
    { ...place, ...versions, reason: GAP_REASONS, objects: 'count', generationsSkipped: 'count' },
    'gap.',
  );
  if (wrong !== undefined) return wrong;
  const { from, ...rest } = gap as JsonObject;
  const start = from === undefined ? {} : { fromMs: parseTime(from as string)! };
  return { gap: { ...(rest as unknown as Gap), cluster, toMs, ...start } };
}
