/**
 * Every error a user can meet: a code (one row each in docs/errors.md), what was wrong, where, and what to do about it.
 * Throw these at the rim; `cause` keeps the original.
 */
export interface CrowsnestErrorFields {
  code: ErrorCode;
  /** What was wrong, one sentence without a trailing full stop. */
  what: string;
  /** The flag, file:line, URL, kind or object concerned. */
  where?: string;
  /** What the reader can do about it. */
  todo?: string;
  cause?: unknown;
}

export const ERROR_CODES = [
  'CONFIG_UNKNOWN_KEY',
  'CONFIG_BAD_VALUE',
  'CONFIG_UNREADABLE',
  'LISTEN_UNSAFE',
  'LISTEN_FAILED',
  'KUBECONFIG_INVALID',
  'CLUSTER_UNREACHABLE',
  'CLUSTER_UNAUTHORIZED',
  'STREAM_UNREADABLE',
  'STREAM_TRUNCATED',
  'STREAM_BAD_LINE',
  'STREAM_UNWRITABLE',
  'OBJECT_INVALID',
  'OBJECT_TOO_LARGE',
  'CLAIM_INVALID',
  'EVENT_OUT_OF_ORDER',
  'STORE_LOCKED',
  'STORE_READ_ONLY',
  'STORE_FOREIGN',
  'STORE_TOO_NEW',
  'STORE_OUTDATED',
  'STORE_CORRUPT',
  'STORE_FULL',
  'STORE_KEY_WRONG',
  'BACKUP_UNUSABLE',
  'FILE_EXISTS',
  'ALERTMANAGER_REJECTED',
  'ALERTMANAGER_UNREACHABLE',
  'METRICS_UNREADABLE',
  'INGEST_INVALID',
  'INGEST_FORBIDDEN',
  'INGEST_SIGNATURE',
  'INGEST_TOO_LARGE',
  'INGEST_UNSUPPORTED',
  'INGEST_SLOW',
  'INGEST_BUSY',
  'METRICS_TARGET_REFUSED',
  'BROKER_UNREACHABLE',
  'POLL_FAILED',
  'RULE_INVALID',
  'SERIES_LIMIT',
  'QUERY_TOO_LARGE',
  'REQUEST_INVALID',
  'UNAUTHENTICATED',
  'NOT_FOUND',
  'CURSOR_EXPIRED',
  'METHOD_NOT_ALLOWED',
  'HOST_REFUSED',
  'RATE_LIMITED',
  'CONNECTIONS_FULL',
  'NOT_READY',
  'SERVER_UNREACHABLE',
  'INTERNAL',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export class CrowsnestError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly where: string | undefined;
  readonly todo: string | undefined;

  constructor(fields: CrowsnestErrorFields) {
    const where = fields.where === undefined ? '' : ` (${fields.where})`;
    const todo = fields.todo === undefined ? '' : `. ${fields.todo}`;
    super(`${fields.code}: ${fields.what}${where}${todo}`, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'CrowsnestError';
    this.code = fields.code;
    this.what = fields.what;
    this.where = fields.where;
    this.todo = fields.todo;
  }
}

export function isCrowsnestError(error: unknown, code?: ErrorCode): error is CrowsnestError {
  return error instanceof CrowsnestError && (code === undefined || error.code === code);
}
