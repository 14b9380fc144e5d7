/**
 * One HTTP/2 connection that many requests and watches share.
 *
 *   connecting ──► open ──► draining ──► closed
 *       └────────────┴───────────────────► closed        (failed, found dead, destroyed)
 *
 * Only an open connection takes new requests. Draining (the server said GOAWAY, or the client's certificate was replaced) lets those under
 * way come to their end. When it closes with requests under way, each of them fails, so whoever reads a watch reconnects.
 */
import assert from 'node:assert/strict';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { hostOf, openTunnel } from './proxy-tunnel.ts';
import { type Exchange, FIRST_STREAMS, type Peer, type TransportAnswer } from './transport.ts';
import { wholeReads } from './whole-reads.ts';

export interface ConnectionOptions {
  server: URL;
  /** Through which it is reached. */
  proxy?: URL | undefined;
  peer: Peer;
  /** For connecting, and for each answer to begin. */
  answerTimeoutMs: number;
  liveness: Liveness;
  /** What the server may send on a stream ahead of its reader. */
  windowBytes: number;
  /** Called once, when it is closed; `reason` unless that was done here. */
  onClosed(reason: EndReason | undefined): void;
  /** Called when no request is under way any more. */
  onIdle(): void;
}

export type EndReason = 'connect' | 'goaway' | 'ping' | 'error' | 'peer';

/** A PING each `everyTicks`; unanswered for `deadTicks` more, the connection is dead. Counted in ticks, so a blocked process is no dead peer. */
export interface Liveness {
  tickMs: number;
  everyTicks: number;
  deadTicks: number;
}

export const LIVENESS_DEFAULT: Liveness = { tickMs: 5_000, everyTicks: 3, deadTicks: 3 };

/** Streams on a connection; further ones would wait at the server, which allows 100, without an error. */
const STREAMS_MAX = FIRST_STREAMS;
/** Node refills the connection's own window at once, so no reader holds up another. */
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
/** Megabytes of Node's own accounting per connection; beyond it, streams would be refused. */
const SESSION_MEMORY_MB = 64;

/** The server has not begun to work on the request, so that it may be sent again. */
export class NotProcessedError extends Error {}

