/**
 * The query line: `kind:Kafka ns:streaming severity:critical is:paged from:2026-08-01 replicas`. Words of the form key:value
 * become parameters of GET /v1/findings where it has one; the rest is matched here, on what is loaded. Pure.
 */
import type { Finding } from './types.ts';

export interface ParsedQuery {
  /** For GET /v1/findings. */
  api: Record<string, string>;
  /** What the API cannot filter by; all must hold. */
  local: ((finding: Finding) => boolean)[];
  /** What is wrong with it, in words. */
  errors: string[];
}

const API_KEYS: Record<string, string> = {
  kind: 'kind',
  ns: 'namespace',
  namespace: 'namespace',
  name: 'name',
  cluster: 'cluster',
  detector: 'detector',
  severity: 'severity',
  score: 'score',
};

export const QUERY_KEYS = [
  'kind',
  'ns',
  'name',
  'cluster',
  'actor',
  'detector',
  'severity',
  'score',
  'is',
  'from',
  'to',
] as const;

export function parseQuery(text: string): ParsedQuery {
  const parsed: ParsedQuery = { api: {}, local: [], errors: [] };
  for (const word of words(text)) {
    const colon = word.indexOf(':');
    const [key, value] = colon > 0 ? [word.slice(0, colon).toLowerCase(), word.slice(colon + 1)] : ['', word];
    if (key === '') parsed.local.push(textMatcher(value));
    else addTerm(parsed, key, value, word);
  }
  return parsed;
}

function addTerm(parsed: ParsedQuery, key: string, value: string, word: string): void {
  const parameter = API_KEYS[key];
  if (value === '') {
    parsed.errors.push(`${key}: needs a value`);
  } else if (parameter !== undefined) {
    addParameter(parsed, parameter, value);
  } else if (key === 'is') {
    addState(parsed, value.toLowerCase());
  } else if (key === 'actor') {
    const wanted = value.toLowerCase();
    parsed.local.push((finding) => finding.actor.name.toLowerCase().includes(wanted));
  } else if (key === 'episode') {
    parsed.local.push((finding) => finding.episode === value);
  } else if (key === 'from' || key === 'to') {
    const ms = Date.parse(value);
    if (Number.isNaN(ms)) parsed.errors.push(`${key}: takes a date or time such as 2026-08-21 or 2026-08-21T09:30:00Z`);
    else parsed.api[key] = new Date(ms).toISOString();
  } else {
    // Not one of our keys: most likely text with a colon in it, such as an image or a path.
    parsed.local.push(textMatcher(word));
  }
}

function addParameter(parsed: ParsedQuery, parameter: string, value: string): void {
  if (parameter === 'severity' && !['info', 'warning', 'critical'].includes(value)) {
    parsed.errors.push('severity: is info, warning or critical');
  } else if (parameter === 'score' && !(Number(value.replace(/^>=?/, '')) >= 0)) {
    parsed.errors.push('score: takes a number');
  } else {
    parsed.api[parameter] = parameter === 'score' ? value.replace(/^>=?/, '') : value;
  }
}

function addState(parsed: ParsedQuery, state: string): void {
  if (state === 'paged') parsed.api.verdict = 'page';
  else if (state === 'recorded') parsed.api.verdict = 'record';
  else if (state === 'learning') parsed.local.push((finding) => !finding.mature && !finding.deterministic);
  else parsed.errors.push('is: takes paged, recorded or learning');
}

function textMatcher(word: string): (finding: Finding) => boolean {
  const wanted = word.toLowerCase();
  return (finding) =>
    [finding.summary, finding.subject.ref.kind, finding.subject.ref.namespace, finding.subject.ref.name, finding.actor.name]
      .concat(finding.reasons.map((reason) => `${reason.sentence} ${reason.path ?? ''}`))
      .some((text) => text?.toLowerCase().includes(wanted));
}

/** Splits at blanks, except inside double quotes. */
function words(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map((match) => match[0].replaceAll('"', ''));
}

/** The query line with one term set, replaced or (with undefined) taken out; everything else stays as typed. */
export function withTerm(text: string, key: string, value: string | undefined): string {
  const rest = [...text.matchAll(/(?:[^\s"]|"[^"]*"?)+/g)].map((match) => match[0]).filter((word) => !word.startsWith(`${key}:`));
  if (value !== undefined) rest.push(`${key}:${/\s/.test(value) ? `"${value}"` : value}`);
  return rest.join(' ');
}
