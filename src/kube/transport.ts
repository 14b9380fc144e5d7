/** How bytes get to the API server and back, below the KubeClient: HTTP/1.1 (http1-transport.ts) or HTTP/2 (http2-pool.ts). */
import type { RequestOptions } from 'node:https';

export interface Exchange {
  method: string;
  /** Path and query as they go on the wire. */
  path: string;
  /** Everything, credentials included. */
  headers: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** A list or watch: its answer may last, and large reads are worth their memory. */
  streaming: boolean;
}

/** Members of `Credentials.apply()` beside the headers. */
export type Peer = Omit<RequestOptions, 'headers' | 'agent'>;

export interface TransportAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Rejects when it ends before the server had ended it. Unread bytes are bounded: the peer waits. */
  body: AsyncIterable<Buffer>;
  /** Bytes that have arrived and not been read. */
  buffered(): number;
  cancel(): void;
}

export interface Transport {
  exchange(call: Exchange, peer: Peer): Promise<TransportAnswer>;
  close(): Promise<void>;
}

/** What a transport holds open, for metrics. */
export interface TransportCounts {
  protocol: 'h2' | 'http/1.1' | 'unknown';
  /** Connections. */
  connections: number;
  /** Requests under way, watches included. */
  streams: number;
  /** Connections that ended other than by being closed here, by reason. */
  endings: Record<string, number>;
}

/**
 * Bytes a stream may hold unread: large reads make large transactions, and this is also what flooded watches cost in memory. The first
 * streams of a client may hold much; beyond them, which is where kinds are many and each is quiet, less: 300 streams hold 36 MB at most.
 */
export const UNREAD_BYTES = { first: 256 * 1024, further: 64 * 1024 };
export const FIRST_STREAMS = 90;
