/**
 * The store's contract on plain arrays and maps: nothing clever, so that it shows what the contract asks for, and quick to make for tests
 * that need a store and not a file. States are kept whole; `bytes` are those of their JSON texts.
 */
import { isDeepStrictEqual } from 'node:util';
import { blame } from '../../src/domain/blame.ts';
import type { Change } from '../../src/domain/change.ts';
import { isBookkeepingPath } from '../../src/domain/diff/bookkeeping.ts';
import { inPathOrder } from '../../src/domain/diff/field-diff.ts';
import { CrowsnestError } from '../../src/domain/errors.ts';
import type { Finding } from '../../src/domain/finding.ts';
import type { Gap } from '../../src/domain/gap.ts';
import type { Json } from '../../src/domain/json.ts';
import type { KubeEvent } from '../../src/domain/kube-event.ts';
import { encodePosition } from '../../src/domain/list-position.ts';
import { type KubeObject, type ObjectRef, objectKey } from '../../src/domain/object-ref.ts';
import { type NearMiss, REVIEW_DAYS } from '../../src/domain/review.ts';
import type { ListKeys } from '../../src/domain/schema-tree.ts';
import { type Scrape, type SeriesKey, seriesId } from '../../src/domain/series/series.ts';
import { matchesAll } from '../../src/domain/series/series-match.ts';
import { StepWindows } from '../../src/domain/series/span-summary.ts';
import type { Verdict, VerdictHits } from '../../src/domain/verdict.ts';
import type { Attribution } from '../../src/domain/who/claim-join.ts';
import { diffOf } from '../../src/store/log/change-reader.ts';
import { decodeCursor, pageOf } from '../../src/store/page-cursor.ts';
import type * as port from '../../src/store/store.ts';

interface Recorded {
  change: Change;
  lists: ListKeys | undefined;
  before: KubeObject | undefined;
  attribution?: Attribution;
}

interface Entry {
  ref: ObjectRef;
  changes: Recorded[];
  resourceVersion: string;
  heartbeats: number;
}

const EVENTS_PER_OBJECT = 100;
const REJECTS_MAX = 1_000;
const NEAR_LIVES_MAX = 3;

export function openMemoryStore(): port.Store {
  return new MemoryStore();
}

class MemoryStore implements port.Store {
  readonly file = ':memory:';
  readonly readOnly = false;
  readonly isPressed = false;
  readonly #log: Recorded[] = [];
  readonly #entries = new Map<string, Entry>();
  readonly #cursors = new Map<string, string>();
  readonly #delivered = new Set<string>();
  readonly #scrapes: Scrape[] = [];
  readonly #events = new Map<string, KubeEvent>();
  #rejects: port.Reject[] = [];
  readonly #gaps: Gap[] = [];
  readonly #findings = new Map<string, Finding>();
  readonly #verdicts = new Map<string, Verdict>();
  readonly #nearMisses = new Map<string, NearMiss>();
  readonly #alerts = new Map<string, port.AlertRecord>();
  readonly #effects = new Map<string, port.EffectRecord>();
  readonly #state = new Map<string, string>();
  readonly #snapshots = new Map<string, { version: number; seq: number; blob: Uint8Array }>();
  #bytes = 0;
  readonly #totals = { heartbeats: 0, amendments: 0, rejects: 0, samples: 0 };

  // --- record ---

