/**
 * The API's socket: where it may listen, TLS, and a close that ends. What is served on it is express-app.ts.
 */
import type { Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { http } from '../telemetry/node-http.ts';
import { ConnectionBound, type ConnectionsMax } from './connection-bound.ts';
import { type ApiOptions, createExpressApp } from './express-app.ts';
import { checkListen } from './listen-rules.ts';
import { followTls, readTls, type TlsFiles } from './tls-files.ts';
import { TlsGeneration } from './tls-generation.ts';

export interface ApiServerOptions extends ApiOptions {
  tls?: TlsFiles;
  /** Default 1,000, and 500 of one address. */
  connectionsMax?: ConnectionsMax;
}

export interface ApiServer {
  /**
   * Binds and answers with the URL to show people. Throws LISTEN_UNSAFE beyond loopback without TLS and a token, LISTEN_FAILED
   * when the port is taken or the address is not ours, CONFIG_UNREADABLE for a certificate that cannot be read,
   * CONFIG_BAD_VALUE for one that cannot be used.
   */
  listen(host: string, port: number): Promise<{ url: string }>;
  /** Stops accepting, lets running requests end for a moment, then cuts what is left. */
  close(): Promise<void>;
}

const CLOSE_GRACE_MS = 2_000;
/**
 * A client that sends its request a byte at a time is cut; looked for often enough that many of them cannot pile up. A connection that rests is kept for longer
 * than the proxies in front keep theirs (60 s is usual): whoever closes first must be the one that sends, or a request meets a closed connection.
 */
const TIMEOUTS = { requestTimeout: 30_000, headersTimeout: 10_000, connectionsCheckingInterval: 5_000, keepAliveTimeout: 75_000 };

export function createApiServer(options: ApiServerOptions): ApiServer {
  const connections = new ConnectionBound(options.registry, options.connectionsMax);
  const app = createExpressApp({ ...options, tls: options.tls !== undefined, bound: connections });
  let server: Server | undefined;
  const stopping = new AbortController();
  let following: Promise<void> | undefined;
  const createTls = (files: TlsFiles): TlsServer => {
    const served = readTls(files);
    const made = createTlsServer({ ...served, ...TIMEOUTS });
    const { clock, logger } = options;
    const generation = new TlsGeneration(made);
    following = followTls(made, files, { served, clock, logger, signal: stopping.signal, onChanged: () => generation.next() });
    return made;
  };
  return {
    async listen(host, port) {
      checkListen(host, { tls: options.tls !== undefined, token: options.auth.token });
      server = options.tls === undefined ? http.createServer(TIMEOUTS) : createTls(options.tls);
      connections.watch(server);
      server.on('request', app);
      await bind(server, host, port);
      const { address, family, port: bound } = server.address() as AddressInfo;
      const shown = family === 'IPv6' ? `[${address}]` : address;
      return { url: `${options.tls === undefined ? 'http' : 'https'}://${shown}:${bound}` };
    },
    async close() {
      stopping.abort();
      await following;
      const closing = server;
      server = undefined;
      if (closing?.listening) await closeWithGrace(closing, options.clock);
    },
  };
}

async function closeWithGrace(server: Server, clock: Clock): Promise<void> {
  const ended = new AbortController();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cut = clock.sleep(CLOSE_GRACE_MS, ended.signal).then(
    () => server.closeAllConnections(),
    () => {},
  );
  await closed;
  ended.abort();
  await cut;
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new CrowsnestError({
          code: 'LISTEN_FAILED',
          what: taken
            ? 'The port is in use by another process'
            : `The address cannot be listened on: ${cause.code ?? cause.message}`,
          where: `${host}:${port}`,
          todo: taken ? 'Choose another with --port' : undefined,
          cause,
        }),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}
