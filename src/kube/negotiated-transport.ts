import { Http1Transport } from './http1-transport.ts';
import { LIVENESS_DEFAULT, type Liveness } from './http2-connection.ts';
import { Http2Pool } from './http2-pool.ts';
import type { Exchange, Peer, Transport, TransportAnswer, TransportCounts } from './transport.ts';

/**
 * HTTP/2 where TLS agrees on it, else HTTP/1.1: a plain http:// server, one behind a proxy that client-node's agent knows the way through,
 * and a server or proxy that does not offer h2.
 */
export class NegotiatedTransport implements Transport {
  readonly #http1: Http1Transport;
  readonly #pool: Http2Pool;
  readonly #plain: boolean;
  /** Set when a handshake chose HTTP/1.1; forgotten when a request fails, because the server that is back may be another. */
  #choseHttp1 = false;

  constructor(server: URL, { answerTimeoutMs, liveness }: { answerTimeoutMs: number; liveness?: Liveness | undefined }) {
    this.#http1 = new Http1Transport(server, { answerTimeoutMs });
    this.#pool = new Http2Pool({ server, answerTimeoutMs, liveness: liveness ?? LIVENESS_DEFAULT });
    this.#plain = server.protocol === 'http:';
  }

  async exchange(call: Exchange, peer: Peer): Promise<TransportAnswer> {
    if (this.#plain || peer.agent !== undefined) return this.#http1.exchange(call, peer);
    if (!this.#choseHttp1) {
      const answer = await this.#pool.exchange(call, peer);
      if (answer !== undefined) return answer;
      this.#choseHttp1 = true;
    }
    try {
      return await this.#http1.exchange(call, peer);
    } catch (error) {
      this.#choseHttp1 = call.signal?.aborted === true;
      throw error;
    }
  }

  counts(): TransportCounts {
    const connections = this.#pool.connections + this.#http1.sockets;
    const protocol = this.#pool.connections > 0 ? 'h2' : connections > 0 ? 'http/1.1' : 'unknown';
    return { protocol, connections, streams: this.#pool.streams + this.#http1.streams, endings: { ...this.#pool.endings } };
  }

  async close(): Promise<void> {
    this.#pool.close();
    await this.#http1.close();
  }
}