  append(batch: port.AppendBatch): Change[] {
    // Before anything moves: a batch is stored as a whole or not at all.
    for (const { observedMs } of batch.changes)
      if (typeof observedMs !== 'number') throw new TypeError('a change has no time at which it was observed');
    const changes = batch.changes.map((change) => this.#appendChange(change));
    for (const { seq, attribution } of batch.amendments ?? []) {
      const recorded = this.#log[seq - 1];
      if (recorded !== undefined) recorded.attribution = attribution;
    }
    for (const { ref, uid, resourceVersion } of batch.heartbeats ?? []) {
      const entry = this.#entry(ref);
      if (entry === undefined || newestOf(entry).change.uid !== uid) continue;
      entry.heartbeats += 1;
      entry.resourceVersion = resourceVersion;
    }
    this.#totals.heartbeats += batch.heartbeats?.length ?? 0;
    this.#totals.amendments += batch.amendments?.length ?? 0;
    for (const scrape of batch.scrapes ?? []) {
      this.#totals.samples += scrape.samples.length;
      if (scrape.samples.length > 0) this.#scrapes.push(structuredClone(scrape));
    }
    for (const event of batch.kubeEvents ?? []) this.#putEvent(event);
    this.#rejects = [...this.#rejects, ...(batch.rejects ?? [])].slice(-REJECTS_MAX);
    this.#totals.rejects += batch.rejects?.length ?? 0;
    this.#gaps.push(...structuredClone(batch.gaps ?? []));
    for (const { key } of batch.deliveries ?? []) this.#delivered.add(key);
    this.#putCursors(batch.cursors);
    return changes;
  }

  #appendChange(input: port.NewChange): Change {
    const { attribution, digest, step: _, before: __, lists, ...given } = input;
    const key = objectKey(input.ref);
    const newest = this.#entries.get(key)?.changes.at(-1)?.change;
    const goesOn = newest !== undefined && newest.uid === input.uid && (input.before !== undefined || input.step !== undefined);
    const before = goesOn ? newest.state : undefined;
    const seq = this.#log.length + 1;
    const state = structuredClone(input.state);
    const change: Change = {
      ...given,
      seq,
      state,
      diff: inPathOrder(input.diff),
    };
    const recorded: Recorded = { change, lists, before, ...(attribution === undefined ? {} : { attribution }) };
    this.#log.push(recorded);
    this.#bytes += JSON.stringify(state).length;
    const entry = this.#entries.get(key) ?? { ref: input.ref, changes: [], resourceVersion: '', heartbeats: 0 };
    entry.ref = input.ref;
    entry.changes.push(recorded);
    entry.resourceVersion = input.resourceVersion;
    this.#entries.set(key, entry);
    if (digest !== undefined) digest.seq = seq;
    if (input.onDemand === true) return Object.assign(input, { seq });
    return input.step === undefined ? change : Object.assign(input, { seq, diff: change.diff });
  }

