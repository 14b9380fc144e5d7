/**
 * Follows the record with a network, behind the pipeline and never in its way: scores the changes with the network in use, trains the next
 * where it is due, and keeps what the network said. Everything is a function of the recorded changes: a kill anywhere loses only work, and
 * what is done again comes out the same.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Finding, Judgement } from '../../domain/finding.ts';
import { summarize } from '../../model/explain.ts';
import { isMachine } from '../../model/features.ts';
import { hashOf } from '../../model/neural/change-vector.ts';
import { NETWORK, networkJudgement } from '../../model/neural/network-judgement.ts';
import type { NeuralProgress, NeuralVersion } from '../../model/neural/neural-view.ts';
import { type Standing, standingOf } from '../../model/neural/promotion.ts';
import { isDue, NIGHTLY, type Place, type Schedule } from '../../model/neural/schedule.ts';
import { STANDS_OUT_BITS, weigh } from '../../model/neural/shadow.ts';
import type { TrainingFigures } from '../../model/neural/training.ts';
import { stableId } from '../../respond/stable-id.ts';
import type { Store } from '../../store/store.ts';
import type { SeenChange } from './followed-change.ts';
import { loadPlace, type NeuralPlace, savePlace } from './neural-place.ts';
import { NeuralVersions } from './neural-versions.ts';
import type { NeuralWorker } from './neural-worker.ts';

/** Changes heard of at a time: some milliseconds of the main thread. */
const SLICE = 200;
/** Slices after which the place is stored. */
const STORED_EACH = 50;
/** A change with a score like this may be an incident: it is not learnt from. */
const UNLEARNT_SCORE = 4;

export interface NeuralFollowerOptions {
  store: Store;
  worker: NeuralWorker;
  clock: Clock;
  schedule?: Schedule;
  /** Whether a network that has earned it may add findings. Never by default. */
  mayPromote?: boolean;
  /** Changes whose findings people confirmed, as far as they had when analysis had come to `through`. */
  confirmed?: (through: number) => ReadonlySet<number>;
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
  const versions = new NeuralVersions<TrainingFigures>(store, 'neural/autoencoder');
  const place = loadPlace(store);
  let progress: NeuralProgress = { state: 'idle', share: 0 };

  const standing = (through = Number.POSITIVE_INFINITY): Standing =>
    standingOf({
      versions: versions.list(),
      notable: place.shadow.notable,
      confirmed: options.confirmed?.(through) ?? new Set(),
    });

  /** The network that a change is scored with: the last one trained before it, or the one that was gone back to. */
  const currentAfter = (seq: number): NeuralVersion | undefined =>
    versions.pinned === undefined ? versions.list().findLast(({ throughSeq }) => throughSeq <= seq) : versions.current();

  const train = async (here: Place, signal: AbortSignal): Promise<void> => {
    const before = versions.list().find(({ throughSeq }) => throughSeq === here.seq);
    let trainedOn = before === undefined ? 0 : before.trainedOn + before.measured;
    if (before === undefined) {
      progress = { state: 'training', share: 0 };
      const beganMs = clock.nowMs();
      const seed = hashOf(`network through ${here.seq}`);
      const after = Math.max(0, here.seq - schedule.changesMax);
      const made = await worker.train({
        ...{ seed, after, through: here.seq, atLeast: schedule.changesMin / 2 },
        without: [...(options.confirmed?.(here.seq) ?? [])],
        scoreMax: UNLEARNT_SCORE,
        onProgress(share) {
          progress = { state: 'training', share };
        },
      });
      signal.throwIfAborted();
      if (made !== undefined) {
        const { figures, weights, backend, cpuSeconds } = made;
        const seconds = (clock.nowMs() - beganMs) / 1000;
        const from = { seed, throughSeq: here.seq, throughMs: here.atMs };
        versions.add({ ...figures, ...from, backend, seconds, cpuSeconds }, weights);
        trainedOn = figures.trainedOn + figures.measured;
      }
    }
    place.last = { ...here, trainedOn };
    place.promoted = options.mayPromote === true && standing(here.seq).earned;
  };

  /** Takes in one change; returns what the network has to say of it where it may. */
  const take = (change: SeenChange, network: NeuralVersion | undefined): Finding | undefined => {
    const { found, ref, score } = change;
    if (found === undefined || network === undefined) return undefined;
    const bits = weigh(place.shadow, {
      ...{ seq: change.seq, atMs: change.observedMs, surprise: found.surprise, score },
      object: `${ref.cluster} ${ref.group}/${ref.kind} ${ref.namespace}/${ref.name}`,
      machine: isMachine(change.actor.name),
      born: change.type === 'ADDED',
    });
    if (!place.promoted || bits < STANDS_OUT_BITS) return undefined;
    return findingOf(networkJudgement(change, { found, bits, version: network }));
  };

  /** Follows one slice, up to where a training is due at the most. Returns the last change of it. */
  const followSlice = async (signal: AbortSignal): Promise<{ last: Place; due: boolean } | undefined> => {
    const version = currentAfter(place.seq);
    const weights = version === undefined ? undefined : versions.weights(version);
    const network = version === undefined || weights === undefined ? undefined : { name: String(version.id), weights };
    progress = { state: network === undefined ? 'reading' : 'scoring', share: 0 };
    const through = judgedThrough();
    const read = await worker.read({ after: place.seq, limit: SLICE, network });
    signal.throwIfAborted();
    const seen = read.filter(({ seq }) => seq <= through);
    const [first] = seen;
    if (first === undefined) return undefined;
    place.last ??= { seq: first.seq - 1, atMs: first.observedMs, trainedOn: 0 };
    const findings: Finding[] = [];
    let here: Place = { seq: first.seq, atMs: first.observedMs };
    let due = false;
    for (const change of seen) {
      here = { seq: change.seq, atMs: change.observedMs };
      const finding = take(change, version);
      if (finding !== undefined) findings.push(finding);
      due = isDue(here, place.last, schedule);
      if (due) break;
    }
    place.seq = here.seq;
    // Their ids are those of the changes: what is done again after a kill replaces itself.
    if (findings.length > 0) store.commitAnalysis({ findings });
    return { last: here, due };
  };

  const walk = async (signal: AbortSignal): Promise<Place | undefined> => {
    let newest: Place | undefined;
    for (let slices = 1; ; slices++) {
      const slice = await followSlice(signal);
      if (slice === undefined) return newest;
      newest = slice.last;
      if (slice.due) await train(newest, signal);
      if (slice.due || slices % STORED_EACH === 0) savePlace(store, place);
    }
  };

  /** Cheap enough to ask each minute: whether following would end in a training. */
  const worthwhile = (): boolean => {
    const newest = store.changes({ limit: 1 }).items[0];
    if (newest === undefined || newest.seq <= place.seq || newest.seq > judgedThrough()) return false;
    if (place.promoted) return true;
    const [first] = place.last === undefined ? store.changesAfter(0, 1) : [];
    const last = place.last ?? (first && { seq: first.seq - 1, atMs: first.observedMs, trainedOn: 0 });
    return last !== undefined && isDue({ seq: newest.seq, atMs: newest.observedMs }, last, schedule);
  };

  return {
    versions,
    standing: () => standing(),
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
