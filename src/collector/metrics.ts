import { Counter, Gauge, type Registry } from 'prom-client';
import type { GapReason } from '../domain/gap.ts';
import type { TargetHealth } from './reconcile/target-health.ts';
import type { CoverageState, KindCoverage } from './source.ts';

/** The collector's own metrics. Labels name kinds and reasons, never objects. */
export interface CollectorMetrics {
  /** Events of one type (ADDED, MODIFIED, DELETED or BOOKMARK) that came in one read. */
  events(kind: KindLabels, type: string, count: number, atMs: number): void;
  reject(code: string): void;
  relist(kind: KindLabels): void;
  /** A stretch of history that is lost for good. */
  gap(kind: KindLabels, reason: GapReason): void;
  /** A consistency relist, by what it came to, with the objects that the watch had missed. */
  check(kind: KindLabels, result: string, missed: number): void;
  /** So many more (or fewer) objects wait to be asked for one by one. */
  verifying(more: number): void;
  retried(): void;
  /** So many more (or fewer) lists and watches wait for a place to begin. */
  starting(more: number): void;
  /** An attempt that came to nothing: forbidden, failed, silent, … */
  error(kind: KindLabels, reason: string): void;
  /** Shows a cluster's kinds, asked for at each scrape. */
  watchCoverage(rows: () => KindCoverage[]): void;
  /** Shows how many metrics pages are read, asked for at each scrape. */
  watchTargets(rows: () => TargetHealth[]): void;
  scrape(ok: boolean): void;
}

export interface KindLabels {
  group: string;
  kind: string;
}

const COVERAGE_STATES: CoverageState[] = ['listing', 'watched', 'stale', 'forbidden', 'broken', 'gone', 'excluded'];

/** Not to be seen, so neither behind nor blind. */
function isOut(state: CoverageState): boolean {
  return state === 'gone' || state === 'excluded';
}

export const NO_METRICS: CollectorMetrics = {
  events() {},
  reject() {},
  relist() {},
  gap() {},
  check() {},
  verifying() {},
  retried() {},
  starting() {},
  error() {},
  watchCoverage() {},
  watchTargets() {},
  scrape() {},
};

