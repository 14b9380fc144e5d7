import type { Clock } from '../../domain/clock.ts';
import type { Gap } from '../../domain/gap.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { compareResourceVersions } from '../../domain/resource-version.ts';
import type { ScannedObject } from '../../domain/scan/object-scan.ts';
import { collectionPath } from '../../kube/discovery.ts';
import { type KubeClient, KubeStatusError } from '../../kube/kube-client.ts';
import type { BatchBuilder } from './batch-builder.ts';
import type { HistoryGap } from './history-gap.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { KindStatus } from './kind-status.ts';
import { type Found, gone, type KnownHead, ListComparison } from './list-comparison.ts';
import { METADATA_ACCEPT } from './read-mode.ts';
import type { SelectionCheck } from './selection-check.ts';
import type { Unreadable } from './watch-event.ts';

export interface ListOptions {
  client: KubeClient;
  kind: PlannedKind;
  clock: Clock;
  status: KindStatus;
  heads: Iterable<KnownHead>;
  /** What the list has to make up for; undefined for a first list. */
  gap: HistoryGap | undefined;
  /** What is recorded as alive of the kind that this one was made in the place of. */
  former?: { gap: HistoryGap; heads: Iterable<KnownHead> } | undefined;
  /** The cursor that stands for a resourceVersion. */
  cursorOf: (resourceVersion: string) => string;
  /** For a kind that is watched by a selector. */
  selection?: SelectionCheck | undefined;
  /** Called once the list is complete and durable. */
  finished: () => void;
}

/** What the server shows is older than what is recorded: its storage was set back to an earlier time. */
export class HistoryWentBackError extends Error {
  constructor(what: string) {
    super(`${what}, so the API server's storage was restored to an earlier time`);
    this.name = 'HistoryWentBackError';
  }
}

/** An object that a list shows, or that a streaming list tells of. */
export interface Met {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
  scanned?: ScannedObject | undefined;
}

interface Telling {
  met?: Met | undefined;
  gap?: HistoryGap | undefined;
}

/** A list under way, in pages or as a stream: what it is compared with, and what is to be done when its last object has come. */
export class ListInProgress {
  readonly #options: ListOptions;
  readonly #comparison: ListComparison;
  /** Objects that could not even be named. */
  #unnamed = 0;

  constructor(options: ListOptions) {
    this.#options = options;
    const { heads, gap } = options;
    this.#comparison = new ListComparison(heads, gap === undefined ? 'list' : 'relist', this.#isAfterRestore());
  }

  /** `scanned` is the text of the object, where it could be scanned. */
  meet(met: Met, batch: BatchBuilder, nowMs: number): void {
    for (const found of this.#comparison.meet(met.type, met.object)) this.#tell(found, batch, nowMs, { met });
  }

  reject(unreadable: Unreadable, batch: BatchBuilder, nowMs: number): void {
    const { name, namespace = '' } = unreadable.identity;
    if (name === undefined) this.#unnamed += 1;
    else this.#comparison.keep(namespace, name);
    this.#options.status.rejected(unreadable, batch, nowMs);
  }

  /**
   * Delivers the deletions nobody saw and then the position, in one batch with the last of them. Throws HistoryWentBackError when the list
   * turns out to be of another history than the record, unless it was made for that.
   */
  async finish(position: string, batch: BatchBuilder, signal: AbortSignal): Promise<void> {
    const { clock, status, selection, finished, gap, cursorOf } = this.#options;
    if (!this.#isAfterRestore()) this.#checkHistory(position);
    const lostFormer = await this.#tellFormer(batch);
    for (const head of this.#comparison.missing()) {
      // When objects could not be named, what is missing may be one of them, so the server is asked about each.
      if (this.#unnamed > 0 && !(await this.#isGone(head, signal))) continue;
      const found = selection === undefined ? gone(head) : await selection.missing(head, signal, gone);
      if (found !== undefined) this.#tell(found, batch, clock.nowMs());
      if (batch.isFull) await batch.flush();
    }
    const lost = gap?.ofKind(position, clock.nowMs());
    if (lost !== undefined) batch.gap(lost);
    await batch.flush(cursorOf(position));
    if (lostFormer !== undefined) status.lostHistory(lostFormer);
    if (lost !== undefined) status.lostHistory(lost);
    status.objects = this.#comparison.objects;
    finished();
  }

  /** Resolves with the gap of the former kind, if anything of it was alive. */
  async #tellFormer(batch: BatchBuilder): Promise<Gap | undefined> {
    const { former, clock } = this.#options;
    if (former === undefined) return undefined;
    // All of them first: what is delivered changes what is alive.
    for (const head of [...former.heads]) {
      this.#tell(gone(head), batch, clock.nowMs(), { gap: former.gap });
      if (batch.isFull) await batch.flush();
    }
    const lost = former.gap.ofKind(undefined, clock.nowMs());
    if (lost.objects === 0) return undefined;
    batch.gap(lost);
    return lost;
  }

  #tell(found: Found, batch: BatchBuilder, nowMs: number, { met, gap = this.#options.gap }: Telling = {}): void {
    batch.add(found.object === met?.object ? { ...found, scanned: met.scanned } : found, nowMs);
    const lost = gap?.of(found, nowMs);
    if (lost !== undefined) batch.gap(lost);
  }

  #checkHistory(position: string): void {
    const from = this.#options.gap?.broken.from?.resourceVersion;
    if (from !== undefined && compareResourceVersions(position, from) === 'older')
      throw new HistoryWentBackError(`the list is at resourceVersion ${position}, the record at ${from}`);
    if (this.#comparison.wentBack) throw new HistoryWentBackError('the list shows objects older than they are recorded');
  }

  #isAfterRestore(): boolean {
    return this.#options.gap?.broken.reason === 'restored';
  }

  async #isGone(head: KnownHead, signal: AbortSignal): Promise<boolean> {
    const { client, kind } = this.#options;
    const { name, namespace } = head.ref;
    const path = `${collectionPath(kind, namespace === '' ? undefined : namespace)}/${encodeURIComponent(name)}`;
    try {
      const object = await client.request('GET', path, { accept: METADATA_ACCEPT, signal });
      return (object.metadata as { uid?: unknown } | undefined)?.uid !== head.uid;
    } catch (error) {
      if (error instanceof KubeStatusError && error.status === 404) return true;
      throw error;
    }
  }
}
