/**
 * Second hop: recorded changes and scrapes in, findings out. Score, decide, and store the outcome together with the position it covers, so
 * that a process killed at any instant goes on with the first unjudged change and gives the findings an undisturbed run would have given.
 *
 * Three positions matter after a restart: the model's snapshot (older), the analysis cursor (findings up to it are stored), and the end of
 * the log. Between the first two the model learns again without anything being decided; after the second, all is as in live operation.
 */
import type { Change } from '../domain/change.ts';
import type { Finding, Judgement } from '../domain/finding.ts';
import type { Sample, Scrape } from '../domain/series.ts';
import { SNAPSHOT_VERSION } from '../model/ensemble.ts';
import type { Model } from '../model/model.ts';
import type { Policy } from '../respond/policy.ts';
import type { AlertRecord, EffectRecord, Store } from '../store/store.ts';

const CURSOR_CHANGES = 'analysis.changes';
const CURSOR_SAMPLES = 'analysis.samples';
/** How far event time was let pass without changes: what became known by it was decided, and must not be again. */
const CURSOR_CLOCK = 'analysis.clock';
const POLICY_STATE = 'policy';
const SNAPSHOT = 'model';
const CATCH_UP_BATCH = 500;
const SAMPLES_BATCH = 20_000;

/** Findings weaker than once in 100 are ranked (see onJudgement) but not kept in the store: they would be as many as changes. */
const STORED_SCORE_MIN = 2;

export interface Consequences {
  alerts: AlertRecord[];
  effects: EffectRecord[];
}

export interface AnalysisOptions {
  store: Store;
  createModel: (snapshot: Uint8Array | undefined) => Model;
  createPolicy: (saved: string | undefined) => Policy;
  /** What follows from a decided finding: nothing for most; alerts to open or prolong, marks to set. */
  consequences: (finding: Finding, change: Change | undefined) => Consequences;
  /** Sees every ranked finding, stored or not. */
  onFinding?: (finding: Finding) => void;
  /** Sees what the model failed on; the change stays recorded, and those around it are judged. */
  onFault?: (change: Change, error: unknown) => void;
}

export interface Analysis {
  readonly model: Model;
  /** Judges what was just recorded. Returns the findings that page. */
  analyze(changes: readonly Change[]): Finding[];
  /** Judges whatever is in the store beyond the cursors, e.g. after a crash. */
  catchUp(): Finding[];
  /** Lets event time pass without changes, so that silences become known. */
  advance(nowMs: number): Finding[];
  /** Keeps the model's state; a restart relearns only what came after. */
  saveSnapshot(): void;
}

export function createAnalysis(options: AnalysisOptions): Analysis {
  const { store } = options;
  const saved = loadSnapshot(store);
  const model = options.createModel(saved?.blob);
  const policy = options.createPolicy(store.getState(POLICY_STATE));
  let seq = Number(store.cursor(CURSOR_CHANGES) ?? 0);
  let position = Number(store.cursor(CURSOR_SAMPLES) ?? 0);
  let clockMs = Number(store.cursor(CURSOR_CLOCK) ?? Number.NEGATIVE_INFINITY);
  /** One change that the model cannot take must neither cost its neighbours their judgement nor fail every start from now on. */
  const observe = (change: Change): Judgement[] => {
    try {
      return model.observe(change);
    } catch (error) {
      options.onFault?.(change, error);
      return [];
    }
  };
  relearn(store, { model, observe }, saved, { seq, position });
  model.advance(clockMs);

  // What is decided but not stored yet. It outlives a failed write: the model has moved on and would not say it again.
  let unsaved: { findings: Finding[]; alerts: AlertRecord[]; effects: EffectRecord[] } = {
    findings: [],
    alerts: [],
    effects: [],
  };

  const commit = (judged: { judgement: Judgement; change?: Change }[]): Finding[] => {
    for (const { judgement, change } of judged) {
      const finding = policy.decide(judgement);
      options.onFinding?.(finding);
      const pages = finding.decision.verdict === 'page';
      if (pages || finding.deterministic || finding.score >= STORED_SCORE_MIN) unsaved.findings.push(finding);
      const follow = options.consequences(finding, change);
      unsaved.alerts.push(...follow.alerts);
      unsaved.effects.push(...follow.effects);
    }
    store.commitAnalysis({
      ...unsaved,
      cursors: {
        [CURSOR_CHANGES]: String(seq),
        [CURSOR_SAMPLES]: String(position),
        ...(Number.isFinite(clockMs) ? { [CURSOR_CLOCK]: String(clockMs) } : {}),
      },
      state: { [POLICY_STATE]: policy.save() },
    });
    const paged = unsaved.findings.filter((finding) => finding.decision.verdict === 'page');
    unsaved = { findings: [], alerts: [], effects: [] };
    return paged;
  };

  /** New scrapes are read back from the store, so that live operation and catching up see the same samples in the same order. */
  const newScrapes = (): Scrape[] => {
    const scrapes: Scrape[] = [];
    for (;;) {
      const next = store.samplesAfter(position, SAMPLES_BATCH);
      if (next.samples.length === 0) return scrapes;
      position = next.position;
      scrapes.push(...scrapesOf(next.samples));
    }
  };

  const analyze = (changes: readonly Change[]): Finding[] => {
    const judged: { judgement: Judgement; change?: Change }[] = [];
    const scrapes = newScrapes();
    let next = 0;
    for (const change of changes) {
      if (change.seq <= seq) continue;
      for (; next < scrapes.length && scrapes[next]!.tsMs <= change.observedMs; next++) {
        for (const judgement of model.observeScrape(scrapes[next]!)) judged.push({ judgement });
      }
      // What a first list finds was there before Crowsnest looked: it is learnt, but nobody did it just now, so it is not judged.
      const judgements = observe(change);
      if (change.origin !== 'list') for (const judgement of judgements) judged.push({ judgement, change });
      seq = change.seq;
    }
    for (; next < scrapes.length; next++) {
      for (const judgement of model.observeScrape(scrapes[next]!)) judged.push({ judgement });
    }
    return commit(judged);
  };

  return {
    model,
    analyze,
    catchUp() {
      const paged: Finding[] = [];
      for (;;) {
        const changes = store.changesAfter(seq, CATCH_UP_BATCH);
        paged.push(...analyze(changes));
        if (changes.length < CATCH_UP_BATCH) return paged;
      }
    },
    advance(nowMs) {
      clockMs = Math.max(clockMs, nowMs);
      return commit(model.advance(nowMs).map((judgement) => ({ judgement })));
    },
    saveSnapshot() {
      const head = Buffer.alloc(8);
      head.writeDoubleLE(position);
      store.saveSnapshot(SNAPSHOT, { version: SNAPSHOT_VERSION, seq, blob: Buffer.concat([head, model.snapshot()]) });
    },
  };
}

