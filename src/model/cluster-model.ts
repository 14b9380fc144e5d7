/**
 * The model of one cluster: what its actors do is gathered in groups (a visit: one actor, one moment), each change is scored at once
 * against the past and the rest of its group so far, and learnt when the group closes. Time is event time only.
 */
import type { Change } from '../domain/change.ts';
import type { Judgement, Reason, Severity } from '../domain/finding.ts';
import type { Json } from '../domain/json.ts';
import { Chorus } from './chorus.ts';
import { DAY_MS, type Group, seenMs } from './detector.ts';
import { Tempos } from './detectors/burst.ts';
import { Company } from './detectors/company.ts';
import { FactDetector } from './detectors/fact-detector.ts';
import { Silence } from './detectors/silence.ts';
import { type CompiledRule, ruleSentence, type UserRule } from './detectors/user-rules.ts';
import { WaveHabits } from './detectors/wave.ts';
import { bitsOf, gravest, type Part, reasonOf, reasonsOf } from './explain.ts';
import { type ChangeEvent, EventBook, eventOf, type Field, isStatusOnly } from './features.ts';
import type { Others } from './fleet.ts';
import { HabitNames } from './habit-names.ts';
import { clearRow, reachRow } from './habits/columns.ts';
import { Echoes } from './habits/echoes.ts';
import { PathHabits } from './habits/path-habits.ts';
import { RowTable, type RowTableState } from './habits/row-table.ts';
import { judgementOf, silenceJudgementOf, statusJudgementOf } from './judgement.ts';
import { ObjectRows } from './object-rows.ts';
import { PathBook } from './path-names.ts';
import { Quarantine } from './quarantine.ts';
import { StatusLoop } from './status/status-loop.ts';
import { Calibration } from './tails/calibration.ts';
import { combine, IMPACT, WEIGHTS } from './tails/combine.ts';
import { joinVisit, makeVisit, VISIT_GAP_MS, type Visit, Visits } from './visits.ts';
import { letGo, putAway, takeBack } from './waiting-fields.ts';

/** Judgements below once in ten are not worth ranking. */
const SCORE_MIN = 1;
const QUARANTINE_SCORE = 4;
/** Two rounds of the week: one cannot tell a habit from an event. */
const MATURE_SPAN_MS = 14 * DAY_MS;
const MATURE_HOURS_MS = 21 * DAY_MS;
const MATURE_CHANGES = 200;
const SAMPLES_MATURE = 20;
const SILENCES_TRUSTED = 20;

interface ClusterState {
  clockMs: number;
  firstMs: number | undefined;
  lastMs: number | undefined;
  changes: number;
  /** 1 for objects that were seen and not seen deleted since. */
  objects: { alive: Uint8Array };
}

const always = () => true;
const NO_RULES: readonly { rule: UserRule; field: Field | undefined }[] = [];

/** What each detector made of a change, for benches. */
export type Witness = (seen: { event: ChangeEvent; parts: readonly Part[]; score: number }) => void;

export interface ClusterModelOptions {
  timeZone: string;
  rules: readonly CompiledRule[];
  /** What other clusters know; none unless given. */
  others?: Others | undefined;
  /** Sees each change that is judged, after that. */
  onJudged?: ((event: ChangeEvent) => void) | undefined;
  witness?: Witness | undefined;
  /** In place of WEIGHTS, for benches: a detector of weight 0 is left out. */
  weights?: Readonly<Record<string, number>> | undefined;
}

