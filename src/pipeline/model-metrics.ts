/** What the model's word is worth of late, and how many of controllers' series it follows. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Model } from '../model/model.ts';

export function publishModelMetrics(model: Pick<Model, 'series' | 'calibration' | 'fleet'>, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'crowsnest_calibration_ratio',
    help: 'Calls of a detector as rare as level or rarer, over how many were due in the recent past (about 4,000 visits). 1 is as promised; left out while fewer than 3 were due.',
    labelNames: ['detector', 'level'],
    registers,
    collect() {
      this.reset();
      for (const { detector, level, ratio } of model.calibration()) this.set({ detector, level: String(level) }, ratio);
    },
  });
  new Gauge({
    name: 'crowsnest_model_fleet_entries',
    help: 'Values, fields and actors noted of each of several clusters for the others; at most 320,000. None while there is one cluster.',
    registers,
    collect() {
      this.set(model.fleet().entries);
    },
  });
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
