/** Compares what was alerted with what was planted. Pure: all it needs is handed in. */
import type { Finding, FindingSubject } from '../domain/finding.ts';
import { describeRef, type ObjectRef, objectKey } from '../domain/object-ref.ts';
import type { LookAlike, Planted } from './planted.ts';

/** A finding later than this after its event is no detection: what was planted springs back, and waiting for that is easy. */
const FAIR_MS = 3_600_000;
/** The writes of one actor belong together up to this long after an incident's last event. */
const EPISODE_TAIL_MS = 300_000;

/** `planted`: a true alert. `false`: nothing was wrong. `aftermath`: about what followed from an anomaly; counts neither way. */
export type AlertVerdict = 'planted' | 'false' | 'aftermath';

/** One alert: an episode of findings that paged. */
export interface ReportedFinding {
  ts: string;
  verdict: AlertVerdict;
  /** The class of what was found. */
  planted?: string;
  /** The class of the harmless thing that was taken for an anomaly. */
  lookAlike?: string;
  /** `Kafka streaming/orders`, or `controller kafka`. */
  object: string;
  actor: string;
  detector: string;
  score: number;
  severity: string;
  summary: string;
  /** Identifies the finding in the API and on the page. */
  id: string;
}

export interface MissedAnomaly {
  ts: string;
  planted: string;
  object?: string;
  description: string;
  detectHint: string;
}

export interface DemoReport {
  changes: number;
  planted: number;
  found: number;
  false: number;
  findings: ReportedFinding[];
  missed: MissedAnomaly[];
}

export interface ReportInput {
  scenario: { planted: readonly Planted[]; lookAlikes: readonly LookAlike[] };
  /** Changes recorded. */
  changes: number;
  /** The findings that paged; those of one episode are one alert. */
  pages: readonly Finding[];
}

/** Which of the planted were found, and which alerts were false. */
export function reportOf({ scenario, changes, pages }: ReportInput): DemoReport {
  const { planted, lookAlikes } = scenario;
  const found = new Set<Planted>();
  const findings: ReportedFinding[] = [];
  for (const episode of episodesOf(pages)) {
    const hits = planted.filter((one) => episode.some((finding) => isHit(finding, one)));
    for (const hit of hits) found.add(hit);
    const follows = episode.some((finding) => planted.some((one) => isAftermath(finding, one)));
    const verdict = hits.length > 0 ? 'planted' : follows ? 'aftermath' : 'false';
    const taken = verdict === 'false' ? lookAlikes.find((one) => episode.some((finding) => isAbout(finding, one))) : undefined;
    findings.push(reported(episode, verdict, hits[0], taken));
  }
  const missed = planted.filter((one) => !found.has(one)).map(missedOf);
  return {
    changes,
    planted: planted.length,
    found: found.size,
    false: findings.filter(({ verdict }) => verdict === 'false').length,
    findings,
    missed,
  };
}

/** Findings by episode, episodes by their first finding. */
function episodesOf(pages: readonly Finding[]): Finding[][] {
  const episodes = new Map<string, Finding[]>();
  for (const finding of [...pages].sort((a, b) => a.tsMs - b.tsMs)) {
    const episode = episodes.get(finding.episode);
    if (episode === undefined) episodes.set(finding.episode, [finding]);
    else episode.push(finding);
  }
  return [...episodes.values()];
}

/** True when a finding names the anomaly, by one of its events, its writer's episode, its controller or what stayed silent, in fair time. */
export function isHit(finding: Finding, planted: Planted): boolean {
  const { subject, tsMs } = finding;
  if (subject.type === 'series')
    return subject.controller === planted.controller && tsMs >= planted.tsMs && tsMs <= planted.dueMs;
  if (subject.type === 'silence') {
    const inTime = tsMs > planted.tsMs && tsMs <= planted.dueMs;
    return inTime && planted.silent !== undefined && namesSilent(subject, planted, planted.silent);
  }
  const event = planted.events.find(({ resourceVersion }) => resourceVersion === subject.resourceVersion);
  if (event !== undefined) return tsMs <= event.tsMs + FAIR_MS;
  const during = tsMs >= planted.tsMs && tsMs <= planted.endMs + EPISODE_TAIL_MS;
  const ofObject = planted.ref !== undefined && objectKey(planted.ref) === objectKey(subject.ref);
  if (planted.objectEpisode && during && ofObject) return true;
  return (
    planted.actorEpisode && during && finding.actor.name === planted.actor && !planted.aftermath.includes(subject.resourceVersion)
  );
}

