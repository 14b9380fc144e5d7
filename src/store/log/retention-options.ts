/** How long the record is kept. */
export interface RetentionOptions {
  /** Every change is kept for this long; by default for ever. */
  keepChangesMs: number;
  /** Daily checkpoints are kept for this long, at least as long as all changes. */
  keepCheckpointsMs: number;
  /** Share of the changes of a span that evidence may keep at most, not counting the change before each. */
  evidenceShare: number;
}

export const RETENTION_DEFAULTS: RetentionOptions = {
  keepChangesMs: Number.POSITIVE_INFINITY,
  keepCheckpointsMs: Number.POSITIVE_INFINITY,
  evidenceShare: 0.1,
};
