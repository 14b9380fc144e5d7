import type { Person } from '../people.ts';
import { ANOMALY_CLASSES, type AnomalyClass, type Planted } from '../planted.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { plantReconcileErrors, plantReconcileSlow, plantSilence } from './absence-and-trouble.ts';
import { plantBurst, plantMassDelete, plantSlowDrift } from './many-events.ts';
import { plantBrokenCoChange, plantOddValue, plantPrivilege } from './odd-values.ts';
import { newPlanted, type Planter } from './plot.ts';
import { plantOddActor, plantOddHour, plantStableField } from './single-edits.ts';

export const PLANTED_COUNT = 8;

const PLANTERS: Record<AnomalyClass, Planter> = {
  'stable-field': plantStableField,
  'odd-hour': plantOddHour,
  'odd-actor': plantOddActor,
  'odd-value': plantOddValue,
  burst: plantBurst,
  'mass-delete': plantMassDelete,
  'broken-co-change': plantBrokenCoChange,
  privilege: plantPrivilege,
  'slow-drift': plantSlowDrift,
  silence: plantSilence,
  'reconcile-errors': plantReconcileErrors,
  'reconcile-slow': plantReconcileSlow,
};

/** Plans eight anomalies of eight classes, at least one of them visible in metrics only. */
export function plantAnomalies(world: World, random: Random): Planted[] {
  const metric = random.pick(['reconcile-errors', 'reconcile-slow'] as const);
  const others = ANOMALY_CLASSES.filter((one) => one !== metric);
  const classes = [metric, ...random.sample(others, PLANTED_COUNT - 1)];
  const cast = new Set<Person>();
  return classes.map((anomalyClass) => {
    const planted = newPlanted(`planted-${anomalyClass}`, anomalyClass);
    PLANTERS[anomalyClass]({ world, random: random.fork(anomalyClass), planted, cast });
    return planted;
  });
}
