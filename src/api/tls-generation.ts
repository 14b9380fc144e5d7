/** Connections that were made under TLS files that have since changed: what their certificate proved then may not hold any more. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';

const outlived = new WeakSet<Socket>();

/** Whether the certificate of this connection is to be shown again, on another connection. */
export function isOutlived({ socket }: IncomingMessage): boolean {
  return outlived.has(socket);
}

export class TlsGeneration {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on('secureConnection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      if (isOutlived(request)) response.shouldKeepAlive = false;
    });
  }

  /** Connections at rest are closed now, the others after their next answer. */
  next(): void {
    for (const socket of this.#sockets) outlived.add(socket);
    this.#server.closeIdleConnections();
  }
}
