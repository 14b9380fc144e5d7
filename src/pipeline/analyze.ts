/**
 * Second hop: recorded changes and scrapes in, findings out. Score, decide, and store the outcome together with the position it covers, so
 * that a process killed at any instant goes on with the first unjudged change and gives the findings an undisturbed run would have given.
 *
 * Three places matter after a restart: the model's snapshot (older), the analysis cursor (findings up to it are stored), and the end of
 * the record. Between the first two the model learns again without anything being decided; up to the third it judges what it missed; from
 * then on it judges what comes. `phase` is 'relearning', 'judging', 'current'; only `step` moves it on, and only forwards. Until it is
 * current, what is recorded meanwhile waits in the record, so findings come in order and recording goes on (see catch-up.ts).
 */
import type { Change } from '../domain/change.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import type { Finding, Judgement } from '../domain/finding.ts';
import type { NearMiss } from '../domain/review.ts';
import type { Scrape } from '../domain/series/series.ts';
import { type Opinion, opinionOn, type Verdict, type Place as VerdictPlace } from '../domain/verdict.ts';
import { withCounterfactual } from '../model/counterfactual.ts';
import { SNAPSHOT_VERSION } from '../model/ensemble.ts';
import type { Model } from '../model/model.ts';
import type { Policy } from '../respond/policy.ts';
import type { AlertRecord, EffectRecord, Store } from '../store/store.ts';
import { NearMisses } from './near-misses.ts';
import { PassedBy } from './passed-by.ts';
import { END_OF_RECORD, type Place, RecordWalk, type Walked } from './record-walk.ts';
import { VerdictBook } from './verdict-book.ts';

/** The last change that was judged and what came of it stored. */
export const CURSOR_CHANGES = 'analysis.changes';
const CURSOR_SAMPLES = 'analysis.samples';
/** How far event time was let pass without changes: what became known by it was decided, and must not be again. */
const CURSOR_CLOCK = 'analysis.clock';
const POLICY_STATE = 'policy';
/** What was seen of the day that is not over, for the review. */
const OPEN_DAYS = 'near-misses';
const PASSED_BY = 'passed-by';
const SNAPSHOT = 'model';
const STEP_ITEMS = 500;

/** Findings weaker than once in 100 are ranked (see onJudgement) but not kept in the store: they would be as many as changes. */
const STORED_SCORE_MIN = 2;

export interface Consequences {
  alerts: AlertRecord[];
  effects: EffectRecord[];
}

export type AnalysisStore = Pick<
  Store,
  | 'loadSnapshot'
  | 'saveSnapshot'
  | 'getState'
  | 'cursor'
  | 'verdicts'
  | 'commitAnalysis'
  | 'changes'
  | 'changesAfter'
  | 'samplesAfter'
>;

export interface AnalysisOptions {
  store: AnalysisStore;
  createModel: (snapshot: Uint8Array | undefined) => Model;
  createPolicy: (saved: string | undefined) => Policy;
  /** What follows from a decided finding: nothing for most; alerts to open or prolong, marks to set. */
  consequences: (finding: Finding, change: Change | undefined) => Consequences;
  /** Sees every ranked finding, stored or not. */
  onFinding?: (finding: Finding) => void;
  /** Sees what the model failed on; the change stays recorded, and those around it are judged. */
  onFault?: (of: Change | Scrape, error: unknown) => void;
  /** What nobody has to be told of at once waits for `store`, which costs a flood a transaction less for each batch. Else every call stores what it decided. */
  storesLater?: boolean;
  /** Told of what was kept and cannot be read any more; judging goes on without it. */
  onLost?: (what: 'what was learnt' | 'verdicts', error: unknown) => void;
}

/** What of the record the model has yet to go through before it judges what comes. */
export interface Behind {
  /** 'relearning' what was judged before, or 'judging' what was not. */
  phase: 'relearning' | 'judging';
  /** Changes since the start of catching up, and how many there are. */
  done: number;
  all: number;
}

