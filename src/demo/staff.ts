/** What people do in a day: chores of their teams on objects of their own, now and then something new. */
import type { KubeObject } from '../domain/object-ref.ts';
import { type Draft, idOf, type ObjectId } from './api-server.ts';
import { DAYS, HOUR, isWorkday, MINUTE, timeOf } from './calendar.ts';
import { changeLifecycle, growDatabase, retag } from './operators/crossplane.ts';
import { bumpImage, gitCommit, repositoryOf, resize, setReplicas } from './operators/flux.ts';
import { changeLimits, modelDeployment, resizeModel, shiftWeights, tuneRuntime } from './operators/models.ts';
import { member, specOf } from './operators/settle.ts';
import { addPartitions, allowTopic, changeRetention, newTopic, tuneKafka } from './operators/strimzi.ts';
import { callTimes, editTimes, type Person, type Team } from './people.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** A sort of edit that a team makes, with how often compared with its others. */
export interface Chore {
  kind: string;
  namespace?: string;
  weight: number;
  change: (object: KubeObject, random: Random, world: World) => void;
}

export const CHORES: Record<Team, readonly Chore[]> = {
  platform: [
    { kind: 'Bucket', weight: 5, change: retag },
    { kind: 'Bucket', weight: 5, change: changeLifecycle },
  ],
  data: [
    { kind: 'KafkaTopic', weight: 6, change: changeRetention },
    { kind: 'KafkaTopic', weight: 2, change: addPartitions },
    { kind: 'KafkaUser', weight: 3, change: (object, random, world) => allowTopic(object, world, random) },
  ],
  ml: [
    { kind: 'ModelDeployment', weight: 4, change: resizeModel },
    { kind: 'ModelDeployment', weight: 4, change: tuneRuntime },
    { kind: 'InferenceService', weight: 3, change: resizeModel },
    {
      kind: 'InferenceService',
      weight: 2,
      change: (object, random) => {
        member(object.spec, 'predictor').maxReplicas = random.int(3, 8);
      },
    },
  ],
  gateway: [
    { kind: 'ModelRoute', weight: 6, change: shiftWeights },
    { kind: 'ModelRoute', weight: 3, change: changeLimits },
    {
      kind: 'ModelRoute',
      weight: 1,
      change: (object, random) => {
        specOf(object).timeout = random.pick(['30s', '60s', '90s', '120s']);
      },
    },
  ],
  web: [
    { kind: 'HelmRelease', namespace: 'web', weight: 3, change: (object, random) => setReplicas(object, random) },
    {
      kind: 'HelmRelease',
      namespace: 'web',
      weight: 3,
      change: (object, random) =>
        resize(member(object.spec, 'values', 'resources'), random.chance(0.5) ? 'cpu' : 'memory', random),
    },
  ],
};

export function chooseChore(team: Team, random: Random, kind?: string): Chore {
  const chores = CHORES[team].filter((chore) => kind === undefined || chore.kind === kind);
  let at = random.next() * chores.reduce((sum, { weight }) => sum + weight, 0);
  for (const chore of chores) {
    at -= chore.weight;
    if (at < 0) return chore;
  }
  return chores[0]!;
}

/** Someone's own objects come up more often than their colleagues'. */
function chooseObject(world: World, who: Person, chore: Chore, random: Random): KubeObject | undefined {
  const objects = world.list(chore.kind, chore.namespace);
  if (objects.length === 0) return undefined;
  const own = objects.filter((_, i) => (i + who.fromHour + who.name.length) % 3 !== 0);
  return random.pick(own.length > 0 && random.chance(0.85) ? own : objects);
}

/** One ordinary edit; returns the object edited. */
export function doChore(
  world: World,
  who: Person,
  random: Random,
  options: { id?: ObjectId; kind?: string } = {},
): ObjectId | undefined {
  // An edit may meet the value that is there already; people then change something else.
  for (let i = 0; i < 6; i++) {
    const chore = chooseChore(who.team, random, options.kind);
    const id = options.id ?? idOf(chooseObject(world, who, chore, random) ?? { kind: '', metadata: {} });
    if (world.edit(who.writer, id, (object) => chore.change(object, random, world))) return id;
  }
  return undefined;
}

export function liveStaff(world: World): void {
  for (const who of world.people) {
    const random = world.random.fork(`staff/${who.name}`);
    for (let day = 0; day < DAYS; day++)
      for (const tsMs of editTimes(who, day, random)) world.at(tsMs, () => spendTime(world, who, random));
    if (who.onCall) for (const tsMs of callTimes(random)) world.at(tsMs, () => doChore(world, who, random));
  }
  liveGit(world);
  liveReleases(world);
  liveFirsts(world);
}

function spendTime(world: World, who: Person, random: Random): void {
  if (random.chance(0.05)) makeNew(world, who, random);
  else if (random.chance(0.015)) removeOld(world, who, random);
  else doChore(world, who, random);
}

