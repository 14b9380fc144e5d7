/**
 * The port to a message broker. One adapter per broker (nats-broker.ts; Kafka and RabbitMQ can follow), which connects once for both directions: what
 * sends will be a further method of the connection. Everything that must hold for each of them is in message-source.ts.
 */
import type { RawMessage } from './cloud-event.ts';

export interface BrokerMessage extends RawMessage {
  /** Names the message for good: the same when it is delivered again, never the same for another. */
  id: string;
  /** Where it lies in the broker, for people. */
  place: string;
  /** Recorded: never again, please. Best effort; a lost acknowledgement leads to a delivery that is recognised. */
  ack(): void;
  /** It cannot be taken, now or later. */
  discard(): void;
  /** Still at it: do not deliver it again yet. */
  extend(): void;
}

export interface BrokerConnection {
  /** Messages as they come, no more at a time than the adapter's bound; ends when the connection does. */
  messages: AsyncIterator<BrokerMessage>;
  close(): Promise<void>;
}

export interface MessageBroker {
  /** For the name of the source, its cursor-like keys and its metrics: `nats/STREAM`. */
  readonly name: string;
  /** Where it is, without credentials. */
  readonly address: string;
  connect(): Promise<BrokerConnection>;
}
