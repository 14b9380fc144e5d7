/**
 * What a controller's last reconciles were like, whatever time they took: each reconcile halves what those before it count once as many
 * have come as a half-life has. So a share or a quantile always rests on about as many cases, and a controller of ten reconciles an hour is
 * judged by as many as one of ten a second; from a fixed time one error in twenty reconciles would be a share of five per cent.
 */

/** Reconciles that halve the weight of those before. A share of errors of 1 % needs about as many as it has, a 99 % point several times that. */
const ERRORS_HALF_LIFE = 50;
const TIMED_HALF_LIFE = 300;

export interface Lately {
  errors: number;
  total: number;
  /** Faded number of reconciles by upper bound of their duration. */
  buckets: Map<number, number>;
}

export function makeLately(): Lately {
  return { errors: 0, total: 0, buckets: new Map() };
}

export function addReconciles(lately: Lately, { errors, total }: { errors: number; total: number }): void {
  const keep = 2 ** (-total / ERRORS_HALF_LIFE);
  lately.errors = lately.errors * keep + errors;
  lately.total = lately.total * keep + total;
}

/** Increases of a cumulative histogram. */
export function addDurations(lately: Lately, increases: ReadonlyMap<number, number>): void {
  const keep = 2 ** (-Math.max(0, ...increases.values()) / TIMED_HALF_LIFE);
  for (const [bound, n] of lately.buckets) if (!increases.has(bound)) lately.buckets.set(bound, n * keep);
  for (const [bound, n] of increases) lately.buckets.set(bound, (lately.buckets.get(bound) ?? 0) * keep + n);
}