export class ClusterModel {
  readonly #rules: readonly CompiledRule[];
  readonly #weights: Readonly<Record<string, number>>;
  readonly #witness: Witness | undefined;
  readonly #onJudged: ((event: ChangeEvent) => void) | undefined;
  readonly #table = new RowTable({ forget: (row) => this.#forget(row) });
  readonly #rows = new ObjectRows(this.#table);
  readonly #book = new EventBook(new PathBook({ numbered: true }));
  readonly #habits = new PathHabits();
  readonly #tempos = new Tempos();
  readonly #echoes = new Echoes();
  readonly #facts = new FactDetector();
  readonly #waves = new WaveHabits();
  readonly #silence = new Silence();
  readonly #company = new Company(this.#table, this.#habits);
  readonly #statusLoop = new StatusLoop();
  readonly #calibration = new Calibration();
  readonly #visits = new Visits();
  readonly #quarantine = new Quarantine();
  readonly #names = new HabitNames();
  readonly #chorus: Chorus;
  readonly #closeVisit = (visit: Visit) => this.#close(visit);
  #state: ClusterState = {
    clockMs: Number.NEGATIVE_INFINITY,
    firstMs: undefined,
    lastMs: undefined,
    changes: 0,
    objects: { alive: new Uint8Array() },
  };

  constructor(options: ClusterModelOptions) {
    this.#rules = options.rules;
    this.#weights = options.weights ?? WEIGHTS;
    this.#witness = options.witness;
    this.#onJudged = options.onJudged;
    const { timeZone, others } = options;
    const shared = {
      habits: this.#habits,
      echoes: this.#echoes,
      tempos: this.#tempos,
      facts: this.#facts,
      waves: this.#waves,
      calibration: this.#calibration,
    };
    this.#chorus = new Chorus({ timeZone, others, ...shared }, this.#weights);
  }

  observe(told: Change): Judgement[] {
    const out = this.advance(told.observedMs);
    if (told.own) return out;
    const state = this.#state;
    state.firstMs ??= told.observedMs;
    state.lastMs = Math.max(state.lastMs ?? told.observedMs, told.observedMs);
    const change = this.#names.habitual(told, state.firstMs);
    const row = this.#rows.of(change.ref);
    if (isStatusOnly(change)) {
      const judgement = this.#judgeStatus(change, row);
      if (judgement !== undefined) out.push({ ...judgement, actor: told.actor });
      return out;
    }
    const group = this.#visits.open(change, this.#closeVisit);
    const object = { name: this.#table.nameOf(row), row, known: state.objects.alive[row] === 1 };
    const event = eventOf(change, object, this.#book);
    if (state.clockMs > told.observedMs) group.lateMs = Math.max(group.lateMs ?? 0, state.clockMs - told.observedMs);
    joinVisit(group, event);
    state.changes++;
    const judgement = this.#judge(event, group, change);
    if (judgement !== undefined) {
      judgement.actor = told.actor;
      out.push(judgement);
    }
    this.#track(event);
    this.#onJudged?.(event);
    if (event.imported) putAway(event, this.#book.paths);
    return out;
  }

  /**
   * Lets event time pass: visits close, quarantine ends, silences come due, each at its own moment and in that order, so that it
   * makes no difference in how many steps time is told.
   */
  advance(nowMs: number): Judgement[] {
    const state = this.#state;
    const out: Judgement[] = [];
    if (!(nowMs > state.clockMs)) return out;
    state.clockMs = nowMs;
    for (;;) {
      const visit = this.#visits.earliest();
      const visitMs = visit === undefined ? Number.POSITIVE_INFINITY : visit.lastMs + VISIT_GAP_MS + 1;
      const quarantineMs = this.#quarantine.nextMs();
      const withheldMs = this.#calibration.nextMs();
      const silenceMs = this.#silence.nextMs();
      const companyMs = this.#company.nextMs();
      const nextMs = Math.min(visitMs, quarantineMs, withheldMs, silenceMs, companyMs);
      if (nextMs > nowMs) return out;
      if (visit !== undefined && visitMs === nextMs) this.#close(visit);
      else if (quarantineMs === nextMs) this.#release();
      else if (withheldMs === nextMs) this.#calibration.release();
      else if (companyMs === nextMs) {
        const found = this.#company.due();
        const judgement = found === undefined ? undefined : this.#judgeCompany(found);
        if (judgement !== undefined) out.push(judgement);
      } else for (const overdue of this.#silence.due(nextMs, this.#calibration.visits)) out.push(this.#judgeSilence(overdue));
    }
  }

  #judge(event: ChangeEvent, group: Visit, change: Change): Judgement | undefined {
    const parts = event.imported ? [] : this.#chorus.score({ event, group }, change);
    const raw = combine(parts);
    const score = this.#calibrated(raw, event, group);
    this.#witness?.({ event, parts, score });
    group.scoreMax = Math.max(group.scoreMax, score);
    if (score >= QUARANTINE_SCORE) group.quarantined.push(group.events.length - 1);
    const rules = this.#rules.length === 0 || event.imported ? NO_RULES : this.#rulesThatMatch(event);
    const fact = event.imported ? undefined : this.#facts.gravest(event);
    const deterministic = rules.length > 0 || fact !== undefined;
    if (score < SCORE_MIN && !deterministic) return undefined;
    const reasons = reasonsOf(parts);
    const severities: Severity[] = [];
    for (const { rule, field } of rules) {
      severities.push(rule.severity ?? 'warning');
      const words = { sentence: ruleSentence(rule, event, field), path: field?.path, observed: field?.next, usual: field?.old };
      reasons.unshift(reasonOf('user-rule', Math.max(3, score), words));
    }
    if (fact !== undefined) {
      severities.push(fact.fact.severity);
      if (!reasons.some((reason) => reason.detector === 'fact'))
        reasons.push(reasonOf('fact', 0, this.#facts.explain(event, fact)));
    }
    const lead = reasons[0] as Reason;
    severities.push(IMPACT[lead.detector] ?? 'warning');
    return judgementOf(event, {
      score,
      reasons,
      deterministic,
      severity: gravest(severities),
      mature: this.#isMature(parts),
    });
  }

  #rulesThatMatch(event: ChangeEvent): typeof NO_RULES {
    return this.#rules.flatMap(({ rule, matches }) => {
      const match = matches(event);
      return match === undefined ? [] : [{ rule, field: match.field }];
    });
  }

  /** The combined score set against its own past once more, so that "once in N" keeps its word. */
  #calibrated(raw: number, event: ChangeEvent, group: Group): number {
    if (raw <= 0) return 0;
    // A person's hour counts once, whatever they touched in it; machines touch everything all the time.
    const asker = event.machine ? event.object : event.actor.name;
    return -Math.log10(this.#calibration.tailOfScores(raw, { asker, group }));
  }

  #isMature(parts: readonly Part[]): boolean {
    if (!this.#hasHistory()) return false;
    let mature = 0;
    let all = 0;
    for (const part of parts) {
      const share = 10 ** bitsOf(part);
      all += share;
      if (part.isMature()) mature += share;
    }
    return mature >= 0.5 * all;
  }

  #track(event: ChangeEvent): void {
    const { objects } = this.#state;
    if (event.row >= objects.alive.length) reachRow(objects, event.row);
    objects.alive[event.row] = event.type === 'DELETED' ? 0 : 1;
    this.#tempos.track(event);
    this.#silence.track(event, this.#calibration.visits);
  }

  #close(group: Visit): void {
    this.#visits.drop(group);
    this.#calibration.learn(group);
    this.#company.await(group);
    this.#company.learn(group);
    if (group.quarantined.length === 0 && group.withheld === undefined) {
      this.#learn(group);
      return;
    }
    const withheld = new Set(group.withheld);
    const held = new Set([...group.quarantined, ...withheld]);
    const learnable = group.events.filter((_, i) => !held.has(i));
    this.#learn({ ...group, events: learnable });
    for (const i of group.quarantined) {
      if (withheld.has(i)) continue;
      this.#quarantine.put(group.events[i] as ChangeEvent, seenMs(group));
      if (this.#quarantine.isFull()) this.#release();
    }
  }

  #learn(group: Group): void {
    for (const event of group.events) {
      if (event.imported) takeBack(event);
      this.#chorus.learn(event, group);
      this.#habits.learn(event);
      this.#echoes.learn(event);
      if (event.imported) letGo(event);
    }
  }

  /** Keeps a change that waits to be learnt from being learnt at all. False where it was learnt already. */
  withhold(seq: number): boolean {
    return this.#quarantine.withhold(seq) || this.#visits.withhold(seq);
  }

  #release(): void {
    const held = this.#quarantine.release();
    if (held === undefined) return;
    // Its object may have lost its row since.
    const row = this.#table.rowOf(held.object);
    const event = row === held.row ? held : { ...held, row };
    const visit = makeVisit(event.actor.name, event.atMs);
    joinVisit(visit, event);
    this.#learn(visit);
  }

  #judgeCompany(found: NonNullable<ReturnType<Company['due']>>): Judgement | undefined {
    const { missing, evidence } = found;
    const { event, dueMs } = missing;
    const { p } = this.#calibration.tailNow('company', evidence.surprise, { asker: event.object, atMs: dueMs });
    const part: Part = {
      detector: this.#company.name,
      weight: this.#weights.company ?? 0,
      p,
      isMature: () => this.#company.mature(),
      explain: evidence.explain,
    };
    const score = this.#scoreOf(combine([part]));
    if (score < SCORE_MIN) return undefined;
    const judgement = judgementOf(event, {
      score,
      reasons: reasonsOf([part]),
      deterministic: false,
      severity: 'warning',
      mature: this.#isMature([part]),
    });
    return { ...judgement, tsMs: dueMs };
  }

  /** For what no visit brought. */
  #scoreOf(raw: number): number {
    return raw <= 0 ? 0 : -Math.log10(this.#calibration.tailOfScores(raw));
  }

  #judgeSilence(overdue: ReturnType<Silence['due']>[number]): Judgement {
    const ranked = this.#calibration.tailNow('silence', overdue.surprise, { asker: overdue.by, atMs: overdue.atMs });
    // The pool's past is short for a long time: until then the beat's own predictive distribution has most of the say.
    const trust = ranked.known / (ranked.known + SILENCES_TRUSTED);
    const p = ranked.p ** trust * overdue.p ** (1 - trust);
    const { sentence, observed, usual, samples, actor } = overdue;
    const scope = actor === undefined ? 'object' : 'actor';
    const part: Part = {
      detector: 'silence',
      weight: this.#weights.silence ?? 0,
      p,
      isMature: always,
      explain: () => ({ sentence, observed: observed as Json, usual: usual as Json, samples, scope }),
    };
    const score = this.#scoreOf(combine([part]));
    return silenceJudgementOf(overdue, {
      score,
      reasons: reasonsOf([part]),
      mature: this.#isMature([part]),
      deterministic: false,
      severity: 'warning',
    });
  }

  #judgeStatus(change: Change, row: number): Judgement | undefined {
    const object = this.#table.nameOf(row);
    if (change.origin === 'watch' || change.origin === 'replay') {
      const beat = { object, row, ref: change.ref, atMs: change.observedMs, actor: change.actor };
      this.#silence.trackStatus(beat, this.#calibration.visits);
    }
    const evidence = this.#statusLoop.observe(change, row);
    if (evidence === undefined) return undefined;
    const asker = { asker: object, atMs: change.observedMs };
    const { p } = this.#calibration.tailNow('status-loop', evidence.surprise, asker);
    const part: Part = {
      detector: 'status-loop',
      weight: this.#weights['status-loop'] ?? 0,
      p,
      isMature: always,
      explain: evidence.explain,
    };
    const score = combine([part]);
    if (score < SCORE_MIN) return undefined;
    return statusJudgementOf(change, {
      score,
      reasons: reasonsOf([part]),
      mature: this.#isMature([part]),
      deterministic: false,
      severity: 'warning',
    });
  }

  /** What was known of the object of a row, which goes to another. */
  #forget(row: number): void {
    clearRow(this.#state.objects, row);
    for (const part of [this.#habits, this.#tempos, this.#silence, this.#company, this.#statusLoop]) part.forget(row);
    for (const detector of this.#chorus.all) detector.forget?.(row);
  }

  callRecords(): ReturnType<Calibration['records']> {
    return this.#calibration.records();
  }

  maturity(): {
    changes: number;
    firstMs: number | undefined;
    lastMs: number | undefined;
    detectors: { name: string; mature: boolean; samples: number }[];
  } {
    const { changes, firstMs, lastMs } = this.#state;
    const learnt: { name: string; samples(): number }[] = [...this.#chorus.all, this.#company, this.#silence, this.#statusLoop];
    const grown = this.#hasHistory();
    const detectors = learnt.map((detector) => {
      const samples = detector.samples();
      // Facts need no history; hours of the week need three of them.
      const spanMs = detector.name === 'hour-of-week' ? MATURE_HOURS_MS : MATURE_SPAN_MS;
      const old = grown && (lastMs ?? 0) - (firstMs ?? 0) >= spanMs;
      return { name: detector.name, samples, mature: detector.name === 'fact' || (old && samples >= SAMPLES_MATURE) };
    });
    return { changes, firstMs, lastMs, detectors };
  }

  isMature(): boolean {
    return this.#hasHistory();
  }

  #hasHistory(): boolean {
    const { firstMs, lastMs, changes } = this.#state;
    return firstMs !== undefined && (lastMs ?? 0) - firstMs >= MATURE_SPAN_MS && changes >= MATURE_CHANGES;
  }

  /** Plain state, shared with the model: serialize it before going on. */
  save(): SavedCluster {
    for (const visit of this.#visits.all()) for (const event of visit.events) takeBack(event);
    return {
      state: { ...this.#state, quarantine: this.#quarantine.save() },
      calibration: this.#calibration.save(),
      visits: this.#visits.save(),
      names: this.#names.save(),
      table: this.#table.save(),
      habits: this.#habits.save(),
      tempos: this.#tempos.save(),
      echoes: this.#echoes.save(),
      silence: this.#silence.save(),
      company: this.#company.save(),
      statusLoop: this.#statusLoop.save(),
      detectors: Object.fromEntries(this.#chorus.all.map((detector) => [detector.name, detector.save()])),
    };
  }

  load(saved: SavedCluster): void {
    const { quarantine, ...state } = saved.state;
    this.#state = state;
    this.#quarantine.load(quarantine);
    this.#calibration.load(saved.calibration);
    this.#visits.load(saved.visits);
    this.#table.load(saved.table);
    if (saved.names !== undefined) this.#names.load(saved.names);
    this.#habits.load(saved.habits);
    this.#tempos.load(saved.tempos);
    this.#echoes.load(saved.echoes);
    this.#silence.load(saved.silence);
    this.#company.load(saved.company);
    this.#statusLoop.load(saved.statusLoop);
    for (const detector of this.#chorus.all) {
      if (Object.hasOwn(saved.detectors, detector.name)) detector.load(saved.detectors[detector.name]);
    }
  }
}

export interface SavedCluster {
  state: ClusterState & { quarantine: ReturnType<Quarantine['save']> };
  calibration: ReturnType<Calibration['save']>;
  visits: ReturnType<Visits['save']>;
  names?: ReturnType<HabitNames['save']>;
  table: RowTableState;
  habits: ReturnType<PathHabits['save']>;
  tempos: ReturnType<Tempos['save']>;
  echoes: ReturnType<Echoes['save']>;
  silence: ReturnType<Silence['save']>;
  company: ReturnType<Company['save']>;
  statusLoop: ReturnType<StatusLoop['save']>;
  detectors: Record<string, unknown>;
}
