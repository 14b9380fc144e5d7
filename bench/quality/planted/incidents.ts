/**
 * Incidents to plant, each made from what the stream itself has shown by then: its own objects, people, fields and values, and no list of bad
 * words. A maker gives undefined where the moment offers no case.
 */
import { loosened, withPath } from './loosening.ts';
import { hourOf, keyOf, type Life, leavesOf, type StreamObject, type StreamRow, uidOf, type World, withLeaf } from './world.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const TRIES = 1_000;
const EDITS_MIN = 8;
/** What belongs together has moved together so often, and in this share of its moves. */
const TOGETHER_MIN = 5;
const TOGETHER_SHARE = 0.9;
/** An hour of the week at which somebody does less than this of what an even spread would be, is one that they do not keep. */
const HARDLY = 0.03;
const LATELY_MS = 400 * 24 * HOUR_MS;
/** Of what may be done to an object that is there, this share is done with a new one. */
const BORN_SHARE = 0.25;
/** Of what somebody new to a kind does, this share is done by somebody new to the cluster. */
const NEWCOMER_SHARE = 0.25;
/** Of the incidents in a cluster of one person, this share is a machine's, among what is not its business. */
const MACHINE_SHARE = 0.3;

export interface Planned {
  atMs: number;
  actor: string;
  key: string;
  /** The object after it, from the object as it then is; undefined where that no longer works. Neither this nor `born`: a deletion. */
  change?: (object: StreamObject) => StreamObject | undefined;
  /** A new object. */
  born?: StreamObject;
}

export interface Plan {
  class: string;
  events: Planned[];
  /** Of whose changes those until then are left out. */
  silent?: { life: Life; untilMs: number };
}

export interface Moment {
  world: World;
  /** A real change that has just come. */
  row: StreamRow;
  random: () => number;
}

type Leaf = string | number | boolean;

export const MAKERS: Readonly<Record<string, (moment: Moment) => Plan | undefined>> = {
  'stable-field': stableField,
  'odd-value': oddValue,
  'odd-hour': oddHour,
  'odd-actor': oddActor,
  'broken-co-change': brokenCoChange,
  'mass-delete': massDelete,
  silence,
  privilege,
};

/** What is planted unless told otherwise: of another list each seed would make another stream. */
export const USUAL_CLASSES = Object.keys(MAKERS).filter((name) => name !== 'privilege');

function stableField(moment: Moment): Plan | undefined {
  const { world, random } = moment;
  const life = someLife(moment, (one) => one.by.has(moment.row.actor) && one.editsMs.length >= EDITS_MIN);
  if (life === undefined) return undefined;
  const resting = [...leavesOf(life.object)].filter(([path]) => {
    const share = (world.kindMoved.get(`${life.kind}\u0000${path}`) ?? 0) / (world.kindEdits.get(life.kind) ?? 1);
    return !life.moved.has(path) && share < 0.02;
  });
  const leaf = pick(resting, random);
  if (leaf === undefined) return undefined;
  const [path, value] = leaf;
  const peers = [...world.lives.values()].filter((peer) => peer.kind === life.kind && peer.alive);
  const theirs = peers.flatMap((peer) => leavesOf(peer.object).get(path) ?? []);
  const next =
    pick(
      theirs.filter((other) => other !== value && typeof other === typeof value),
      random,
    ) ?? another(value, random);
  return { class: 'stable-field', events: [edit(moment, life, path, next)] };
}

function oddValue(moment: Moment): Plan | undefined {
  const { random } = moment;
  const life = someLife(moment, (one) => one.by.has(moment.row.actor) && usual(one).length > 0);
  const path = life === undefined ? undefined : pick(usual(life), random);
  const value = life === undefined || path === undefined ? undefined : leavesOf(life.object).get(path);
  if (life === undefined || path === undefined || value === undefined) return undefined;
  const odd = farOff(value, random);
  const event = random() < BORN_SHARE ? birth(moment, life, (peer) => withLeaf(peer, path, odd)) : edit(moment, life, path, odd);
  return { class: 'odd-value', events: [event] };
}

function oddHour(moment: Moment): Plan | undefined {
  const { world, row, random } = moment;
  const person = world.people.get(row.actor);
  if (person === undefined || isMachine(row.actor) || person.actions < 40) return undefined;
  const life = someLife(moment, (one) => one.by.has(row.actor) && usual(one).length > 0);
  const path = life === undefined ? undefined : pick(usual(life), random);
  const fromMs = Date.parse(row.ts) + (4 + random() * 24 * 6) * HOUR_MS;
  const seen = (atMs: number) => [-2, -1, 0, 1, 2].reduce((sum, by) => sum + person.hours[(hourOf(atMs) + by + 168) % 168]!, 0);
  const kept = (atMs: number) => seen(atMs) > HARDLY * person.actions * (5 / 168);
  let atMs = fromMs;
  while (kept(atMs) && atMs < fromMs + 168 * HOUR_MS) atMs += HOUR_MS;
  if (life === undefined || path === undefined || kept(atMs)) return undefined;
  return { class: 'odd-hour', events: [{ ...ordinary(moment, life, path), atMs }] };
}

