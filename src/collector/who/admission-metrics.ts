import { Counter, Gauge, type Registry } from 'prom-client';
import { ADMISSION_RESULTS, type AdmissionShared } from './admission-shared.ts';

interface Published {
  cluster: string;
  shared: AdmissionShared;
  state: string;
  withdrawals: number;
}

/** Publishes what the admission threads count, read at each scrape. */
export function publishAdmissionMetrics(registry: Registry, webhooks: readonly Published[]): void {
  const registers = [registry];
  const told = new Map<string, number>();
  new Counter({
    name: 'crowsnest_admission_reviews_total',
    help: 'Writes that the API server asked about, all of them allowed, by what became of them; dropped: the queue had no place.',
    labelNames: ['cluster', 'result'],
    registers,
    collect() {
      for (const { cluster, shared } of webhooks)
        for (const result of ADMISSION_RESULTS) {
          // The thread's totals are 32 bits wide and begin again at 0.
          const total = shared.total(result);
          const key = `${cluster} ${result}`;
          this.inc({ cluster, result }, (total - (told.get(key) ?? 0)) >>> 0);
          told.set(key, total);
        }
    },
  });
  new Gauge({
    name: 'crowsnest_admission_answer_seconds',
    help: 'How long answers took in the last minute, from the last byte of the review, measured in the thread.',
    labelNames: ['cluster', 'quantile'],
    registers,
    collect() {
      for (const { cluster, shared } of webhooks) {
        const { p50Ms, p99Ms } = shared.times();
        this.set({ cluster, quantile: '0.5' }, p50Ms / 1_000);
        this.set({ cluster, quantile: '0.99' }, p99Ms / 1_000);
      }
    },
  });
  const gauge = (name: string, help: string, read: (webhook: Published) => number) =>
    new Gauge({
      ...{ name, help, registers, labelNames: ['cluster'] },
      collect() {
        for (const webhook of webhooks) this.set({ cluster: webhook.cluster }, read(webhook));
      },
    });
  gauge(
    'crowsnest_admission_delay_seconds',
    'How late the admission thread was woken, 99th percentile.',
    ({ shared }) => shared.times().delayMs / 1_000,
  );
  gauge('crowsnest_admission_queue', 'Claims between the admission thread and the pipeline.', ({ shared }) => shared.queued());
  gauge('crowsnest_admission_registered', '1 while the API server asks us.', ({ state }) => (state === 'registered' ? 1 : 0));
  gauge(
    'crowsnest_admission_withdrawals',
    'How often it withdrew because answers took too long.',
    (webhook) => webhook.withdrawals,
  );
}