export interface Analysis {
  readonly model: Model;
  /** Judges what was just recorded. Returns the findings that page. While it is behind that is left to `step`, which comes to it. */
  analyze(changes: readonly Change[]): Finding[];
  /** Undefined once it is current. Asks the store, so for telling and not for each step. */
  behind(): Behind | undefined;
  phase(): Phase;
  /** Goes through the next part of the record: `items` changes and moments of scrapes at most. Returns the findings that page. */
  step(items?: number): Finding[];
  /** All steps at once, for what has nothing else to do meanwhile. */
  catchUp(): Finding[];
  /** Lets event time pass without changes, so that silences become known. */
  advance(nowMs: number): Finding[];
  /** Takes what a person said, or took back, from here on; it is stored already. */
  hear(verdict: Verdict): void;
  /** Up to where findings are stored: what is said now weighs on what comes behind. */
  place(): VerdictPlace;
  /** The score from which a finding of this cluster may page at present. */
  levelOf(cluster: string): number | undefined;
  /** False while something that was decided waits for `store`: after a crash it is decided again, and alike. */
  isStored(): boolean;
  /** Stores what was decided so far. Returns the findings that page, of which nobody was told: what kept them from being stored before is over. */
  store(): Finding[];
  /** Keeps the model's state; a restart relearns only what came after. */
  saveSnapshot(): void;
}

type Phase = Behind['phase'] | 'current';
type Judged = { judgement: Judgement; change?: Change | undefined; opinion: Opinion | undefined }[];
/** Of most changes; nobody adds to it. */
const NOTHING_JUDGED: Judged = [];

