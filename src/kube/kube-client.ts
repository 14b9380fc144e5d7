import type { JsonObject } from '../domain/json.ts';
import type { TransportCounts } from './transport.ts';

/** The one door to an API server. Implementations add credentials at each request, so that rotated tokens are taken up. */
export interface KubeClient {
  readonly cluster: string;
  /** A request whose answer is streamed: lists and watches. Does not throw on 4xx/5xx. Throws CLUSTER_UNREACHABLE when there is no answer. */
  stream(
    path: string,
    options: { query?: Record<string, string>; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<KubeStream>;
  /** A small JSON request. Rejects with KubeStatusError on 4xx/5xx, with CLUSTER_UNREACHABLE when there is no answer. */
  request(method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE', path: string, options?: KubeRequest): Promise<JsonObject>;
  /** What is held open to the API server, for metrics. */
  connections?(): TransportCounts;
  close(): Promise<void>;
}

export interface KubeRequest {
  query?: Record<string, string>;
  body?: JsonObject;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal;
}

export interface KubeStream {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: AsyncIterable<Buffer>;
  /** Bytes that have arrived and not been read. */
  buffered?(): number;
  /** Tears the connection down; reading ends. */
  cancel(): void;
}

/** An answer of the API server that is not a success, with its Status object. */
export class KubeStatusError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(fields: { status: number; reason: string; message: string; retryAfterSeconds?: number }) {
    super(fields.message);
    this.name = 'KubeStatusError';
    this.status = fields.status;
    this.reason = fields.reason;
    this.retryAfterSeconds = fields.retryAfterSeconds;
  }
}
