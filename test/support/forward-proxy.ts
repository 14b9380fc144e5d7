/** A forward proxy of a company, as small as one can be: HTTP CONNECT (over TLS too) and SOCKS 5, with user and password if asked. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ForwardProxy {
  url: string;
  /** Where ways were asked to, as host:port. */
  readonly asked: string[];
  open(): number;
  /** Cuts all ways. */
  cut(): void;
  close(): Promise<void>;
}

export interface ForwardProxyOptions {
  kind: 'http' | 'https' | 'socks5';
  user?: { name: string; password: string };
  certificate?: { cert: string; key: string };
}

export async function startForwardProxy({ kind, user, certificate }: ForwardProxyOptions): Promise<ForwardProxy> {
  const asked: string[] = [];
  const ends = new Set<Duplex>();
  const join = (inner: Duplex, host: string, port: number, opened: () => void) => {
    asked.push(`${host}:${port}`);
    const outer = connect(port, host, () => {
      opened();
      outer.pipe(inner).pipe(outer);
    });
    for (const end of [inner, outer]) {
      ends.add(end);
      end
        .on('error', () => {})
        .once('close', () => {
          ends.delete(end);
          inner.destroy();
          outer.destroy();
        });
    }
  };
  const expected = user === undefined ? undefined : `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
  const onConnect = (request: IncomingMessage, socket: Duplex) => {
    if (expected !== undefined && request.headers['proxy-authorization'] !== expected)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const { hostname, port } = new URL(`http://${request.url}`);
    join(socket, hostname, Number(port), () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
  };
  const server: Server =
    kind === 'socks5'
      ? createServer((socket) => void speakSocks(socket, user, join).catch(() => socket.destroy()))
      : kind === 'https'
        ? createHttpsServer(certificate ?? {}).on('connect', onConnect)
        : createHttpServer().on('connect', onConnect);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cut = () => {
    for (const end of ends) end.destroy();
  };
  return {
    url: `${kind}://${user === undefined ? '' : `${user.name}:${encodeURIComponent(user.password)}@`}${at}`,
    asked,
    open: () => ends.size / 2,
    cut,
    async close() {
      cut();
      server.close();
      if ('closeAllConnections' in server) (server as ReturnType<typeof createHttpServer>).closeAllConnections();
    },
  };
}

/** RFC 1928 and 1929, addresses of IPv4 and names only. */
async function speakSocks(
  socket: Socket,
  user: ForwardProxyOptions['user'],
  join: (inner: Duplex, host: string, port: number, opened: () => void) => void,
): Promise<void> {
  const take = async (count: number): Promise<Buffer> => {
    for (;;) {
      const bytes = socket.read(count) as Buffer | null;
      if (bytes !== null) return bytes;
      await once(socket, 'readable');
    }
  };
  const [, methods = 0] = await take(2);
  await take(methods);
  socket.write(Buffer.from([5, user === undefined ? 0 : 2]));
  if (user !== undefined) {
    const [, nameLength = 0] = await take(2);
    const name = (await take(nameLength)).toString();
    const password = (await take((await take(1))[0] ?? 0)).toString();
    const isRight = name === user.name && password === user.password;
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return void socket.end();
  }
  const [, , , type] = await take(4);
  const host = type === 1 ? (await take(4)).join('.') : (await take((await take(1))[0] ?? 0)).toString();
  const port = (await take(2)).readUInt16BE();
  join(socket, host, port, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
}
