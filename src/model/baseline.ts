/** A cluster's learnt habits in words. Reads the plain state that snapshots are made of, and changes nothing in it. */
import type { Baseline, BaselineQuery, BaselineSubject, Habit } from '../domain/baseline.ts';
import { actorHabit, beatHabit, companyHabit, fieldHabit, hourHabit, kindsHabit, paceHabit } from './baseline-habits.ts';
import type { SavedCluster } from './cluster-model.ts';
import type { ActorAffinityState } from './detectors/actor-affinity.ts';
import { tempoOf } from './detectors/burst.ts';
import type { HourOfWeekState } from './detectors/hour-of-week.ts';
import { actorOnKind, savedBeat } from './detectors/silence.ts';
import { kindParts, objectParts } from './features.ts';
import { headOf } from './habits/beats.ts';
import { countsIn } from './habits/row-counts.ts';
import { targetIn } from './habits/visitors.ts';
import { makeWeekClock } from './week-clock.ts';

const OBJECTS_MAX = 20;

export interface Learnt {
  cluster: string;
  saved: SavedCluster;
  mature: boolean;
  timeZone: string;
}

/** One for each subject that is meant and known; none where nothing is known of it. */
export function baselinesOf(learnt: Learnt, query: BaselineQuery): Baseline[] {
  if ('actor' in query) return knowsActor(learnt, query.actor) ? [ofActor(learnt, query.actor)] : [];
  const kinds = [...learnt.saved.habits.kinds.keys()].filter((key) => fits(key, query));
  const { namespace, name } = query;
  if (name === undefined) return kinds.map((key) => ofKind(learnt, key));
  return kinds.flatMap((key) => objectsOf(learnt, key, { namespace, name }).map((object) => ofObject(learnt, object)));
}

/** Names like one that is not known, for whoever mistyped it. */
export function namesLike(learnt: Learnt, query: BaselineQuery, most: number): string[] {
  const given = ('actor' in query ? query.actor : (query.name ?? query.kind)).toLowerCase();
  const known =
    'actor' in query
      ? affinityOf(learnt).actors.keys()
      : query.name === undefined
        ? [...learnt.saved.habits.kinds.keys()].map(kindName)
        : [...learnt.saved.table.rows.keys()].map(objectName);
  const like: string[] = [];
  for (const name of known) {
    if (!name.toLowerCase().includes(given)) continue;
    like.push(name);
    if (like.length >= most) break;
  }
  return like;
}

function ofObject(learnt: Learnt, object: string): Baseline {
  const [kind = '', namespace = '', name = ''] = object.split('\u0000');
  const { saved } = learnt;
  const row = saved.table.rows.get(object) ?? -1;
  const tempo = tempoOf(saved.tempos, row);
  const edits = saved.habits.objects.edits[row] ?? 0;
  const habits = [
    actorHabit(targetIn(affinityOf(learnt).objects, row)),
    // What no edit has shown of the object itself is taken from its kind, as the detectors do.
    edits > 0 ? fieldHabit(countsIn(saved.habits.moved, row), edits, '') : kindFields(learnt, kind),
    hoursOf(learnt, tempo?.recent ?? []),
    paceHabit(tempo, saved.state.clockMs),
    beatHabit(savedBeat(saved.silence, 'o', row)),
    companyHabit(saved.company.mates.get(row), saved.company.objects.visits[row] ?? 0, (mate) => objectName(mate)),
  ];
  return told(learnt, { type: 'object', ...kindParts(kind), namespace, name }, habits);
}

function ofKind(learnt: Learnt, kind: string): Baseline {
  const recent: number[] = [];
  for (const [object, row] of learnt.saved.table.rows) {
    if (object.startsWith(`${kind}\u0000`)) recent.push(...(tempoOf(learnt.saved.tempos, row)?.recent ?? []));
  }
  const habits = [
    actorHabit(affinityOf(learnt).targets.get(`k${kind}`)),
    kindFields(learnt, kind),
    hoursOf(learnt, recent.slice(0, 100_000)),
  ];
  return told(learnt, { type: 'kind', ...kindParts(kind) }, habits);
}

