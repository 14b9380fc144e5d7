/** Errors as RFC 9457 problem details. One table says which code is which status; anything not in it is our fault: 500. */
import type { z } from 'zod';
import type { IngestFault } from '../collector/pushed/ingest-fault.ts';
import { CrowsnestError, type ErrorCode, isCrowsnestError } from '../domain/errors.ts';
import type * as schemas from './schemas/service.ts';

export type ProblemBody = z.input<typeof schemas.Problem>;
export type ParameterError = NonNullable<ProblemBody['errors']>[number];

export const PROBLEM_STATUS: Partial<Record<ErrorCode, { status: number; title: string }>> = {
  REQUEST_INVALID: { status: 400, title: 'The request is not valid' },
  UNAUTHENTICATED: { status: 401, title: 'A valid bearer token is needed' },
  NOT_FOUND: { status: 404, title: 'Nothing is here' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The method is not allowed here' },
  CURSOR_EXPIRED: { status: 410, title: 'The list cursor is no longer valid' },
  HOST_REFUSED: { status: 421, title: 'The host name is not served here' },
  QUERY_TOO_LARGE: { status: 422, title: 'The question asks for too much' },
  RATE_LIMITED: { status: 429, title: 'Too many requests' },
  INGEST_INVALID: { status: 400, title: 'Nothing of what was pushed can be taken' },
  INGEST_SIGNATURE: { status: 401, title: 'The signature is not valid' },
  INGEST_FORBIDDEN: { status: 403, title: 'The key is not for this' },
  INGEST_SLOW: { status: 408, title: 'The body came too slowly' },
  INGEST_TOO_LARGE: { status: 413, title: 'The body is too large' },
  INGEST_UNSUPPORTED: { status: 415, title: 'The media type is not taken' },
  INGEST_BUSY: { status: 503, title: 'Too much at once' },
  CONNECTIONS_FULL: { status: 503, title: 'Too many connections' },
  INTERNAL: { status: 500, title: 'Something went wrong in Crowsnest' },
  NOT_READY: { status: 503, title: 'Crowsnest is not ready' },
  STORE_LOCKED: { status: 503, title: 'The database is in use by another process' },
  STORE_READ_ONLY: { status: 503, title: 'The database takes no writes' },
  STORE_CORRUPT: { status: 500, title: 'What was asked for is damaged on disk' },
  STORE_FULL: { status: 503, title: 'The disk is full' },
};

function wordsOf({ in: place, name, detail }: ParameterError): string {
  return name === '' ? `the ${place} ${detail}` : `${place} parameter ${name}: ${detail}`;
}

/** A request whose parameters do not fit, with one entry per parameter. */
export class RequestError extends CrowsnestError {
  readonly errors: ParameterError[];

  constructor(errors: ParameterError[]) {
    super({
      code: 'REQUEST_INVALID',
      what: errors.map(wordsOf).join('; '),
    });
    this.errors = errors;
  }
}

/** A push that is not taken at all; `faults` where several parts of it are wrong. */
export class IngestError extends CrowsnestError {
  readonly reason: IngestFault['reason'];
  readonly faults: readonly IngestFault[];

  constructor(code: ErrorCode, reason: IngestFault['reason'], what: string, todo?: string, faults: readonly IngestFault[] = []) {
    super({ code, what, todo });
    this.reason = reason;
    this.faults = faults;
  }
}

/** Not ready, with the checks when they were asked for. */
export class NotReadyError extends CrowsnestError {
  readonly checks: ProblemBody['checks'];

  constructor(failing: string[], checks: ProblemBody['checks']) {
    super({ code: 'NOT_READY', what: failing.length === 0 ? 'Not ready yet' : `Not ready: ${failing.join(', ')}` });
    this.checks = checks;
  }
}

export function notFound(what: string, todo?: string): CrowsnestError {
  return new CrowsnestError({ code: 'NOT_FOUND', what, todo });
}

/** The problem for an error. Errors of ours speak for themselves; of all others only the request id is shown, the log has the rest. */
export function problemOf(error: unknown, request: { path: string; requestId: string }): ProblemBody {
  const own = isCrowsnestError(error) ? error : fromHttpError(error);
  const known = own === undefined ? undefined : PROBLEM_STATUS[own.code];
  if (own === undefined || known === undefined) {
    return base('INTERNAL', 'The request failed; the log has the details under this request id.', request);
  }
  const problem = base(own.code, detailOf(own), request);
  if (own instanceof RequestError) problem.errors = own.errors;
  if (own instanceof IngestError && own.faults.length > 0) {
    problem.errors = own.faults.map(({ what, index, reason }) => ({
      in: 'body',
      name: index === undefined ? reason : `[${index}] ${reason}`,
      detail: what,
    }));
  }
  if (own instanceof NotReadyError && own.checks !== undefined) problem.checks = own.checks;
  return problem;
}

function base(code: ErrorCode, detail: string, request: { path: string; requestId: string }): ProblemBody {
  const { status, title } = PROBLEM_STATUS[code] ?? { status: 500, title: 'Something went wrong in Crowsnest' };
  return { type: 'about:blank', title, status, code, detail, instance: request.path, request_id: request.requestId };
}

function detailOf(error: CrowsnestError): string {
  const sentence = error.what.endsWith('.') ? error.what : `${error.what}.`;
  return error.todo === undefined ? sentence : `${sentence} ${error.todo}`;
}

/** What express and its parts throw on a malformed URL carries a 4xx status of its own. */
function fromHttpError(error: unknown): CrowsnestError | undefined {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  return new CrowsnestError({ code: 'REQUEST_INVALID', what: 'The URL is malformed', cause: error });
}
