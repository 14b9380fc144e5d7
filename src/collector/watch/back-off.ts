export interface BackOffOptions {
  baseMs: number;
  msMax: number;
  /** 0 ≤ value < 1; injected so that tests and simulations repeat. */
  random: () => number;
}

/** Exponential waiting with jitter: attempt n (from 1) waits between half and all of `baseMs · 2^(n-1)`, at most `msMax`. */
export function backOffMs(attempt: number, options: BackOffOptions): number {
  const full = Math.min(options.msMax, options.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(full * (0.5 + options.random() / 2));
}

/** `ms` give or take `share` of it. */
export function jittered(ms: number, share: number, random: () => number): number {
  return Math.round(ms * (1 + share * (2 * random() - 1)));
}
