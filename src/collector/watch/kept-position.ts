/**
 * How far one kind's stream is recorded, and what is kept of it across restarts. Never ahead of what is durable: `remember` is called after a
 * delivery, with the position that was delivered along. A position that is given up leaves a gap, until a list has made up for it.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { ConditionWaits } from './condition-waits.ts';
import { HistoryGap } from './history-gap.ts';
import type { PlannedKind } from './kind-plan.ts';
import type { KindStatus } from './kind-status.ts';
import { selectionSuffix } from './read-mode.ts';
import { type Break, decodePosition, encodeBreak, encodePosition, type StreamPosition } from './stream-position.ts';

export interface KeptPositionOptions {
  cluster: string;
  kind: PlannedKind;
  /** The only namespace that is watched, if so. */
  namespace: string | undefined;
  clock: Clock;
  logger: Logger;
  /** Positions stored by earlier runs. */
  cursors: { cursor(name: string): string | undefined };
  /** Holds the epoch, which coverage shows. */
  status: KindStatus;
}

export class KeptPosition {
  readonly #options: KeptPositionOptions;
  readonly cursorName: string;
  /** The resourceVersion all up to which is durable; undefined before the first list is. */
  #resourceVersion: string | undefined;
  /** When that was the newest that the server told. */
  #atMs: number | undefined;
  /** A position was lost, so history has a gap that the next list makes up for. */
  #gap: HistoryGap | undefined;
  #former: HistoryGap | undefined;
  #history = 0;
  #steps = 0;
  readonly #waits = new ConditionWaits();

  constructor(options: KeptPositionOptions) {
    this.#options = options;
    this.cursorName = cursorName(options.cluster, options.kind, options.namespace);
  }

  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  get gap(): HistoryGap | undefined {
    return this.#gap;
  }

  /**
   * The stored position is of another kind, which this one was made in the place of: a CRD keeps the name of its kind as long as it lives, and
   * its objects go with it. The first list of this kind tells that they went.
   */
  get former(): HistoryGap | undefined {
    return this.#former;
  }

  /** Moves with every position that is given up. */
  get history(): number {
    return this.#history;
  }

  /** Moves with every delivery that became durable with its position. */
  get steps(): number {
    return this.#steps;
  }

  /** Takes up what an earlier run stored; true when that was a position to go on from. An empty one was given up for a list which then did not finish. */
  resume(): boolean {
    const { position, broken, epoch, kind } = this.#stored();
    this.#options.status.epoch = epoch;
    if (kind !== '' && kind !== this.#options.kind.kind) {
      this.#former = this.#gapOf({ reason: 'unserved', from: position ?? broken?.from }, kind);
      return false;
    }
    if (broken !== undefined) this.#gap = this.#gapOf(broken);
    if (position === undefined) return false;
    this.#resourceVersion = position.resourceVersion;
    this.#atMs = position.atMs;
    return true;
  }

  /** A delivery that failed may have been recorded all the same; told again from before it, its changes would be recorded twice. */
  catchUp(): void {
    if (this.#resourceVersion === undefined) return;
    try {
      const { position } = this.#stored();
      if (position !== undefined) this.#resourceVersion = position.resourceVersion;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.logger.warn({ cursor: this.cursorName, reason }, 'the stored position cannot be read');
    }
  }

  remember(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#atMs = this.#options.clock.nowMs();
    this.#steps += 1;
    this.#waits.moved();
  }

  /** Gives up the position. What a gap began with stays, however many lists it takes to make up for it. */
  forget(reason: Break['reason']): void {
    const { status } = this.#options;
    const known = this.#resourceVersion;
    const from = known === undefined ? undefined : { resourceVersion: known, atMs: this.#atMs };
    if (reason === 'restored') status.epoch += 1;
    if (reason === 'restored' || (this.#gap === undefined && from !== undefined))
      this.#gap = this.#gapOf({ reason, from: from ?? this.#gap?.broken.from });
    if (known !== undefined) this.#history += 1;
    this.#resourceVersion = undefined;
    this.#waits.moved();
  }

  /** A list has made up for what was lost. */
  closeGap(): void {
    this.#gap = undefined;
    this.#former = undefined;
  }

  /** Resolves once the condition holds; asked whenever the position moves. */
  until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return this.#waits.until(condition, signal);
  }

  /** The cursor that stands for a resourceVersion told now. */
  cursorOf(resourceVersion: string): string {
    const { clock, status, kind } = this.#options;
    return encodePosition({ resourceVersion, atMs: clock.nowMs() }, status.epoch, kind.kind);
  }

  /** The cursor that says where history broke off; stored before the list that makes up for it. */
  cursorOfGap({ broken }: HistoryGap): string {
    return encodeBreak(broken, this.#options.status.epoch, (this.#former ?? this.#options).kind.kind);
  }

  #stored() {
    return decodePosition(this.#options.cursors.cursor(this.cursorName));
  }

  #gapOf(broken: Break, kind = this.#options.kind.kind): HistoryGap {
    const { cluster, namespace } = this.#options;
    return new HistoryGap({ cluster, kind: { group: this.#options.kind.group, kind }, namespace, broken });
  }
}

/** The name a stream's position is stored under. */
export function cursorName(cluster: string, kind: PlannedKind, namespace?: string): string {
  const place = namespace === undefined ? '' : `/${namespace}`;
  return `watch:${cluster}/${kind.group}/${kind.plural}${place}${selectionSuffix(kind)}`;
}

/** What the stored position of a stream says of what was watched. */
export interface WatchedStream {
  group: string;
  plural: string;
  kind: string;
  /** How far it came, where that is known. */
  position: StreamPosition | undefined;
}

/** The streams of a cluster whose positions are stored and say their kind, whatever their namespace or selection. */
export function watchedStreams(cluster: string, cursors?: (prefix: string) => Record<string, string>): WatchedStream[] {
  const prefix = `watch:${cluster}/`;
  return Object.entries(cursors?.(prefix) ?? {}).flatMap(([name, stored]) => {
    const [group = '', plural = ''] = name.slice(prefix.length).split(/[/?#]/, 2);
    const { position, broken, kind } = decodePosition(stored);
    // A plural has no dot; a cluster whose name begins with this one's and a slash has a group there.
    return kind === '' || plural === '' || plural.includes('.')
      ? []
      : [{ group, plural, kind, position: position ?? broken?.from }];
  });
}