function loadSnapshot(store: Store): { seq: number; position: number; blob: Uint8Array } | undefined {
  const snapshot = store.loadSnapshot(SNAPSHOT);
  // A snapshot of another version is not guessed at: the model learns again from the log, which is complete.
  if (snapshot === undefined || snapshot.version !== SNAPSHOT_VERSION) return undefined;
  return {
    seq: snapshot.seq,
    position: Buffer.from(snapshot.blob.subarray(0, 8)).readDoubleLE(),
    blob: snapshot.blob.subarray(8),
  };
}

/** Brings the model from its snapshot to the analysis cursor; what it says on the way was decided before. */
function relearn(
  store: Store,
  { model, observe }: { model: Model; observe: (change: Change) => unknown },
  saved: { seq: number; position: number } | undefined,
  to: { seq: number; position: number },
): void {
  let seq = saved?.seq ?? 0;
  let position = saved?.position ?? 0;
  const scrapes: Scrape[] = [];
  while (position < to.position) {
    // Positions rise by one per sample, so this bound keeps unjudged samples out.
    const next = store.samplesAfter(position, Math.min(SAMPLES_BATCH, to.position - position));
    if (next.samples.length === 0) break;
    scrapes.push(...scrapesOf(next.samples));
    position = next.position;
  }
  let nextScrape = 0;
  while (seq < to.seq) {
    const changes = store.changesAfter(seq, Math.min(CATCH_UP_BATCH, to.seq - seq));
    if (changes.length === 0) break;
    for (const change of changes) {
      for (; nextScrape < scrapes.length && scrapes[nextScrape]!.tsMs <= change.observedMs; nextScrape++)
        model.observeScrape(scrapes[nextScrape]!);
      if (change.seq <= to.seq) observe(change);
      seq = change.seq;
    }
  }
  for (; nextScrape < scrapes.length; nextScrape++) model.observeScrape(scrapes[nextScrape]!);
}

/** Samples as stored, put back together by target (the `instance` label) and time. */
export function scrapesOf(samples: readonly Sample[]): Scrape[] {
  const scrapes = new Map<string, Scrape>();
  for (const { key, tsMs, value } of samples) {
    const target = key.labels.instance ?? '';
    const id = `${key.cluster}\u0000${target}\u0000${tsMs}`;
    let scrape = scrapes.get(id);
    if (scrape === undefined) {
      scrape = { cluster: key.cluster, target, tsMs, samples: [] };
      scrapes.set(id, scrape);
    }
    scrape.samples.push({ metric: key.metric, labels: key.labels, value });
  }
  return [...scrapes.values()];
}
