/** What one attempt of a reflector came to, and what follows from it. Pure, so that the whole behaviour is one table. */

import type { ResourceKind } from '../../kube/discovery.ts';
import type { StatusFacts } from '../../kube/kube-status.ts';
import type { CoverageState } from '../source.ts';
import { type BackOffOptions, backOffMs, jittered } from './back-off.ts';

export type Outcome =
  /** The list is complete and delivered; the watch comes next. */
  | { type: 'listed' }
  /**
   * The server ended the watch. `progressed`: it brought something or lasted a while. `inTime`: when it was asked to, and not before; a server
   * that goes away may end its watches in good order too.
   */
  | { type: 'ended'; progressed: boolean; inTime: boolean }
  /** The position is of no use any more: history is gone, or the server never had it. */
  | { type: 'expired'; reason: string }
  /** The server knows nothing as new as our position: it lags behind another one, or its storage was set back. */
  | { type: 'ahead'; reason: string; afterMs: number }
  /** The server's storage was set back to an earlier time: another history begins. */
  | { type: 'restored'; reason: string }
  /** The server does not do streaming lists. */
  | { type: 'unsupported'; reason: string }
  | { type: 'forbidden'; reason: string }
  | { type: 'gone'; reason: string }
  | { type: 'throttled'; reason: string; afterMs: number }
  /** Half-open. */
  | { type: 'silent'; reason: string }
  | { type: 'failed'; reason: string; progressed: boolean };

export interface Step {
  delayMs: number;
  /** Attempts in a row that came to this kind of nothing, which the back-off grows with. */
  failures: number;
  /** Begin with a list again. */
  forget: boolean;
  /** undefined: as it was. */
  coverage: CoverageState | undefined;
}

export interface StepContext {
  /** Earlier attempts in a row that came to the same. Each cause counts for itself: what follows an outage is not slow for it. */
  failures: number;
  /** Whether the kind has ever been seen whole in this run or an earlier one. */
  synced: boolean;
  forbiddenMs: number;
  backOff: BackOffOptions;
}

/** A connection that lasted this long did its work, whatever it brought. */
export const LASTING_MS = 5_000;
/** How often a kind that was seen may be refused before it is taken for forbidden; with the back-off about three seconds. */
const FORBIDDEN_TRIES = 4;

export function nextStep(outcome: Outcome, context: StepContext): Step {
  const failures = context.failures + 1;
  const { backOff } = context;
  const probeMs = jittered(context.forbiddenMs, 0.05, backOff.random);
  switch (outcome.type) {
    case 'listed':
      return { delayMs: 0, failures: 0, forget: false, coverage: undefined };
    case 'ended':
      // A server that ends watch after watch at once would otherwise be asked as fast as it answers.
      return outcome.progressed
        ? { delayMs: 0, failures: 0, forget: false, coverage: undefined }
        : { delayMs: backOffMs(failures, backOff), failures, forget: false, coverage: undefined };
    case 'expired':
    case 'restored':
      return { delayMs: failures === 1 ? 0 : backOffMs(failures, backOff), failures, forget: true, coverage: 'listing' };
    case 'unsupported':
      return { delayMs: 0, failures: context.failures, forget: true, coverage: 'listing' };
    case 'forbidden':
      // A server that has just started forbids everything until it has read its roles.
      return context.synced && failures <= FORBIDDEN_TRIES
        ? { delayMs: backOffMs(failures, backOff), failures, forget: false, coverage: 'stale' }
        : { delayMs: probeMs, failures, forget: false, coverage: 'forbidden' };
    case 'gone':
      // Discovery shows a new kind some moments before it is served.
      return { delayMs: Math.min(probeMs, backOffMs(failures, backOff)), failures, forget: false, coverage: 'gone' };
    case 'throttled':
    case 'ahead':
      return {
        delayMs: Math.max(jittered(outcome.afterMs * 1.05, 0.05, backOff.random), backOffMs(failures, backOff)),
        failures,
        forget: false,
        coverage: troubled(context),
      };
    case 'silent':
      return { delayMs: failures === 1 ? 0 : backOffMs(failures, backOff), failures, forget: false, coverage: 'stale' };
    case 'failed': {
      const inARow = outcome.progressed ? 1 : failures;
      return { delayMs: backOffMs(inARow, backOff), failures: inARow, forget: false, coverage: troubled(context) };
    }
  }
}

/** What a Status means, as an answer to a request or as an ERROR inside a stream. */
export function outcomeOfStatus(
  status: StatusFacts,
  request: { kind: ResourceKind; streamingList: boolean; hasPosition: boolean; inStream: boolean },
): Outcome {
  const reason = status.message === '' ? `the API server answered ${status.code}` : `${status.code}: ${status.message}`;
  if (status.resourceVersionTooLarge && request.hasPosition)
    return { type: 'ahead', reason, afterMs: (status.retryAfterSeconds ?? 1) * 1000 };
  switch (status.code) {
    case 401:
      return { type: 'failed', reason: `the API server does not accept the credentials (${reason})`, progressed: false };
    case 403:
      return { type: 'forbidden', reason: ruleToAdd(request.kind) };
    case 404:
    case 405:
      return { type: 'gone', reason: `the API server does not serve ${request.kind.plural}.${request.kind.group} (${reason})` };
    case 410:
      return { type: 'expired', reason };
    case 429:
      return { type: 'throttled', reason, afterMs: (status.retryAfterSeconds ?? 1) * 1000 };
  }
  // A field selector that the kind does not know; nothing else about the request is at fault.
  if (status.code === 400 && status.message.includes('field label not supported'))
    return { type: 'failed', reason: `${reason}; correct --field-selector`, progressed: false };
  // With etcd 3.4 a streaming list is answered by 200 and then by an ERROR of 500 in the stream.
  if (request.streamingList && (request.inStream || status.code < 500)) return { type: 'unsupported', reason };
  if (request.hasPosition && (status.code === 400 || status.code === 422)) return { type: 'expired', reason };
  if (status.retryAfterSeconds !== undefined) return { type: 'throttled', reason, afterMs: status.retryAfterSeconds * 1000 };
  return { type: 'failed', reason, progressed: false };
}

/** The rule that lets a kind be watched, as it is written in a role. */
export function ruleToAdd(kind: Pick<ResourceKind, 'group' | 'plural'>): string {
  return `not allowed; add to the role: {apiGroups: ["${kind.group}"], resources: ["${kind.plural}"], verbs: ["get", "list", "watch"]}`;
}

function troubled(context: StepContext): CoverageState {
  return context.synced ? 'stale' : 'broken';
}
