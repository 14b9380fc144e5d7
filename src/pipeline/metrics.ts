/** What went through the pipeline since the start, and how much waits for its turn. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { sectionNames } from '../domain/scan/object-scan.ts';
import type { Pipeline } from './pipeline.ts';

export function publishPipelineMetrics(pipeline: Pick<Pipeline, 'counts' | 'waiting'>, registry: Registry): void {
  const registers = [registry];
  new Counter({
    name: 'crowsnest_ingest_observations_total',
    help: 'Observations taken in, by what became of them: change, heartbeat (nothing but time or bookkeeping moved), repeat (recorded before), out_of_order (came after something newer).',
    labelNames: ['result'],
    registers,
    collect() {
      const { changes, heartbeats, repeats, late } = pipeline.counts;
      this.reset();
      for (const [result, count] of Object.entries({
        change: changes,
        heartbeat: heartbeats,
        repeat: repeats,
        out_of_order: late,
      }))
        this.inc({ result }, count);
    },
  });
  new Gauge({
    name: 'crowsnest_ingest_batches_waiting',
    help: 'Batches of sources that wait to be recorded. A source waits with its batch, so this is at most one for each watch and scrape target.',
    registers,
    collect() {
      this.set(pipeline.waiting());
    },
  });
  new Gauge({
    name: 'crowsnest_ingest_section_names',
    help: 'Names of sections of objects (such as spec.replicas) met so far, of 100,000 that are kept.',
    registers,
    collect() {
      this.set(sectionNames().known);
    },
  });
  new Counter({
    name: 'crowsnest_ingest_section_names_refused_total',
    help: 'Objects compared as a whole, which costs many times more, because they have a section whose name is beyond those that are kept.',
    registers,
    collect() {
      this.reset();
      this.inc(sectionNames().refused);
    },
  });
}
