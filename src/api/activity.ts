/**
 * How many changes per hour of event time, for the strip on the page. The store has no such sum, so this counts the change log
 * once, newest first, and then only what is new since; it holds one number per hour.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AsyncStore } from '../store/async-store.ts';

const HOUR_MS = 3_600_000;
const PAGE = 1000;
/** Reading back further than this at start would take seconds; older hours are then reported as not counted. */
const LOOK_BACK_CHANGES = 300_000;

export interface ActivityCounts {
  fromMs: number;
  toMs: number;
  stepMs: number;
  counts: number[];
  partial: boolean;
}

export class ActivityLog {
  private readonly store: AsyncStore;
  private readonly perHour = new Map<number, number>();
  private seenSeq = 0;
  private partial = false;
  private running: Promise<void> | undefined;

  constructor(store: AsyncStore) {
    this.store = store;
  }

  /** Counts from `fromMs` to `toMs` in steps of whole hours, at most `steps` of them; `fromMs` and `toMs` are widened to whole steps. */
  async counts(fromMs: number, toMs: number, steps: number): Promise<ActivityCounts> {
    await this.refresh();
    const stepMs = Math.max(1, Math.ceil((toMs - fromMs) / steps / HOUR_MS)) * HOUR_MS;
    const start = Math.floor(fromMs / stepMs) * stepMs;
    const counts = new Array<number>(Math.max(1, Math.floor((toMs - start) / stepMs) + 1)).fill(0);
    for (const [hour, count] of this.perHour) {
      const step = Math.floor((hour * HOUR_MS - start) / stepMs);
      if (step >= 0 && step < counts.length) counts[step] = (counts[step] ?? 0) + count;
    }
    return { fromMs: start, toMs: start + counts.length * stepMs, stepMs, counts, partial: this.partial };
  }

  private refresh(): Promise<void> {
    this.running ??= this.readNew().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async readNew(): Promise<void> {
    const known = this.seenSeq;
    let position: string | undefined;
    for (let read = 0; ; read += PAGE) {
      if (read >= LOOK_BACK_CHANGES) {
        this.partial = true;
        return;
      }
      const page = await this.store.changes({ limit: PAGE, ...(position === undefined ? {} : { continue: position }) });
      for (const change of page.items) {
        if (change.seq <= known) return;
        if (change.seq > this.seenSeq) this.seenSeq = change.seq;
        const hour = Math.floor(change.observedMs / HOUR_MS);
        this.perHour.set(hour, (this.perHour.get(hour) ?? 0) + 1);
      }
      position = page.continue;
      if (position === undefined) return;
      await nextTurn();
    }
  }
}
