/**
 * Alerts about what Crowsnest itself cannot see. They go the way of all alerts, through the store to every Alertmanager, and are few: one for
 * each cluster and problem, however many kinds are hit. What lasts longer than a grace fires, and resolves when it is over; what happened
 * once (a gap in history) fires for a while. They are not findings and take nothing of the budget: their number is bounded by what they are.
 */
import type { BlindProblem, BlindSpot } from '../domain/blind-spot.ts';
import type { Clock } from '../domain/clock.ts';
import type { AlertRecord, Store } from '../store/store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { alertId } from './alert.ts';
import { cutText } from './cut-text.ts';

export interface CoverageAlertsOptions {
  store: Pick<Store, 'alertsActive' | 'putAlert'>;
  clock: Clock;
  logger: Logger;
  /** Base of links; asked at each alert, as it is known only once the API listens. */
  externalUrl: () => string;
  /** How long something must last before it alerts; default 2 min. */
  graceMs?: number | undefined;
  /** How long an alert about something that happened once fires; default 1 h. */
  onceMs?: number | undefined;
  /** Called when an alert was stored: wakes the senders. */
  wake?: () => void;
}

export interface CoverageAlerts {
  /** Something that happened once and is over, such as a gap. */
  report(spot: BlindSpot): void;
  /** Compares what is not seen now with what fires. */
  check(spots: readonly BlindSpot[]): void;
  /** Checks what `spots` gives every few seconds, until the signal aborts. */
  run(spots: () => readonly BlindSpot[], signal: AbortSignal): Promise<void>;
}

export const COVERAGE_DETECTOR = 'coverage';
const CHECK_MS = 5_000;
/** An alert that is not confirmed for this long resolves by itself: Crowsnest was stopped. */
const HOLD_MS = 900_000;
const SHOWN_MAX = 15;
const REASON_BYTES_MAX = 240;
const DESCRIPTION_BYTES_MAX = 4_000;
/** Things that happened once and are still told of; the oldest make way. */
const ONCE_MAX = 500;

const ALERT_NAMES: Record<BlindProblem, string> = {
  unreachable: 'CrowsnestClusterUnreachable',
  forbidden: 'CrowsnestKindsForbidden',
  broken: 'CrowsnestKindsBroken',
  stale: 'CrowsnestKindsStale',
  canary: 'CrowsnestCanaryMissing',
  source: 'CrowsnestSourceFailing',
  gap: 'CrowsnestHistoryGap',
};

const SENTENCES: Record<BlindProblem, (count: number, cluster: string) => string> = {
  unreachable: (_, cluster) => `Crowsnest cannot learn what the cluster ${cluster} serves, so it sees no change there.`,
  forbidden: (count, cluster) => `Crowsnest may not read ${kinds(count)} of ${cluster} any more; changes there go unseen.`,
  broken: (count, cluster) => `Crowsnest cannot watch ${kinds(count)} of ${cluster}; changes there go unseen.`,
  stale: (count, cluster) => `Crowsnest has lost sight of ${kinds(count)} of ${cluster}; what it knows of them is old.`,
  canary: (_, cluster) =>
    `What Crowsnest writes to ${cluster} does not come back through the watch; changes there may go unseen.`,
  source: (count, cluster) =>
    `Crowsnest cannot read ${count === 1 ? 'a source' : `${count} sources`} of changes of ${cluster} beside its watches; they wait there or go unseen.`,
  gap: (count, cluster) =>
    `The history of ${kinds(count)} of ${cluster} has a gap: the last states are known, not what was in between.`,
};

