import { Counter, Gauge, type Registry } from 'prom-client';
import type { KubeClient } from './kube-client.ts';

/** What each cluster's client holds open, read at each scrape: many watches over few connections. */
export function publishConnections(clients: readonly KubeClient[], registry: Registry): void {
  const registers = [registry];
  const labelNames = ['cluster', 'protocol'] as const;
  const each = (
    set: (labels: { cluster: string; protocol: string }, client: NonNullable<ReturnType<typeof countsOf>>) => void,
  ) => {
    for (const client of clients) {
      const counts = countsOf(client);
      if (counts !== undefined) set({ cluster: client.cluster, protocol: counts.protocol }, counts);
    }
  };
  new Gauge({
    name: 'crowsnest_kube_connections',
    help: 'Open connections to the API server.',
    labelNames,
    registers,
    collect() {
      this.reset();
      each((labels, { connections }) => this.set(labels, connections));
    },
  });
  new Gauge({
    name: 'crowsnest_kube_streams',
    help: 'Requests to the API server that are under way, watches included; an HTTP/2 connection carries at most 90.',
    labelNames,
    registers,
    collect() {
      this.reset();
      each((labels, { streams }) => this.set(labels, streams));
    },
  });
  new Counter({
    name: 'crowsnest_kube_connection_endings_total',
    help: 'HTTP/2 connections that were not closed from here: connect, goaway, ping (half-open), error, peer.',
    labelNames: ['cluster', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const client of clients) {
        for (const [reason, count] of Object.entries(countsOf(client)?.endings ?? {})) {
          this.inc({ cluster: client.cluster, reason }, count);
        }
      }
    },
  });
}

function countsOf(client: KubeClient) {
  return client.connections?.();
}
