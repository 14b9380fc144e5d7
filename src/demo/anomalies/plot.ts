import type { KubeObject } from '../../domain/object-ref.ts';
import { idOf, type ObjectId, refIn } from '../api-server.ts';
import { DAYS, dayOf, HOUR, isWorkday, LAST_WEEK_MS, MINUTE, timeOf } from '../calendar.ts';
import { type Person, type Team, worksOn } from '../people.ts';
import type { AnomalyClass, Planted } from '../planted.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';

/** What every anomaly is planned with. It is planned before the four weeks run and takes place in the last one. */
export interface Plot {
  world: World;
  random: Random;
  planted: Planted;
  /** People who already have a part in another anomaly. */
  cast: Set<Person>;
}

/** Plans one anomaly: schedules its events and fills in what is known of it beforehand. */
export type Planter = (plot: Plot) => void;

export const FAIR_MS = HOUR;

export function newPlanted(id: string, anomalyClass: AnomalyClass): Planted {
  return {
    id,
    class: anomalyClass,
    description: '',
    detectHint: '',
    tsMs: 0,
    endMs: 0,
    dueMs: 0,
    events: [],
    aftermath: [],
    actorEpisode: false,
    objectEpisode: false,
  };
}

/** Notes what the anomaly is about and when, with a fair hour to notice it. */
export function describe(
  plot: Plot,
  fields: { object?: KubeObject; actor?: string; tsMs: number; endMs?: number; description: string; detectHint: string },
): void {
  const { planted } = plot;
  const { object, actor, tsMs, endMs = tsMs, description, detectHint } = fields;
  Object.assign(planted, { tsMs, endMs, dueMs: endMs + FAIR_MS, description, detectHint });
  if (object !== undefined) planted.ref = refIn(object);
  if (actor !== undefined) planted.actor = actor;
}

/** Takes an object for this anomaly alone. */
export function takeObject(
  plot: Plot,
  kind: string,
  accept: (object: KubeObject) => boolean = () => true,
): { id: ObjectId; object: KubeObject } {
  const { world, random } = plot;
  const object = random.pick(world.list(kind).filter((one) => !world.reserved.has(idOf(one)) && accept(one)));
  const id = idOf(object);
  world.reserved.add(id);
  return { id, object };
}

/** Takes someone of a team who is at work on that day and long enough in the job to have habits. */
export function takePerson(plot: Plot, team: Team, day: number): Person {
  const { world, random, cast } = plot;
  const settled = world.team(team).filter((person) => person.firstDay === 0 && !person.onCall);
  const free = settled.filter((person) => worksOn(person, day) && !cast.has(person));
  const person = random.pick(free.length > 0 ? free : settled);
  cast.add(person);
  return person;
}

/** A working day of the last week, from its first, and not after `last`. */
export function workday(random: Random, last = DAYS - 3): number {
  return random.int(dayOf(LAST_WEEK_MS), last);
}

/** A time in someone's working hours, with room before they go home. */
export function officeTime(who: Person, day: number, random: Random): number {
  return timeOf(day, who.fromHour) + random.int(40, (who.toHour - who.fromHour - 2) * 60) * MINUTE + random.int(0, 59_999);
}

/** When pipelines run: working days, by day. */
export function pipelineTime(day: number, random: Random): number {
  return timeOf(day, 9) + random.int(0, 7 * 60) * MINUTE + random.int(0, 59_999);
}

/** The next working time of someone after a moment, for repairs. */
export function laterAtWork(who: Person, tsMs: number, random: Random): number {
  const soon = tsMs + random.int(100, 300) * MINUTE;
  let day = dayOf(soon);
  if (isWorkday(day) && soon < timeOf(day, who.toHour)) return soon;
  do day += 1;
  while (!isWorkday(day));
  return timeOf(day, who.fromHour, random.int(5, 90));
}
