/** A TCP proxy that can go silent without closing anything, as a network does when a NAT entry or a peer is lost. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface StallingProxy {
  port: number;
  /** Connections that are open through it. */
  open(): number;
  /** From now on nothing passes on the connections there are; those that come later work. */
  stall(): void;
  /** Ends all connections in the middle of whatever they carry. */
  cut(): void;
  close(): Promise<void>;
}

export async function startStallingProxy(targetPort: number): Promise<StallingProxy> {
  const pairs = new Set<[Socket, Socket]>();
  const server = createServer((inner) => {
    const outer = connect(targetPort, '127.0.0.1');
    const pair: [Socket, Socket] = [inner, outer];
    pairs.add(pair);
    for (const [from, to] of [pair, [outer, inner] as const]) {
      from.on('data', (chunk) => void to.write(chunk));
      from.on('error', () => {});
      from.once('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const [inner] of pairs) inner.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    open: () => pairs.size,
    stall() {
      for (const socket of [...pairs].flat()) {
        socket.removeAllListeners('data');
        socket.pause();
      }
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
