/**
 * An HTTP/2 server over TLS with the faults that connections have. By path: `/watch/…` answers and stays open until told otherwise,
 * `/flood` sends as fast as it is let, `/hang` never answers, `/refuse` is refused unprocessed as often as `refusals` says, everything
 * else answers with a JSON object.
 */
import { once } from 'node:events';
import http2, { type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Authority } from './certificates.ts';

export interface FakeHttp2Request {
  path: string;
  authorization: string | undefined;
  /** Common name of the client's certificate. */
  client: string | undefined;
  session: ServerHttp2Session;
}

export class FakeHttp2Server {
  readonly requests: FakeHttp2Request[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  readonly watches = new Map<string, ServerHttp2Stream>();
  /** Sessions ever opened. */
  opened = 0;
  refusals = 0;
  /** Bytes of `/flood` that the flow control let out. */
  flooded = 0;
  /** What requests are answered with. */
  status = 200;
  readonly #server: Http2SecureServer;
  #floodBytes = 0;

  private constructor(server: Http2SecureServer) {
    this.#server = server;
    server.on('session', (session) => {
      this.opened += 1;
      this.sessions.add(session);
      session.on('error', () => {});
      session.once('close', () => this.sessions.delete(session));
    });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.on('error', () => {});
      const session = stream.session as ServerHttp2Session;
      const socket = session.socket as TLSSocket;
      const path = String(headers[':path']);
      const client = socket.getPeerCertificate().subject?.CN as string | undefined;
      this.requests.push({ path, authorization: headers.authorization, client, session });
      this.#answer(stream, path);
    });
  }

  static async start(
    authority: Authority,
    options: { maxConcurrentStreams?: number; ALPNProtocols?: string[] } = {},
  ): Promise<FakeHttp2Server> {
    const identity = await authority.issue('CN=fake');
    const { maxConcurrentStreams = 100, ALPNProtocols } = options;
    const server = http2.createSecureServer({
      ...identity,
      ca: authority.cert,
      requestCert: true,
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams },
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols, allowHTTP1: true }),
    });
    const fake = new FakeHttp2Server(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return fake;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): URL {
    return new URL(`https://127.0.0.1:${this.port}`);
  }

  /** Sends a line on every open watch. */
  send(line: string): void {
    for (const stream of this.watches.values()) stream.write(`${line}\n`);
  }

  /** How much `/flood` sends. */
  floodWith(bytes: number): void {
    this.#floodBytes = bytes;
  }

  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #answer(stream: ServerHttp2Stream, path: string): void {
    if (path.startsWith('/hang')) return;
    if (path.startsWith('/refuse') && this.refusals > 0) {
      this.refusals -= 1;
      stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream.respond({ ':status': this.status, 'content-type': 'application/json' });
    if (path.startsWith('/watch')) {
      this.watches.set(path, stream);
      stream.once('close', () => this.watches.delete(path));
      stream.write('{}\n');
    } else if (path.startsWith('/flood')) void this.#flood(stream);
    else stream.end(JSON.stringify({ kind: 'Answer', path }));
  }

  async #flood(stream: ServerHttp2Stream): Promise<void> {
    const block = Buffer.alloc(64 * 1024, 'x');
    for (let sent = 0; sent < this.#floodBytes && !stream.destroyed; sent += block.length) {
      // The callback comes when the block has left for the socket, which flow control holds up.
      await new Promise<void>((resolve) => stream.write(block, () => resolve()));
      this.flooded += block.length;
    }
    stream.end();
  }
}
