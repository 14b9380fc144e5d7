import { Counter, Gauge, type Registry } from 'prom-client';
import type { MaskingBook } from './masking-book.ts';

/** Read at each scrape, as values are masked by the thousand. */
export function publishMaskingMetrics(registry: Registry, masking: Pick<MaskingBook, 'totals' | 'size'>): void {
  const registers = [registry];
  new Counter({
    name: 'crowsnest_masked_values_total',
    help: 'Values that were masked before anything was recorded of them, by why they were taken for secrets; since the start.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, total] of Object.entries(masking.totals)) this.inc({ reason }, total);
    },
  });
  new Gauge({
    name: 'crowsnest_masked_places',
    help: 'Places (kind, path, reason) that are listed as masked; beyond 200 of a kind and 10,000 in all they are counted together.',
    registers,
    collect() {
      this.set(masking.size);
    },
  });
}
