/** Harmless things of the last week that look odd at first sight and should not alert anybody. */
import { idOf, refIn } from './api-server.ts';
import { DAYS, dayOf, HOUR, LAST_WEEK_MS, MINUTE, SECOND, timeOf } from './calendar.ts';
import { CONTROLLERS } from './controller-metrics.ts';
import { renew } from './operators/cert-manager.ts';
import { RENOVATE, renovate } from './operators/flux.ts';
import { AUTOSCALER, scaleTo } from './operators/models.ts';
import { specOf } from './operators/settle.ts';
import { QUOTA_SYNC, QUOTA_SYNC_HOUR, syncQuotas } from './operators/strimzi.ts';
import { type Person, worksOn } from './people.ts';
import { LOOK_ALIKE_CLASSES, type LookAlike, type LookAlikeClass } from './planted.ts';
import type { Random } from './random.ts';
import { doChore, fridayRelease, makeNew, releaseLead } from './staff.ts';
import type { World } from './world.ts';

/** What every last week has, because every week has it. */
const ALWAYS: readonly LookAlikeClass[] = ['friday-release', 'bulk-bump', 'cert-renewal'];
const FIRST_DAY = dayOf(LAST_WEEK_MS);

interface Scene {
  world: World;
  random: Random;
  lookAlike: LookAlike;
}

type Arranger = (scene: Scene) => void;

export function arrangeLookAlikes(world: World, random: Random): LookAlike[] {
  const others = LOOK_ALIKE_CLASSES.filter((one) => !ALWAYS.includes(one));
  return [...ALWAYS, ...random.sample(others, 5)].map((lookAlikeClass) => {
    const lookAlike: LookAlike = {
      id: `look-alike-${lookAlikeClass}`,
      class: lookAlikeClass,
      description: '',
      tsMs: 0,
      endMs: 0,
      events: [],
      aftermath: [],
    };
    ARRANGERS[lookAlikeClass]({ world, random: random.fork(lookAlikeClass), lookAlike });
    return lookAlike;
  });
}

/** Describes and schedules in one go. */
function arrange(scene: Scene, fields: Partial<LookAlike> & { description: string; tsMs: number }, run: () => void): void {
  Object.assign(scene.lookAlike, { endMs: fields.tsMs + HOUR }, fields);
  scene.world.arrange(scene.lookAlike, fields.tsMs, run);
}

