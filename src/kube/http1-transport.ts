/**
 * One socket for each stream: for servers and proxies without HTTP/2. TLS members are part of an agent's key for a socket, so a rotated
 * certificate opens new connections by itself. Streams have an agent without a cap, because a watch holds its socket for minutes and a
 * capped pool would leave the rest waiting without an error; small requests share a few kept-alive sockets.
 */
import type { Agent, IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { http } from '../telemetry/node-http.ts';
import { hostOf, openTunnel } from './proxy-tunnel.ts';
import { type Exchange, FIRST_STREAMS, type Peer, type Transport, type TransportAnswer, UNREAD_BYTES } from './transport.ts';
import { wholeReads } from './whole-reads.ts';

const SOCKETS_SMALL_MAX = 6;

export class Http1Transport implements Transport {
  readonly #server: URL;
  readonly #answerTimeoutMs: number;
  readonly #module: typeof http | typeof https;
  readonly #smallAgent: Agent;
  readonly #streamAgent: Agent;

  constructor(server: URL, { answerTimeoutMs, proxy }: { answerTimeoutMs: number; proxy?: URL | undefined }) {
    this.#server = server;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#module = server.protocol === 'http:' ? http : https;
    this.#smallAgent = new this.#module.Agent({ keepAlive: true, maxSockets: SOCKETS_SMALL_MAX });
    this.#streamAgent = new this.#module.Agent({ keepAlive: true, maxFreeSockets: 8 });
    if (proxy === undefined) return;
    for (const agent of [this.#smallAgent, this.#streamAgent]) leadThrough(agent, { server, proxy, timeoutMs: answerTimeoutMs });
  }

  get sockets(): number {
    const count = (lists: NodeJS.ReadOnlyDict<unknown[]>) =>
      Object.values(lists).reduce((sum, list) => sum + (list?.length ?? 0), 0);
    return [this.#smallAgent, this.#streamAgent].reduce((sum, agent) => sum + count(agent.sockets) + count(agent.freeSockets), 0);
  }

  get streams(): number {
    return [this.#smallAgent, this.#streamAgent].reduce(
      (sum, agent) => sum + Object.values(agent.sockets).reduce((inner, list) => inner + (list?.length ?? 0), 0),
      0,
    );
  }

  async exchange(call: Exchange, peer: Peer): Promise<TransportAnswer> {
    const server = this.#server;
    const headers = { ...call.headers };
    if (call.body !== undefined) headers['content-length'] = String(Buffer.byteLength(call.body));
    const options: RequestOptions & { highWaterMark?: number } = {
      agent: call.streaming ? this.#streamAgent : this.#smallAgent,
      ...peer,
      protocol: server.protocol,
      hostname: hostOf(server),
      port: server.port === '' ? undefined : server.port,
      method: call.method,
      path: call.path,
      headers,
      signal: call.signal,
    };
    if (call.streaming) options.highWaterMark = this.streams < FIRST_STREAMS ? UNREAD_BYTES.first : UNREAD_BYTES.further;
    const answer = await this.#send(options, call);
    // Whoever reads the body sees its error; a stream that is torn down unread must not end the process.
    answer.on('error', () => {});
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      // One read of a socket is parsed before anything else runs, and belongs to one answer: nobody has more of it than its pieces.
      body: wholeReads(answer, { ownsMemory: true }),
      buffered: () => answer.readableLength,
      cancel: () => answer.destroy(),
    };
  }

  async close(): Promise<void> {
    this.#smallAgent.destroy();
    this.#streamAgent.destroy();
  }

  #send(options: RequestOptions, call: Exchange): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#module.request(options);
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${this.#answerTimeoutMs / 1000} s`));
      }, this.#answerTimeoutMs);
      request.once('socket', (socket) => {
        // The kernel notices a peer that is gone for good; a watch alone may have nothing to say for minutes.
        socket.setKeepAlive(true, 30_000);
      });
      request.once('response', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end(call.body);
    });
  }
}

/** Has an agent make its sockets through a proxy; TLS is with the server. */
function leadThrough(agent: Agent, { server, proxy, timeoutMs }: { server: URL; proxy: URL; timeoutMs: number }): void {
  const secure = server.protocol === 'https:';
  const way = { proxy, host: hostOf(server), port: Number(server.port === '' ? (secure ? 443 : 80) : server.port), timeoutMs };
  agent.createConnection = (options, done) => {
    const made = (error: Error | null, socket?: Duplex) => done?.(error, socket as Duplex);
    openTunnel(way).then(
      (socket) =>
        made(null, secure ? tls.connect({ ...(options as tls.ConnectionOptions), ALPNProtocols: ['http/1.1'], socket }) : socket),
      (error: Error) => made(error),
    );
    return undefined;
  };
}
