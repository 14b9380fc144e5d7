/**
 * What is pushed over HTTP, from a checked sender to the pipeline. Resolves only once it is durable: the answer to the sender is its acknowledgement.
 * Who may send what, from where and how much of it at once is decided in src/api before anything comes here.
 */
import type { Clock } from '../domain/clock.ts';
import type { Store } from '../store/store.ts';
import type { RawMessage } from './cloud-event.ts';
import { DeliveryGate } from './delivery-gate.ts';
import type { IngestFault } from './ingest-fault.ts';
import type { IngestMetrics, IngestWay } from './ingest-metrics.ts';
import { type MessageParts, takeApart } from './pushed-message.ts';
import type { Sink } from './source.ts';

/** Whoever holds the key, and the cluster it speaks for. */
export interface PushSender {
  name: string;
  cluster: string;
}

export interface PushOutcome {
  /** New and durable. */
  accepted: number;
  /** Recorded before; nothing was recorded now. */
  repeated: number;
  /** Named an object without content; nothing can be recorded of it. */
  references: number;
  faults: IngestFault[];
}

export interface PushReceiver {
  events(message: RawMessage, sender: PushSender): Promise<PushOutcome>;
  /** A message whose signature over `messageId` and body was checked. */
  signed(message: RawMessage, sender: PushSender, messageId: string): Promise<PushOutcome>;
}

export interface PushReceiverOptions {
  sink: Sink;
  store: Pick<Store, 'delivered'>;
  clock: Clock;
  metrics: IngestMetrics;
}

/** Faults of one body that are kept in the store; all are counted. */
const REJECTS_PER_BODY = 20;

export function createPushReceiver({ sink, store, clock, metrics }: PushReceiverOptions): PushReceiver {
  const gate = new DeliveryGate(store, sink);

  const deliver = async (way: IngestWay, sender: PushSender, parts: MessageParts): Promise<PushOutcome> => {
    const { told, references, faults } = parts;
    const atMs = clock.nowMs();
    const rejects = faults.slice(0, REJECTS_PER_BODY).map(({ what, index }) => ({
      cluster: sender.cluster,
      code: 'INGEST_INVALID',
      where: `ingest ${way} ${sender.name}${index === undefined ? '' : ` [${index}]`}`,
      what,
      observedMs: atMs,
    }));
    for (const { reason } of faults) metrics.reject(reason);
    const { repeated } = await gate.deliver(told, { atMs, rejects });
    const outcome = { accepted: told.length - repeated, repeated, references, faults };
    metrics.told(way, 'accepted', outcome.accepted);
    metrics.told(way, 'repeated', repeated);
    metrics.told(way, 'reference', references);
    return outcome;
  };

  const take = (way: IngestWay, message: RawMessage, sender: PushSender, messageId: string | undefined) =>
    deliver(way, sender, takeApart(message, { ...contextOf(sender), messageId }));
  const contextOf = (sender: PushSender) => ({ cluster: sender.cluster, sender: sender.name, nowMs: clock.nowMs() });

  return {
    events: (message, sender) => take('events', message, sender, undefined),
    signed: (message, sender, messageId) => take('webhook', message, sender, messageId),
  };
}
