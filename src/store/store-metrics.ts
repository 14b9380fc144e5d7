import { Gauge, type Registry } from 'prom-client';
import type { Store } from './store.ts';

interface Measured {
  losses: number;
  blockCache: { bytes: number; inflated: number };
}

/** What the store holds and what state it is in; each is read when it is asked for. */
export function publishStoreMetrics(store: Store & Measured, registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `crowsnest_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  gauge('store_bytes', 'Size of the database file.', () => store.counts().bytes);
  gauge('store_changes', 'Recorded changes.', () => store.counts().changes);
  gauge(
    'store_changes_released',
    'Changes recorded once and no longer kept, but for their number by day.',
    () => store.counts().released,
  );
  gauge('store_objects', 'Recorded objects, deleted ones included.', () => store.counts().objects);
  gauge('store_findings', 'Stored findings.', () => store.counts().findings);
  gauge('store_kube_events', 'Kubernetes Events that are kept.', () => store.counts().kubeEvents);
  gauge('store_series', 'Metric series that are known.', () => store.counts().series);
  gauge(
    'store_samples_dropped',
    'Samples of new series that were dropped because there are too many series.',
    () => store.counts().samplesDropped,
  );
  gauge('store_rejects', 'Observations that were rejected, with a reason.', () => store.counts().rejects);
  gauge(
    'store_damaged',
    'Changes, objects and tables met since the start that damage on disk keeps from being read or written.',
    () => store.losses,
  );
  gauge('store_block_cache_bytes', 'Inflated blocks of revisions that are kept for reading.', () => store.blockCache.bytes);
  gauge(
    'store_blocks_inflated',
    'Blocks of revisions since the start that were read from the file because they were not kept.',
    () => store.blockCache.inflated,
  );
  gauge('store_read_only', '1 while the database cannot be written.', () => (store.readOnly ? 1 : 0));
}
