/**
 * Follows the record with a network, far behind the pipeline and never in its way: scores the changes with the network in use, trains the
 * next where it is due, and keeps what the network said. Everything is a function of the recorded changes: a kill anywhere loses only work,
 * and what is done again comes out the same.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { Change } from '../../domain/change.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Finding, Judgement } from '../../domain/finding.ts';
import { summarize } from '../../model/explain.ts';
import { isMachine } from '../../model/features.ts';
import type { TrainingVector } from '../../model/neural/autoencoder.ts';
import { type ChangeVector, hashOf, vectorOf } from '../../model/neural/change-vector.ts';
import { NETWORK, networkJudgement } from '../../model/neural/network-judgement.ts';
import type { NeuralProgress, NeuralVersion } from '../../model/neural/neural-view.ts';
import { type Standing, standingOf } from '../../model/neural/promotion.ts';
import { isDue, NIGHTLY, type Schedule } from '../../model/neural/schedule.ts';
import { STANDS_OUT_BITS, weigh } from '../../model/neural/shadow.ts';
import { makeWeekClock } from '../../model/week-clock.ts';
import { stableId } from '../../respond/stable-id.ts';
import type { Store } from '../../store/store.ts';
import { loadPlace, type NeuralPlace, savePlace } from './neural-place.ts';
import { NeuralVersions } from './neural-versions.ts';
import type { NeuralWorker } from './neural-worker.ts';

/** Changes read at a time: some milliseconds of the main thread, then it is the pipeline's turn for at least as long. */
const SLICE = 50;
const SCORED_AT_ONCE = 500;
/** A change with a score like this may be an incident: it is not learnt from. */
const UNLEARNT_SCORE = 4;
const STORED_SCORE_MIN = 2;
const FINDINGS_PAGE = 500;

export interface NeuralFollowerOptions {
  store: Store;
  worker: NeuralWorker;
  clock: Clock;
  timeZone: string;
  schedule?: Schedule;
  /** Whether a network that has earned it may add findings. Never by default. */
  mayPromote?: boolean;
  /** Changes whose findings people confirmed. */
  confirmed?: () => ReadonlySet<number>;
  /** The last change with findings that are final; what comes behind it is left for later. */
  judgedThrough?: () => number;
}

export interface NeuralFollower {
  /** Follows what is recorded so far where a training is due by then, or whenever `force` is set, and then trains in any case. */
  follow(given: { signal: AbortSignal; force?: boolean }): Promise<void>;
  readonly progress: NeuralProgress;
  readonly place: NeuralPlace;
  readonly versions: NeuralVersions;
  /** How the networks stand beside what is there without them. */
  standing(): Standing;
}

