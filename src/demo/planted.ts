/** What the generator planted, kept apart from the stream: the answers, for the report and the tests only. */
import type { ObjectRef } from '../domain/object-ref.ts';

export const ANOMALY_CLASSES = [
  'stable-field',
  'odd-hour',
  'odd-actor',
  'odd-value',
  'burst',
  'mass-delete',
  'broken-co-change',
  'privilege',
  'slow-drift',
  'silence',
  'reconcile-errors',
  'reconcile-slow',
] as const;
export type AnomalyClass = (typeof ANOMALY_CLASSES)[number];

export const LOOK_ALIKE_CLASSES = [
  'friday-release',
  'bulk-bump',
  'busy-autoscaler',
  'new-object',
  'nightly-burst',
  'controller-restart',
  'on-call-night',
  'cert-renewal',
  'old-objects-removed',
  'error-blip',
] as const;
export type LookAlikeClass = (typeof LOOK_ALIKE_CLASSES)[number];

export interface MarkedEvent {
  resourceVersion: string;
  tsMs: number;
}

/** Something arranged on purpose, with the events that carry it and those that merely follow from it. */
export interface Mark {
  id: string;
  description: string;
  ref?: ObjectRef;
  actor?: string;
  /** Controller name, where its metrics carry it. */
  controller?: string;
  /** Event time of its beginning and end. */
  tsMs: number;
  endMs: number;
  events: MarkedEvent[];
  /** resourceVersions of what follows from it, such as a controller's answer or a repair: neither hit nor false alarm. */
  aftermath: string[];
}

export interface Planted extends Mark {
  class: AnomalyClass;
  /** What a person could have noticed, in words. */
  detectHint: string;
  /** The latest event time at which a finding is still a detection. */
  dueMs: number;
  /** Any finding on this actor during the incident is about it: whole episodes of one writer. */
  actorEpisode: boolean;
  /** Any finding on this object during the incident is about it: its controller's answers to a storm are part of the storm. */
  objectEpisode: boolean;
  /** A controller that the storm keeps busy: what its metrics show then follows from the anomaly. */
  shakenController?: string;
  /** Silence only: the objects that were not written. */
  silent?: ObjectRef[];
}

export interface LookAlike extends Mark {
  class: LookAlikeClass;
}