function oddActor(moment: Moment): Plan | undefined {
  const { world, row, random } = moment;
  const people = [...world.people.keys()].filter((name) => !isMachine(name));
  const isAlone = people.length < 3;
  if (isMachine(row.actor) ? !isAlone || random() >= MACHINE_SHARE : isAlone && random() < MACHINE_SHARE) return undefined;
  // A cluster of one person has no other to send: somebody who was never seen.
  const isNew = !isMachine(row.actor) && (isAlone || random() < NEWCOMER_SHARE);
  const colleague = isMachine(row.actor) || random() < 0.5 ? row.actor : (pick(people, random) ?? row.actor);
  const actor = isNew ? `user:${Math.floor(random() * 2 ** 40).toString(16)}` : colleague;
  const person = world.people.get(actor);
  const life = someLife(moment, (one) => {
    if (one.editsMs.length < EDITS_MIN || usual(one).length === 0) return false;
    return person === undefined || (!person.kinds.has(one.kind) && !person.places.has(one.place));
  });
  const path = life === undefined ? undefined : pick(usual(life), random);
  if (life === undefined || path === undefined) return undefined;
  return { class: 'odd-actor', events: [{ ...ordinary(moment, life, path), actor }] };
}

/** Half the time two fields of one object, else the same field of two objects. */
function brokenCoChange(moment: Moment): Plan | undefined {
  const pathsOf = moment.random() < 0.5 ? pathsWithPartner : pathsWithMate;
  const life = someLife(moment, (one) => one.by.has(moment.row.actor) && pathsOf(one, moment.world).length > 0);
  const path = life === undefined ? undefined : pick(pathsOf(life, moment.world), moment.random);
  if (life === undefined || path === undefined || !leavesOf(life.object).has(path)) return undefined;
  return { class: 'broken-co-change', events: [edit(moment, life, path, undefined)] };
}

/** Paths that have moved with another one of their object nearly each time. */
function pathsWithPartner(life: Life): string[] {
  return [...life.together].flatMap(([pair, n]) => {
    const [path, other] = pair.split('\u0000') as [string, string];
    return isNearlyAlways(life, path, n) && leavesOf(life.object).has(other) ? [path] : [];
  });
}

/** Paths that have moved with that of another object nearly each time. */
function pathsWithMate(life: Life, { lives }: World): string[] {
  return [...life.mates].flatMap(([pair, n]) => {
    const path = pair.slice(0, pair.indexOf('\u0000'));
    return isNearlyAlways(life, path, n) && lives.get(pair.slice(path.length + 1))?.alive === true ? [path] : [];
  });
}

function isNearlyAlways(life: Life, path: string, together: number): boolean {
  return together >= TOGETHER_MIN && together >= TOGETHER_SHARE * (life.moved.get(path) ?? 0);
}

function massDelete(moment: Moment): Plan | undefined {
  const { world, row, random } = moment;
  const first = someLife(moment, (one) => one.by.has(row.actor));
  if (first === undefined) return undefined;
  const among = [...world.lives.values()].filter((one) => one.alive && one.place === first.place);
  const count = Math.min(among.length, 6 + Math.floor(random() * 25));
  if (count < 6) return undefined;
  const startMs = Date.parse(row.ts) + 10 * MINUTE_MS;
  const gapMs = Math.floor(random() * 10) * 1000;
  const events = shuffled(among, random)
    .slice(0, count)
    .map(({ key }, i) => ({ atMs: startMs + i * gapMs, actor: row.actor, key }));
  return { class: 'mass-delete', events };
}

function silence(moment: Moment): Plan | undefined {
  const nowMs = Date.parse(moment.row.ts);
  const gapsOf = (life: Life) =>
    life.editsMs
      .slice(-30)
      .map((atMs, i, all) => atMs - (all[i - 1] ?? atMs))
      .slice(1)
      .sort((a, b) => a - b);
  const life = someLife(moment, (one) => {
    const gaps = gapsOf(one);
    const middle = gaps[gaps.length >> 1] ?? 0;
    return gaps.length >= 12 && middle > HOUR_MS && gaps.at(-1)! < 8 * middle && nowMs - one.editsMs.at(-1)! < middle;
  });
  if (life === undefined) return undefined;
  const gaps = gapsOf(life);
  return {
    class: 'silence',
    events: [],
    silent: { life, untilMs: nowMs + Math.max(6 * gaps[gaps.length >> 1]!, 3 * gaps.at(-1)!) },
  };
}