/** By the object's name; or, without one, by the writer that stopped, or by the kind when many of it fell silent together. */
function namesSilent(
  subject: { ref: Partial<ObjectRef>; actor?: string },
  planted: Planted,
  silent: readonly ObjectRef[],
): boolean {
  const { kind, namespace, name } = subject.ref;
  const covered = silent.some(
    (ref) => ref.kind === kind && (namespace ?? ref.namespace) === ref.namespace && (name ?? ref.name) === ref.name,
  );
  if (name !== undefined) return covered;
  return covered && (subject.actor === undefined ? silent.length > 1 : subject.actor === planted.actor);
}

function isAftermath(finding: Finding, planted: Planted): boolean {
  const { subject, tsMs } = finding;
  if (subject.type === 'change') return planted.aftermath.includes(subject.resourceVersion);
  const shaken = subject.type === 'series' && subject.controller === planted.shakenController;
  return shaken && tsMs >= planted.tsMs && tsMs <= planted.endMs + FAIR_MS;
}

function isAbout(finding: Finding, lookAlike: LookAlike): boolean {
  const { subject, tsMs } = finding;
  if (subject.type === 'series')
    return subject.controller === lookAlike.controller && tsMs >= lookAlike.tsMs && tsMs <= lookAlike.endMs;
  if (subject.type === 'silence') return false;
  const { resourceVersion } = subject;
  return (
    lookAlike.events.some((event) => event.resourceVersion === resourceVersion) || lookAlike.aftermath.includes(resourceVersion)
  );
}

function reported(
  episode: readonly Finding[],
  verdict: AlertVerdict,
  hit: Planted | undefined,
  taken: LookAlike | undefined,
): ReportedFinding {
  const strongest = episode.reduce((best, finding) => (finding.score > best.score ? finding : best));
  const { subject, actor, detector, score, severity, summary, id } = strongest;
  return {
    ts: new Date(episode[0]!.tsMs).toISOString(),
    verdict,
    ...(hit === undefined ? {} : { planted: hit.class }),
    ...(taken === undefined ? {} : { lookAlike: taken.class }),
    object: objectOf(subject),
    actor: actor.name,
    detector,
    score: Math.round(score * 100) / 100,
    severity,
    summary,
    id,
  };
}

function objectOf(subject: FindingSubject): string {
  if (subject.type === 'series') return `controller ${subject.controller}`;
  const { kind, namespace = '', name = '' } = subject.ref;
  return name === '' ? `${kind} objects` : describeRef({ kind, namespace, name });
}

function missedOf(planted: Planted): MissedAnomaly {
  return {
    ts: new Date(planted.tsMs).toISOString(),
    planted: planted.class,
    ...(planted.ref === undefined ? {} : { object: describeRef(planted.ref) }),
    description: planted.description,
    detectHint: planted.detectHint,
  };
}

const VERDICT_WORDS = { planted: 'found', false: 'FALSE', aftermath: 'follow-up' } as const;

/** The report for a terminal: alerts in the order of time, what was missed, the tally and where to look. */
export function renderReport(report: DemoReport, options: { pageUrl?: string } = {}): string {
  const lines = [`${report.changes.toLocaleString('en-GB')} changes in four weeks; ${report.findings.length} alerts:`, ''];
  for (const finding of report.findings) lines.push(...alertLines(finding));
  if (report.findings.length === 0) lines.push('  none', '');
  if (report.missed.length > 0) {
    lines.push('Missed:', '');
    for (const { ts, planted, description, detectHint } of report.missed) {
      lines.push(
        `  ${when(ts)}  ${planted.padEnd(17)} ${description}`,
        `${' '.repeat(14)}could be seen by this: ${detectHint}`,
        '',
      );
    }
  }
  lines.push(
    `Found ${report.found} of the ${report.planted} planted anomalies, with ${report.false} false ${plural(report.false)}.`,
  );
  if (options.pageUrl !== undefined) lines.push(`Look at them: ${options.pageUrl}`);
  return `${lines.join('\n')}\n`;
}

function alertLines(finding: ReportedFinding): string[] {
  const { ts, verdict, planted, lookAlike, summary, object, score, detector } = finding;
  const what = planted ?? (lookAlike === undefined ? '' : `(${lookAlike})`);
  return [
    `  ${when(ts)}  ${VERDICT_WORDS[verdict].padEnd(10)} ${what.padEnd(18)} ${object}`,
    `${' '.repeat(14)}${summary}`,
    `${' '.repeat(14)}score ${score}, ${detector}`,
    '',
  ];
}

/** `05-25 13:07`, UTC. */
function when(ts: string): string {
  return `${ts.slice(5, 10)} ${ts.slice(11, 16)}`;
}

function plural(count: number): string {
  return count === 1 ? 'alert' : 'alerts';
}
