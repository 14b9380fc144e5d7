import type { Observation } from '../domain/change.ts';
import type { Delivery } from '../domain/delivery.ts';
import type { Gap } from '../domain/gap.ts';
import type { KubeEvent } from '../domain/kube-event.ts';
import type { ToldLists } from '../domain/schema-book.ts';
import type { KnownKind } from '../domain/series/controller-ties.ts';
import type { Scrape } from '../domain/series/series.ts';
import type { ToldVerdict } from '../domain/verdict.ts';
import type { Claim } from '../domain/who/claim.ts';
import type { Reject } from '../store/store.ts';

/** What a source delivers, in order per object. `cursors` cover everything delivered up to and including this batch. */
export interface SourceBatch {
  observations: Observation[];
  scrapes?: Scrape[];
  /** Who wrote what, from admission, audit or a push; joined with changes by the pipeline. */
  claims?: Claim[];
  /** What controllers say of recorded objects; not masked yet. */
  kubeEvents?: KubeEvent[];
  rejects?: Reject[];
  /** Stretches of history found missing. */
  gaps?: Gap[];
  /** Identities of what was pushed, remembered in the same transaction. */
  deliveries?: Delivery[];
  /** What people say of findings, before all else of the batch: it weighs on that, and not on what was delivered earlier. */
  verdicts?: ToldVerdict[];
  /** By which keys items of lists are told apart from now on, where no API server tells; before all else of the batch. */
  lists?: ToldLists[];
  /** All kinds there are from now on, where no discovery tells. */
  kinds?: KnownKind[];
  /** Everything up to here, milliseconds, is told: what has not come by now was not there. A live cluster's time passes without saying so. */
  seenToMs?: number;
  cursors?: Record<string, string>;
}

/** Where batches go. The promise resolves once the batch is durable: a source awaits it, which is the back-pressure onto the watch. */
export type Sink = (batch: SourceBatch) => Promise<void>;

/** A source of observations: a cluster's watches, a scraper, a recorded stream. */
export interface Source {
  readonly name: string;
  /** Runs until the source ends (a file) or the signal aborts (a cluster). Rejects only on what cannot be retried. */
  run(sink: Sink, signal: AbortSignal): Promise<void>;
}

export type CoverageState = 'listing' | 'watched' | 'stale' | 'forbidden' | 'broken' | 'gone' | 'excluded';

/** Whether a cluster can be asked what it serves. */
export interface ClusterReach {
  cluster: string;
  state: 'connecting' | 'reached' | 'unreachable';
  sinceMs: number;
  /** Why it is not reached. */
  reason?: string;
  /** Where a canary is allowed. */
  canary?: CanaryStatus;
}

/** How a source beside the clusters stands: a message broker, a polled list. */
export interface SourceReach {
  /** The cluster its changes are of. */
  cluster: string;
  name: string;
  state: 'connecting' | 'reached' | 'unreachable';
  sinceMs: number;
  /** Why it is not reached. */
  reason?: string;
}

/** How our own object fares that proves the way through a watch. */
export interface CanaryStatus {
  state: 'waiting' | 'seen' | 'missing';
  sinceMs: number;
  reason?: string;
  lastSeenMs?: number;
  /** From the last write to the record. */
  latencyMs?: number;
}

/** How well one kind is seen. */
export interface KindCoverage {
  cluster: string;
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  state: CoverageState;
  /** Since when it is in this state. */
  sinceMs: number;
  /** Why it is not watched, in words, with the RBAC rule to add when forbidden. */
  reason?: string;
  /** It was seen whole once, in this run or an earlier one: being forbidden now is news. */
  everWatched: boolean;
  objects: number;
  lastEventMs?: number;
  lastBookmarkMs?: number;
  /** How far behind what is known may be: time since the last proof of life, which is an event, a bookmark or a new connection. */
  lagMs?: number;
  relists: number;
  /** Only its metadata is read. */
  metadataOnly?: boolean;
  /** Only objects that fit are followed. */
  labelSelector?: string;
  fieldSelector?: string;
  /** Counts the histories of resourceVersions, from 1: a restore from a backup begins a new one. */
  epoch?: number;
  /** Stretches of history lost since the start. */
  gaps?: number;
  lastGapMs?: number;
  /** Objects the watch did not tell of, found by the consistency relist since the start. */
  missed?: number;
  lastCheckMs?: number;
}