function privilege(moment: Moment): Plan | undefined {
  const { row, random } = moment;
  const life = someLife(moment, (one) => one.by.has(row.actor) && loosened(one).length > 0);
  const chosen = life === undefined ? undefined : pick(loosened(life), random);
  if (life === undefined || chosen === undefined) return undefined;
  const [path, value] = chosen;
  const loose = (object: StreamObject) => withPath(object, path, value);
  const atMs = soonAfter(moment);
  const event =
    random() < BORN_SHARE
      ? birth(moment, life, (peer) => loose(peer) ?? peer)
      : { atMs, actor: row.actor, key: life.key, change: loose };
  return { class: 'privilege', events: [event] };
}

/** Half the time with what has just been done, and else a little later. */
function soonAfter({ row, random }: Moment): number {
  return Date.parse(row.ts) + (random() < 0.5 ? 0 : (5 + Math.floor(random() * 40)) * MINUTE_MS);
}

/** By who has just acted. */
function edit(moment: Moment, life: Life, path: string, value: Leaf | undefined): Planned {
  const atMs = soonAfter(moment);
  const change = (object: StreamObject) => {
    const now = leavesOf(object).get(path);
    const next = value ?? (now === undefined ? undefined : bumped(now));
    return now === undefined || next === undefined || next === now ? undefined : withLeaf(object, path, next);
  };
  return { atMs, actor: moment.row.actor, key: life.key, change };
}

/** What is done every day: the next value of a field, or one more object. */
function ordinary(moment: Moment, life: Life, path: string): Planned {
  return moment.random() < BORN_SHARE ? birth(moment, life) : edit(moment, life, path, undefined);
}

/** A new object beside one that is there, of a name like its own. */
function birth({ row, random }: Moment, peer: Life, change = (object: StreamObject) => object): Planned {
  const { metadata } = peer.object;
  const name = `${metadata.name.replace(/-?\d*$/, '')}-${2 + Math.floor(random() * 98)}`;
  const { annotations: _, ...rest } = metadata;
  const uid = uidOf(Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join(''));
  const made = { ...rest, name, uid, generation: 1 };
  const born = { ...change(structuredClone(peer.object)), metadata: made };
  return { atMs: Date.parse(row.ts), actor: row.actor, key: keyOf(born), born };
}

function isMachine(actor: string): boolean {
  return actor.startsWith('bot:');
}

/** Paths of an object that move in the ordinary course and hold a number that can be counted on. */
function usual(life: Life): string[] {
  const leaves = leavesOf(life.object);
  return [...life.moved].flatMap(([path, n]) => (n >= 3 && bumped(leaves.get(path) ?? '') !== undefined ? [path] : []));
}

/** The next number, or the next version. */
function bumped(value: Leaf): Leaf | undefined {
  if (typeof value === 'number') return value + 1;
  if (typeof value !== 'string' || value.length > 200) return undefined;
  const last = /(\d+)(\D*)$/.exec(value);
  if (last === null || (last[1] as string).length > 9) return undefined;
  return `${value.slice(0, last.index)}${Number(last[1]) + 1}${last[2]}`;
}

/** Far from what it was: a hundredfold, another place for an image or address, a version long past. */
function farOff(value: Leaf, random: () => number): Leaf {
  if (typeof value === 'number') return value === 0 ? 1000 : random() < 0.5 ? value * 100 : Math.max(0, Math.floor(value / 100));
  if (typeof value !== 'string') return !value;
  if (/^[\w.-]+\.[a-z]+\//.test(value)) return value.replace(/^[\w.-]+/, `registry.mirror-${Math.floor(random() * 1000)}.net`);
  const version = /(\d+)\.(\d+)/.exec(value);
  if (version !== null) {
    const major = Number(version[1]);
    const next =
      major >= 2
        ? `${major - Math.min(major, 2 + Math.floor(random() * 4))}.${Math.floor(Number(version[2]) / 2)}`
        : `${major + 7}.0`;
    return value.replace(version[0], next);
  }
  const amount = /^(\d+)(\D{0,2})$/.exec(value);
  return amount === null ? another(value, random) : `${Number(amount[1]) * 100}${amount[2]}`;
}

/** Another value of the same sort. */
function another(value: Leaf, random: () => number): Leaf {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value === 0 ? 1 : random() < 0.5 ? value * 2 : value + 1;
  return bumped(value) ?? `${value}-${Math.floor(random() * 100)}`;
}

function someLife({ world, row, random }: Moment, fits: (life: Life) => boolean): Life | undefined {
  const nowMs = Date.parse(row.ts);
  const lives = [...world.lives.values()];
  for (let i = 0; i < TRIES; i++) {
    const life = pick(lives, random);
    if (life?.alive && nowMs - (life.editsMs.at(-1) ?? 0) < LATELY_MS && fits(life)) return life;
  }
  return undefined;
}

function pick<T>(among: readonly T[], random: () => number): T | undefined {
  return among[Math.floor(random() * among.length)];
}

function shuffled<T>(among: readonly T[], random: () => number): T[] {
  return among
    .map((item) => [random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