  #putEvent(event: KubeEvent): void {
    const key = `${event.ref.cluster}\0${event.uid}`;
    const known = this.#events.get(key);
    if (known !== undefined && (event.count < known.count || event.lastMs < known.lastMs)) return;
    const { type, reason, action, note, lastMs, count } = event;
    this.#events.set(key, known === undefined ? structuredClone(event) : { ...known, type, reason, action, note, lastMs, count });
    for (const old of this.kubeEvents({ ref: event.ref, limit: Number.POSITIVE_INFINITY }).slice(EVENTS_PER_OBJECT))
      this.#events.delete(`${old.ref.cluster}\0${old.uid}`);
  }

  sync(): void {}

  #putCursors(cursors: Record<string, string> | undefined): void {
    for (const [name, position] of Object.entries(cursors ?? {})) this.#cursors.set(name, position);
  }

  cursor(name: string): string | undefined {
    return this.#cursors.get(name);
  }

  cursors(prefix: string): Record<string, string> {
    return Object.fromEntries([...this.#cursors].filter(([name]) => name.startsWith(prefix)).sort());
  }

  delivered(keys: readonly string[]): Set<string> {
    return new Set(keys.filter((key) => this.#delivered.has(key)));
  }

  head(ref: ObjectRef): port.Head | undefined {
    const entry = this.#entry(ref);
    return entry === undefined ? undefined : { ...headOf(entry), state: newestOf(entry).change.state };
  }

  *heads(cluster: string, group: string, kind: string, namespace?: string): Generator<port.HeadSummary> {
    for (const entry of [...this.#entries.values()]) {
      const { ref } = entry;
      const fits =
        ref.cluster === cluster && ref.group === group && ref.kind === kind && (namespace ?? ref.namespace) === ref.namespace;
      if (fits && newestOf(entry).change.type !== 'DELETED') yield headOf(entry);
    }
  }

  // --- read ---

  change(seq: number): Change | undefined {
    const recorded = this.#log[seq - 1];
    if (recorded === undefined) return undefined;
    const { actor, candidates } = recorded.attribution ?? recorded.change;
    return { ...wholeOf(recorded), actor, candidates };
  }

  lists({ cluster, group, kind }: ObjectRef, seq: number): ListKeys | undefined {
    return this.#log.slice(0, seq).findLast(({ change: { ref } }) => fitsRef(ref, { cluster, group, kind }))?.lists;
  }

  attribution(seq: number): Attribution | undefined {
    const recorded = this.#log[seq - 1];
    if (recorded === undefined) return undefined;
    const { actor, candidates } = recorded.change;
    return recorded.attribution ?? { actor, candidates, evidence: [] };
  }

  changesAfter(seq: number, limit: number): Change[] {
    return this.#log.slice(seq, seq + limit).map(wholeOf);
  }

  changes(query: port.ChangeQuery): port.Page<port.ChangeSummary> {
    const before =
      query.continue === undefined
        ? Number.POSITIVE_INFINITY
        : (decodeCursor('changes', ['number'], query.continue)[0] as number);
    const found = this.#log
      .toReversed()
      .map(summaryOf)
      .filter(
        (one) =>
          one.seq < before &&
          fitsRef(one.ref, query) &&
          (query.actor ?? one.actor.name) === one.actor.name &&
          (query.type ?? one.type) === one.type &&
          (query.path === undefined || one.paths.includes(query.path)) &&
          isWithin(one.observedMs, query),
      );
    return pageOf(found.slice(0, query.limit + 1), query.limit, (last) => encodePosition('changes', [last.seq]));
  }

  changesNear(ref: ObjectRef, near: { resourceVersion: string } | { fromMs: number; toMs: number }): port.ChangeSummary[] {
    const lives = new Set<string>();
    const found: port.ChangeSummary[] = [];
    for (const one of this.history(ref)) {
      lives.add(one.uid);
      if (lives.size > NEAR_LIVES_MAX) break;
      if ('resourceVersion' in near ? one.resourceVersion === near.resourceVersion : isWithin(one.observedMs, near))
        found.push(one);
    }
    return 'resourceVersion' in near ? found.slice(0, 1) : found;
  }

  stateAt(ref: ObjectRef, at: { seq: number } | { atMs: number }): KubeObject | undefined {
    const changes = this.#entry(ref)?.changes ?? [];
    if ('seq' in at) return changes.find(({ change }) => change.seq === at.seq)?.change.state;
    const change = changes.findLast((one) => one.change.observedMs <= at.atMs)?.change;
    return change?.type === 'DELETED' ? undefined : change?.state;
  }

  summary(seq: number): port.ChangeSummary | undefined {
    const recorded = this.#log[seq - 1];
    return recorded === undefined ? undefined : summaryOf(recorded);
  }

  statesAfter(changes: readonly { ref: ObjectRef; seq: number }[]): (KubeObject | undefined)[] {
    return changes.map(({ ref, seq }) => this.stateAt(ref, { seq }));
  }

  *history(ref: ObjectRef, from?: { seq: number }): Generator<port.ChangeSummary> {
    const changes = this.#entry(ref)?.changes ?? [];
    if (from !== undefined && !changes.some(({ change }) => change.seq === from.seq)) return;
    for (const one of changes.toReversed()) if (one.change.seq <= (from?.seq ?? Number.POSITIVE_INFINITY)) yield summaryOf(one);
  }

  /** Words are not indexed here. */
  changesWith(): undefined {
    return undefined;
  }

  mayHold(seq: number, text: string): boolean {
    const recorded = this.#log[seq - 1];
    return recorded !== undefined && JSON.stringify(recorded.change.state).includes(JSON.stringify(text).slice(1, -1));
  }

  blame(ref: ObjectRef, options: { seq?: number } = {}): ReturnType<port.Store['blame']> {
    const steps = [...this.history(ref, options.seq === undefined ? undefined : { seq: options.seq })];
    const newest = steps[0];
    if (newest === undefined) return undefined;
    const sides = (seq: number) => {
      const { before, change } = this.#log[seq - 1] as Recorded;
      return { before: before as Json | undefined, after: change.state as Json };
    };
    const ofLife = steps.slice(
      0,
      [...steps, undefined].findIndex((one) => one?.uid !== newest.uid),
    );
    const listsOf = (seq: number) => (this.#log[seq - 1] as Recorded).lists;
    const lists = listsOf(newest.seq);
    const named = ofLife.map((step) => ({ ...step, namedOtherwise: !isDeepStrictEqual(listsOf(step.seq), lists) }));
    return { seq: newest.seq, fields: blame(sides(newest.seq).after, { lists, steps: named, sides }, isBookkeepingPath) };
  }

  objects(query: port.ObjectQuery): port.Page<port.ObjectSummary> {
    const after = query.continue === undefined ? 0 : (decodeCursor('objects', ['number'], query.continue)[0] as number);
    const found = [...this.#entries.values()].flatMap((entry, i) => {
      const changes = entry.changes.filter(({ change }) => change.observedMs <= (query.atMs ?? Number.POSITIVE_INFINITY));
      const newest = changes.at(-1)?.change;
      if (i + 1 <= after || newest === undefined || !fitsRef(entry.ref, query)) return [];
      const deleted = newest.type === 'DELETED';
      if (deleted && query.includeDeleted !== true) return [];
      const { ref, uid, generation, seq, observedMs: lastMs } = newest;
      const resourceVersion = query.atMs === undefined ? entry.resourceVersion : newest.resourceVersion;
      const firstMs = (entry.changes[0] as Recorded).change.observedMs;
      const counts = { changes: changes.length, heartbeats: entry.heartbeats };
      return [{ place: i + 1, summary: { ref, uid, resourceVersion, generation, seq, deleted, ...counts, firstMs, lastMs } }];
    });
    const page = pageOf(found.slice(0, query.limit + 1), query.limit, (last) => encodePosition('objects', [last.place]));
    return { ...page, items: page.items.map(({ summary }) => summary) };
  }

  series(query: port.SeriesQuery): port.SeriesData[] {
    const found = new Map<string, port.SeriesData>();
    for (const { cluster, tsMs, samples } of this.#scrapes) {
      for (const { metric, labels, value } of samples) {
        const fits =
          (query.cluster ?? cluster) === cluster &&
          (query.metric ?? metric) === metric &&
          Object.entries(query.labels ?? {}).every(([name, wanted]) => labels[name] === wanted);
        const id = `${cluster}\0${seriesId(metric, labels)}`;
        if (!fits || (!found.has(id) && found.size >= query.limit)) continue;
        const data = found.get(id) ?? { cluster, metric, labels, samples: [] };
        found.set(id, data);
        if (isWithin(tsMs, query)) data.samples.push([tsMs, value]);
      }
    }
    for (const { samples } of found.values()) samples.sort(([a], [b]) => a - b);
    return [...found.values()];
  }

  seriesWindows({ matchers, fromMs, toMs, stepMs, seriesMax }: port.WindowQuery): port.WindowResult {
    const found = new Map<string, { key: SeriesKey; steps: StepWindows }>();
    for (const { cluster, tsMs, samples } of this.#scrapes) {
      for (const { metric, labels, value } of samples) {
        const key = { cluster, metric, labels };
        if (!matchesAll(matchers, key)) continue;
        const id = `${cluster}\0${seriesId(metric, labels)}`;
        const one = found.get(id) ?? { key, steps: new StepWindows(stepMs) };
        found.set(id, one);
        one.steps.addSample(tsMs, value);
      }
    }
    if (found.size > seriesMax) throw new CrowsnestError({ code: 'QUERY_TOO_LARGE', what: 'too many series match' });
    const [first, end] = [Math.floor(fromMs / stepMs) * stepMs, Math.ceil(toMs / stepMs) * stepMs];
    const series = [...found.values()].map(({ key, steps }) => ({ ...key, windows: steps.between(first, end) }));
    return { tier: 'raw', stepMs, series: series.filter(({ windows }) => windows.length > 0) };
  }

  samplesAfter(position: number, limit: number): ReturnType<port.Store['samplesAfter']> {
    const samples: ReturnType<port.Store['samplesAfter']>['samples'] = [];
    let reached = position;
    for (const { cluster, tsMs, samples: more } of this.#scrapes.slice(position)) {
      if (samples.length > 0 && samples.length + more.length > limit) break;
      for (const { metric, labels, value } of more)
        samples.push({ key: { cluster, metric, labels }, tsMs, value, position: reached + 1 });
      reached += 1;
    }
    return { position: reached, samples };
  }

  rejects(limit: number): port.Reject[] {
    return this.#rejects.toReversed().slice(0, limit);
  }

  gaps(query: port.GapQuery): port.Page<Gap> {
    const before =
      query.continue === undefined ? Number.POSITIVE_INFINITY : (decodeCursor('gaps', ['number'], query.continue)[0] as number);
    const found = this.#gaps
      .map((gap, id) => ({ id, gap }))
      .toReversed()
      .filter(
        ({ id, gap }) =>
          id < before &&
          fitsRef(gap, query) &&
          (query.reason ?? gap.reason) === gap.reason &&
          (query.of === undefined || (query.of === 'kinds') === (gap.name === '')) &&
          gap.toMs >= (query.fromMs ?? 0) &&
          (gap.fromMs ?? gap.toMs) <= (query.toMs ?? Number.POSITIVE_INFINITY),
      );
    const page = pageOf(found.slice(0, query.limit + 1), query.limit, (last) => encodePosition('gaps', [last.id]));
    return { ...page, items: page.items.map(({ gap }) => gap) };
  }

  kubeEvents({ ref, fromMs, toMs, limit }: port.KubeEventQuery): KubeEvent[] {
    const key = objectKey({ ...ref, version: '' });
    const times = { ...(fromMs === undefined ? {} : { fromMs }), ...(toMs === undefined ? {} : { toMs }) };
    return [...this.#events.values()]
      .reverse()
      .filter((one) => objectKey({ ...one.ref, version: '' }) === key && isWithin(one.lastMs, times))
      .sort((a, b) => b.lastMs - a.lastMs)
      .slice(0, limit);
  }

  counts(): port.StoreCounts {
    const findings = [...this.#findings.values()];
    return {
      ...this.#totals,
      changes: this.#log.length,
      objects: this.#entries.size,
      findings: findings.length,
      pages: findings.filter(({ decision }) => decision.verdict === 'page').length,
      kubeEvents: this.#events.size,
      released: 0,
      samplesDropped: 0,
      series: new Set(
        this.#scrapes.flatMap(({ cluster, samples }) =>
          samples.map(({ metric, labels }) => `${cluster}\0${seriesId(metric, labels)}`),
        ),
      ).size,
      bytes: this.#bytes,
    };
  }

  // --- findings and what follows from them ---

  commitAnalysis(batch: Parameters<port.Store['commitAnalysis']>[0]): void {
    for (const finding of batch.findings) this.#findings.set(finding.id, structuredClone(finding));
    for (const alert of batch.alerts ?? []) this.putAlert(alert);
    for (const effect of batch.effects ?? []) if (!this.#effects.has(effect.id)) this.putEffect(effect);
    for (const one of batch.nearMisses ?? []) {
      this.#nearMisses.set([one.cluster, one.day, one.slot].join(), one);
      for (const [key, { cluster, day }] of this.#nearMisses)
        if (cluster === one.cluster && Date.parse(day) <= Date.parse(one.day) - REVIEW_DAYS * 86_400_000)
          this.#nearMisses.delete(key);
    }
    this.#putCursors(batch.cursors);
    for (const [key, value] of Object.entries(batch.state ?? {})) this.putState(key, value);
  }

  finding(id: string): Finding | undefined {
    return this.#findings.get(id);
  }

  hasFinding(id: string): boolean {
    return this.#findings.has(id);
  }

  findings(query: port.FindingQuery): port.Page<Finding> {
    const [ms, id] = query.continue === undefined ? [] : decodeCursor('findings', ['number', 'string'], query.continue);
    const isBefore = (one: Finding) =>
      ms === undefined || one.tsMs < (ms as number) || (one.tsMs === ms && one.id < (id as string));
    const found = [...this.#findings.values()]
      .filter(
        (one) =>
          isBefore(one) &&
          (query.cluster ?? one.cluster) === one.cluster &&
          fitsRef({ namespace: '', name: '', ...one.subject.ref }, query) &&
          (query.detector ?? one.detector) === one.detector &&
          (query.severity ?? one.severity) === one.severity &&
          (query.verdict ?? one.decision.verdict) === one.decision.verdict &&
          one.score >= (query.scoreMin ?? Number.NEGATIVE_INFINITY) &&
          isWithin(one.tsMs, query),
      )
      .sort((a, b) => b.tsMs - a.tsMs || (a.id < b.id ? 1 : -1));
    return pageOf(found.slice(0, query.limit + 1), query.limit, (last) => encodePosition('findings', [last.tsMs, last.id]));
  }

  putVerdict(verdict: Verdict): void {
    this.#verdicts.set(verdict.id, structuredClone(verdict));
  }

  verdicts(): Verdict[] {
    return structuredClone([...this.#verdicts.values()]);
  }

  verdictHits(): Map<string, VerdictHits> {
    const all = new Map<string, VerdictHits>();
    for (const { decision, tsMs } of this.#findings.values()) {
      if (decision.heard === undefined) continue;
      const { muted, raised, lastMs } = all.get(decision.heard) ?? { muted: 0, raised: 0, lastMs: tsMs };
      const paged = decision.verdict === 'page' ? 1 : 0;
      all.set(decision.heard, { muted: muted + 1 - paged, raised: raised + paged, lastMs: Math.max(lastMs, tsMs) });
    }
    return all;
  }

  nearMisses(): NearMiss[] {
    const key = ({ day, cluster, slot }: NearMiss) => [day, cluster, slot];
    return [...this.#nearMisses.values()].sort((a, b) => {
      const [dayA = '', ...restA] = key(a);
      const [dayB = '', ...restB] = key(b);
      return dayA === dayB ? (restA < restB ? -1 : 1) : dayA < dayB ? 1 : -1;
    });
  }

  alert(id: string): port.AlertRecord | undefined {
    return this.#alerts.get(id);
  }

  alertsActive(nowMs: number, keepMs: number): port.AlertRecord[] {
    return [...this.#alerts.values()]
      .filter(({ endsMs }) => endsMs > nowMs - keepMs)
      .sort((a, b) => a.startsMs - b.startsMs || (a.id < b.id ? -1 : 1));
  }

  putAlert(alert: port.AlertRecord): void {
    this.#alerts.set(alert.id, structuredClone(alert));
  }

  effectsDue(nowMs: number, limit: number): port.EffectRecord[] {
    return [...this.#effects.values()]
      .filter(({ state, nextMs }) => state === 'pending' && nextMs <= nowMs)
      .sort((a, b) => a.nextMs - b.nextMs || (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  putEffect(effect: port.EffectRecord): void {
    this.#effects.set(effect.id, structuredClone(effect));
  }

  // --- small state ---

  roundedThrough(): number {
    return 0;
  }

  getState(key: string): string | undefined {
    return this.#state.get(key);
  }

  putState(key: string, value: string): void {
    this.#state.set(key, value);
  }

  saveSnapshot(name: string, snapshot: { version: number; seq: number; blob: Uint8Array }): void {
    this.#snapshots.set(name, { ...snapshot, blob: Uint8Array.from(snapshot.blob) });
  }

  loadSnapshot(name: string): { version: number; seq: number; blob: Uint8Array } | undefined {
    return this.#snapshots.get(name);
  }

  maintain(): boolean {
    return false;
  }

  probeWrite(): boolean {
    return true;
  }

  close(): void {}

  #entry(ref: ObjectRef): Entry | undefined {
    return this.#entries.get(objectKey(ref));
  }
}

function newestOf(entry: Entry): Recorded {
  return entry.changes.at(-1) as Recorded;
}

function headOf(entry: Entry): port.HeadSummary {
  const { ref, uid, generation, seq, type } = newestOf(entry).change;
  return { ref, uid, resourceVersion: entry.resourceVersion, generation, seq, deleted: type === 'DELETED' };
}

/** With the difference between the states, as it is read from any store. */
function wholeOf({ change, before, lists }: Recorded): Change {
  return { ...change, diff: diffOf(change.type, before, change.state, lists) };
}

function summaryOf({ change, attribution }: Recorded): port.ChangeSummary {
  const { diff, state: _, candidates: __, ...summary } = change;
  const paths = change.type === 'MODIFIED' ? [...new Set(diff.map(({ generic }) => generic))].sort() : [];
  return { ...summary, actor: attribution?.actor ?? change.actor, paths };
}

type Named = { cluster: string; group?: string; kind: string; namespace?: string; name?: string };

function fitsRef(ref: Named, query: Partial<Named>): boolean {
  const names = ['cluster', 'group', 'kind', 'namespace', 'name'] as const;
  return names.every((name) => query[name] === undefined || query[name] === ref[name]);
}

function isWithin(
  ms: number,
  { fromMs = Number.NEGATIVE_INFINITY, toMs = Number.POSITIVE_INFINITY }: { fromMs?: number; toMs?: number },
): boolean {
  return ms >= fromMs && ms <= toMs;
}
