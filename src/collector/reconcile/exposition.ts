/**
 * Reads the Prometheus text format (0.0.4) and OpenMetrics (1.0), line by line, so that a page of any size needs the memory of a line.
 * Grammar of a sample: name ["{" label "=" quoted {"," …} "}"] value [timestamp] ["# {" exemplar "}" …]. In Prometheus' newer quoted form
 * the name stands among the labels: {"name.with.dots", label="x"} value.
 */
export interface ScrapeSample {
  metric: string;
  labels: Record<string, string>;
  value: number;
}

export type ParsedLine = { type: 'sample'; sample: ScrapeSample } | { type: 'comment' } | { type: 'end' } | { type: 'bad' };

const COMMENT: ParsedLine = { type: 'comment' };
const BAD: ParsedLine = { type: 'bad' };
const NAME = /^[^\s{}"#,=]+/;
const LABEL = /([^\s{}"#,=]+)\s*=\s*/y;

/** All samples of a page in its order; lines that are none are given to `onBadLine` with their number from 1. */
export function parseExposition(text: string, onBadLine: (line: number) => void = () => {}): ScrapeSample[] {
  const samples: ScrapeSample[] = [];
  let number = 0;
  for (const line of text.split('\n')) {
    number += 1;
    const parsed = parseExpositionLine(line);
    if (parsed.type === 'end') break;
    if (parsed.type === 'sample') samples.push(parsed.sample);
    else if (parsed.type === 'bad') onBadLine(number);
  }
  return samples;
}

export function parseExpositionLine(text: string): ParsedLine {
  const line = text.trim();
  if (line === '') return COMMENT;
  if (line.startsWith('#')) return line === '# EOF' ? { type: 'end' } : COMMENT;
  const name = NAME.exec(line)?.[0] ?? '';
  let rest = line.slice(name.length).trimStart();
  let labels: Record<string, string> = {};
  let metric = name;
  if (rest.startsWith('{')) {
    const block = parseLabels(rest);
    if (block === undefined) return BAD;
    labels = block.labels;
    if (metric === '') metric = block.name ?? '';
    rest = rest.slice(block.length);
  }
  // What follows the value, a timestamp or an exemplar, is not used: a scrape has one time.
  const value = parseValue(/^\s*(\S+)/.exec(rest)?.[1] ?? '');
  return metric === '' || value === undefined ? BAD : { type: 'sample', sample: { metric, labels, value } };
}

/** The label block at the beginning of `text`, with its length; `name` is a quoted metric name in it. */
function parseLabels(text: string): { labels: Record<string, string>; name: string | undefined; length: number } | undefined {
  const labels: Record<string, string> = {};
  let name: string | undefined;
  let at = 1;
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t' || text[at] === ',') at += 1;
    if (text[at] === '}') return { labels, name, length: at + 1 };
    let label: string;
    if (text[at] === '"') {
      const quoted = parseQuoted(text, at);
      if (quoted === undefined) return undefined;
      at = quoted.end;
      if (!/^\s*=/.test(text.slice(at))) {
        name = quoted.value;
        continue;
      }
      label = quoted.value;
      at = text.indexOf('"', at);
    } else {
      LABEL.lastIndex = at;
      const match = LABEL.exec(text);
      if (match === null) return undefined;
      label = match[1] as string;
      at = LABEL.lastIndex;
    }
    const value = parseQuoted(text, at);
    if (value === undefined) return undefined;
    Object.defineProperty(labels, label, { value: value.value, enumerable: true, configurable: true, writable: true });
    at = value.end;
  }
}

/** A string in double quotes at `from`, with the format's three escapes. */
function parseQuoted(text: string, from: number): { value: string; end: number } | undefined {
  if (text[from] !== '"') return undefined;
  let value = '';
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '"') return { value, end: at + 1 };
    if (char === '\\') {
      at += 1;
      const escaped = text[at];
      value += escaped === 'n' ? '\n' : (escaped ?? '');
    } else value += char;
  }
  return undefined;
}

function parseValue(text: string): number | undefined {
  switch (text.toLowerCase()) {
    case 'nan':
      return Number.NaN;
    case '+inf':
    case 'inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    case '':
      return undefined;
  }
  const value = Number(text);
  return Number.isNaN(value) || /^[+-]?0[xob]/i.test(text) ? undefined : value;
}
