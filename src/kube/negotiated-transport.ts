import { Http1Transport } from './http1-transport.ts';
import { LIVENESS_DEFAULT, type Liveness } from './http2-connection.ts';
import { Http2Pool } from './http2-pool.ts';
import type { Exchange, Peer, Transport, TransportAnswer, TransportCounts } from './transport.ts';

export interface TransportOptions {
  answerTimeoutMs: number;
  liveness?: Liveness | undefined;
  proxy?: URL | undefined;
}

/** HTTP/2 where TLS agrees on it, else HTTP/1.1: a plain http:// server, and one that does not offer h2. Either goes through a proxy where there is one. */
export class NegotiatedTransport implements Transport {
  readonly #http1: Http1Transport;
  readonly #pool: Http2Pool;
  readonly #plain: boolean;
  /** Set when a handshake chose HTTP/1.1; forgotten when a request fails, because the server that is back may be another. */
  #choseHttp1 = false;

  constructor(server: URL, { answerTimeoutMs, liveness, proxy }: TransportOptions) {
    this.#http1 = new Http1Transport(server, { answerTimeoutMs, proxy });
    this.#pool = new Http2Pool({ server, proxy, answerTimeoutMs, liveness: liveness ?? LIVENESS_DEFAULT });
    this.#plain = server.protocol === 'http:';
  }

  async exchange(call: Exchange, peer: Peer): Promise<TransportAnswer> {
    if (this.#plain) return this.#http1.exchange(call, peer);
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
