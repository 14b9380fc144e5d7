/** Label matchers as Prometheus has them: `name="text"`, `!=`, `=~`, `!~`. A label that is not there is an empty one. */
import { compilePattern, PatternError } from './linear-pattern.ts';
import type { SeriesKey } from './series.ts';

export interface Matcher {
  /** A label; `__name__` is the metric, `cluster` the cluster. */
  label: string;
  /** Of `=` and `!=`; undefined for patterns. */
  text?: string;
  negated: boolean;
  test(value: string): boolean;
}

/** Says what is wrong in words that follow on "it". */
export class MatcherError extends Error {}

const MATCHER_CHARS_MAX = 1_000;
const SHAPE = /^\s*([a-zA-Z_][\w.:-]*)\s*(=~|!~|!=|=)\s*(.*)$/s;

/** One matcher, its value in quotes or without. Throws MatcherError. */
export function parseMatcher(text: string): Matcher {
  if (text.length > MATCHER_CHARS_MAX) throw new MatcherError(`is longer than ${MATCHER_CHARS_MAX} characters`);
  const [, label, operator, given] = SHAPE.exec(text) ?? [];
  if (label === undefined || operator === undefined || given === undefined) {
    throw new MatcherError('is not like name="value", name!="value", name=~"pattern" or name!~"pattern"');
  }
  const value = unquoted(given.trim());
  if (operator === '=') return { label, text: value, negated: false, test: (other) => other === value };
  if (operator === '!=') return { label, text: value, negated: true, test: (other) => other !== value };
  const matches = compiled(value);
  return operator === '=~'
    ? { label, negated: false, test: matches }
    : { label, negated: true, test: (other) => !matches(other) };
}

/** Splits `metric{a="x",b=~"y"}`, either part of which may be missing, into matchers. */
export function parseSelector(text: string): Matcher[] {
  const [, metric = '', body] = /^\s*([a-zA-Z_:][\w:]*)?\s*(?:\{(.*)\})?\s*$/s.exec(text) ?? [];
  const matchers = (body === undefined ? [] : splitMatchers(body)).map(parseMatcher);
  if (metric !== '') matchers.unshift(parseMatcher(`__name__=${JSON.stringify(metric)}`));
  if (matchers.length === 0) throw new MatcherError('is not like metric{label="value"}');
  return matchers;
}

export function matchesAll(matchers: readonly Matcher[], { cluster, metric, labels }: SeriesKey): boolean {
  return matchers.every(({ label, test }) => {
    if (label === '__name__') return test(metric);
    if (label === 'cluster' && !Object.hasOwn(labels, label)) return test(cluster);
    return test(Object.hasOwn(labels, label) ? (labels[label] as string) : '');
  });
}

/** The one metric that can match, where the matchers name it. */
export function metricOf(matchers: readonly Matcher[]): string | undefined {
  return matchers.find(({ label, text, negated }) => label === '__name__' && text !== undefined && !negated)?.text;
}

function unquoted(given: string): string {
  if (!given.startsWith('"') && !/^[=~]|"/.test(given)) return given;
  try {
    const value: unknown = JSON.parse(given);
    if (typeof value === 'string') return value;
  } catch {
    // A pattern may be written with single backslashes, which JSON does not have.
    if (/^"[^"]*"$/.test(given)) return given.slice(1, -1);
  }
  throw new MatcherError('has quotes that do not fit');
}

function compiled(pattern: string): (value: string) => boolean {
  try {
    return compilePattern(pattern);
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    throw new MatcherError(`has a pattern that is not taken: ${error.message}`);
  }
}

/** At the commas that are not within quotes; a comma at the end is allowed. */
function splitMatchers(body: string): string[] {
  const parts = body.match(/(?:"(?:[^"\\]|\\.)*"|[^",])+/gs) ?? [];
  return parts.filter((part) => part.trim() !== '');
}
