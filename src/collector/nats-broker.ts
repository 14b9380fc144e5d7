/**
 * NATS JetStream as a MessageBroker: a durable pull consumer with explicit acknowledgement, made if it is not there. The client's own reconnecting is
 * off: after a restart of the server it would wait 30 s when JetStream is not ready at the first look. message-source.ts connects anew instead.
 */
import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstreamManager,
} from '@nats-io/jetstream';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
} from '@nats-io/transport-node';
import { CrowsnestError } from '../domain/errors.ts';
import type { BrokerConnection, BrokerMessage, MessageBroker } from './message-broker.ts';

export interface NatsOptions {
  /** nats://host:port or tls://host:port, one per server of the cluster. */
  urls: readonly string[];
  stream: string;
  /** Name of the durable consumer. */
  consumer: string;
  /** Read at each connect, so that they may rotate. */
  credentials?: { type: 'creds' | 'nkey' | 'token'; read: () => string } | undefined;
  tls?: { caFile?: string | undefined; certFile?: string | undefined; keyFile?: string | undefined } | undefined;
}

/** Unacknowledged messages the server lets out, here and in its own books. */
const IN_FLIGHT_MAX = 1_000;
/** Pulled ahead; of these up to the server's largest message (1 MiB by default) each is held in memory. */
const PULLED_MAX = 256;
const ACK_WAIT_MS = 60_000;
const CONNECT_MS = 10_000;
/** A connection that went half-open is noticed after two of these. */
const PING_MS = 10_000;
const CONSUMER_NOT_FOUND = 10014;

export function createNatsBroker(options: NatsOptions): MessageBroker {
  const address = options.urls.map(withoutCredentials).join(',');
  return {
    name: `nats/${options.stream}`,
    address,
    async connect() {
      const connection = await connect({
        servers: [...options.urls],
        name: 'crowsnest',
        reconnect: false,
        timeout: CONNECT_MS,
        pingInterval: PING_MS,
        maxPingOut: 2,
        ...authenticatorOf(options.credentials),
        ...(options.tls === undefined ? {} : { tls: options.tls }),
      });
      try {
        return await consume(connection, options);
      } catch (error) {
        await connection.close().catch(() => {});
        throw error;
      }
    },
  };
}

async function consume(connection: NatsConnection, { stream, consumer }: NatsOptions): Promise<BrokerConnection> {
  const manager = await jetstreamManager(connection);
  checkConsumer(await consumerInfo(manager, stream, consumer), stream);
  const handle = await manager.jetstream().consumers.get(stream, consumer);
  const pulled = await handle.consume({ max_messages: PULLED_MAX, abort_on_missing_resource: true });
  return {
    messages: mapped(pulled[Symbol.asyncIterator](), (message) => brokerMessage(message, stream)),
    async close() {
      // Not awaited: it ends when somebody takes what was pulled, and nobody does any more. Unacknowledged, it is delivered again.
      void pulled.close();
      // Acknowledgements that were written are on their way before the socket closes.
      if (!connection.isClosed()) await connection.drain();
    },
  };
}

async function consumerInfo(manager: JetStreamManager, stream: string, consumer: string): Promise<ConsumerInfo> {
  try {
    return await manager.consumers.info(stream, consumer);
  } catch (error) {
    if ((error as { code?: number }).code !== CONSUMER_NOT_FOUND) throw error;
  }
  return manager.consumers.add(stream, {
    durable_name: consumer,
    description: 'crowsnest: changes into the record',
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: ACK_WAIT_MS * 1_000_000,
    max_ack_pending: IN_FLIGHT_MAX,
    max_deliver: -1,
  });
}

/** A consumer that acknowledges by itself, or gives up on a message, would lose changes without a word. */
function checkConsumer({ name, config }: ConsumerInfo, stream: string): void {
  const wrong =
    config.ack_policy !== AckPolicy.Explicit
      ? 'does not acknowledge explicitly'
      : (config.max_deliver ?? -1) > 0
        ? 'gives up on a message after some deliveries (max_deliver)'
        : config.deliver_subject !== undefined
          ? 'is a push consumer'
          : undefined;
  if (wrong === undefined) return;
  throw new CrowsnestError({
    code: 'BROKER_UNREACHABLE',
    what: `the consumer ${name} of stream ${stream} ${wrong}`,
    where: '--nats-consumer',
    todo: 'Remove it, or give another name: Crowsnest makes what is not there.',
  });
}

function brokerMessage(message: JsMsg, stream: string): BrokerMessage {
  const headers: Record<string, string | undefined> = {};
  for (const [name, values] of message.headers ?? []) headers[name.toLowerCase()] = values[0];
  const { seq } = message;
  // Without an identity of the sender's the place in the stream is one; with its time, as a stream that is made anew counts from 1 again.
  const id = headers['nats-msg-id'] ?? `${seq}@${message.timestampNanos}`;
  const attempt = (act: () => void) => () => {
    try {
      act();
    } catch {
      // The connection is gone. It comes again and is recognised.
    }
  };
  return {
    ...{ id, headers, place: `nats/${stream}:${seq}` },
    body: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
    ack: attempt(() => message.ack()),
    discard: (why) => attempt(() => message.term(why))(),
    extend: attempt(() => message.working()),
  };
}

async function* mapped<A, B>(source: AsyncIterator<A>, change: (value: A) => B): AsyncGenerator<B> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield change(next.value);
}

function authenticatorOf(credentials: NatsOptions['credentials']): { authenticator?: Authenticator } {
  if (credentials === undefined) return {};
  const { type, read } = credentials;
  const bytes = () => new TextEncoder().encode(read());
  if (type === 'creds') return { authenticator: credsAuthenticator(bytes) };
  if (type === 'nkey') return { authenticator: nkeyAuthenticator(bytes) };
  return { authenticator: tokenAuthenticator(read) };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