/** New objects are made after their peers, by those who have such. Returns the new object. */
export function makeNew(world: World, who: Person, random: Random): ObjectId | undefined {
  const draft = newDraft(world, who.team, random);
  if (draft === undefined || world.find(idOf(draft)) !== undefined) return undefined;
  const { status: _, ...bare } = draft;
  return world.create(who.writer, bare as Draft);
}

function newDraft(world: World, team: Team, random: Random): Draft | undefined {
  if (team === 'data') return newTopic(world, random);
  if (team === 'ml')
    return modelDeployment(`${random.pick(['trial', 'probe', 'sketch'])}-${random.hex(4)}`, 'ml-research', false, random);
  return undefined;
}

/** One or two objects that are no longer needed go. */
export function removeOld(world: World, who: Person, random: Random): void {
  const kind = who.team === 'data' ? 'KafkaTopic' : who.team === 'ml' ? 'ModelDeployment' : undefined;
  if (kind === undefined) return;
  const candidates = world
    .list(kind, kind === 'ModelDeployment' ? 'ml-research' : 'streaming')
    .filter((object) => !world.reserved.has(idOf(object)));
  if (candidates.length < 6) return;
  for (const object of random.sample(candidates, random.int(1, 2))) world.remove(who.writer, idOf(object));
}

/** Merges to Git on working days; half of them change objects, the others only documents. */
function liveGit(world: World): void {
  const random = world.random.fork('git');
  for (let day = 0; day < DAYS; day++) {
    const merges = isWorkday(day) ? random.int(5, 9) : random.int(0, 1);
    for (let i = 0; i < merges; i++) {
      world.at(timeOf(day, 7) + random.int(0, 11 * 60) * MINUTE, () => {
        const change = random.chance(0.55) ? gitChange(world, random) : undefined;
        gitCommit(
          world,
          change === undefined ? random.pick(['fleet', 'apps']) : repositoryOf(world, change.id),
          random,
          change === undefined ? [] : [change],
        );
      });
    }
  }
}

function gitChange(world: World, random: Random): { id: ObjectId; change: (object: KubeObject) => void } | undefined {
  const kind = random.pick([
    'HelmRelease',
    'HelmRelease',
    'HelmRelease',
    'HelmRelease',
    'XPostgreSQLInstance',
    'Kafka',
    'Certificate',
  ]);
  const objects = world.list(kind).filter((object) => world.fromGit.has(idOf(object)));
  if (objects.length === 0) return undefined;
  const id = idOf(random.pick(objects));
  if (kind === 'XPostgreSQLInstance') return { id, change: growDatabase };
  if (kind === 'Kafka') return { id, change: (object) => tuneKafka(object, random) };
  if (kind === 'Certificate') return { id, change: (object) => addName(object, random) };
  const image = random.chance(0.7);
  return { id, change: (object) => (image ? bumpImage(object, random) : setReplicas(object, random)) };
}

function addName(object: KubeObject, random: Random): void {
  const names = specOf(object).dnsNames as string[];
  if (names.length > 3) names.pop();
  else
    names.push(`${random.pick(['www', 'api', 'v2', 'edge', 'eu'])}-${names.length}.${object.metadata.name}.harbour.example.org`);
}

/** Who releases the shop on Fridays, and when; the same person at about the same hour each week. */
export function releaseLead(world: World): Person {
  return world.team('web')[0]!;
}

/** The Friday release: a good part of the shop gets a new image within half an hour. */
export function fridayRelease(world: World, random: Random): void {
  const lead = releaseLead(world);
  let atMs = world.nowMs;
  for (const object of random.sample(world.list('HelmRelease', 'web'), random.int(6, 9))) {
    atMs += random.int(30, 200) * 1000;
    world.sim.at(atMs, () => void world.edit(lead.writer, idOf(object), (release) => bumpImage(release, random)), world.sim.tag);
  }
}

function liveReleases(world: World): void {
  const random = world.random.fork('releases');
  // The last Friday is among the look-alikes.
  for (const day of [4, 11, 18]) world.at(timeOf(day, 13, random.int(0, 50)), () => fridayRelease(world, random));
}

/** Things nobody did before, by people at their usual places and hours: they happen in every week and are no anomalies. */
function liveFirsts(world: World): void {
  const random = world.random.fork('firsts');
  const keys = ['owner', 'cost-center', 'review-by', 'tier', 'runbook', 'data-class', 'sla'];
  for (let i = 0; i < 8; i++) {
    const who = random.pick(world.people);
    const day = Math.floor((i * DAYS) / 8) + random.int(0, 2);
    if (!isWorkday(day) || day < who.firstDay || who.away.has(day)) continue;
    const tsMs = timeOf(day, who.fromHour) + random.int(30, 420) * MINUTE;
    world.at(Math.min(tsMs, timeOf(day, 0) + who.toHour * HOUR), () => {
      const chore = chooseChore(who.team, random);
      const object = chooseObject(world, who, chore, random);
      if (object === undefined) return;
      world.edit(who.writer, idOf(object), (next) => {
        next.metadata.labels = {
          ...(next.metadata.labels as object),
          [`${random.pick(keys)}`]: random.pick(['a', 'b', 'gold', 'shared']),
        };
      });
    });
  }
}
