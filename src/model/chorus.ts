/**
 * The detectors that are asked about every change, in the order in which they speak and learn. Each is called by its name and not out of a list: a call that
 * may lead to any of eighteen classes costs as much as what some of them do.
 */
import type { Change } from '../domain/change.ts';
import type { Detector, Evidence, Group } from './detector.ts';
import { ActorAffinity } from './detectors/actor-affinity.ts';
import { Burst, Pace, type Tempos } from './detectors/burst.ts';
import { CoChange } from './detectors/co-change.ts';
import { Drift } from './detectors/drift.ts';
import type { FactDetector } from './detectors/fact-detector.ts';
import { HandEdit } from './detectors/hand-edit.ts';
import { HourOfWeek } from './detectors/hour-of-week.ts';
import { Leap } from './detectors/leap.ts';
import { NewOrigin } from './detectors/new-origin.ts';
import { NewValue } from './detectors/new-value.ts';
import { SensitiveField } from './detectors/sensitive-field.ts';
import { Sequence } from './detectors/sequence.ts';
import { StableField, Structure } from './detectors/stable-field.ts';
import { TwoWriters } from './detectors/two-writers.ts';
import { MassDelete, Wave, type WaveHabits } from './detectors/wave.ts';
import type { Part } from './explain.ts';
import type { ChangeEvent } from './features.ts';
import type { Others } from './fleet.ts';
import type { Echoes } from './habits/echoes.ts';
import type { PathHabits } from './habits/path-habits.ts';
import type { Calibration } from './tails/calibration.ts';
import type { Visit } from './visits.ts';
import { partOf, type Voice, voiceOf } from './voice.ts';

/** What detectors share, taught by whoever holds it. */
export interface Shared {
  timeZone: string;
  others: Others | undefined;
  habits: PathHabits;
  echoes: Echoes;
  tempos: Tempos;
  facts: FactDetector;
  waves: WaveHabits;
  calibration: Calibration;
}

/** A change to be scored, and the visit that brought it. */
interface Among {
  event: ChangeEvent;
  group: Visit;
}

export class Chorus {
  readonly all: readonly Detector[];
  readonly #actorAffinity;
  readonly #stableField;
  readonly #structure;
  readonly #newValue;
  readonly #newOrigin;
  readonly #leap;
  readonly #hourOfWeek;
  readonly #burst;
  readonly #pace;
  readonly #massDelete;
  readonly #wave;
  readonly #coChange;
  readonly #drift;
  readonly #facts;
  readonly #sensitiveField;
  readonly #twoWriters;
  readonly #handEdit;
  readonly #sequence;
  readonly #calibration: Calibration;
  /** In the order of `all`. */
  readonly #voices: readonly Voice[];

  constructor(shared: Shared, weights: Readonly<Record<string, number>>) {
    const { timeZone, others, habits, echoes, tempos, facts, waves, calibration } = shared;
    this.#actorAffinity = new ActorAffinity(others);
    this.#stableField = new StableField(habits);
    this.#structure = new Structure(habits, others);
    this.#newValue = new NewValue(others);
    this.#newOrigin = new NewOrigin(others);
    this.#leap = new Leap();
    this.#hourOfWeek = new HourOfWeek({ timeZone, echoes });
    this.#burst = new Burst(tempos);
    this.#pace = new Pace(tempos);
    this.#massDelete = new MassDelete(waves);
    this.#wave = new Wave(waves);
    this.#coChange = new CoChange(habits);
    this.#drift = new Drift(habits);
    this.#facts = facts;
    this.#sensitiveField = new SensitiveField(habits);
    this.#twoWriters = new TwoWriters();
    this.#handEdit = new HandEdit();
    this.#sequence = new Sequence();
    this.all = [
      this.#actorAffinity,
      this.#stableField,
      this.#structure,
      this.#newValue,
      this.#newOrigin,
      this.#leap,
      this.#hourOfWeek,
      this.#burst,
      this.#pace,
      this.#massDelete,
      this.#wave,
      this.#coChange,
      this.#drift,
      this.#facts,
      this.#sensitiveField,
      this.#twoWriters,
      this.#handEdit,
      this.#sequence,
    ] as Detector[];
    this.#calibration = calibration;
    this.#voices = this.all.map((detector) => voiceOf(detector, calibration.askedOf(detector.name), weights));
  }

  /** What they have to say of a change. */
  score(among: Among, change: Pick<Change, 'state' | 'member'>): Part[] {
    const { event, group } = among;
    const parts: Part[] = [];
    this.#hear(0, this.#actorAffinity.score(event), among, parts);
    this.#hear(1, this.#stableField.score(event, group), among, parts);
    this.#hear(2, this.#structure.score(event, group), among, parts);
    this.#hear(3, this.#newValue.score(event, group), among, parts);
    this.#hear(4, this.#newOrigin.score(event, group), among, parts);
    this.#hear(5, this.#leap.score(event), among, parts);
    this.#hear(6, this.#hourOfWeek.score(event), among, parts);
    this.#hear(7, this.#burst.score(event), among, parts);
    this.#hear(8, this.#pace.score(event), among, parts);
    this.#hear(9, this.#massDelete.score(event, group), among, parts);
    this.#hear(10, this.#wave.score(event, group), among, parts);
    this.#hear(11, this.#coChange.score(event, group, change), among, parts);
    this.#hear(12, this.#drift.score(event), among, parts);
    this.#hear(13, this.#facts.score(event, group), among, parts);
    this.#hear(14, this.#sensitiveField.score(event, group), among, parts);
    this.#hear(15, this.#twoWriters.score(event, group), among, parts);
    this.#hear(16, this.#handEdit.score(event), among, parts);
    this.#hear(17, this.#sequence.score(event, group), among, parts);
    return parts;
  }

  #hear(voice: number, evidence: Evidence | undefined, among: Among, parts: Part[]): void {
    // Neither NaN nor infinity: one of them in a pool would spoil the ranks of all that follow.
    if (evidence === undefined || !(evidence.surprise > 0 && Number.isFinite(evidence.surprise))) return;
    parts.push(partOf(this.#voices[voice] as Voice, evidence, among, this.#calibration));
  }

  learn(event: ChangeEvent, group: Group): void {
    this.#actorAffinity.learn(event, group);
    this.#stableField.learn(event);
    this.#newValue.learn(event);
    this.#newOrigin.learn(event);
    this.#leap.learn(event);
    this.#hourOfWeek.learn(event, group);
    this.#massDelete.learn(event, group);
    this.#coChange.learn(event, group);
    this.#drift.learn(event);
    this.#facts.learn(event);
    this.#sensitiveField.learn(event);
    this.#twoWriters.learn(event);
    this.#handEdit.learn(event);
    this.#sequence.learn(event);
  }
}
