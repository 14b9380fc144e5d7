/**
 * A stretch of history that nobody can tell any more. What an object came to is recorded all the same (origin `relist`); what it went
 * through in between is not known, and a gap says so.
 */

/**
 * `compacted`: the API server had forgotten what came after our position. `restored`: its storage went back in time and a new epoch of
 * resourceVersions began. `missed`: the watch was open and did not tell, found by the consistency relist. `unserved`: the kind
 * went with its objects while nobody looked, or another one was made in its place.
 */
export const GAP_REASONS = ['compacted', 'restored', 'missed', 'unserved'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

export interface Gap {
  cluster: string;
  group: string;
  kind: string;
  /** Of the object; for a gap of a whole kind the only namespace that is watched, or ''. */
  namespace: string;
  /** '' for a gap of the whole kind, which stands for those of its objects and is there even when none of them moved. */
  name: string;
  reason: GapReason;
  /** Last resourceVersion before the gap; absent for an object that was not there. */
  fromVersion?: string;
  /** First resourceVersion after it; absent for an object that is gone. */
  toVersion?: string;
  /** When it was last certain that nothing was missing, where that is known. */
  fromMs?: number;
  toMs: number;
  /** Objects that moved meanwhile; 1 for a gap of an object. */
  objects: number;
  /** Generations between the one before and the one after, all objects together: changes of spec that nobody saw. */
  generationsSkipped: number;
}

/** For people: what happened to the history, one sentence without a full stop. */
export function describeGap({ reason, objects, generationsSkipped, fromVersion, toVersion }: Gap): string {
  const moved = `${objects} ${objects === 1 ? 'object' : 'objects'} moved, at least ${generationsSkipped} changes of spec unseen`;
  const span = `${fromVersion ?? 'an unknown version'} to ${toVersion ?? 'now'}`;
  return `${WHAT_HAPPENED[reason]} (resourceVersion ${span}; ${moved}); listed at /v1/gaps`;
}

const WHAT_HAPPENED: Record<GapReason, string> = {
  compacted: 'the API server had forgotten what came after the last recorded change',
  restored: 'the storage of the API server was set back to an earlier time, as by a restore from a backup',
  missed: 'an open watch did not tell of changes that the consistency relist found',
  unserved: 'the API server serves the kind no more, and its objects went while nobody watched',
};
