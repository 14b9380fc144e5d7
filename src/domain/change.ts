import type { FieldDiff } from './diff/field-diff.ts';
import type { Json } from './json.ts';
import type { KubeObject, ObjectRef } from './object-ref.ts';
import type { ScannedObject } from './scan/object-scan.ts';

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/**
 * How we know who made a change: what a recorded stream states; the user whom the API server authenticated, seen at admission or in its
 * audit log; what somebody pushed to us; managedFields, whose names are chosen by the client and so only a hint.
 */
export const ACTOR_SOURCES = ['stream', 'admission', 'audit', 'pushed', 'managedFields', 'none'] as const;
export type ActorSource = (typeof ACTOR_SOURCES)[number];

/** Who may have made a change, with how we know and how sure we are. The ladder of confidence is in docs/who.md. */
export interface Actor {
  /** A user name, service account, bot or field manager, as the source gives it; 'unknown' where no source says. */
  name: string;
  source: ActorSource;
  /** 0 to 1. */
  confidence: number;
  /** managedFields only: Apply or Update. */
  operation?: string;
  /** The authenticated user who acted as `name`. */
  impersonatedBy?: string;
  /** What an authenticated client called itself in managedFields. */
  fieldManager?: string;
}

export const UNKNOWN_ACTOR: Actor = { name: 'unknown', source: 'none', confidence: 0 };

/**
 * How a change came to be known: told by a watch, found by comparing a list with the store, played from a recording, or pushed by somebody who
 * may be late, tell twice, or tell of what a watch tells too.
 */
export type ChangeOrigin = 'watch' | 'list' | 'relist' | 'replay' | 'push';

/**
 * What a source hands to the pipeline: one watch event, parsed but neither masked nor compared yet.
 * The object still holds managedFields.
 */
export interface Observation {
  cluster: string;
  type: ChangeType;
  object: KubeObject;
  /** The text it came as, by sections; then reading `object` may mean parsing it, and throw. */
  scanned?: ScannedObject;
  /** Event time, milliseconds since the epoch: when it was observed live, or what the stream states. */
  observedMs: number;
  origin: ChangeOrigin;
  /** Who a recorded stream says it was. */
  actor?: string;
  /** Only the metadata was asked for: that there is no content means nothing. */
  partial?: boolean;
}

/** Tools that keep objects as a repository says. */
export type GitopsTool = 'flux' | 'argocd' | 'helm';

/** One transition of one object, as recorded. Order within an object is by `seq`. */
export interface Change {
  /** Position in the change log, rising, from 1. */
  seq: number;
  ref: ObjectRef;
  uid: string;
  type: ChangeType;
  origin: ChangeOrigin;
  observedMs: number;
  resourceVersion: string;
  generation: number | undefined;
  /** The likeliest of `candidates`. */
  actor: Actor;
  candidates: Actor[];
  /** Made by Crowsnest's own field manager: recorded, never judged. */
  own: boolean;
  /** Changed leaves; for ADDED every leaf as `add`, for DELETED empty. */
  diff: FieldDiff[];
  /** Masked state after the change, without managedFields; for DELETED the last state. */
  state: KubeObject;
  /** The tool whose marks `state` bears, where that is to be had for less than the whole of it. */
  keeper?(): GitopsTool | undefined;
  /** What `state` has at a member of a top-level member, where that is to be had for less than the whole of it; undefined where it is not. */
  member?(top: string, key: string): Json | undefined;
}