export function createCoverageAlerts(options: CoverageAlertsOptions): CoverageAlerts {
  const { store, clock, logger, graceMs = 120_000, onceMs = 3_600_000, wake = () => {} } = options;
  const startedMs = clock.nowMs();
  /** What happened once and is still told of. */
  let once: BlindSpot[] = [];

  const check = (spots: readonly BlindSpot[]): void => {
    const nowMs = clock.nowMs();
    once = once.filter((spot) => nowMs - spot.sinceMs < onceMs).slice(-ONCE_MAX);
    const lasting = [...spots.filter((spot) => nowMs - spot.sinceMs >= graceMs), ...once];
    const firing = store.alertsActive(nowMs, 0).filter((alert) => alert.labels.detector === COVERAGE_DETECTOR);
    // Right after a start nothing has had its grace yet, so what fired before the start is left alone as long.
    const settled = nowMs - startedMs >= graceMs;
    const changed = coverageAlerts(lasting, firing, { nowMs, externalUrl: options.externalUrl(), resolve: settled, onceMs });
    if (changed.length === 0) return;
    try {
      for (const alert of changed) store.putAlert(alert);
      wake();
    } catch (error) {
      // A full disk is shown by itself; the next check writes what this one could not.
      logger.warn({ err: error }, 'alerts about coverage could not be stored');
    }
  };

  return {
    report(spot) {
      once.push(spot);
    },
    check,
    async run(spots, signal) {
      while (!signal.aborted) {
        check(spots());
        await clock.sleep(CHECK_MS, signal).catch(() => undefined);
      }
    },
  };
}

interface Context {
  nowMs: number;
  externalUrl: string;
  /** Whether what is not seen now is known to be over. */
  resolve: boolean;
  onceMs: number;
}

/** The alerts to store for what is not seen, given those of this kind that fire. Pure. */
export function coverageAlerts(spots: readonly BlindSpot[], firing: readonly AlertRecord[], context: Context): AlertRecord[] {
  const { nowMs } = context;
  const before = new Map(firing.map((alert) => [alert.id, alert]));
  const changed: AlertRecord[] = [];
  for (const group of groupsOf(spots)) {
    const alert = alertOf(group, context);
    const old = before.get(alert.id);
    before.delete(alert.id);
    if (old !== undefined) alert.startsMs = old.startsMs;
    const fresh = old !== undefined && (isOnce(old) ? old.endsMs >= alert.endsMs : old.endsMs - nowMs > HOLD_MS / 2);
    if (!fresh || JSON.stringify(old.annotations) !== JSON.stringify(alert.annotations)) changed.push(alert);
  }
  if (context.resolve) for (const old of before.values()) if (!isOnce(old)) changed.push({ ...old, endsMs: nowMs });
  return changed;
}

/** What happened once ends by its own time, also across a restart. */
function isOnce(alert: AlertRecord): boolean {
  return alert.labels.alertname === ALERT_NAMES.gap;
}

/** One group for each cluster and problem. */
function groupsOf(spots: readonly BlindSpot[]): BlindSpot[][] {
  const groups = new Map<string, BlindSpot[]>();
  for (const spot of spots) {
    const key = `${spot.cluster}\u0000${spot.problem}`;
    groups.set(key, [...(groups.get(key) ?? []), spot]);
  }
  return [...groups.values()];
}

function alertOf(spots: readonly BlindSpot[], { nowMs, externalUrl, onceMs }: Context): AlertRecord {
  const [{ cluster, problem }] = spots as [BlindSpot];
  const labels: Record<string, string> = {
    alertname: ALERT_NAMES[problem],
    severity: 'warning',
    detector: COVERAGE_DETECTOR,
    cluster,
    generator: 'crowsnest',
  };
  const ordered = [...spots].sort((a, b) => (a.what < b.what ? -1 : 1));
  const lines = ordered.slice(0, SHOWN_MAX).map(({ what, reason }) => `${what}: ${cutText(reason, REASON_BYTES_MAX)}`);
  if (ordered.length > SHOWN_MAX) lines.push(`and ${ordered.length - SHOWN_MAX} more, under coverage`);
  const link = `${externalUrl.replace(/\/$/, '')}/#/coverage`;
  return {
    id: alertId(labels),
    labels,
    annotations: {
      summary: SENTENCES[problem](new Set(spots.map(({ what }) => what)).size, cluster),
      description: cutText(lines.join('\n'), DESCRIPTION_BYTES_MAX),
      kinds: String(ordered.length),
      runbook_url: link,
    },
    generatorURL: link,
    startsMs: nowMs,
    endsMs: problem === 'gap' ? Math.max(...spots.map(({ sinceMs }) => sinceMs)) + onceMs : nowMs + HOLD_MS,
    findingId: '',
  };
}

function kinds(count: number): string {
  return count === 1 ? 'one kind' : `${count} kinds`;
}
