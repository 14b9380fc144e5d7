/**
 * As few HTTP/2 connections as hold all requests: 300 watches take 4. Requests go onto the first connection with room; when none has
 * any, one more is opened. Other TLS material than before (a rotated client certificate) drains the connections made with the old.
 */
import { type EndReason, Http2Connection, type Liveness, NotProcessedError } from './http2-connection.ts';
import { type Exchange, type Peer, type TransportAnswer, UNREAD_BYTES } from './transport.ts';

export interface PoolOptions {
  server: URL;
  proxy?: URL | undefined;
  answerTimeoutMs: number;
  liveness: Liveness;
}

export class Http2Pool {
  readonly endings: Partial<Record<EndReason, number>> = {};
  readonly #options: PoolOptions;
  readonly #connections = new Set<Http2Connection>();
  #key = '';

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get streams(): number {
    return [...this.#connections].reduce((sum, { used }) => sum + used, 0);
  }

  /** undefined when the server chose HTTP/1.1. */
  async exchange(call: Exchange, peer: Peer): Promise<TransportAnswer | undefined> {
    for (let attempts = 0; ; ) {
      const connection = this.#take(call.streaming, peer);
      try {
        const protocol = await untilAborted(connection.ready(), call.signal).catch((error: unknown) => {
          connection.release();
          throw error;
        });
        if (protocol === 'http/1.1') {
          connection.release();
          return undefined;
        }
        if (connection.isOverfull) {
          connection.release();
          continue;
        }
        attempts += 1;
        return await connection.exchange(call);
      } catch (error) {
        if (!(error instanceof NotProcessedError)) throw error;
        // The connection went away under the request, or refused it: another takes it, once.
        connection.drain();
        if (attempts === 2) throw error.cause;
      }
    }
  }

  close(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }

  /** A connection with a place reserved on it. */
  #take(streaming: boolean, peer: Peer): Http2Connection {
    const key = keyOf(peer);
    if (key !== this.#key) {
      for (const connection of [...this.#connections]) connection.drain();
      this.#key = key;
    }
    for (const connection of this.#connections) {
      if (!connection.hasRoom(streaming)) continue;
      connection.reserve();
      return connection;
    }
    const isFirst = ![...this.#connections].some(({ isCurrent }) => isCurrent);
    const connection: Http2Connection = new Http2Connection({
      ...this.#options,
      peer,
      windowBytes: isFirst ? UNREAD_BYTES.first : UNREAD_BYTES.further,
      onClosed: (reason) => {
        this.#connections.delete(connection);
        if (reason !== undefined) this.endings[reason] = (this.endings[reason] ?? 0) + 1;
      },
      onIdle: () => {
        // One is kept for the next request; what a flood of requests opened beside it goes.
        if ([...this.#connections].some((other) => other !== connection && other.isOpen)) connection.drain();
      },
    });
    this.#connections.add(connection);
    connection.reserve();
    return connection;
  }
}

/** Says of two peers whether one connection serves both. */
function keyOf({ ca, cert, key, rejectUnauthorized, servername }: Peer): string {
  return [ca, cert, key, rejectUnauthorized, servername].map(String).join('\n');
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