export function createNeuralFollower(options: NeuralFollowerOptions): NeuralFollower {
  const { store, worker, clock, schedule = NIGHTLY } = options;
  const judgedThrough = options.judgedThrough ?? (() => Number.POSITIVE_INFINITY);
  const hourOfWeek = makeWeekClock(options.timeZone);
  const versions = new NeuralVersions(store);
  const place = loadPlace(store);
  let progress: NeuralProgress = { state: 'idle', share: 0 };

  /** Slice by slice, with the main thread let go in between for as long as each took. */
  async function* changesFrom(seq: number, signal: AbortSignal): AsyncGenerator<Change[]> {
    for (let after = seq; ; ) {
      signal.throwIfAborted();
      const beganMs = clock.nowMs();
      const through = judgedThrough();
      const changes = store.changesAfter(after, SLICE).filter(({ seq }) => seq <= through);
      const newest = changes.at(-1);
      if (newest === undefined) return;
      after = newest.seq;
      yield changes;
      const spentMs = clock.nowMs() - beganMs;
      if (spentMs > 0) await clock.sleep(spentMs, signal);
      else await breathe();
    }
  }

  const scoresOf = (changes: readonly Change[], scoreMin: number): Map<number, number> => {
    const scores = new Map<number, number>();
    const times = changes.map(({ observedMs }) => observedMs);
    const query = { fromMs: Math.min(...times), toMs: Math.max(...times) + 1, scoreMin, limit: FINDINGS_PAGE };
    let next: string | undefined;
    do {
      const page = store.findings(next === undefined ? query : { ...query, continue: next });
      for (const { subject, score, detector } of page.items) {
        if (subject.type === 'change' && detector !== NETWORK)
          scores.set(subject.seq, Math.max(score, scores.get(subject.seq) ?? 0));
      }
      next = page.continue;
    } while (next !== undefined);
    return scores;
  };

  const scored = async (batch: readonly { change: Change; vector: ChangeVector }[], current: NeuralVersion | undefined) => {
    const weights = current === undefined ? undefined : versions.weights(current);
    if (current === undefined || weights === undefined || batch.length === 0) return;
    progress = { state: 'scoring', share: 0 };
    const vectors = batch.map(({ vector }) => vector);
    const found = await worker.score({ vectors, weights, name: String(current.id) });
    const scores = scoresOf(
      batch.map(({ change }) => change),
      STORED_SCORE_MIN,
    );
    const findings: Finding[] = [];
    batch.forEach(({ change, vector }, i) => {
      const { ref } = change;
      const bits = weigh(place.shadow, {
        seq: change.seq,
        atMs: change.observedMs,
        object: `${ref.cluster} ${ref.group}/${ref.kind} ${ref.namespace}/${ref.name}`,
        machine: isMachine(change.actor.name),
        born: change.type === 'ADDED',
        surprise: found[i]?.surprise ?? 0,
        score: scores.get(change.seq) ?? 0,
      });
      const said = found[i];
      if (!place.promoted || said === undefined || bits < STANDS_OUT_BITS) return;
      findings.push(findingOf(networkJudgement(change, { vector, found: said, bits, version: current })));
    });
    // Their ids are those of the changes: what is done again after a kill replaces itself.
    if (findings.length > 0) store.commitAnalysis({ findings });
  };

  const train = async (here: Change, signal: AbortSignal): Promise<void> => {
    const before = versions.list().find(({ throughSeq }) => throughSeq === here.seq);
    let trainedOn = before === undefined ? 0 : before.trainedOn + before.measured;
    if (before === undefined) {
      progress = { state: 'reading', share: 0 };
      const vectors: TrainingVector[] = [];
      for await (const changes of changesFrom(Math.max(0, here.seq - schedule.changesMax), signal)) {
        const odd = scoresOf(changes, UNLEARNT_SCORE);
        for (const change of changes) {
          if (change.seq > here.seq || odd.has(change.seq)) continue;
          const vector = vectorOf(change, hourOfWeek);
          if (vector !== undefined) vectors.push({ indices: vector.indices, values: vector.values });
        }
        if ((changes.at(-1) as Change).seq >= here.seq) break;
      }
      trainedOn = vectors.length;
      if (vectors.length >= schedule.changesMin / 2) {
        progress = { state: 'training', share: 0 };
        const beganMs = clock.nowMs();
        const seed = hashOf(`network through ${here.seq}`);
        const onProgress = (share: number) => {
          progress = { state: 'training', share };
        };
        const { weights, figures, backend, cpuSeconds } = await worker.train({ vectors, seed, onProgress });
        signal.throwIfAborted();
        const seconds = (clock.nowMs() - beganMs) / 1000;
        versions.add(
          { ...figures, seed, throughSeq: here.seq, throughMs: here.observedMs, backend, seconds, cpuSeconds },
          weights,
        );
      }
    }
    place.last = { seq: here.seq, atMs: here.observedMs, trainedOn };
    place.promoted = options.mayPromote === true && standing().earned;
  };

  const standing = (): Standing =>
    standingOf({
      versions: versions.list(),
      notable: place.shadow.notable,
      confirmed: options.confirmed?.() ?? new Set(),
    });

  /** The network that a change is scored with: the last one trained before it, or the one that was gone back to. */
  const currentAt = (seq: number): NeuralVersion | undefined =>
    versions.pinned === undefined ? versions.list().findLast(({ throughSeq }) => throughSeq < seq) : versions.current();

  const walk = async (signal: AbortSignal): Promise<Change | undefined> => {
    let batch: { change: Change; vector: ChangeVector }[] = [];
    let newest: Change | undefined;
    const flush = async () => {
      const first = batch[0];
      if (first !== undefined) await scored(batch, currentAt(first.change.seq));
      batch = [];
      if (newest !== undefined) place.seq = newest.seq;
    };
    for await (const changes of changesFrom(place.seq, signal)) {
      for (const change of changes) {
        newest = change;
        place.last ??= { seq: change.seq - 1, atMs: change.observedMs, trainedOn: 0 };
        const vector = vectorOf(change, hourOfWeek);
        if (vector !== undefined) batch.push({ change, vector });
        const due = isDue({ seq: change.seq, atMs: change.observedMs }, place.last, schedule);
        if (due || batch.length >= SCORED_AT_ONCE) await flush();
        if (!due) continue;
        await train(change, signal);
        savePlace(store, place);
      }
      progress = { state: 'reading', share: 0 };
    }
    await flush();
    return newest;
  };

  /** Cheap enough to ask each minute: whether following would end in a training. */
  const worthwhile = (): boolean => {
    const newest = store.changes({ limit: 1 }).items[0];
    if (newest === undefined || newest.seq <= place.seq || newest.seq > judgedThrough()) return false;
    if (place.promoted) return true;
    const { last } = place;
    const first =
      last ?? store.changesAfter(0, 1).map(({ seq, observedMs }) => ({ seq: seq - 1, atMs: observedMs, trainedOn: 0 }))[0];
    return first !== undefined && isDue({ seq: newest.seq, atMs: newest.observedMs }, first, schedule);
  };

  return {
    versions,
    standing,
    get progress() {
      return progress;
    },
    get place() {
      return place;
    },
    async follow({ signal, force = false }) {
      if (!force && !worthwhile()) return;
      try {
        const newest = await walk(signal);
        if (force && newest !== undefined) await train(newest, signal);
        savePlace(store, place);
      } finally {
        progress = { state: 'idle', share: 0 };
        await worker.close();
      }
    },
  };
}

/** Kept beside those of the policy, and never paged: a network alone wakes nobody. */
function findingOf(judgement: Judgement): Finding {
  const { subject } = judgement;
  const id = stableId(NETWORK, subject.ref.cluster, subject.type === 'change' ? String(subject.seq) : '');
  const decision = { verdict: 'record', why: 'a network alone never pages' } as const;
  return { ...judgement, id, cluster: subject.ref.cluster, summary: summarize(judgement), decision, episode: id };
}