function ofActor(learnt: Learnt, actor: string): Baseline {
  const { targets, actors } = affinityOf(learnt);
  const kinds = new Map<string, number>();
  for (const [key, target] of targets) {
    const count = key.startsWith('k') ? target.by.get(actor) : undefined;
    if (count !== undefined) kinds.set(kindName(key.slice(1)), count);
  }
  const hours = (learnt.saved.detectors['hour-of-week'] as HourOfWeekState | undefined)?.habits.get(actor);
  const beats: (Habit | undefined)[] = [];
  const { silence } = learnt.saved;
  for (const [name, row] of silence.actors.rows) {
    if (!name.startsWith(actorOnKind(actor, ''))) continue;
    const beat = savedBeat(silence, 'a', row);
    if (beat !== undefined) beats.push(beatHabit(beat, `${headOf(beat.head).kind} objects `));
  }
  const habits = [
    kindsHabit(kinds, actors.get(actor)?.groups ?? 0),
    hours === undefined ? undefined : hourHabit(hours.bins, Math.round(hours.n), 'past change'),
    ...beats.filter((beat) => beat !== undefined).slice(0, 5),
  ];
  return told(learnt, { type: 'actor', name: actor }, habits);
}

function told(learnt: Learnt, of: BaselineSubject, found: readonly (Habit | undefined)[]): Baseline {
  const habits = found.filter((habit) => habit !== undefined);
  const parts = habits.filter(({ about }) => about !== 'company').map(({ sentence }) => sentence);
  const [first, ...rest] = parts;
  const words = first === undefined ? 'nothing learnt yet' : [first, ...rest].join(', ');
  const summary = `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
  return { cluster: learnt.cluster, of, summary, mature: learnt.mature, habits };
}

function kindFields(learnt: Learnt, kind: string): Habit | undefined {
  const paths = learnt.saved.habits.kinds.get(kind);
  if (paths === undefined) return undefined;
  const moved = new Map<string, number>();
  for (const [generic, id] of paths.ids) if ((paths.moved[id] ?? 0) > 0) moved.set(generic, paths.moved[id] as number);
  return fieldHabit(moved, paths.edits, ` of ${kindParts(kind).kind} objects`);
}

function hoursOf(learnt: Learnt, times: readonly number[]): Habit | undefined {
  const clock = makeWeekClock(learnt.timeZone);
  const bins = new Float64Array(168);
  for (const ms of times) bins[clock(ms)] = (bins[clock(ms)] as number) + 1;
  return hourHabit(bins, times.length, 'recent change');
}

function objectsOf(learnt: Learnt, kind: string, at: { namespace: string | undefined; name: string }): string[] {
  if (at.namespace !== undefined) {
    const object = `${kind}\u0000${at.namespace}\u0000${at.name}`;
    return learnt.saved.table.rows.has(object) ? [object] : [];
  }
  const found: string[] = [];
  for (const object of learnt.saved.table.rows.keys()) {
    if (object.startsWith(`${kind}\u0000`) && object.endsWith(`\u0000${at.name}`)) found.push(object);
    if (found.length >= OBJECTS_MAX) break;
  }
  return found;
}

function knowsActor(learnt: Learnt, actor: string): boolean {
  return affinityOf(learnt).actors.has(actor);
}

function affinityOf(learnt: Learnt): ActorAffinityState {
  return learnt.saved.detectors['actor-affinity'] as ActorAffinityState;
}

function fits(key: string, { group, kind }: { group?: string | undefined; kind: string }): boolean {
  const known = kindParts(key);
  return known.kind === kind && (group === undefined || known.group === group);
}

function kindName(key: string): string {
  const { group, kind } = kindParts(key);
  return group === '' ? kind : `${kind}.${group}`;
}

function objectName(object: string): string {
  const { group, kind, namespace, name } = objectParts(object);
  return [group === '' ? kind : `${kind}.${group}`, namespace, name].filter((part) => part !== '').join('/');
}
