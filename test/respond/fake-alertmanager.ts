import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { PostableAlert } from '../../src/respond/alertmanager-peer.ts';

export type Fault = 'none' | 'error' | 'hang' | 'teapot' | 'cut';

export interface Post {
  alerts: PostableAlert[];
  headers: IncomingHttpHeaders;
  status: number;
}

/** Behaves as Alertmanager v2 does at POST /api/v2/alerts: a 400 names the invalid ones and keeps the valid ones. Faults on request. */
export class FakeAlertmanager {
  fault: Fault = 'none';
  /** Alerts with such a name label are invalid. */
  invalid = new Set<string>();
  readonly posts: Post[] = [];
  /** By name label, the newest of each. */
  readonly held = new Map<string, PostableAlert>();
  connections = 0;
  #server: Server | undefined;
  #port = 0;
  readonly #sockets = new Set<Socket>();

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<this> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.method !== 'POST' || !request.url?.endsWith('/api/v2/alerts')) return void response.writeHead(404).end();
        const alerts = JSON.parse(Buffer.concat(chunks).toString()) as PostableAlert[];
        const status = this.#answer(alerts);
        this.posts.push({ alerts, headers: request.headers, status });
        if (this.fault === 'hang') return;
        if (this.fault === 'cut') return void request.socket.destroy();
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(status === 200 ? '' : JSON.stringify(`answer ${status}`));
      });
    });
    server.on('connection', (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** Refuses connections from now on; `start` brings it back on the same port. */
  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => (this.#server === undefined ? resolve(undefined) : this.#server.close(resolve)));
    this.#server = undefined;
  }

  #answer(alerts: PostableAlert[]): number {
    if (this.fault === 'error') return 500;
    if (this.fault === 'teapot') return 418;
    if (this.fault !== 'none') return 0;
    let status = 200;
    for (const alert of alerts) {
      const name = alert.labels.name ?? '';
      if (this.invalid.has(name) || Date.parse(alert.endsAt) < Date.parse(alert.startsAt)) status = 400;
      else this.held.set(name, alert);
    }
    return status;
  }
}
