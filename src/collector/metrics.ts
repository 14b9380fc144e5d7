import { Counter, Gauge, type Registry } from 'prom-client';
import type { CoverageState } from './source.ts';

/** The collector's own metrics. Labels name kinds and reasons, never objects. */
export interface CollectorMetrics {
  /** Events of one type (ADDED, MODIFIED, DELETED or BOOKMARK) that came in one read. */
  events(kind: KindLabels, type: string, count: number, atMs: number): void;
  reject(code: string): void;
  relist(kind: KindLabels): void;
  /** An attempt that came to nothing: forbidden, failed, silent, … */
  error(kind: KindLabels, reason: string): void;
  /** Adds a cluster whose kinds are counted by state at each scrape. */
  watchCoverage(states: () => CoverageState[]): void;
  scrape(ok: boolean): void;
}

export interface KindLabels {
  group: string;
  kind: string;
}

const COVERAGE_STATES: CoverageState[] = ['listing', 'watched', 'stale', 'forbidden', 'broken', 'gone'];

export const NO_METRICS: CollectorMetrics = {
  events() {},
  reject() {},
  relist() {},
  error() {},
  watchCoverage() {},
  scrape() {},
};

export function createCollectorMetrics(registry: Registry): CollectorMetrics {
  const registers = [registry];
  const lastEvent = new Gauge({
    name: 'crowsnest_watch_last_event_timestamp_seconds',
    help: 'When the last event of a kind arrived.',
    labelNames: ['group', 'kind'],
    registers,
  });
  const lastBookmark = new Gauge({
    name: 'crowsnest_watch_last_bookmark_timestamp_seconds',
    help: 'When the last bookmark of a kind arrived.',
    labelNames: ['group', 'kind'],
    registers,
  });
  const events = new Counter({
    name: 'crowsnest_watch_events_total',
    help: 'Watch events and listed objects received.',
    labelNames: ['group', 'kind', 'type'],
    registers,
  });
  const rejects = new Counter({
    name: 'crowsnest_watch_rejects_total',
    help: 'Lines and objects that could not be recorded, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const relists = new Counter({
    name: 'crowsnest_watch_relists_total',
    help: 'Lists that had to be repeated because history was gone.',
    labelNames: ['group', 'kind'],
    registers,
  });
  const errors = new Counter({
    name: 'crowsnest_watch_errors_total',
    help: 'Lists and watches that ended in an error and were tried again.',
    labelNames: ['group', 'kind', 'reason'],
    registers,
  });
  const clusters: (() => CoverageState[])[] = [];
  new Gauge({
    name: 'crowsnest_watch_kinds',
    help: 'Kinds by state of their watch.',
    labelNames: ['state'],
    registers,
    collect() {
      const counts = new Map<string, number>(COVERAGE_STATES.map((state) => [state, 0]));
      for (const states of clusters) for (const state of states()) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) this.set({ state }, count);
    },
  });
  const scrapes = new Counter({
    name: 'crowsnest_scrapes_total',
    help: 'Scrapes of controller metrics.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['ok', 'failed']) scrapes.inc({ result }, 0);
  for (const reason of ['OBJECT_INVALID', 'OBJECT_TOO_LARGE', 'METRICS_UNREADABLE']) rejects.inc({ reason }, 0);
  return {
    events({ group, kind }, type, count, atMs) {
      events.inc({ group, kind, type }, count);
      (type === 'BOOKMARK' ? lastBookmark : lastEvent).set({ group, kind }, atMs / 1000);
    },
    reject: (reason) => rejects.inc({ reason }),
    relist: ({ group, kind }) => relists.inc({ group, kind }),
    error: ({ group, kind }, reason) => errors.inc({ group, kind, reason }),
    watchCoverage: (states) => void clusters.push(states),
    scrape: (ok) => scrapes.inc({ result: ok ? 'ok' : 'failed' }),
  };
}
