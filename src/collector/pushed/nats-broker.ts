/**
 * NATS JetStream as a MessageBroker: a durable pull consumer with explicit acknowledgement, made if it is not there. The client's own reconnecting is
 * off: after a restart of the server it would wait 30 s when JetStream is not ready at the first look. message-source.ts connects anew instead.
 *
 * Order: what was out and unacknowledged when a reader died is delivered again only after the consumer's wait, behind newer messages. Of one object
 * that would be an older version after a newer one, which the record refuses. So these messages are first read from the stream itself; their later
 * delivery is a repeat.
 */
import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstreamManager,
  type MsgRequest,
} from '@nats-io/jetstream';
import {
  type Authenticator,
  connect,
  credsAuthenticator,
  type MsgHdrs,
  type NatsConnection,
  nkeyAuthenticator,
  tokenAuthenticator,
} from '@nats-io/transport-node';
import { CrowsnestError } from '../../domain/errors.ts';
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
const ACK_WAIT_MS = 30_000;
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
        ...tlsOf(options),
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
  const info = await consumerInfo(manager, stream, consumer);
  checkConsumer(info, stream);
  const handle = await manager.jetstream().consumers.get(stream, consumer);
  const pulled = await handle.consume({ max_messages: PULLED_MAX, abort_on_missing_resource: true });
  return {
    messages: inOrder(pulled, info, manager),
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

async function* inOrder(
  pulled: AsyncIterable<JsMsg>,
  info: ConsumerInfo,
  manager: JetStreamManager,
): AsyncGenerator<BrokerMessage> {
  let { stream_seq: position, consumer_seq: deliveries } = info.delivered;
  if (info.num_ack_pending > 0) yield* stored(manager, info, info.ack_floor.stream_seq + 1, position);
  for await (const message of pulled) {
    // A delivery that was not to us went to a reader before us whose death the server had not noticed yet.
    const missed = message.info.deliverySequence !== deliveries + 1;
    deliveries = message.info.deliverySequence;
    if (missed) yield* stored(manager, info, position + 1, message.seq - 1);
    position = Math.max(position, message.seq);
    yield delivered(message, info.stream_name);
  }
}

/** Messages from the stream itself. Acknowledging is left to their delivery. */
async function* stored(manager: JetStreamManager, info: ConsumerInfo, from: number, to: number): AsyncGenerator<BrokerMessage> {
  const { stream_name: stream, config } = info;
  const filters = config.filter_subjects ?? (config.filter_subject === undefined ? [] : [config.filter_subject]);
  for (let seq = from; seq <= to; ) {
    // The next one there is: numbers of messages that are gone, or of other subjects, are passed over by the server.
    // The server's API has `next_by_subj` here too; the client's types have it for the direct API only.
    const query = { seq, next_by_subj: (filters.length === 1 && filters[0]) || '>' } as MsgRequest;
    const message = await manager.streams.getMessage(stream, query);
    if (message === null || message.seq > to) return;
    seq = message.seq + 1;
    if (filters.length > 0 && !filters.some((filter) => subjectMatches(message.subject, filter))) continue;
    yield brokerMessage(message, message.header, stream, { ack() {}, discard() {}, extend() {} });
  }
}

/** `a.*.c` and `a.>`, as NATS has them. */
export function subjectMatches(subject: string, filter: string): boolean {
  const parts = subject.split('.');
  const wanted = filter.split('.');
  return (
    wanted.every((want, i) => (want === '>' ? parts.length > i : want === '*' ? i < parts.length : want === parts[i])) &&
    (wanted.at(-1) === '>' || wanted.length === parts.length)
  );
}

function delivered(message: JsMsg, stream: string): BrokerMessage {
  const attempt = (act: () => void) => () => {
    try {
      act();
    } catch {
      // The connection is gone. It comes again and is recognised.
    }
  };
  return brokerMessage(message, message.headers, stream, {
    ack: attempt(() => message.ack()),
    // Without a reason: servers before 2.11 do not understand the word with one, and would deliver for ever.
    discard: attempt(() => message.term()),
    extend: attempt(() => message.working()),
  });
}

function brokerMessage(
  message: { seq: number; time: Date; data: Uint8Array },
  named: MsgHdrs | undefined,
  stream: string,
  acts: Pick<BrokerMessage, 'ack' | 'discard' | 'extend'>,
): BrokerMessage {
  const headers: Record<string, string | undefined> = {};
  for (const [name, values] of named ?? []) headers[name.toLowerCase()] = values[0];
  const { seq, time } = message;
  // Without an identity of the sender's the place in the stream is one; with its time, as a stream that is made anew counts from 1 again.
  const id = headers['nats-msg-id'] ?? `${seq}@${time.getTime()}`;
  return {
    ...{ id, headers, place: `nats/${stream}:${seq}` },
    body: Buffer.from(message.data.buffer, message.data.byteOffset, message.data.byteLength),
    ...acts,
  };
}

function authenticatorOf(credentials: NatsOptions['credentials']): { authenticator?: Authenticator } {
  if (credentials === undefined) return {};
  const { type, read } = credentials;
  const bytes = () => new TextEncoder().encode(read());
  if (type === 'creds') return { authenticator: credsAuthenticator(bytes) };
  if (type === 'nkey') return { authenticator: nkeyAuthenticator(bytes) };
  return { authenticator: tokenAuthenticator(read) };
}

/** To the client, any `tls` means that the server must speak it. */
function tlsOf({ urls, tls = {} }: NatsOptions): { tls?: Record<string, string> } {
  const files = Object.entries(tls).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const wanted = files.length > 0 || urls.some((url) => url.startsWith('tls:'));
  return wanted ? { tls: Object.fromEntries(files) } : {};
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}
