/** Anomalies that are one edit: of the wrong field, by the wrong one, at the wrong hour. */
import type { KubeObject } from '../../domain/object-ref.ts';
import { idOf } from '../api-server.ts';
import { DAYS, dayOf, LAST_WEEK_MS, MINUTE, timeOf } from '../calendar.ts';
import type { Writer } from '../managed-fields.ts';
import { DEPLOYER, RENOVATE, revertByGit } from '../operators/flux.ts';
import { AUTOSCALER, RELEASE_BOT } from '../operators/models.ts';
import { member, specOf } from '../operators/settle.ts';
import { QUOTA_SYNC } from '../operators/strimzi.ts';
import type { Team } from '../people.ts';
import { CHORES, chooseChore, doChore } from '../staff.ts';
import { describe, officeTime, type Planter, takeObject, takePerson, workday } from './plot.ts';

interface StableField {
  kind: string;
  team: Team;
  what: string;
  change: (object: KubeObject) => void;
}

const STABLE_FIELDS: readonly StableField[] = [
  {
    kind: 'Kustomization',
    team: 'platform',
    what: 'pruning switched off',
    change: (o) => {
      specOf(o).prune = false;
    },
  },
  {
    kind: 'GitRepository',
    team: 'platform',
    what: 'another branch followed',
    change: (o) => {
      member(o.spec, 'ref').branch = 'hotfix';
    },
  },
  {
    kind: 'HelmRelease',
    team: 'web',
    what: 'drift detection switched off',
    change: (o) => {
      member(o.spec, 'driftDetection').mode = 'disabled';
    },
  },
  {
    kind: 'Certificate',
    team: 'platform',
    what: 'issued by another issuer',
    change: (o) => {
      member(o.spec, 'issuerRef').name = 'interim-ca';
    },
  },
  {
    kind: 'XPostgreSQLInstance',
    team: 'platform',
    what: 'backups kept for a day',
    change: (o) => {
      member(o.spec, 'parameters', 'backup').retentionDays = 1;
    },
  },
  {
    kind: 'Kafka',
    team: 'data',
    what: 'one replica in sync is enough',
    change: (o) => {
      member(o.spec, 'kafka', 'config')['min.insync.replicas'] = 1;
    },
  },
];

/** A person edits by hand what Git states, at a field that never changed; Flux puts it back within minutes. */
export const plantStableField: Planter = (plot) => {
  const { world, random, planted } = plot;
  const field = random.pick(STABLE_FIELDS);
  const { id, object } = takeObject(
    plot,
    field.kind,
    (one) => field.kind === 'Kustomization' || field.kind === 'GitRepository' || world.fromGit.has(idOf(one)),
  );
  const day = workday(random);
  const who = takePerson(plot, field.team, day);
  const tsMs = officeTime(who, day, random);
  const writer: Writer = { ...who.writer, manager: 'kubectl-edit' };
  describe(plot, {
    object,
    actor: writer.actor,
    tsMs,
    description: `${who.name} edited by hand what Git states: ${field.what}`,
    detectHint: 'the field never changed before, and only Flux writes this object',
  });
  const chance = random.fork('revert');
  world.sim.at(tsMs, () => revertByGit(world, id, chance), { mark: planted, role: 'aftermath' });
  world.arrange(planted, tsMs, () => void world.edit(writer, id, field.change));
};

/** Someone who keeps office hours makes one or two quite ordinary edits in the small hours. */
export const plantOddHour: Planter = (plot) => {
  const { world, random, planted } = plot;
  const day = random.pick([dayOf(LAST_WEEK_MS) + 2, DAYS - 4, DAYS - 2, DAYS - 1]);
  const team = random.pick(['data', 'ml', 'gateway', 'web', 'platform'] as const);
  const who = takePerson(plot, team, Math.min(day, DAYS - 3));
  const tsMs = timeOf(day, 1) + random.int(20, 220) * MINUTE;
  const edits = random.int(1, 2);
  describe(plot, {
    actor: who.name,
    tsMs,
    endMs: tsMs + (edits - 1) * 9 * MINUTE,
    description: `${who.name}, who works from ${who.fromHour} to ${who.toHour} on weekdays, made an ordinary edit at night`,
    detectHint: 'the person was never active at such an hour',
  });
  planted.actorEpisode = true;
  for (let i = 0; i < edits; i++) {
    world.arrange(planted, tsMs + i * 9 * MINUTE, () => {
      const id = doChore(world, who, random);
      const object = id === undefined ? undefined : world.find(id);
      if (object !== undefined && planted.ref === undefined) describeTarget(plot, object);
    });
  }
};

function describeTarget(plot: Parameters<Planter>[0], object: KubeObject): void {
  const { tsMs, endMs, description, detectHint, actor } = plot.planted;
  describe(plot, { object, actor, tsMs, endMs, description, detectHint });
}

const STRANGERS: readonly Writer[] = [
  RENOVATE,
  DEPLOYER,
  QUOTA_SYNC,
  RELEASE_BOT,
  AUTOSCALER,
  { actor: 'system:serviceaccount:monitoring:blackbox', manager: 'blackbox', operation: 'Update' },
  { actor: 'system:serviceaccount:ml-research:notebook', manager: 'OpenAPI-Generator', operation: 'Update' },
  { actor: 'system:serviceaccount:web:default', manager: 'kubectl-patch', operation: 'Update' },
];

/** An edit such as this kind sees every day, by someone or something that never had to do with it. */
export const plantOddActor: Planter = (plot) => {
  const { world, random, planted } = plot;
  const team = random.pick(['data', 'ml', 'gateway', 'platform'] as const);
  const chore = chooseChore(team, random);
  const day = workday(random);
  const strangers = STRANGERS.filter(
    ({ actor }) =>
      !(team === 'data' && actor === QUOTA_SYNC.actor) &&
      !(team === 'ml' && (actor === RELEASE_BOT.actor || actor === AUTOSCALER.actor)),
  );
  const others = (Object.keys(CHORES) as Team[]).filter((other) => other !== team);
  const person = random.chance(0.3) ? takePerson(plot, random.pick(others), day) : undefined;
  const writer = person?.writer ?? random.pick(strangers);
  const tsMs = person === undefined ? timeOf(day, 6) + random.int(0, 14 * 60) * MINUTE : officeTime(person, day, random);
  const { id, object } = takeObject(
    plot,
    chore.kind,
    ({ metadata }) => chore.namespace === undefined || metadata.namespace === chore.namespace,
  );
  describe(plot, {
    object,
    actor: writer.actor,
    tsMs,
    endMs: tsMs,
    description: `${writer.actor} edited a ${chore.kind}, which it never did before`,
    detectHint: 'the writer is new to this kind and namespace',
  });
  planted.actorEpisode = person === undefined;
  world.arrange(planted, tsMs, () => {
    // The usual change may be one to the value that is there; it has to change something.
    for (let i = 0; i < 12; i++) if (world.edit(writer, id, (one) => chore.change(one, random, world))) return;
  });
};