const ARRANGERS: Record<LookAlikeClass, Arranger> = {
  'friday-release': (scene) => {
    const { world, random } = scene;
    const actor = releaseLead(world).name;
    const tsMs = timeOf(FIRST_DAY + 4, 13, random.int(0, 50));
    arrange(scene, { actor, tsMs, description: `${actor} made the Friday release, as on every Friday` }, () =>
      fridayRelease(world, random),
    );
  },
  'bulk-bump': (scene) => {
    const { world, random } = scene;
    const tsMs = timeOf(FIRST_DAY + 1, 4, random.int(5, 25));
    arrange(
      scene,
      { actor: RENOVATE.actor, tsMs, description: 'Renovate raised the charts it looks after, as on every Tuesday' },
      () => renovate(world, random),
    );
  },
  'cert-renewal': (scene) => {
    const { world, random } = scene;
    const objects = world.list('Certificate', 'web');
    const tsMs = timeOf(FIRST_DAY + 3, 5) + random.int(400, 900) * SECOND;
    arrange(scene, { tsMs, ref: refIn(objects[0]!), description: 'certificates issued together were renewed together' }, () => {
      for (const object of objects)
        world.sim.at(world.nowMs + random.int(0, 60) * SECOND, () => renew(world, idOf(object)), world.sim.tag);
    });
  },
  'busy-autoscaler': (scene) => {
    const { world, random } = scene;
    const object = random.pick(world.list('ModelDeployment').filter((one) => specOf(one).autoscaling !== undefined));
    const tsMs = timeOf(FIRST_DAY + random.int(0, 4), random.int(9, 13));
    const description = `load came in waves and the autoscaler followed, up to the most replicas ${object.metadata.name} may have`;
    arrange(scene, { tsMs, endMs: tsMs + 3 * HOUR, actor: AUTOSCALER.actor, ref: refIn(object), description }, () => {
      for (let atMs = world.nowMs; atMs < tsMs + 3 * HOUR; atMs += random.int(7, 20) * MINUTE) {
        const replicas = random.int(4, 14);
        world.sim.at(atMs, () => scaleTo(world, idOf(object), replicas), world.sim.tag);
      }
    });
  },
  'new-object': (scene) => {
    const { world, random } = scene;
    const { who, tsMs } = someone(scene, random.pick(['data', 'ml'] as const));
    arrange(scene, { tsMs, actor: who.name, description: `${who.name} made new objects after their peers` }, () => {
      for (let i = random.int(1, 3), atMs = world.nowMs; i > 0; i--, atMs += random.int(1, 9) * MINUTE) {
        world.sim.at(atMs, () => void makeNew(world, who, random), world.sim.tag);
      }
    });
  },
  'nightly-burst': (scene) => {
    const { world, random } = scene;
    const tsMs = timeOf(FIRST_DAY, QUOTA_SYNC_HOUR, 18);
    const description = 'the nightly quota job went over all users once more, and changed nearly every quota';
    arrange(scene, { tsMs, actor: QUOTA_SYNC.actor, description }, () => syncQuotas(world, random, 0.9));
  },
  'controller-restart': (scene) => {
    const { world, random } = scene;
    const spec = random.pick(CONTROLLERS);
    const tsMs = timeOf(FIRST_DAY + random.int(0, 6), random.int(6, 18), random.int(0, 59));
    arrange(
      scene,
      { tsMs, controller: spec.controller, description: `${spec.target} was upgraded: its counters began at 0` },
      () => world.metrics.get(spec.kind)!.restart(),
    );
  },
  'on-call-night': (scene) => {
    const { world, random } = scene;
    const who = world.people.find(({ onCall }) => onCall)!;
    const tsMs = timeOf(FIRST_DAY + random.int(1, 6), random.int(1, 4), random.int(0, 59));
    arrange(scene, { tsMs, actor: who.name, description: `${who.name}, on call as in all weeks, was called at night` }, () => {
      for (let i = 0; i < 2; i++)
        world.sim.at(world.nowMs + i * 7 * MINUTE, () => void doChore(world, who, random), world.sim.tag);
    });
  },
  'old-objects-removed': (scene) => {
    const { world, random } = scene;
    const { who, tsMs } = someone(scene, 'ml');
    arrange(scene, { tsMs, actor: who.name, description: `${who.name} cleared away trial deployments` }, () => {
      const trials = world.list('ModelDeployment', 'ml-research').filter((object) => !world.reserved.has(idOf(object)));
      random.sample(trials, 3).forEach((object, i) => {
        world.sim.at(world.nowMs + i * random.int(2, 6) * MINUTE, () => world.remove(who.writer, idOf(object)), world.sim.tag);
      });
    });
  },
  'error-blip': (scene) => {
    const { world, random } = scene;
    const spec = random.pick(CONTROLLERS);
    const tsMs = timeOf(FIRST_DAY + random.int(0, 6), random.int(0, 22), random.int(0, 59));
    const toMs = tsMs + random.int(15, 30) * MINUTE;
    const description = `${spec.target} met a throttled API for some minutes, as it does now and then`;
    arrange(scene, { tsMs, endMs: toMs + HOUR, controller: spec.controller, description }, () => {
      world.metrics.get(spec.kind)!.troubles.push({ fromMs: tsMs, toMs, errorShare: 0.05 + random.next() * 0.05 });
    });
  },
};

/** One of a team at work on a day of the last week. */
function someone({ world, random }: Scene, team: 'data' | 'ml'): { who: Person; tsMs: number } {
  const day = random.int(FIRST_DAY, DAYS - 3);
  const settled = world.team(team).filter(({ firstDay }) => firstDay === 0);
  const present = settled.filter((person) => worksOn(person, day));
  const who = random.pick(present.length > 0 ? present : settled);
  return { who, tsMs: timeOf(day, who.fromHour) + random.int(30, 360) * MINUTE };
}
