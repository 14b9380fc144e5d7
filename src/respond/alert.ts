/**
 * A finding as an alert. Pure. The labels are Alertmanager's identity of the incident and hold only what stays the same for its life;
 * whatever moves (score, reasons, revision) is an annotation. An empty label does not exist for Alertmanager, so it is left out here
 * too: the id must be that of the set it sees.
 */
import type { Change } from '../domain/change.ts';
import type { Finding, Reason, Severity } from '../domain/finding.ts';
import type { AlertRecord } from '../store/store.ts';
import { cutText } from './cut-text.ts';
import { familyOf } from './finding-family.ts';
import { isStorm } from './policy.ts';
import { shortDiff } from './short-diff.ts';
import { stableId } from './stable-id.ts';

export interface AlertContext {
  /** Base of links, without a trailing slash. */
  externalUrl: string;
  wallNowMs: number;
  /** How long an alert fires after the last event of its episode. */
  holdMs: number;
  /** The change behind the finding, for the diff. */
  change?: Change | undefined;
}

const SUMMARY_BYTES_MAX = 400;
const DESCRIPTION_BYTES_MAX = 2_000;
const DIFF_BYTES_MAX = 1_000;
const REASONS_BYTES_MAX = 1_500;
const ACTOR_BYTES_MAX = 300;
const REASONS_MAX = 6;

/** The alert a paging finding opens. */
export function alertOf(finding: Finding, context: AlertContext): AlertRecord {
  const labels = alertLabels(finding);
  return {
    id: alertId(labels),
    labels,
    annotations: annotationsOf(finding, context),
    generatorURL: linkTo(finding, context),
    startsMs: context.wallNowMs,
    endsMs: context.wallNowMs + context.holdMs,
    findingId: finding.id,
  };
}

/**
 * The alerts to store for a finding, given those now in the store:
 *
 *   page                  opens its alert, and resolves what its episode had firing (an escalation; both leave in one post)
 *   record, in an episode keeps the episode's alert firing and brings its annotations up to date
 *
 * A page whose alert is firing already, from an earlier episode, goes on under that alert's start.
 */
export function alertsFor(finding: Finding, firing: readonly AlertRecord[], context: AlertContext): AlertRecord[] {
  const live = firing.filter((alert) => alert.endsMs > context.wallNowMs);
  const ofEpisode = live.filter((alert) => alert.annotations.episode === finding.episode);
  if (finding.decision.verdict === 'record') return ofEpisode.map((alert) => prolong(alert, finding, context));
  const opened = alertOf(finding, context);
  const before = live.find((alert) => alert.id === opened.id);
  if (before !== undefined) {
    opened.startsMs = Math.min(before.startsMs, opened.startsMs);
    opened.annotations.events = String(eventsOf(before) + 1);
  }
  const resolved = ofEpisode.filter((alert) => alert.id !== opened.id).map((alert) => ({ ...alert, endsMs: context.wallNowMs }));
  return [...resolved, opened];
}

function prolong(alert: AlertRecord, finding: Finding, context: AlertContext): AlertRecord {
  const events = eventsOf(alert) + 1;
  const annotations: Record<string, string> = { ...alert.annotations, events: String(events) };
  if (isStorm(finding)) {
    annotations.summary = stormSummary(finding.cluster, events);
  } else if (finding.score > Number(alert.annotations.score)) {
    // The strongest member speaks for the episode, under the identity of the first.
    const { summary, description, score, reasons, diff, revision } = annotationsOf(finding, context);
    Object.assign(annotations, { summary, description, score, reasons, diff, revision });
    for (const [name, value] of Object.entries(annotations)) if (value === undefined) delete annotations[name];
  }
  return { ...alert, annotations, endsMs: Math.max(alert.endsMs, context.wallNowMs + context.holdMs) };
}

function eventsOf(alert: AlertRecord): number {
  return Number(alert.annotations.events ?? 1);
}

