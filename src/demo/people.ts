import { DAYS, HOUR, isWorkday, timeOf, weekdayOf } from './calendar.ts';
import type { Writer } from './managed-fields.ts';
import type { Random } from './random.ts';

export type Team = 'platform' | 'data' | 'ml' | 'gateway' | 'web';

/** Someone with access to the cluster, and habits. */
export interface Person {
  name: string;
  team: Team;
  writer: Writer;
  /** Hours of the working day, UTC. */
  fromHour: number;
  toHour: number;
  /** Edits on a usual working day. */
  pace: number;
  /** First day in the job; 0 for those who were there before. */
  firstDay: number;
  /** Days away. */
  away: Set<number>;
  /** Called out at night now and then, all four weeks. */
  onCall: boolean;
}

const NAMES =
  'ada alma anton bela birk carla cleo dario edda eino elif enzo fenja finn greta hanno ida ilse jaro juna kaja karim lale lennart lias maja malik mira nils noor okan olga pelle quirin rasmus rika samir selma smilla tarek thea tomke ulla veit wanda yara yusuf zora'.split(
    ' ',
  );

const TEAMS: Record<Team, { size: [number, number]; pace: [number, number] }> = {
  platform: { size: [4, 5], pace: [1, 3] },
  data: { size: [4, 6], pace: [2, 5] },
  ml: { size: [5, 7], pace: [2, 5] },
  gateway: { size: [3, 4], pace: [2, 5] },
  web: { size: [3, 4], pace: [2, 4] },
};

const TOOLS = ['kubectl-edit', 'kubectl-edit', 'kubectl-patch', 'kubectl-client-side-apply', 'k9s'] as const;

/** The staff of one seed: teams, hours, new colleagues and who is on call. */
export function hire(random: Random): Person[] {
  const names = random.sample(NAMES, NAMES.length);
  const people: Person[] = [];
  for (const team of Object.keys(TEAMS) as Team[]) {
    const { size, pace } = TEAMS[team];
    const members = random.int(...size);
    for (let i = 0; i < members; i++) people.push(person(names.pop()!, team, random.int(...pace), random));
  }
  for (const late of random.sample(people, 2)) late.firstDay = random.int(2, 8);
  const night = random.pick(people.filter(({ team, firstDay }) => (team === 'data' || team === 'gateway') && firstDay === 0));
  night.onCall = true;
  night.away.clear();
  return people;
}

function person(name: string, team: Team, pace: number, random: Random): Person {
  const fromHour = random.int(6, 9);
  const away = new Set<number>();
  if (random.chance(0.35)) {
    const first = random.int(0, 18);
    for (let day = first; day < first + random.int(2, 5); day++) away.add(day);
  }
  return {
    name: `user:${name}`,
    team,
    writer: { actor: `user:${name}`, manager: random.pick(TOOLS), operation: 'Update' },
    fromHour,
    toHour: fromHour + random.int(8, 9),
    pace,
    firstDay: 0,
    away,
    onCall: false,
  };
}

/** The times at which someone makes an edit on a day, sorted. */
export function editTimes(who: Person, day: number, random: Random): number[] {
  if (!worksOn(who, day)) return [];
  const times: number[] = [];
  const edits = Math.max(0, who.pace + random.int(-1, 1) - (weekdayOf(day) === 4 ? 1 : 0));
  for (let i = 0; i < edits; i++) {
    // Now and then something keeps one late.
    const hour = random.chance(0.03)
      ? who.toHour + random.next() * 2
      : who.fromHour + random.next() * (who.toHour - who.fromHour);
    if (hour > 12 && hour < 12.75 && random.chance(0.7)) continue;
    times.push(timeOf(day, 0) + Math.round(hour * HOUR));
  }
  return times.sort((a, b) => a - b);
}

export function worksOn(who: Person, day: number): boolean {
  return isWorkday(day) && day >= who.firstDay && !who.away.has(day);
}

/** The nights on which those on call are called: two to four in a week, at no fixed hours. */
export function callTimes(random: Random): number[] {
  const times: number[] = [];
  for (let week = 0; week < DAYS / 7; week++) {
    for (const night of random.sample([0, 1, 2, 3, 4, 5, 6], random.int(2, 4))) {
      const hour = (22 + random.next() * 7.5) % 24;
      const from = timeOf(week * 7 + night, 0) + Math.round(hour * HOUR);
      const edits = random.int(1, 3);
      for (let i = 0; i < edits; i++) times.push(from + Math.round((i + random.next()) * 0.2 * HOUR));
    }
  }
  return times.sort((a, b) => a - b);
}