export class Http2Connection {
  readonly #options: ConnectionOptions;
  readonly #connected: Promise<'h2' | 'http/1.1'>;
  #state: 'connecting' | 'open' | 'draining' | 'closed' = 'connecting';
  #session: ClientHttp2Session | undefined;
  #socket: tls.TLSSocket | undefined;
  #used = 0;
  #serverMax = Number.POSITIVE_INFINITY;
  #reason: EndReason | undefined;
  #pinging: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#connected = this.#connect();
    // Whoever waits for it sees the error; there may be nobody left.
    this.#connected.catch(() => {});
  }

  /** Requests and reservations. */
  get used(): number {
    return this.#used;
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Connecting or open. */
  get isCurrent(): boolean {
    return this.#state === 'connecting' || this.#state === 'open';
  }

  /** A small request may use what a stream leaves free, up to the server's own limit. */
  hasRoom(streaming: boolean): boolean {
    return this.isCurrent && this.#used < Math.min(streaming ? STREAMS_MAX : 100, this.#serverMax);
  }

  /** More was reserved, before the server had told its limit, than it takes; the surplus would wait there unseen. */
  get isOverfull(): boolean {
    return this.#used > this.#serverMax;
  }

  /** Holds a place for one request; `exchange` takes it, `release` gives it back. */
  reserve(): void {
    this.#used += 1;
    this.#session?.ref();
  }

  release(): void {
    assert(this.#used > 0, 'released more often than reserved');
    this.#used -= 1;
    if (this.#used === 0) this.#rest();
  }

  /** 'http/1.1' when that is what the server chose; the connection is then closed. */
  ready(): Promise<'h2' | 'http/1.1'> {
    return this.#connected;
  }

  /** Takes no more requests and closes when those under way have ended. */
  drain(): void {
    if (this.#state === 'closed' || this.#state === 'draining') return;
    this.#state = 'draining';
    if (this.#used === 0) this.#rest();
  }

  destroy(error?: Error): void {
    if (this.#state === 'closed') return;
    this.#session?.destroy(error);
    this.#socket?.destroy(error);
    this.#closed();
  }

  /** Sends a request on the place that was reserved for it. Rejects with NotProcessedError where it can be sent again. */
  exchange(call: Exchange): Promise<TransportAnswer> {
    return new Promise((resolve, reject) => {
      const stream = this.#open(call);
      let answered = false;
      const timer = setTimeout(() => {
        stream.destroy(new Error(`no answer within ${this.#options.answerTimeoutMs / 1000} s`));
      }, this.#options.answerTimeoutMs);
      stream.once('response', (headers) => {
        answered = true;
        clearTimeout(timer);
        resolve(answerOf(stream, headers));
      });
      // Once answered, whoever reads the body sees the error; a stream torn down unread must not end the process.
      stream.on('error', (error) =>
        reject(stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM ? notProcessed(error) : error),
      );
      stream.once('close', () => {
        clearTimeout(timer);
        this.release();
        if (!answered) reject(stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM ? notProcessed() : cut());
      });
      if (call.body !== undefined) stream.end(call.body);
    });
  }

  #open(call: Exchange): ClientHttp2Stream {
    const session = this.#session;
    try {
      if (session === undefined || this.#state === 'closed') throw cut();
      return session.request(
        { ...call.headers, ':method': call.method, ':path': call.path },
        { endStream: call.body === undefined, ...(call.signal === undefined ? {} : { signal: call.signal }) },
      );
    } catch (error) {
      this.release();
      throw call.signal?.aborted ? call.signal.reason : notProcessed(error);
    }
  }

  async #connect(): Promise<'h2' | 'http/1.1'> {
    try {
      const socket = await this.#handshake();
      if (socket.alpnProtocol !== 'h2') {
        socket.destroy();
        this.#closed();
        return 'http/1.1';
      }
      await this.#startSession(socket);
      return 'h2';
    } catch (error) {
      this.#reason ??= 'connect';
      this.destroy();
      throw error;
    }
  }

  async #handshake(): Promise<tls.TLSSocket> {
    const { server, proxy, peer, answerTimeoutMs } = this.#options;
    const host = hostOf(server);
    const port = Number(server.port === '' ? 443 : server.port);
    const tunnel = proxy === undefined ? undefined : await openTunnel({ proxy, host, port, timeoutMs: answerTimeoutMs });
    if (this.#state === 'closed') {
      tunnel?.destroy();
      throw cut();
    }
    const { ca, cert, key, rejectUnauthorized } = peer;
    const given = Object.fromEntries(
      Object.entries({ ca, cert, key, rejectUnauthorized }).filter(([, value]) => value !== undefined),
    );
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        ...given,
        ...{ host, port },
        ...(tunnel === undefined ? {} : { socket: tunnel }),
        servername: peer.servername ?? (isIP(host) === 0 ? host : ''),
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      this.#socket = socket;
      const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${answerTimeoutMs / 1000} s`)), answerTimeoutMs);
      socket.setKeepAlive(true, 30_000);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
      socket.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.once('close', () => {
        clearTimeout(timer);
        reject(cut());
      });
    });
  }

  #startSession(socket: tls.TLSSocket): Promise<void> {
    const { server, answerTimeoutMs, windowBytes } = this.#options;
    return new Promise((resolve, reject) => {
      const session = http2.connect(server.origin, {
        createConnection: () => socket,
        maxSessionMemory: SESSION_MEMORY_MB,
        settings: { enablePush: false, initialWindowSize: windowBytes },
      });
      this.#session = session;
      const timer = setTimeout(() => session.destroy(new Error(`no answer within ${answerTimeoutMs / 1000} s`)), answerTimeoutMs);
      // Its limit of streams is known only now, and it sends this first.
      session.once('remoteSettings', (settings) => {
        clearTimeout(timer);
        this.#serverMax = Math.max(1, settings.maxConcurrentStreams ?? Number.POSITIVE_INFINITY);
        session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
        if (this.#state === 'connecting') this.#state = 'open';
        this.#watchOver(session);
        if (this.#used === 0) this.#rest();
        resolve();
      });
      session.on('goaway', () => {
        this.#reason ??= 'goaway';
        this.drain();
      });
      session.on('error', (error) => {
        this.#reason ??= 'error';
        reject(error);
      });
      session.once('close', () => {
        clearTimeout(timer);
        reject(cut());
        if (this.#state !== 'draining') this.#reason ??= 'peer';
        this.#closed();
      });
    });
  }

  /** The one place where a half-open connection is found for all its watches; each by itself could only wait for bookmarks. */
  #watchOver(session: ClientHttp2Session): void {
    const { tickMs, everyTicks, deadTicks } = this.#options.liveness;
    let ticks = 0;
    let asked = false;
    this.#pinging = setInterval(() => {
      ticks += 1;
      if (asked && ticks >= deadTicks) {
        this.#reason = 'ping';
        this.destroy(new Error(`no answer to a ping for ${(tickMs * deadTicks) / 1000} s, so the connection is taken for dead`));
      } else if (!asked && ticks >= everyTicks) {
        asked = true;
        ticks = 0;
        session.ping((error) => {
          if (error !== null) return;
          asked = false;
          ticks = 0;
        });
      }
    }, tickMs);
    this.#pinging.unref();
  }

  /** Nothing is under way: it must not keep the process from ending, and is not needed if it drains. */
  #rest(): void {
    // Cut by the peer: it is about to say so itself.
    if (this.#socket?.destroyed === true) return;
    this.#session?.unref();
    if (this.#state === 'draining') this.#session?.close();
    else this.#options.onIdle();
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    clearInterval(this.#pinging);
    this.#options.onClosed(this.#reason);
  }
}

function answerOf(stream: ClientHttp2Stream, headers: IncomingHttpHeaders): TransportAnswer {
  return {
    status: Number(headers[':status'] ?? 0),
    headers: headers as TransportAnswer['headers'],
    body: bodyOf(stream),
    buffered: () => stream.readableLength,
    cancel: () => void stream.destroy(),
  };
}

/** A stream that is cut ends its iteration as a complete one does, but has not met its end. */
async function* bodyOf(stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
  yield* wholeReads(stream);
  if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR || !stream.readableEnded) throw cut();
}

function cut(): Error {
  return Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' });
}

function notProcessed(cause?: unknown): NotProcessedError {
  return new NotProcessedError('the server did not take the request', { cause: cause ?? cut() });
}
