/** From what the store holds (milliseconds, optional members) to what the API shows (RFC 3339). Pure. */
import type { z } from 'zod';
import type { CanaryStatus, ClusterReach, KindCoverage, SourceReach } from '../collector/source.ts';
import type { Change } from '../domain/change.ts';
import type { ChangeExample, Finding } from '../domain/finding.ts';
import type { Gap } from '../domain/gap.ts';
import type { KubeEvent } from '../domain/kube-event.ts';
import type { MaskedPlace } from '../domain/masking/mask-ledger.ts';
import type { ControllerView } from '../domain/series/controller-ties.ts';
import type { ChangeSummary, ObjectSummary, SeriesData } from '../store/store.ts';
import type * as changeSchemas from './schemas/changes.ts';
import type * as coverageSchemas from './schemas/coverage.ts';
import type * as findingSchemas from './schemas/findings.ts';
import type * as seriesSchemas from './schemas/series.ts';

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function optionalTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : isoTime(ms);
}

export function changeSummaryView(change: ChangeSummary): z.input<typeof changeSchemas.ChangeSummary> {
  const { seq, ref, uid, type, origin, resourceVersion, generation, actor, own, paths } = change;
  return { seq, ref, uid, type, origin, time: isoTime(change.observedMs), resourceVersion, generation, actor, own, paths };
}

/** How many of the changes that were looked at nobody can read any more. */
export function damagedView(lost: readonly number[] = []): Pick<z.input<typeof changeSchemas.ChangeList>['metadata'], 'damaged'> {
  return lost.length === 0 ? {} : { damaged: lost.length };
}

export function changeView(
  change: Change,
  extras: Pick<z.input<typeof changeSchemas.Change>, 'before' | 'after' | 'evidence' | 'gitops'>,
): z.input<typeof changeSchemas.Change> {
  const { seq, ref, uid, type, origin, resourceVersion, generation, actor, own, candidates, diff } = change;
  const time = isoTime(change.observedMs);
  return { seq, ref, uid, type, origin, time, resourceVersion, generation, actor, own, candidates, diff, ...extras };
}

/** `known` is what is known of it now: who it was, see who.ts, and earlier changes like it. */
export function findingView(
  finding: Finding,
  known: Pick<z.input<typeof findingSchemas.Finding>, 'actor' | 'candidates' | 'gitops'> & {
    examples?: ChangeExample[] | undefined;
  },
): z.input<typeof findingSchemas.Finding> {
  const { tsMs, id, cluster, subject, summary, score, onceIn, detector, reasons, mature, deterministic } = finding;
  const { severity, decision, episode, moved } = finding;
  const { examples: found, ...who } = known;
  const examples = found?.map(({ seq, tsMs: ms, actor }) => ({ seq, time: isoTime(ms), actor }));
  return {
    ...{ id, time: isoTime(tsMs), cluster, subject, summary, ...who, score, onceIn, detector, reasons, mature, deterministic },
    ...{ severity, decision, episode, moved, examples },
  };
}

export function objectView(object: ObjectSummary): z.input<typeof changeSchemas.ObjectSummary> {
  const { ref, uid, resourceVersion, generation, seq, deleted, changes, heartbeats } = object;
  const [first, last] = [isoTime(object.firstMs), isoTime(object.lastMs)];
  return { ref, uid, resourceVersion, generation, seq, deleted, changes, heartbeats, first, last };
}

export function seriesView(series: SeriesData): z.input<typeof seriesSchemas.Series> {
  const { cluster, metric, labels } = series;
  const samples = series.samples.map(([ms, value]): [string, number | null] => [
    isoTime(ms),
    // JSON has no NaN or infinity.
    Number.isFinite(value) ? value : null,
  ]);
  return { cluster, metric, labels, samples };
}

export function controllerView(controller: ControllerView): z.input<typeof seriesSchemas.Controller> {
  const { lastScrapeMs, targets, ...rest } = controller;
  const up = targets.filter((target) => target.up);
  const state = up.length === 0 ? 'down' : up.every(({ standby }) => standby) ? 'standby' : 'reconciling';
  return {
    ...rest,
    targets: targets.map(({ lastScrapeMs: ms, ...target }) => ({ ...target, lastScrape: isoTime(ms) })),
    lastScrape: isoTime(lastScrapeMs),
    state,
  };
}

export function maskedPlaceView({ firstMs, lastMs, ...place }: MaskedPlace): z.input<typeof coverageSchemas.MaskedPlace> {
  return { ...place, first: isoTime(firstMs), last: isoTime(lastMs) };
}

export function kubeEventView({ firstMs, lastMs, ...event }: KubeEvent): z.input<typeof changeSchemas.KubeEvent> {
  return { ...event, first: isoTime(firstMs), last: isoTime(lastMs) };
}

export function clusterView({ sinceMs, canary, ...rest }: ClusterReach): z.input<typeof coverageSchemas.Cluster> {
  return { ...rest, since: isoTime(sinceMs), canary: canary === undefined ? undefined : canaryView(canary) };
}

export function sourceView({ sinceMs, ...rest }: SourceReach): z.input<typeof coverageSchemas.Source> {
  return { ...rest, since: isoTime(sinceMs) };
}

function canaryView({ state, sinceMs, reason, lastSeenMs, latencyMs }: CanaryStatus): z.input<typeof coverageSchemas.Canary> {
  const latencySeconds = latencyMs === undefined ? undefined : latencyMs / 1000;
  return { state, since: isoTime(sinceMs), reason, lastSeen: optionalTime(lastSeenMs), latencySeconds };
}

export function coverageView(kind: KindCoverage): z.input<typeof coverageSchemas.Coverage> {
  const { sinceMs, lastEventMs, lastBookmarkMs, lagMs, lastGapMs, lastCheckMs, ...rest } = kind;
  return {
    ...rest,
    since: isoTime(sinceMs),
    lastEvent: optionalTime(lastEventMs),
    lastBookmark: optionalTime(lastBookmarkMs),
    lagSeconds: lagMs === undefined ? undefined : lagMs / 1000,
    lastGap: optionalTime(lastGapMs),
    lastCheck: optionalTime(lastCheckMs),
  };
}

export function gapView({ fromMs, toMs, ...rest }: Gap): z.input<typeof coverageSchemas.Gap> {
  return { ...rest, from: optionalTime(fromMs), to: isoTime(toMs) };
}
