/** A message from outside, HTTP body or broker's message, taken apart into what it tells: CloudEvents or lines of the stream format. Pure. */
import { deliveryKey } from '../../domain/delivery.ts';
import { parseLine } from '../recording/stream-format.ts';
import { isCloudEvent, looksStructured, mediaTypeOf, type RawMessage, readCloudEvents } from './cloud-event.ts';
import type { Told } from './delivery-gate.ts';
import type { IngestFault } from './ingest-fault.ts';
import { believedTime, claimOf, clusterOf, meaningOf, type PushContext, refusalOf } from './pushed-change.ts';
import { parseStrictJson } from './strict-json.ts';

export interface MessageContext extends PushContext {
  /** Who sent it: the name of its key, or of the broker's stream. */
  sender: string;
  /** The message's own identity, where the way it came gives it one; CloudEvents have theirs. */
  messageId: string | undefined;
}

export interface MessageParts {
  told: Told[];
  references: number;
  faults: IngestFault[];
}

export const LINES_MAX = 10_000;

export function takeApart(message: RawMessage, context: MessageContext): MessageParts {
  if (isCloudEvent(message)) return eventsOf(message, context);
  if (!looksStructured(message)) return linesOf(message, context);
  return eventsOf({ ...message, headers: { ...message.headers, 'content-type': 'application/cloudevents+json' } }, context);
}

function eventsOf(message: RawMessage, context: MessageContext): MessageParts {
  const parts: MessageParts = { told: [], references: 0, faults: [] };
  for (const [index, event] of readCloudEvents(message).entries()) {
    if ('fault' in event) {
      parts.faults.push(event.fault);
      continue;
    }
    const meaning = meaningOf(event, context);
    if ('fault' in meaning) parts.faults.push({ index, ...meaning.fault });
    else if ('reference' in meaning) parts.references += 1;
    else {
      const claims = meaning.claim === undefined ? [] : [meaning.claim];
      const key = deliveryKey('event', context.sender, event.source, event.id);
      parts.told.push({ key, brings: { observations: [meaning.observation], claims } });
    }
  }
  return parts;
}

/** All lines of a message are one telling: they have no identity of their own. */
function linesOf({ headers, body }: RawMessage, context: MessageContext): MessageParts {
  const parts: MessageParts = { told: [], references: 0, faults: [] };
  const brings: Required<Told['brings']> = { observations: [], scrapes: [], claims: [] };
  const lines = splitLines(body);
  if (lines.length > LINES_MAX) {
    parts.faults.push({ reason: 'size', what: `the message has more than ${LINES_MAX} lines` });
    return parts;
  }
  if (context.messageId === undefined) {
    parts.faults.push({
      reason: 'event',
      what: `${mediaTypeOf({ headers, body }) || 'a body without content type'} is no CloudEvent`,
    });
    return parts;
  }
  for (const [index, line] of lines.entries()) {
    const fault = addLine(brings, line, context, `${context.messageId}#${index}`);
    if (fault !== undefined) parts.faults.push({ index, ...fault });
  }
  if (brings.observations.length + brings.scrapes.length > 0) {
    parts.told.push({ key: deliveryKey('message', context.sender, context.messageId), brings });
  } else if (parts.faults.length === 0) parts.faults.push({ reason: 'line', what: 'the message holds no change' });
  return parts;
}

function addLine(brings: Required<Told['brings']>, line: Buffer, context: PushContext, id: string): IngestFault | undefined {
  const strict = parseStrictJson(line);
  if ('fault' in strict) return strict.fault;
  const { cluster, nowMs } = context;
  const parsed = parseLine(line.toString('utf8'), 1, { cluster, file: 'push', observedMs: nowMs });
  if ('reject' in parsed) return { reason: 'line', what: parsed.reject.what };
  if ('bookmark' in parsed) return undefined;
  // A recording may say who wrote, by whatever source; taken from a sender that would be a claim of any rank they like.
  if (!('scrape' in parsed) && !('observation' in parsed))
    return { reason: 'line', what: 'only changes and scrapes are taken here' };
  const entry = 'scrape' in parsed ? parsed.scrape : parsed.observation;
  if (clusterOf(entry.cluster, context) === undefined)
    return { reason: 'cluster', what: 'the line is of another cluster than its sender speaks for' };
  if ('scrape' in parsed) {
    brings.scrapes.push({ ...parsed.scrape, tsMs: believedTime(parsed.scrape.tsMs, nowMs) });
    return undefined;
  }
  // What a recording states of its actor is taken as it stands. Pushed it is a claim like any other, which must not outrank admission or audit.
  const { actor, ...stated } = parsed.observation;
  const wrong = refusalOf(stated.object);
  if (wrong !== undefined) return { reason: 'object', what: wrong };
  const observation = { ...stated, observedMs: believedTime(stated.observedMs, nowMs), origin: 'push' as const };
  brings.observations.push(observation);
  if (actor !== undefined) brings.claims.push(claimOf(observation, actor, id));
  return undefined;
}

function splitLines(body: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from < body.length && lines.length <= LINES_MAX; ) {
    const end = body.indexOf(10, from);
    const line = body.subarray(from, end < 0 ? body.length : end);
    if (line.some((byte) => byte > 0x20)) lines.push(line);
    from = end < 0 ? body.length : end + 1;
  }
  return lines;
}
