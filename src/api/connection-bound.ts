/**
 * How many connections the API holds. Nobody is turned away at the door, or a probe of /livez would be among them: a new connection takes the
 * place of the one that has rested longest, be it that its request is still to come. Only where every place has a request in work is a further
 * one refused, by an answer (express-app.ts).
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { ipKeyGenerator } from 'express-rate-limit';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface ConnectionsMax {
  all: number;
  /** Of one address; of IPv6 of one network, as one client may have all of it. */
  address: number;
}

type Bound = keyof ConnectionsMax;

/** A proxy in front may have some hundreds from one address. */
const CONNECTIONS_MAX: ConnectionsMax = { all: 1_000, address: 500 };

interface Connection {
  /** See endOf. */
  end: string;
  socket: Socket;
  peer: Peer;
  /** Requests in work; pipelined ones are several. */
  requests: number;
}

interface Peer {
  address: string;
  /** Longest at rest first. */
  resting: Set<Connection>;
  busy: number;
}

export class ConnectionBound {
  readonly #max: ConnectionsMax;
  readonly #peers = new Map<string, Peer>();
  /** By the other end's address and port: of TLS the socket of a request is another one than the one that was opened. */
  readonly #connections = new Map<string, Connection>();
  readonly #closed: Counter<'bound'>;
  readonly #refused: Counter<'bound'>;
  #busy = 0;

  constructor(registry: Registry, max: ConnectionsMax = CONNECTIONS_MAX) {
    this.#max = max;
    this.#closed = counterOf(registry, 'closed', 'Connections without a request in work that were closed for a new one');
    this.#refused = counterOf(registry, 'refused', 'Requests refused as each connection that is allowed has one in work');
    const [connections, busy] = [this.#connections, () => this.#busy];
    new Gauge({
      name: 'crowsnest_http_connections',
      help: 'Connections to the API, by whether a request of theirs is in work',
      labelNames: ['state'],
      registers: [registry],
      collect() {
        this.set({ state: 'busy' }, busy());
        this.set({ state: 'resting' }, connections.size - busy());
      },
    });
  }

  /** To be called before anything else listens to the server's requests. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#opened(socket));
    server.on('request', ({ socket }, response) => {
      const connection = this.#connections.get(endOf(socket));
      if (connection === undefined) return;
      this.#move(connection, 1);
      response.on('close', () => this.#move(connection, -1));
    });
  }

  /** The bound that requests in work are beyond with the one that came on this socket. Counted as refused. */
  beyond(socket: Socket): Bound | undefined {
    const peer = this.#connections.get(endOf(socket))?.peer;
    const bound = (peer?.busy ?? 0) > this.#max.address ? 'address' : this.#busy > this.#max.all ? 'all' : undefined;
    if (bound !== undefined) this.#refused.inc({ bound });
    return bound;
  }

  #opened(socket: Socket): void {
    const address = ipKeyGenerator(socket.remoteAddress ?? '');
    const peer = this.#peers.get(address) ?? { address, resting: new Set(), busy: 0 };
    if (peer.resting.size + peer.busy >= this.#max.address) this.#makeRoom(peer, 'address');
    else if (this.#connections.size >= this.#max.all) this.#makeRoom(this.#mostResting(), 'all');
    const connection = { end: endOf(socket), socket, peer, requests: 0 };
    this.#connections.set(connection.end, connection);
    // A peer whose last one made room is not held any more.
    this.#peers.set(address, peer);
    peer.resting.add(connection);
    socket.once('close', () => this.#gone(connection));
  }

  /** Who has most at rest gives way, not who came first: one address cannot push all others out. */
  #mostResting(): Peer | undefined {
    let most: Peer | undefined;
    for (const peer of this.#peers.values()) if (peer.resting.size > (most?.resting.size ?? 0)) most = peer;
    return most;
  }

  #makeRoom(peer: Peer | undefined, bound: Bound): void {
    const [longest] = peer?.resting ?? [];
    if (longest === undefined) return;
    this.#closed.inc({ bound });
    longest.socket.destroy();
    this.#gone(longest);
  }

  #move(connection: Connection, by: 1 | -1): void {
    if (this.#connections.get(connection.end) !== connection) return;
    const { peer } = connection;
    const before = connection.requests;
    connection.requests += by;
    if (Math.max(connection.requests, before) > 1) return;
    if (connection.requests === 0) peer.resting.add(connection);
    else peer.resting.delete(connection);
    peer.busy += by;
    this.#busy += by;
  }

  /** Twice for one that was closed here. */
  #gone(connection: Connection): void {
    if (this.#connections.get(connection.end) !== connection) return;
    this.#connections.delete(connection.end);
    const { peer } = connection;
    if (connection.requests > 0) {
      peer.busy -= 1;
      this.#busy -= 1;
    }
    peer.resting.delete(connection);
    if (peer.resting.size + peer.busy === 0) this.#peers.delete(peer.address);
  }
}

function counterOf(registry: Registry, what: 'closed' | 'refused', help: string): Counter<'bound'> {
  const counter = new Counter({
    name: `crowsnest_http_connections_${what}_total`,
    help: `${help}, by the bound that was reached`,
    labelNames: ['bound'],
    registers: [registry],
  });
  for (const bound of Object.keys(CONNECTIONS_MAX)) counter.inc({ bound }, 0);
  return counter;
}

/** Asked for as long as the socket is open: of a closed one it cannot be told. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
