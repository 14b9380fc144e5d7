/**
 * A proxy of bytes between a client and a server on the loopback address, with the faults of a network on request. TLS passes through it:
 * where a line of the watch is cut is a matter of how many bytes went by, and the client sees a connection that ended in the middle.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  #mode: 'well' | 'silent' | 'refusing' = 'well';
  /** Bytes to the client until the connection is cut; undefined for no cut. */
  #bytesLeft: number | undefined;
  /** Connections cut by `cutAfter` so far. */
  cuts = 0;

  /** Starts a proxy in front of `url`. */
  static async start(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** The connection that next brings the client its `bytes`-th byte from now ends there, mid-record. */
  cutAfter(bytes: number): void {
    this.#bytesLeft = bytes;
  }

  /** Half-open: connections stay, new ones are accepted, and nothing passes in either direction. */
  silence(): void {
    this.#mode = 'silent';
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.pause();
  }

  /** Connections end, and new ones are refused. */
  refuse(): void {
    this.#mode = 'refusing';
    this.#endAll();
  }

  /** New connections are well. Those that fell silent stay so until their client gives them up. */
  heal(): void {
    this.#mode = 'well';
    this.#bytesLeft = undefined;
  }

  async close(): Promise<void> {
    this.#endAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#mode === 'refusing') {
      client.destroy();
      return;
    }
    const server = connect(this.#target);
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.on('error', () => undefined).once('close', end);
    client.on('data', (bytes) => server.write(bytes));
    server.on('data', (bytes: Buffer) => this.#toClient(client, bytes));
    if (this.#mode === 'silent') for (const socket of [client, server]) socket.pause();
  }

  #toClient(client: Socket, bytes: Buffer): void {
    if (this.#bytesLeft === undefined) {
      client.write(bytes);
      return;
    }
    if (bytes.length < this.#bytesLeft) {
      this.#bytesLeft -= bytes.length;
      client.write(bytes);
      return;
    }
    const cut = bytes.subarray(0, this.#bytesLeft);
    this.#bytesLeft = undefined;
    this.cuts += 1;
    client.write(cut, () => client.destroy());
  }

  #endAll(): void {
    for (const { client, server } of this.#pairs) for (const socket of [client, server]) socket.destroy();
  }
}
