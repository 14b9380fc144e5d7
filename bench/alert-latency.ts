/**
 * How long from a wrong change's acceptance by the API server until its alert is active at Alertmanager, and until a webhook receiver was notified?
 * Each change is by another field manager to another object, so that each is an alert of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { startFirstLight } from '../test/support/first-light.ts';
import { startAlertmanager } from '../test/support/real-alertmanager.ts';
import { until } from '../test/support/until.ts';

export interface LatencyResult {
  changes: number;
  firing: number;
  notified: number;
  /** Milliseconds. */
  firingMs: { p50: number; p95: number; max: number };
  notifiedMs: { p50: number; p95: number; max: number };
}

const POLL_MS = 10;

export async function measureAlertLatency({ changes, gapMs }: { changes: number; gapMs: number }): Promise<LatencyResult> {
  const alertmanager = await startAlertmanager({ groupWaitMs: 0 });
  const light = await startFirstLight();
  const polling = new AbortController();
  try {
    const names = Array.from({ length: changes }, (_, i) => `engine-${i}`);
    for (const name of names) await light.create(name, { replicas: 3 });
    const crowsnest = await light.serve(['--alertmanager', alertmanager.url, '--pages-per-week', '1000', '--log-level', 'warn']);
    await light.watched(crowsnest);

    const accepted = new Map<string, number>();
    const firing = new Map<string, number>();
    const polled = pollFiring(alertmanager.url, firing, polling.signal);
    for (const [i, name] of names.entries()) {
      await light.patch(name, { replicas: 0 }, `person-${i}`);
      accepted.set(name, performance.now());
      await delay(gapMs);
    }
    const notified = () => notifiedNames(alertmanager.receiver.notifications);
    await until('all alerts are active and notified', () => firing.size >= changes && notified().size >= changes, 60_000).catch(
      () => undefined,
    );
    polling.abort();
    await polled;
    const since = (times: Map<string, number>) =>
      [...times].map(([name, at]) => at - (accepted.get(name) ?? Number.NaN)).filter((ms) => !Number.isNaN(ms));
    const firingTimes = since(firing);
    const notifiedTimes = since(notified());
    return {
      changes,
      firing: firingTimes.length,
      notified: notifiedTimes.length,
      firingMs: quantiles(firingTimes),
      notifiedMs: quantiles(notifiedTimes),
    };
  } finally {
    polling.abort();
    await light.stop();
    await alertmanager.stop();
  }
}

async function pollFiring(url: string, firing: Map<string, number>, signal: AbortSignal): Promise<void> {
  const query = `${url}/api/v2/alerts?filter=${encodeURIComponent('generator="crowsnest"')}`;
  while (!signal.aborted) {
    const answer = await fetch(query);
    const alerts = (await answer.json()) as { labels: { name?: string }; status: { state: string } }[];
    const now = performance.now();
    for (const { labels, status } of alerts) {
      if (status.state === 'active' && labels.name !== undefined && !firing.has(labels.name)) firing.set(labels.name, now);
    }
    await delay(POLL_MS);
  }
}

function notifiedNames(
  notifications: readonly { atMs: number; alerts: { labels: Record<string, string> }[] }[],
): Map<string, number> {
  const names = new Map<string, number>();
  for (const { atMs, alerts } of notifications) {
    for (const { labels } of alerts) if (labels.name !== undefined && !names.has(labels.name)) names.set(labels.name, atMs);
  }
  return names;
}

export function quantiles(values: readonly number[]): { p50: number; p95: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN);
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}
