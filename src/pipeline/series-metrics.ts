/** How many controllers' series the model follows, and what it left out for want of room. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Model } from '../model/model.ts';

export function publishSeriesMetrics(model: Pick<Model, 'series'>, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'crowsnest_model_series',
    help: "Controllers' series that the model follows; it follows no more than 600.",
    registers,
    collect() {
      this.set(model.series().series);
    },
  });
  new Counter({
    name: 'crowsnest_model_series_rows_refused_total',
    help: "Readings of controllers' series that were recorded and not weighed, since the model follows as many series as it may.",
    registers,
    collect() {
      this.reset();
      this.inc(model.series().refusedRows);
    },
  });
}
