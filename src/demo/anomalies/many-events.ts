/** Anomalies of more than one event: two writers at war, a sweep of deletions, a value that creeps. */
import type { JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { type Draft, idOf } from '../api-server.ts';
import { DAYS, dayOf, LAST_WEEK_MS, MINUTE, SECOND, timeOf } from '../calendar.ts';
import { CONTROLLERS } from '../controller-metrics.ts';
import type { Writer } from '../managed-fields.ts';
import { DEPLOYER } from '../operators/flux.ts';
import { AUTOSCALER, RELEASE_BOT } from '../operators/models.ts';
import { member, specOf } from '../operators/settle.ts';
import { type Team, worksOn } from '../people.ts';
import { describe, laterAtWork, officeTime, type Planter, takeObject, takePerson, workday } from './plot.ts';

interface War {
  kind: string;
  accept?: (object: KubeObject) => boolean;
  writers: [Writer, Writer];
  set: (object: KubeObject, side: 0 | 1) => void;
}

const serviceAccount = (name: string, manager: string): Writer => ({
  actor: `system:serviceaccount:${name}`,
  manager,
  operation: 'Update',
});

const WARS: readonly War[] = [
  {
    kind: 'ModelDeployment',
    accept: (object) => specOf(object).autoscaling !== undefined,
    writers: [AUTOSCALER, serviceAccount('ml-serving:capacity-planner', 'capacity-planner')],
    set: (object, side) => {
      specOf(object).replicas = side === 0 ? 7 : 3;
    },
  },
  {
    kind: 'ModelRoute',
    writers: [RELEASE_BOT, serviceAccount('ai-gateway:canary-controller', 'canary-controller')],
    set: (object, side) => {
      const backends = specOf(object).backends as unknown as { weight: number }[];
      backends[0]!.weight = side === 0 ? 90 : 100;
      backends[1]!.weight = side === 0 ? 10 : 0;
    },
  },
  {
    kind: 'HelmRelease',
    accept: ({ metadata }) => metadata.namespace === 'web',
    writers: [DEPLOYER, AUTOSCALER],
    set: (object, side) => {
      member(object.spec, 'values').replicaCount = side === 0 ? 3 : 5;
    },
  },
  {
    kind: 'Bucket',
    writers: [
      serviceAccount('crossplane-system:provider-s3', 'crossplane-provider-s3'),
      serviceAccount('platform:tag-policy', 'tag-policy'),
    ],
    set: (object, side) => {
      member(object.spec, 'forProvider', 'tags').owner = side === 0 ? 'platform' : 'shared';
    },
  },
];

function controllerOf(kind: string): string | undefined {
  return CONTROLLERS.find((spec) => spec.kind === kind)?.controller;
}

/** Two writers fight over one field, at once, for minutes. */
export const plantBurst: Planter = (plot) => {
  const { world, random, planted } = plot;
  const war = random.pick(WARS);
  const { id, object } = takeObject(plot, war.kind, war.accept);
  const flips = random.int(60, 140);
  const gapMs = random.int(2, 6) * SECOND;
  const tsMs = timeOf(random.int(dayOf(LAST_WEEK_MS), DAYS - 1), 0) + random.int(0, 22 * 60) * MINUTE;
  describe(plot, {
    object,
    tsMs,
    endMs: tsMs + flips * gapMs,
    description: `${war.writers[0].actor} and ${war.writers[1].actor} set one field back and forth ${flips} times`,
    detectHint: 'one object changes every few seconds, one field between two values',
  });
  planted.objectEpisode = true;
  planted.shakenController = controllerOf(war.kind);
  for (let i = 0; i < flips; i++) {
    const side = (i % 2) as 0 | 1;
    world.arrange(
      planted,
      tsMs + i * gapMs + random.int(0, 900),
      () => void world.edit(war.writers[side], id, (one) => war.set(one, side)),
    );
  }
};

interface Sweep {
  kind: string;
  namespace: string;
  team: Team;
  count: [number, number];
}

const SWEEPS: readonly Sweep[] = [
  { kind: 'KafkaTopic', namespace: 'streaming', team: 'data', count: [9, 18] },
  { kind: 'KafkaUser', namespace: 'streaming', team: 'data', count: [7, 12] },
  { kind: 'ModelRoute', namespace: 'ai-gateway', team: 'gateway', count: [6, 11] },
  { kind: 'InferenceService', namespace: 'ml-serving', team: 'ml', count: [6, 11] },
  { kind: 'HelmRelease', namespace: 'web', team: 'web', count: [5, 9] },
];

/** One person deletes many objects of a kind within two minutes; colleagues make them anew hours later. */
export const plantMassDelete: Planter = (plot) => {
  const { world, random, planted } = plot;
  const sweep = random.pick(SWEEPS);
  const day = workday(random);
  const who = takePerson(plot, sweep.team, day);
  const tsMs = officeTime(who, day, random);
  const free = world.list(sweep.kind, sweep.namespace).filter((object) => !world.reserved.has(idOf(object)));
  const victims = random.sample(free, random.int(...sweep.count));
  for (const object of victims) world.reserved.add(idOf(object));
  const gapMs = random.int(1, 8) * SECOND;
  describe(plot, {
    object: victims[0],
    actor: who.name,
    tsMs,
    endMs: tsMs + victims.length * gapMs,
    description: `${who.name} deleted ${victims.length} of ${free.length} ${sweep.kind} objects in ${sweep.namespace}`,
    detectHint: 'one or two at a time are usual, if any',
  });
  planted.actorEpisode = true;
  planted.shakenController = controllerOf(sweep.kind);
  const repairer = random.pick(
    world
      .team(sweep.team)
      .filter((one) => one !== who && worksOn(one, day))
      .concat(who),
  );
  let repairMs = laterAtWork(repairer, tsMs, random);
  victims.forEach((object, i) => {
    let last: KubeObject | undefined;
    world.arrange(planted, tsMs + i * gapMs + random.int(0, 700), () => {
      last = world.find(idOf(object));
      world.remove(who.writer, idOf(object));
    });
    repairMs += random.int(2, 30) * SECOND;
    const repair = () => {
      // A colleague may have been quicker.
      if (last !== undefined && world.find(idOf(last)) === undefined) world.create(repairer.writer, anew(last));
    };
    world.sim.at(repairMs, repair, { mark: planted, role: 'aftermath' });
  });
};

/** The object as someone would apply it again. */
function anew(object: KubeObject): Draft {
  const { name, namespace, labels, annotations } = object.metadata;
  return structuredClone({
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: object.spec as JsonObject,
  });
}

interface Creep {
  kind: string;
  team: Team;
  what: string;
  accept?: (object: KubeObject) => boolean;
  step: (object: KubeObject) => void;
}

const CREEPS: readonly Creep[] = [
  {
    kind: 'ModelDeployment',
    team: 'ml',
    what: 'replicas, one more each time',
    accept: (object) => specOf(object).autoscaling === undefined,
    step: (object) => {
      specOf(object).replicas = Number(specOf(object).replicas) + 1;
    },
  },
  {
    kind: 'ModelRoute',
    team: 'gateway',
    what: 'the token limit, an eighth more each time',
    step: (object) => {
      const limit = member(object.spec, 'rateLimit');
      limit.tokensPerMinute = Math.round((Number(limit.tokensPerMinute) * 1.125) / 100) * 100;
    },
  },
  {
    kind: 'KafkaTopic',
    team: 'data',
    what: 'retention, a tenth less each time',
    step: (object) => {
      const config = member(object.spec, 'config');
      config['retention.ms'] = Math.round((Number(config['retention.ms']) * 0.9) / 60_000) * 60_000;
    },
  },
];

/** One value moves one way in small steps over some days, at its writer's usual hours. */
export const plantSlowDrift: Planter = (plot) => {
  const { world, random, planted } = plot;
  const creep = random.pick(CREEPS);
  const { id, object } = takeObject(plot, creep.kind, creep.accept);
  const first = dayOf(LAST_WEEK_MS) + random.int(0, 1);
  const days = random.int(3, 4);
  const who = takePerson(plot, creep.team, first);
  const times: number[] = [];
  for (let day = first; day < first + days; day++)
    for (let i = random.int(3, 4); i > 0; i--) times.push(officeTime(who, day, random));
  times.sort((a, b) => a - b);
  describe(plot, {
    object,
    actor: who.name,
    tsMs: times[0]!,
    endMs: times.at(-1)!,
    description: `${who.name} moved ${creep.what}, ${times.length} times in ${days} days`,
    detectHint: 'no single step is odd; always the same way is, and so often',
  });
  for (const tsMs of times) world.arrange(planted, tsMs, () => void world.edit(who.writer, id, creep.step));
};