/** Alertmanager's identity of an alert. */
export function alertId(labels: Record<string, string>): string {
  return stableId(
    'alert',
    ...Object.keys(labels)
      .sort()
      .flatMap((name) => [name, labels[name] ?? '']),
  );
}

function alertLabels(finding: Finding): Record<string, string> {
  if (isStorm(finding)) {
    const severity: Severity = finding.deterministic && finding.severity === 'critical' ? 'critical' : 'warning';
    return { alertname: 'CrowsnestStorm', severity, detector: 'storm', cluster: finding.cluster, generator: 'crowsnest' };
  }
  const { namespace = '', group = '', kind, name = '' } = finding.subject.ref;
  const labels = {
    alertname: `Crowsnest${familyOf(finding)}`,
    severity: finding.severity,
    detector: finding.detector,
    cluster: finding.cluster,
    namespace,
    group,
    kind,
    name,
    generator: 'crowsnest',
  };
  const sound = Object.entries(labels).map(([label, value]) => [label, value.toWellFormed()] as const);
  return Object.fromEntries(sound.filter(([, value]) => value !== ''));
}

function annotationsOf(finding: Finding, context: AlertContext): Record<string, string> {
  const storm = isStorm(finding);
  const { subject, actor } = finding;
  const shown = finding.reasons.slice(0, REASONS_MAX);
  const flagged = new Set(finding.reasons.flatMap((reason) => (reason.path === undefined ? [] : [reason.path])));
  // A new object is nothing but additions: only the odd ones say something.
  const fields = (context.change?.diff ?? []).filter((entry) => {
    return (
      subject.type !== 'change' || subject.changeType === 'MODIFIED' || flagged.has(entry.path) || flagged.has(entry.generic)
    );
  });
  const annotations: Record<string, string> = {
    summary: cutText(storm ? stormSummary(finding.cluster, 1) : finding.summary, SUMMARY_BYTES_MAX),
    description: cutText(
      storm ? `The first to be folded: ${descriptionOf(finding)}` : descriptionOf(finding),
      DESCRIPTION_BYTES_MAX,
    ),
    score: finding.score.toFixed(1),
    reasons: cutText(shown.map(reasonLine).join('\n'), REASONS_BYTES_MAX),
    actor: cutText(actor.name, ACTOR_BYTES_MAX),
    actor_confidence: `${actor.confidence.toFixed(2)} (${actor.source})`,
    diff: shortDiff(fields, flagged, DIFF_BYTES_MAX),
    runbook_url: `${baseOf(context)}/#/runbook/${storm ? 'Storm' : familyOf(finding)}`,
    finding_id: finding.id,
    revision: subject.type === 'change' ? subject.resourceVersion : '',
    episode: finding.episode,
    events: '1',
  };
  return Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== ''));
}

function reasonLine({ detector, bits, sentence }: Reason): string {
  return `${detector} (${bits.toFixed(1)}): ${sentence}`;
}

/** What happened, how rare it is, and what would have been ordinary. */
function descriptionOf(finding: Finding): string {
  const lines = [finding.summary];
  if (!finding.deterministic) lines.push(`Expected once in ${finding.onceIn.toLocaleString('en')} changes.`);
  const ordinary = finding.reasons.find((reason) => reason.counterfactual !== undefined)?.counterfactual;
  if (ordinary !== undefined) lines.push(`Would not have been flagged: ${ordinary}`);
  return lines.join('\n');
}

function stormSummary(cluster: string, count: number): string {
  const findings = count === 1 ? 'A further finding is' : `${count} further findings are`;
  return `So many findings in ${cluster} within an hour that the rest are one alert. ${findings} folded into it; the list is behind the link.`;
}

function linkTo(finding: Finding, context: AlertContext): string {
  return `${baseOf(context)}/#/findings/${finding.id}`;
}

function baseOf({ externalUrl }: AlertContext): string {
  return externalUrl.endsWith('/') ? externalUrl.slice(0, -1) : externalUrl;
}
