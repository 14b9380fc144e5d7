/**
 * The API's socket: where it may listen, TLS, and a close that ends. What is served on it is express-app.ts.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { type ApiOptions, createExpressApp } from './express-app.ts';
import { checkListen } from './listen-rules.ts';

export interface ApiServerOptions extends ApiOptions {
  tls?: TlsFiles;
}

export interface TlsFiles {
  certFile: string;
  keyFile: string;
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
  const app = createExpressApp({ ...options, tls: options.tls !== undefined });
  let server: Server | undefined;
  return {
    async listen(host, port) {
      checkListen(host, { tls: options.tls !== undefined, token: options.auth.token });
      server =
        options.tls === undefined ? createServer(TIMEOUTS, app) : createTlsServer({ ...readTls(options.tls), ...TIMEOUTS }, app);
      await bind(server, host, port);
      const { address, family, port: bound } = server.address() as AddressInfo;
      const shown = family === 'IPv6' ? `[${address}]` : address;
      return { url: `${options.tls === undefined ? 'http' : 'https'}://${shown}:${bound}` };
    },
    async close() {
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

function readTls(tls: TlsFiles): { cert: Buffer; key: Buffer } {
  const read = (file: string) => {
    try {
      return readFileSync(file);
    } catch (cause) {
      const todo = 'Check the path and its permissions';
      throw new CrowsnestError({ code: 'CONFIG_UNREADABLE', what: 'The TLS file cannot be read', where: file, todo, cause });
    }
  };
  const pair = { cert: read(tls.certFile), key: read(tls.keyFile) };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: `TLS cannot be served with this certificate and key: ${(cause as Error).message.split('::').at(-1)}`,
      where: `--tls-cert ${tls.certFile}, --tls-key ${tls.keyFile}`,
      todo: 'Give a certificate and the private key it was made with, both PEM, the key without a passphrase',
      cause,
    });
  }
  return pair;
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
