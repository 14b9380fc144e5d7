/** Anomalies without a wrong edit: something that did not come, and controllers in trouble after an ordinary change. */
import { refIn } from '../api-server.ts';
import { DAYS, dayOf, HOUR, LAST_WEEK_MS, MINUTE, timeOf } from '../calendar.ts';
import { CONTROLLERS } from '../controller-metrics.ts';
import { QUOTA_SYNC, QUOTA_SYNC_HOUR } from '../operators/strimzi.ts';
import type { Team } from '../people.ts';
import { doChore } from '../staff.ts';
import { describe, officeTime, type Planter, type Plot, takeObject, takePerson, workday } from './plot.ts';

/** A day later it should have come again; half a day more is fair for saying that it did not. */
const SILENCE_FAIR_MS = 36 * HOUR;

/** The nightly quota job, or the backup of one database, stops coming. */
export const plantSilence: Planter = (plot) => {
  const { world, random, planted } = plot;
  const day = random.int(dayOf(LAST_WEEK_MS) + 1, DAYS - 3);
  if (random.chance(0.5)) {
    const tsMs = timeOf(day, QUOTA_SYNC_HOUR, 14);
    world.quotaSyncStopsMs = tsMs;
    const users = world.list('KafkaUser');
    describe(plot, {
      actor: QUOTA_SYNC.actor,
      tsMs,
      endMs: tsMs + SILENCE_FAIR_MS,
      description: `the nightly quota job (${QUOTA_SYNC.actor}) stopped coming`,
      detectHint: 'it came every night at about the same minute',
    });
    planted.silent = users.map(refIn);
    planted.ref = planted.silent[0]!;
  } else {
    const { id, object } = takeObject(plot, 'XPostgreSQLInstance');
    const tsMs = timeOf(day, 1, 30);
    world.backupStopsMs.set(id, tsMs);
    describe(plot, {
      object,
      tsMs,
      endMs: tsMs + SILENCE_FAIR_MS,
      description: `the nightly backup of ${object.metadata.name} stopped reporting`,
      detectHint: 'it reported every night at about the same minute, and the other databases still do',
    });
    planted.silent = [refIn(object)];
  }
  planted.dueMs = planted.endMs;
};

/** Kinds that people edit by hand, so that an ordinary change can come first. */
const EDITED: Record<string, Team> = {
  Bucket: 'platform',
  ModelDeployment: 'ml',
  InferenceService: 'ml',
  ModelRoute: 'gateway',
  HelmRelease: 'web',
};

/** After an ordinary edit by the usual person a controller fails at a large share of its reconciles for some hours. */
export const plantReconcileErrors: Planter = (plot) => {
  const errorShare = 0.25 + plot.random.next() * 0.45;
  plantTrouble(
    plot,
    { errorShare },
    `fails at ${Math.round(errorShare * 100)} % of its reconciles`,
    'its error share was a few percent at most',
  );
};

/** The same, but it becomes slow. */
export const plantReconcileSlow: Planter = (plot) => {
  const slowFactor = plot.random.int(5, 12);
  plantTrouble(plot, { slowFactor }, `takes ${slowFactor} times as long`, 'its duration hardly ever doubled');
};

function plantTrouble(plot: Plot, trouble: { errorShare?: number; slowFactor?: number }, what: string, detectHint: string): void {
  const { world, random, planted } = plot;
  const spec = random.pick(
    CONTROLLERS.filter(
      ({ kind }) => EDITED[kind] !== undefined && !world.metrics.get(kind)!.troubles.some(({ mark }) => mark !== undefined),
    ),
  );
  const day = workday(random);
  const who = takePerson(plot, EDITED[spec.kind]!, day);
  const { id, object } = takeObject(
    plot,
    spec.kind,
    ({ metadata }) => spec.kind !== 'HelmRelease' || metadata.namespace === 'web',
  );
  const tsMs = officeTime(who, day, random);
  const fromMs = tsMs + random.int(5, 90) * 1000;
  const toMs = fromMs + random.int(120, 360) * MINUTE;
  describe(plot, {
    object,
    actor: who.name,
    tsMs,
    endMs: toMs,
    description: `after an edit of ${object.metadata.name} the controller ${spec.controller} ${what}`,
    detectHint,
  });
  planted.controller = spec.controller;
  world.metrics.get(spec.kind)!.troubles.push({ fromMs, toMs, mark: planted, ...trouble });
  // The edit itself is ordinary: naming it is a service, not a detection.
  world.sim.at(tsMs, () => void doChore(world, who, random, { id, kind: spec.kind }), { mark: planted, role: 'aftermath' });
}