export function createAnalysis(options: AnalysisOptions): Analysis {
  const { store } = options;
  const { saved, model } = modelOf(options);
  const policy = options.createPolicy(store.getState(POLICY_STATE));
  const review = new NearMisses(store.getState(OPEN_DAYS));
  let openDays = review.save();
  const passedBy = new PassedBy(store.getState(PASSED_BY));
  let passedByStored = passedBy.save();
  /**
   * Up to here findings are decided. What is learnt in a snapshot was: where damage lost a cursor, or kept it from
   * being written, the changes before are not judged, told and learnt a second time.
   */
  const decided: Place = {
    seq: Math.max(Number(store.cursor(CURSOR_CHANGES) ?? 0), saved?.place.seq ?? 0),
    position: Math.max(Number(store.cursor(CURSOR_SAMPLES) ?? 0), saved?.place.position ?? 0),
  };
  let clockMs = Number(store.cursor(CURSOR_CLOCK) ?? Number.NEGATIVE_INFINITY);
  let askedMs = Number.NEGATIVE_INFINITY;
  /** Its place is how far the model has learnt. */
  let walk = new RecordWalk(store, saved?.place ?? { seq: 0, position: 0 });
  const beganSeq = walk.place.seq;
  const verdicts = new VerdictBook(orLost(options, 'verdicts', () => store.verdicts()) ?? []);
  let phase: Phase = 'relearning';
  let ahead = walk.upTo(decided);

  /** One change that the model cannot take must neither cost its neighbours their judgement nor fail every start from now on. */
  const observe = (of: Change | Scrape): Judgement[] => {
    try {
      return 'samples' in of ? model.observeScrape(of) : model.observe(of);
    } catch (error) {
      options.onFault?.(of, error);
      return [];
    }
  };
  /** With what stands at this moment, since a step may go past the place of a verdict. */
  const weigh = (judgements: Judgement[], change?: Change): Judged =>
    judgements.map((said) => {
      const judgement = { ...said, reasons: said.reasons.map(withCounterfactual) };
      return { judgement, change, opinion: opinionOn(judgement, verdicts.standing) };
    });
  /**
   * What people said by this place: a change that is wrong is no habit. The time at which they said it passes first, as it did when they said it.
   */
  const attend = (): Judged => {
    const due: Judged = [];
    for (const { verdict, change, scope, place } of verdicts.reach(walk.place)) {
      if (verdict !== 'wrong' || change === undefined) continue;
      if (place.clockMs !== undefined) due.push(...weigh(model.advance(place.clockMs)));
      model.withhold({ cluster: scope.cluster, seq: change.seq });
    }
    return due;
  };
  const take = (walked: Walked): Judged => ('scrapes' in walked ? takeScrapes(walked.scrapes) : takeChange(walked.change));
  const takeScrapes = (scrapes: readonly Scrape[]): Judged => scrapes.flatMap((scrape) => weigh(observe(scrape)));
  const takeChange = (change: Change): Judged => {
    if (phase === 'relearning') model.advance(passedBy.before(change) ?? Number.NEGATIVE_INFINITY);
    else passedBy.note(change, clockMs);
    const judgements = observe(change);
    // What a first list finds was there before Crowsnest looked: it is learnt, but nobody did it just now, so it is not judged.
    return judgements.length === 0 || change.origin === 'list' ? NOTHING_JUDGED : weigh(judgements, change);
  };

  // What is decided but not stored yet. It outlives a failed write: the model has moved on and would not say it again.
  let unsaved = nothingDecided();
  let isStored = true;

  const decide = (judged: Judged): void => {
    for (const { judgement, change, opinion } of judged) {
      const finding = policy.decide(judgement, opinion);
      options.onFinding?.(finding);
      const pages = finding.decision.verdict === 'page';
      if (pages || finding.deterministic || finding.score >= STORED_SCORE_MIN) unsaved.findings.push(finding);
      unsaved.nearMisses.push(...review.take(finding, () => policy.status()[finding.cluster]?.level));
      const follow = options.consequences(finding, change);
      unsaved.alerts.push(...follow.alerts);
      unsaved.effects.push(...follow.effects);
    }
    Object.assign(decided, walk.place);
    isStored = false;
  };

  /** Stores all that is decided; returns what of it pages. */
  const commit = (): Finding[] => {
    const days = review.save();
    const late = passedBy.save();
    store.commitAnalysis({
      ...unsaved,
      cursors: {
        [CURSOR_CHANGES]: String(decided.seq),
        [CURSOR_SAMPLES]: String(decided.position),
        ...(Number.isFinite(clockMs) ? { [CURSOR_CLOCK]: String(clockMs) } : {}),
      },
      state: {
        [POLICY_STATE]: policy.save(),
        ...(days === openDays ? {} : { [OPEN_DAYS]: days }),
        ...(late === passedByStored ? {} : { [PASSED_BY]: late }),
      },
    });
    const paged = unsaved.findings.filter((finding) => finding.decision.verdict === 'page');
    unsaved = nothingDecided();
    isStored = true;
    openDays = days;
    passedByStored = late;
    return paged;
  };

  /** What pages is stored before anybody is told. */
  const conclude = (judged: Judged): Finding[] => {
    decide(judged);
    return options.storesLater === true && !isUrgent(unsaved) ? [] : commit();
  };

  const advance = (nowMs: number): Finding[] => {
    clockMs = Math.max(clockMs, nowMs);
    const judged = attend();
    return conclude([...judged, ...weigh(model.advance(nowMs))]);
  };

  const beginJudging = () => {
    model.advance(clockMs);
    // The cursor may be further than what can still be read.
    walk = new RecordWalk(store, decided);
    ahead = walk.upTo(END_OF_RECORD);
    phase = 'judging';
  };

  const step = (items = STEP_ITEMS): Finding[] => {
    const judged: Judged = [];
    let ended = phase === 'current';
    for (let taken = 0; taken < items && !ended; taken++) {
      const heard = attend();
      if (phase === 'judging') judged.push(...heard);
      const next = ahead.next();
      if (next.done === true) ended = true;
      else if (phase === 'relearning') take(next.value);
      else judged.push(...take(next.value));
    }
    if (ended && phase === 'relearning') beginJudging();
    else if (ended) phase = 'current';
    if (phase === 'relearning') return [];
    decide(judged);
    const paged = judged.length > 0 || phase === 'current' ? commit() : [];
    if (phase === 'current' && askedMs > clockMs) paged.push(...advance(askedMs));
    return paged;
  };

  const newestSeq = () => store.changes({ limit: 1 }).items[0]?.seq ?? 0;
  if (isAt(decided, walk.place)) {
    beginJudging();
    if (newestSeq() <= decided.seq && store.samplesAfter(decided.position, 1).samples.length === 0) phase = 'current';
  }

  return {
    model,
    step,
    analyze(changes) {
      if (phase !== 'current') return [];
      const judged = attend();
      walk.through(changes, {
        change: (change) => void judged.push(...takeChange(change)),
        scrapes: (scrapes) => void judged.push(...takeScrapes(scrapes)),
      });
      return conclude(judged);
    },
    phase: () => phase,
    behind() {
      if (phase === 'current') return undefined;
      const { seq } = walk.place;
      return { phase, done: seq - beganSeq, all: Math.max(seq, newestSeq()) - beganSeq };
    },
    catchUp() {
      const paged: Finding[] = [];
      do paged.push(...step());
      while (phase !== 'current');
      return paged;
    },
    advance(nowMs) {
      if (phase === 'current') return advance(nowMs);
      askedMs = Math.max(askedMs, nowMs);
      return [];
    },
    hear(verdict) {
      if (verdict.withdrawn === undefined) verdicts.add(verdict);
      else verdicts.withdraw(verdict);
    },
    place: () => ({ ...decided, ...(Number.isFinite(clockMs) ? { clockMs } : {}) }),
    levelOf: (cluster) => policy.status()[cluster]?.level,
    isStored: () => isStored,
    store: () => (isStored ? [] : commit()),
    saveSnapshot() {
      // What was learnt must not be ahead of what is stored: a restart would judge, and learn, the same changes again.
      if (phase !== 'relearning' && !isAt(decided, walk.place)) decide([]);
      if (!isStored) commit();
      const { seq, position } = walk.place;
      const head = Buffer.alloc(8);
      head.writeDoubleLE(position);
      store.saveSnapshot(SNAPSHOT, { version: SNAPSHOT_VERSION, seq, blob: Buffer.concat([head, model.snapshot()]) });
      passedBy.forgetThrough(seq);
    },
  };
}