/** The metrics of all clusters; each collector counts under its cluster's name. */
export function createCollectorMetrics(registry: Registry): { of(cluster: string): CollectorMetrics } {
  const registers = [registry];
  const kindLabels = ['cluster', 'group', 'kind'] as const;
  const lastEvent = new Gauge({
    name: 'crowsnest_watch_last_event_timestamp_seconds',
    help: 'When the last event of a kind arrived.',
    labelNames: kindLabels,
    registers,
  });
  const lastBookmark = new Gauge({
    name: 'crowsnest_watch_last_bookmark_timestamp_seconds',
    help: 'When the last bookmark of a kind arrived.',
    labelNames: kindLabels,
    registers,
  });
  const events = new Counter({
    name: 'crowsnest_watch_events_total',
    help: 'Watch events and listed objects received.',
    labelNames: [...kindLabels, 'type'],
    registers,
  });
  const rejects = new Counter({
    name: 'crowsnest_watch_rejects_total',
    help: 'Lines and objects that could not be recorded, by reason.',
    labelNames: ['cluster', 'reason'],
    registers,
  });
  const relists = new Counter({
    name: 'crowsnest_watch_relists_total',
    help: 'Lists that had to be repeated because history was gone.',
    labelNames: kindLabels,
    registers,
  });
  const gaps = new Counter({
    name: 'crowsnest_watch_gaps_total',
    help: 'Stretches of history lost for good: compacted by the API server, cut by a restored backup, or not told by an open watch.',
    labelNames: [...kindLabels, 'reason'],
    registers,
  });
  const checks = new Counter({
    name: 'crowsnest_watch_consistency_checks_total',
    help: 'Consistency relists, by what they came to.',
    labelNames: ['cluster', 'result'],
    registers,
  });
  const missed = new Counter({
    name: 'crowsnest_watch_missed_total',
    help: 'Objects of which an open watch did not tell all, found by the consistency relist and recorded then.',
    labelNames: kindLabels,
    registers,
  });
  const verifying = new Gauge({
    name: 'crowsnest_watch_verify_queue',
    help: 'Objects waiting to be asked for one by one by a consistency relist; at most 10000 for each kind, the rest is left to the next.',
    labelNames: ['cluster'],
    registers,
  });
  const retries = new Counter({
    name: 'crowsnest_watch_verify_retries_total',
    help: 'Objects asked for again after a failure.',
    labelNames: ['cluster'],
    registers,
  });
  const starting = new Gauge({
    name: 'crowsnest_watch_start_queue',
    help: 'Lists and watches that wait to begin, as only a few of a cluster do so at a time.',
    labelNames: ['cluster'],
    registers,
  });
  const errors = new Counter({
    name: 'crowsnest_watch_errors_total',
    help: 'Lists and watches that ended in an error and were tried again.',
    labelNames: [...kindLabels, 'reason'],
    registers,
  });
  const clusters = new Map<string, () => KindCoverage[]>();
  new Gauge({
    name: 'crowsnest_watch_kinds',
    help: 'Kinds by state of their watch.',
    labelNames: ['cluster', 'state'],
    registers,
    collect() {
      for (const [cluster, rows] of clusters) {
        const counts = new Map<string, number>(COVERAGE_STATES.map((state) => [state, 0]));
        for (const { state } of rows()) counts.set(state, (counts.get(state) ?? 0) + 1);
        for (const [state, count] of counts) this.set({ cluster, state }, count);
      }
    },
  });
  const perKind = (name: string, help: string, read: (row: KindCoverage) => number | undefined) =>
    new Gauge({
      name,
      help,
      labelNames: kindLabels,
      registers,
      collect() {
        // A kind that is gone must not keep its last value.
        this.reset();
        for (const [cluster, rows] of clusters) {
          for (const row of rows()) {
            const value = read(row);
            if (value !== undefined) this.set({ cluster, group: row.group, kind: row.kind }, value);
          }
        }
      },
    });
  perKind('crowsnest_watch_lag_seconds', 'Time since the last proof that a kind is still followed.', ({ state, lagMs }) =>
    isOut(state) || lagMs === undefined ? undefined : lagMs / 1000,
  );
  perKind('crowsnest_watch_blind', '1 while a kind that should be seen is not: stale, broken or forbidden.', ({ state }) =>
    isOut(state) ? undefined : Number(state === 'stale' || state === 'broken' || state === 'forbidden'),
  );
  const scrapes = new Counter({
    name: 'crowsnest_scrapes_total',
    help: 'Scrapes of controller metrics.',
    labelNames: ['result'],
    registers,
  });
  for (const result of ['ok', 'failed']) scrapes.inc({ result }, 0);
  const scrapers = new Map<string, () => TargetHealth[]>();
  new Gauge({
    name: 'crowsnest_scrape_targets',
    help: 'Metrics pages that are read, at most 500 of them found by discovery; those beyond are counted as METRICS_TARGET_REFUSED.',
    labelNames: ['cluster', 'state'],
    registers,
    collect() {
      for (const [cluster, rows] of scrapers) {
        const up = rows().filter((row) => row.up).length;
        this.set({ cluster, state: 'up' }, up);
        this.set({ cluster, state: 'down' }, rows().length - up);
      }
    },
  });
  return {
    of(cluster) {
      for (const reason of ['OBJECT_INVALID', 'OBJECT_TOO_LARGE', 'METRICS_UNREADABLE', 'METRICS_TARGET_REFUSED'])
        rejects.inc({ cluster, reason }, 0);
      return {
        events({ group, kind }, type, count, atMs) {
          events.inc({ cluster, group, kind, type }, count);
          (type === 'BOOKMARK' ? lastBookmark : lastEvent).set({ cluster, group, kind }, atMs / 1000);
        },
        reject: (reason) => rejects.inc({ cluster, reason }),
        relist: ({ group, kind }) => relists.inc({ cluster, group, kind }),
        gap: ({ group, kind }, reason) => gaps.inc({ cluster, group, kind, reason }),
        check({ group, kind }, result, count) {
          checks.inc({ cluster, result });
          missed.inc({ cluster, group, kind }, count);
        },
        verifying: (more) => verifying.inc({ cluster }, more),
        retried: () => retries.inc({ cluster }),
        starting: (more) => starting.inc({ cluster }, more),
        error: ({ group, kind }, reason) => errors.inc({ cluster, group, kind, reason }),
        watchCoverage: (rows) => void clusters.set(cluster, rows),
        watchTargets: (rows) => void scrapers.set(cluster, rows),
        scrape: (ok) => scrapes.inc({ result: ok ? 'ok' : 'failed' }),
      };
    },
  };
}
