/** What the ensemble knows of a detector: its weight, and with whom a surprise of it is compared. */
import type { Detector, Evidence } from './detector.ts';
import type { Part } from './explain.ts';
import type { ChangeEvent } from './features.ts';
import type { Asked, Calibration } from './tails/calibration.ts';
import type { Visit } from './visits.ts';

/** Detectors that find something in each change of a visit that brings the like to many objects. */
const CROWDED = new Set(['stable-field', 'new-value', 'fact']);
/** Detectors for which new objects are a population of their own. */
const BORN_APART = new Set(['new-value', 'new-origin', 'fact', 'sensitive-field', 'leap']);
/** Detectors of an object's tempo, whoever sets it: people and machines are one population. */
export const BY_OBJECT = new Set(['burst', 'pace', 'two-writers']);
/** Detectors of what an actor does to many objects: their visits of one episode are one. */
const BY_ACTOR = new Set(['mass-delete', 'wave']);
/** New objects bring many fields at once, and bring what is news about them anyway; not so one old version where others are known. */
const BORN_SHARE = 0.3;
const BORN_IN_FULL = new Set(['leap']);
const CROWD = 0.7;
const CROWD_NEAR = 1.5;
const WEIGHT_UNNAMED = 0.1;

/** A detector with what is looked up once of it. */
export interface Voice {
  name: string;
  detector: Detector;
  asked: Asked;
  weight: number;
  isCrowded: boolean;
  hasBornApart: boolean;
  bornWeight: number;
  isByObject: boolean;
  isByActor: boolean;
}

export function voiceOf(detector: Detector, asked: Asked, weights: Readonly<Record<string, number>>): Voice {
  const { name } = detector;
  const weight = weights[name] ?? WEIGHT_UNNAMED;
  return {
    name,
    detector,
    asked,
    weight,
    isCrowded: CROWDED.has(name),
    hasBornApart: BORN_APART.has(name),
    bornWeight: weight * (BORN_IN_FULL.has(name) ? 1 : BORN_SHARE),
    isByObject: BY_OBJECT.has(name),
    isByActor: BY_ACTOR.has(name),
  };
}

/** A detector's surprise as the probability that its pool's past gives it. The visit keeps the surprise, so that the next of its like counts less. */
export function partOf(
  voice: Voice,
  evidence: Evidence,
  { event, group }: { event: ChangeEvent; group: Visit },
  calibration: Calibration,
): Part {
  const { name, detector } = voice;
  const surprise = voice.isCrowded ? lessInCrowd(name, evidence.surprise, group) : evidence.surprise;
  const born = event.type === 'ADDED' && voice.hasBornApart;
  const sort = voice.isByObject ? '*' : event.machine ? 'm' : 'h';
  const asker = voice.isByActor ? event.actor.name : event.object;
  const p = calibration.tail(voice.asked, sort, surprise, { asker, group, born });
  const weight = born ? voice.bornWeight : voice.weight;
  return {
    detector: name,
    weight: sort === 'h' ? weight * calibration.weightOfPeople() : weight,
    p,
    isMature: () => detector.mature(event),
    explain: evidence.explain,
  };
}

/** What the tenth change of a visit is worth that is as surprising as nine before it. */
function lessInCrowd(name: string, surprise: number, group: Visit): number {
  group.surprises ??= new Map();
  let others = group.surprises.get(name);
  if (others === undefined) {
    others = [];
    group.surprises.set(name, others);
  }
  let near = 1;
  for (const other of others) if (other >= surprise - CROWD_NEAR) near++;
  others.push(surprise);
  return Math.max(1e-3, surprise - CROWD * Math.log(near));
}
