/** Something that Crowsnest should see and does not: what the coverage alerts are made of. */
export interface BlindSpot {
  cluster: string;
  problem: BlindProblem;
  /** What cannot be seen: `Kafka.kafka.strimzi.io`, or the cluster or canary as a whole. */
  what: string;
  /** In words, with what to do about it where that is known. Holds nothing of an object but its reference. */
  reason: string;
  /** Since when; for a gap, when it was found. */
  sinceMs: number;
}

/**
 * unreachable  the cluster's kinds cannot be learnt at all
 * forbidden    a kind that was watched may not be read any more
 * broken       a kind has never been seen whole, and trying fails
 * stale        a kind was seen and is not now
 * canary       our own object does not come back through the watch
 * source       a broker or a polled list beside the watches cannot be read
 * gap          history was lost that no list can bring back
 */
export const BLIND_PROBLEMS = ['unreachable', 'forbidden', 'broken', 'stale', 'canary', 'source', 'gap'] as const;
export type BlindProblem = (typeof BLIND_PROBLEMS)[number];
