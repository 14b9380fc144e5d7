import { Counter, Gauge, type Registry } from 'prom-client';
import { INGEST_REASONS, type IngestReason } from './ingest-fault.ts';

/** How something came that was not watched. */
export const INGEST_WAYS = ['events', 'audit', 'admission', 'webhook', 'nats'] as const;
export type IngestWay = (typeof INGEST_WAYS)[number];
const OUTCOMES = ['accepted', 'repeated', 'reference', 'skipped'] as const;

export interface IngestMetrics {
  told(way: IngestWay, outcome: (typeof OUTCOMES)[number], count: number): void;
  reject(reason: IngestReason, count?: number): void;
  /** Bodies being received or on their way to the disk. */
  inFlight(bodies: number, bytes: number): void;
  connected(broker: string, isConnected: boolean): void;
  polled(poll: string, ok: boolean, atMs: number): void;
}

export const NO_INGEST_METRICS: IngestMetrics = { told() {}, reject() {}, inFlight() {}, connected() {}, polled() {} };

export function createIngestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry];
  const told = new Counter({
    name: 'crowsnest_ingest_told_total',
    help: 'What was pushed or pulled in and is durable, by way: new, told before, a mere reference, or of no use.',
    labelNames: ['way', 'outcome'],
    registers,
  });
  const rejects = new Counter({
    name: 'crowsnest_ingest_rejects_total',
    help: 'Requests, events, lines and messages that were not taken, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const bodies = new Gauge({ name: 'crowsnest_ingest_bodies_in_flight', help: 'Pushed bodies not yet durable.', registers });
  const bytes = new Gauge({
    name: 'crowsnest_ingest_bytes_in_flight',
    help: 'Bytes of pushed bodies not yet durable.',
    registers,
  });
  const brokers = new Gauge({
    name: 'crowsnest_broker_connected',
    help: '1 while messages of a broker are taken.',
    labelNames: ['broker'],
    registers,
  });
  const polls = new Counter({
    name: 'crowsnest_polls_total',
    help: 'Polls of lists without a watch, by name and result.',
    labelNames: ['poll', 'result'],
    registers,
  });
  const polledAt = new Gauge({
    name: 'crowsnest_poll_last_success_timestamp_seconds',
    help: 'When a list was last read.',
    labelNames: ['poll'],
    registers,
  });
  for (const way of INGEST_WAYS) for (const outcome of OUTCOMES) told.inc({ way, outcome }, 0);
  for (const reason of INGEST_REASONS) rejects.inc({ reason }, 0);
  return {
    told: (way, outcome, count) => told.inc({ way, outcome }, count),
    reject: (reason, count = 1) => rejects.inc({ reason }, count),
    inFlight(bodyCount, byteCount) {
      bodies.set(bodyCount);
      bytes.set(byteCount);
    },
    polled(poll, ok, atMs) {
      polls.inc({ poll, result: ok ? 'ok' : 'failed' });
      if (ok) polledAt.set({ poll }, atMs / 1000);
    },
    connected: (broker, isConnected) => brokers.set({ broker }, isConnected ? 1 : 0),
  };
}
