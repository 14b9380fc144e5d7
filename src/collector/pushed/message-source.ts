/**
 * Changes from a message broker. At least once from the broker, once in the record: a message is acknowledged only after the store's commit, and what
 * is delivered again after a crash in between is known by its identity, which is stored in the same transaction.
 *
 * connect ─► gather ─► take apart ─► commit ─► acknowledge ─► gather …
 *    ▲                                                │
 *    └── back-off ◄── connection lost, store failed ◄─┘   for ever; nothing that was not acknowledged is lost
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.ts';
import { CrowsnestError } from '../../domain/errors.ts';
import type { Store } from '../../store/store.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { backOffMs } from '../watch/back-off.ts';
import { DeliveryGate } from './delivery-gate.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import type { BrokerConnection, BrokerMessage, MessageBroker } from './message-broker.ts';
import { type PulledSource, Reach } from './pulled-source.ts';
import { rejectsOfFaults } from './push-receiver.ts';
import { type MessageParts, takeApart } from './pushed-message.ts';

export interface MessageSourceOptions {
  broker: MessageBroker;
  store: Pick<Store, 'delivered'>;
  /** The cluster that messages are of, and whether they may name another. */
  cluster: string;
  anyCluster?: boolean;
  clock: Clock;
  logger: Logger;
  metrics: IngestMetrics;
  random?: () => number;
}

const BATCH_MESSAGES_MAX = 256;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const MESSAGE_BYTES_MAX = 8 * 1024 * 1024;
/** Well within the time after which a broker delivers again. */
const EXTEND_MS = 10_000;
const BACK_OFF = { baseMs: 500, msMax: 30_000 };

export function createMessageSource(options: MessageSourceOptions): PulledSource {
  const { broker, clock, logger, metrics } = options;
  const backOff = { ...BACK_OFF, random: options.random ?? Math.random };
  const reach = new Reach(options.cluster, broker.name, clock.nowMs());
  return {
    name: broker.name,
    reach: () => reach.current(),
    blindSpot: () => reach.blindSpot(),
    async run(sink, signal) {
      const gate = new DeliveryGate(options.store, sink);
      for (let failures = 0; !signal.aborted; ) {
        let connection: BrokerConnection | undefined;
        // Closing it ends its messages, and with them the wait for the next one.
        const close = () => void connection?.close().catch(() => {});
        signal.addEventListener('abort', close, { once: true });
        try {
          connection = await broker.connect();
          metrics.connected(broker.name, true);
          reach.reached(clock.nowMs());
          logger.info({ broker: broker.name }, 'connected to the message broker');
          await takeMessages(connection, signal, options, gate, () => {
            failures = 0;
          });
        } catch (error) {
          if (signal.aborted) break;
          failures += 1;
          const { code, what } = asUnreachable(error, broker);
          reach.failed(what, clock.nowMs());
          logger.warn({ broker: broker.name, where: broker.address, code, failures }, what);
        } finally {
          metrics.connected(broker.name, false);
          signal.removeEventListener('abort', close);
          await connection?.close().catch(() => {});
        }
        if (!signal.aborted) await clock.sleep(backOffMs(Math.max(1, failures), backOff), signal).catch(() => {});
      }
    },
  };
}

/** Until the signal aborts or the connection ends, which throws. */
async function takeMessages(
  { messages }: BrokerConnection,
  signal: AbortSignal,
  options: MessageSourceOptions,
  gate: DeliveryGate,
  progress: () => void,
): Promise<void> {
  let next = messages.next();
  next.catch(() => {});
  while (!signal.aborted) {
    const first = await next;
    if (signal.aborted) return;
    if (first.done === true) throw new Error('the connection ended');
    const batch = [first.value];
    let bytes = first.value.body.length;
    next = messages.next();
    next.catch(() => {});
    // What is there already comes along; nobody waits for more.
    while (batch.length < BATCH_MESSAGES_MAX && bytes < BATCH_BYTES_MAX) {
      const more = await Promise.race([next, nextTurn(undefined)]);
      if (more === undefined || more.done === true) break;
      batch.push(more.value);
      bytes += more.value.body.length;
      next = messages.next();
      next.catch(() => {});
    }
    await record(batch, options, gate);
    progress();
  }
}

async function record(batch: readonly BrokerMessage[], options: MessageSourceOptions, gate: DeliveryGate): Promise<void> {
  const { broker, clock, metrics } = options;
  const nowMs = clock.nowMs();
  const taken = batch.map((message) => ({ message, parts: partsOf(message, options, nowMs) }));
  const told = taken.flatMap(({ parts }) => parts.told);
  const rejects = taken.flatMap(({ message, parts }) =>
    rejectsOfFaults(parts.faults.slice(0, 20), message.place, options.cluster, nowMs),
  );
  for (const { parts } of taken) for (const { reason } of parts.faults) metrics.reject(reason);
  const { repeated } = await whileExtending(batch, clock, gate.deliver(told, { atMs: nowMs, rejects }));
  for (const { message, parts } of taken) {
    // A message of which nothing could be taken would only come again and again.
    if (parts.faults.length > 0 && parts.told.length + parts.references === 0) message.discard();
    else message.ack();
    metrics.told('nats', 'reference', parts.references);
  }
  metrics.told('nats', 'accepted', told.length - repeated);
  metrics.told('nats', 'repeated', repeated);
  options.logger.debug({ broker: broker.name, messages: batch.length, repeated }, 'messages recorded');
}

function partsOf(message: BrokerMessage, options: MessageSourceOptions, nowMs: number): MessageParts {
  if (message.body.length > MESSAGE_BYTES_MAX) {
    const what = `the message is larger than ${MESSAGE_BYTES_MAX} bytes`;
    return { told: [], references: 0, faults: [{ reason: 'size', what }] };
  }
  const { broker, cluster, anyCluster } = options;
  const context = { cluster, anyCluster: anyCluster === true, sender: broker.name, nowMs, messageId: message.id };
  try {
    return takeApart(message, context);
  } catch (err) {
    // A defect of ours with one message must not stop all behind it. It stays in the broker's stream, and its place among the rejects.
    options.logger.error({ err, place: message.place }, 'a message could not be taken apart');
    return { told: [], references: 0, faults: [{ reason: 'event', what: 'the message could not be taken apart' }] };
  }
}

/** A disk that is full makes the commit wait; the broker is to wait with it rather than deliver again. */
async function whileExtending<T>(batch: readonly BrokerMessage[], clock: Clock, work: Promise<T>): Promise<T> {
  const done = new AbortController();
  const extending = (async () => {
    for (;;) {
      await clock.sleep(EXTEND_MS, done.signal);
      for (const message of batch) message.extend();
    }
  })().catch(() => {});
  try {
    return await work;
  } finally {
    done.abort();
    await extending;
  }
}

function asUnreachable(error: unknown, broker: MessageBroker): CrowsnestError {
  if (error instanceof CrowsnestError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new CrowsnestError({
    code: 'BROKER_UNREACHABLE',
    what: `the message broker cannot be read: ${reason}`,
    where: broker.address,
    todo: 'Check the address, the stream and the credentials; it is tried again by itself.',
    cause: error,
  });
}