interface Decided extends Consequences {
  findings: Finding[];
  nearMisses: NearMiss[];
}

function nothingDecided(): Decided {
  return { findings: [], alerts: [], effects: [], nearMisses: [] };
}

/** Somebody is to be told, or something is to be done. */
function isUrgent({ findings, alerts, effects }: Decided): boolean {
  return alerts.length > 0 || effects.length > 0 || findings.some(({ decision }) => decision.verdict === 'page');
}

function isAt(place: Place, other: Place): boolean {
  return place.seq === other.seq && place.position === other.position;
}

/** What was learnt, taken up again; where it cannot be read the model learns again from the record, which is complete. */
function modelOf(options: AnalysisOptions): { saved: ReturnType<typeof loadSnapshot>; model: Model } {
  const taken = orLost(options, 'what was learnt', () => {
    const saved = loadSnapshot(options.store);
    return { saved, model: options.createModel(saved?.blob) };
  });
  return taken ?? { saved: undefined, model: options.createModel(undefined) };
}

/** What was read; undefined where that is damaged, which is told. */
function orLost<T>({ onLost }: AnalysisOptions, what: Parameters<NonNullable<typeof onLost>>[0], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isCrowsnestError(error, 'STORE_CORRUPT')) throw error;
    onLost?.(what, error);
    return undefined;
  }
}

function loadSnapshot(store: AnalysisStore): { place: Place; blob: Uint8Array } | undefined {
  const snapshot = store.loadSnapshot(SNAPSHOT);
  // A snapshot of another version is not guessed at: the model learns again from the log, which is complete.
  if (snapshot === undefined || snapshot.version !== SNAPSHOT_VERSION) return undefined;
  return {
    place: { seq: snapshot.seq, position: Buffer.from(snapshot.blob.subarray(0, 8)).readDoubleLE() },
    blob: snapshot.blob.subarray(8),
  };
}
