/** What a consistency check came to. */

/** `missed`: the watch did not tell all. `unsettled`: it did not get as far as the list in time. `abandoned`: it was listed anew meanwhile. */
export type CheckResult = 'ok' | 'missed' | 'unsettled' | 'abandoned' | 'unordered' | 'restored' | 'failed';
