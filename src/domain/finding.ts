import type { Actor, ChangeType } from './change.ts';
import type { FieldPath } from './field-path.ts';
import type { Json } from './json.ts';
import type { ObjectRef } from './object-ref.ts';

/** One piece of evidence, in words and in numbers, so that a stored finding can be explained later without the model. */
export interface Reason {
  detector: string;
  /** A full sentence a person on call understands without the product's vocabulary. */
  sentence: string;
  /** Surprise in bits of base 10, i.e. -log10 of the calibrated tail probability. */
  bits: number;
  /** Field concerned, if one. */
  path?: FieldPath;
  observed?: Json;
  usual?: Json;
  /** How many past cases the statement rests on. */
  samples?: number;
  /** Which level of habit decided: object, namespace, kind, actor, cluster, controller. */
  scope?: string;
  /** What would not have been flagged, e.g. "the same change by flux". */
  counterfactual?: string;
}

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** What a finding is about: a change, a change that did not come, or a controller's metric. */
export type FindingSubject =
  | { type: 'change'; seq: number; resourceVersion: string; changeType: ChangeType; ref: ObjectRef; uid: string }
  | { type: 'silence'; ref: Partial<ObjectRef> & { cluster: string; kind: string }; actor?: string }
  | { type: 'series'; ref: ObjectRef; controller: string; metric: string };

/** Fields that a change moved, as text to be read: the first few, and how many more there were. */
export interface Moved {
  fields: { path: FieldPath; from?: string; to?: string }[];
  more: number;
}

/** One judged event, after scoring; nearly all of them never become an alert. */
export interface Judgement {
  /** Event time of the finding. */
  tsMs: number;
  subject: FindingSubject;
  actor: Actor;
  /** Of a change to an object that was there before, so that a finding can be read without the change. */
  moved?: Moved;
  /** Combined -log10 tail probability; higher is more anomalous. */
  score: number;
  /** "once in N" judged events, 10^score rounded; at least 1. */
  onceIn: number;
  /** The detector of the strongest reason. */
  detector: string;
  /** Strongest first. */
  reasons: Reason[];
  /** False while the habits it rests on are immature; such findings are stored and never paged. */
  mature: boolean;
  /** A deterministic fact or a user's rule is among the reasons: pages from the first minute. */
  deterministic: boolean;
  severity: Severity;
}

/** An earlier change that shows what is usual of a finding's object. */
export interface ChangeExample {
  seq: number;
  tsMs: number;
  actor: string;
}

export interface Finding extends Judgement {
  /** Stable: equal input gives equal ids. */
  id: string;
  cluster: string;
  /** One plain sentence: what happened and why it is odd. */
  summary: string;
  /** The decision of the policy with its reason, e.g. 'page' / 'held: learning'. */
  decision: Decision;
  /** Findings of one episode share it. */
  episode: string;
}

export interface Decision {
  verdict: 'page' | 'record';
  /** Why: 'over the alert level', 'still learning', 'joined to an open episode', 'weekly budget spent', … */
  why: string;
  /** The verdict of a person that made the difference. */
  heard?: string;
}
