import { Gauge, Histogram, type Registry } from 'prom-client';
import type { CanaryStatus } from '../source.ts';

export interface CanaryMetrics {
  /** From the write in the cluster to the record. */
  latency(ms: number): void;
  /** Shows a canary's state, asked for at each scrape. */
  watch(status: () => CanaryStatus): void;
}

export function createCanaryMetrics(registry: Registry): { of(cluster: string): CanaryMetrics } {
  const registers = [registry];
  const labelNames = ['cluster'] as const;
  const latency = new Histogram({
    name: 'crowsnest_canary_latency_seconds',
    help: 'From the renewal of our own lease in the cluster until it is durable in the record.',
    labelNames,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  const clusters = new Map<string, () => CanaryStatus>();
  new Gauge({
    name: 'crowsnest_canary_missing',
    help: '1 while our own lease does not come back through the watch.',
    labelNames,
    registers,
    collect() {
      for (const [cluster, status] of clusters) this.set({ cluster }, status().state === 'missing' ? 1 : 0);
    },
  });
  new Gauge({
    name: 'crowsnest_canary_last_seen_timestamp_seconds',
    help: 'When our own lease last came back through the watch.',
    labelNames,
    registers,
    collect() {
      for (const [cluster, status] of clusters) {
        const { lastSeenMs } = status();
        if (lastSeenMs !== undefined) this.set({ cluster }, lastSeenMs / 1000);
      }
    },
  });
  return {
    of: (cluster) => ({
      latency: (ms) => latency.observe({ cluster }, ms / 1000),
      watch: (status) => void clusters.set(cluster, status),
    }),
  };
}
