/**
 * Scores findings against a labelled stream, by incident: what share of the incidents is found at a budget of false alarms per 1,000
 * ordinary changes, walking the threshold down. Findings near a stronger one, of its object within an hour or by its actor within five
 * minutes, are the same alarm.
 */
import type { LabelledSilence, LabelledStream } from './labelled-stream.ts';

export const BUDGETS = [2, 5, 10, 20] as const;
const SAME_OBJECT_MS = 3_600_000;
const SAME_ACTOR_MS = 300_000;
/** Later than this after its event a finding finds nothing: waiting until a change is undone is no detection. */
const LATE_MS = 3_600_000;

/** A finding on a change, or on a change that did not come. */
export interface Found {
  score: number;
  atMs: number;
  resourceVersion?: string | undefined;
  silence?: {
    group: string;
    kind: string;
    namespace?: string | undefined;
    name?: string | undefined;
    actor?: string | undefined;
  };
}

/** One finding that counts: which incidents it hits and which alarm it belongs to. */
export interface Standing {
  score: number;
  atMs: number;
  object: string;
  actor: string | undefined;
  hits: string[];
  alarm: number;
  found: Found;
}

/** The findings that count, strongest first, each with its alarm. */
export function standingOf(stream: LabelledStream, findings: readonly Found[]): Standing[] {
  const out: (Standing & { version: string })[] = [];
  for (const found of findings) {
    const { score, atMs } = found;
    if (found.silence !== undefined) {
      if (!(stream.cutMs < atMs && atMs <= stream.endMs)) continue;
      const { group, kind, namespace = '', name = '', actor } = found.silence;
      const object = ['silence', group, kind, namespace, name, actor ?? ''].join('\u0000');
      const hits = stream.silences.filter((labelled) => matches(labelled, found)).map(({ id }) => id);
      out.push({ score, atMs, object, actor, hits, alarm: -1, found, version: '' });
      continue;
    }
    const version = found.resourceVersion ?? '';
    const event = stream.events.get(version);
    if (event === undefined) throw new Error(`${stream.name}: a finding on ${version}, which is not in the stream`);
    if (event.atMs <= stream.cutMs || event.aftermath) continue;
    const hits = event.incident !== undefined && atMs <= event.atMs + LATE_MS ? [event.incident] : [];
    out.push({ score, atMs, object: event.object, actor: event.actor, hits, alarm: -1, found, version });
  }
  out.sort(
    (a, b) => b.score - a.score || a.atMs - b.atMs || a.version.length - b.version.length || compare(a.version, b.version),
  );
  fold(out);
  return out;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function matches(labelled: LabelledSilence, { atMs, silence }: Found): boolean {
  if (silence === undefined || !(labelled.startMs < atMs && atMs <= labelled.endMs)) return false;
  if (silence.kind !== labelled.kind || (silence.group !== '' && silence.group !== labelled.group)) return false;
  if (labelled.actor !== undefined) return silence.actor === labelled.actor;
  return labelled.objects.some(({ namespace, name }) => silence.name === name && (silence.namespace ?? namespace) === namespace);
}

/** Gives each finding its alarm: the strongest whose leader is near, else a new one that it leads. */
function fold(standing: Standing[]): void {
  const leaders = { object: new Map<string, Standing[]>(), actor: new Map<string, Standing[]>() };
  let alarms = 0;
  for (const one of standing) {
    let best = Number.POSITIVE_INFINITY;
    for (const leader of leaders.object.get(one.object) ?? [])
      if (Math.abs(leader.atMs - one.atMs) <= SAME_OBJECT_MS) best = Math.min(best, leader.alarm);
    for (const leader of (one.actor !== undefined && leaders.actor.get(one.actor)) || [])
      if (Math.abs(leader.atMs - one.atMs) <= SAME_ACTOR_MS) best = Math.min(best, leader.alarm);
    if (best < Number.POSITIVE_INFINITY) {
      one.alarm = best;
      continue;
    }
    one.alarm = alarms++;
    append(leaders.object, one.object, one);
    if (one.actor !== undefined) append(leaders.actor, one.actor, one);
  }
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** The most false alarms on the way down to the threshold that finds an incident; incidents never found are missing. */
export function pricesOf(standing: readonly Standing[]): Map<string, number> {
  const prices = new Map<string, number>();
  const good = new Set<number>();
  const wrong = new Set<number>();
  let worst = 0;
  for (let i = 0; i < standing.length; ) {
    const tied: Standing[] = [];
    const { score } = standing[i] as Standing;
    for (; i < standing.length && (standing[i] as Standing).score === score; i++) tied.push(standing[i] as Standing);
    for (const { hits, alarm } of tied) {
      if (hits.length > 0) good.add(alarm);
      wrong.add(alarm);
    }
    for (const { alarm } of tied) if (good.has(alarm)) wrong.delete(alarm);
    worst = Math.max(worst, wrong.size);
    for (const { hits } of tied) for (const hit of hits) if (!prices.has(hit)) prices.set(hit, worst);
  }
  return prices;
}

/** An incident with what finding it costs in false alarms per 1,000 ordinary changes; infinity when it is never found. */
export interface Cost {
  id: string;
  class: string;
  stream: string;
  per1000: number;
}

export interface Judged {
  stream: LabelledStream;
  standing: readonly Standing[];
}

/** Every stream with a threshold of its own. */
export function costsOf(judged: readonly Judged[]): Cost[] {
  return judged.flatMap(({ stream, standing }) => costs(stream, pricesOf(standing), stream.ordinary));
}

/** One threshold for all. */
export function costsAtOneThreshold(judged: readonly Judged[]): Cost[] {
  let base = 0;
  let ordinary = 0;
  const pooled: Standing[] = [];
  judged.forEach(({ stream, standing }, n) => {
    let last = -1;
    for (const one of standing) {
      last = Math.max(last, one.alarm);
      pooled.push({ ...one, alarm: one.alarm + base, hits: one.hits.map((hit) => `${n} ${hit}`) });
    }
    base += last + 1;
    ordinary += stream.ordinary;
  });
  pooled.sort((a, b) => b.score - a.score);
  const prices = pricesOf(pooled);
  return judged.flatMap(({ stream }, n) => {
    const own = new Map(stream.incidents.map(({ id }) => [id, prices.get(`${n} ${id}`) ?? Number.POSITIVE_INFINITY]));
    return costs(stream, own, ordinary);
  });
}

function costs(stream: LabelledStream, prices: ReadonlyMap<string, number>, ordinary: number): Cost[] {
  return stream.incidents.map((incident) => ({
    id: incident.id,
    class: incident.class,
    stream: stream.name,
    per1000: ((prices.get(incident.id) ?? Number.POSITIVE_INFINITY) * 1000) / ordinary,
  }));
}

/** Share found at a budget, per class, and the mean over the classes. */
export function recallAt(costs: readonly Cost[], budget: number): { macro: number; byClass: Map<string, number> } {
  const counts = new Map<string, { all: number; found: number }>();
  for (const cost of costs) {
    let count = counts.get(cost.class);
    if (count === undefined) {
      count = { all: 0, found: 0 };
      counts.set(cost.class, count);
    }
    count.all++;
    if (cost.per1000 <= budget * (1 + 1e-9)) count.found++;
  }
  const byClass = new Map([...counts].sort(([a], [b]) => compare(a, b)).map(([name, { all, found }]) => [name, found / all]));
  let sum = 0;
  for (const share of byClass.values()) sum += share;
  return { macro: byClass.size === 0 ? 0 : sum / byClass.size, byClass };
}

/** Mean over all incidents of found / (found + false alarms), incidents by rising cost, of equal ones the last. */
export function averagePrecision(costs: readonly Cost[], ordinary: number): number {
  const rising = costs.map(({ per1000 }) => per1000).sort((a, b) => a - b);
  let sum = 0;
  for (let i = 0; i < rising.length; ) {
    let to = i;
    while (to < rising.length && rising[to] === rising[i]) to++;
    const cost = rising[i] as number;
    if (Number.isFinite(cost)) sum += ((to - i) * to) / (to + (cost * ordinary) / 1000);
    i = to;
  }
  return rising.length === 0 ? 0 : sum / rising.length;
}
