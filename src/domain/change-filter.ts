/**
 * The grammar of filters over changes (docs/queries.md):
 *
 *   filter   = { blank | term }                             all terms must hold
 *   term     = [ "-" ] key operator value                   a minus excludes
 *   operator = ":" | ">" | ">=" | "<" | "<="
 *   value    = alternative { "," alternative }              one must fit; after a comparison only one
 *   alternative = word | '"' text '"'                       in a word `*` stands for any text; in quotes nothing is special but \" and \\;
 *                                                           64 stars in all at most, as each may stand for anything and is tried so
 *
 * Pure: text in, terms out. What they mean for a change is in change-match.ts.
 */
import { timeOf } from './time-text.ts';

export const OPERATORS = [':', '>=', '<=', '>', '<'] as const;
export type Operator = (typeof OPERATORS)[number];

type ValueType = 'text' | 'path' | 'scalar' | 'time' | 'number' | 'hours' | 'words' | 'choice';

interface KeyRow {
  type: ValueType;
  /** Beside `:`, or instead of it. */
  compares?: true;
  choices?: readonly string[];
  what: string;
}

/** Every key, and what may follow it. */
export const FILTER_KEYS = {
  cluster: { type: 'text', what: 'the name of a cluster' },
  group: { type: 'text', what: 'an API group' },
  kind: { type: 'text', what: 'a kind' },
  namespace: { type: 'text', what: 'a namespace' },
  name: { type: 'text', what: "an object's name" },
  uid: { type: 'text', what: "an object's uid" },
  actor: { type: 'text', what: 'who made the change' },
  source: {
    type: 'choice',
    choices: ['stream', 'admission', 'audit', 'pushed', 'managedFields', 'none'],
    what: 'how the actor is known',
  },
  type: { type: 'choice', choices: ['ADDED', 'MODIFIED', 'DELETED'], what: 'what happened to the object' },
  origin: { type: 'choice', choices: ['watch', 'list', 'relist', 'replay', 'push'], what: 'how the change became known' },
  own: { type: 'choice', choices: ['true', 'false'], what: 'whether Crowsnest itself made it' },
  path: { type: 'path', what: 'a field that changed' },
  value: { type: 'scalar', compares: true, what: 'what a field became' },
  old: { type: 'scalar', compares: true, what: 'what a field was' },
  text: { type: 'words', what: 'words of what a field became' },
  after: { type: 'time', what: 'observed at this time or later' },
  before: { type: 'time', what: 'observed before this time' },
  hour: { type: 'hours', what: 'hour of the day in UTC, or several as 22-5' },
  score: { type: 'number', compares: true, what: 'how odd it was judged; 0 where there is no finding' },
} as const satisfies Record<string, KeyRow>;
export type FilterKey = keyof typeof FILTER_KEYS;

const ALIASES: Record<string, FilterKey> = { ns: 'namespace', who: 'actor' };

/** Text as it was written: in quotes a `*` is a `*`. */
export interface Alternative {
  text: string;
  quoted: boolean;
}

export interface FilterTerm {
  key: FilterKey;
  negated: boolean;
  operator: Operator;
  values: Alternative[];
  /** For `after` and `before`: milliseconds. */
  ms?: number;
  /** From 1, where the term begins. */
  column: number;
}

/** A filter that cannot be read: where, counted in characters from 1, and what was expected there. */
export class FilterError extends Error {
  readonly column: number;

  constructor(column: number, expected: string) {
    super(`column ${column}: expected ${expected}`);
    this.name = 'FilterError';
    this.column = column;
  }
}

/** Stars of a filter, of all its values together. */
export const STARS_MAX = 64;

/** Throws FilterError. `nowMs` is what ages such as `after:7d` count back from. */
export function parseChangeFilter(text: string, nowMs: number): FilterTerm[] {
  const reader = new Reader(text, nowMs);
  const terms: FilterTerm[] = [];
  let stars = 0;
  for (reader.blanks(); !reader.atEnd(); reader.blanks()) {
    const term = reader.term();
    stars += starsOf(term);
    if (stars > STARS_MAX) throw new FilterError(term.column, `${STARS_MAX} stars (*) in a filter at most`);
    terms.push(term);
  }
  return terms;
}

function starsOf({ values }: FilterTerm): number {
  return values.reduce((sum, { text, quoted }) => sum + (quoted ? 0 : text.split('*').length - 1), 0);
}

class Reader {
  readonly #text: string;
  readonly #nowMs: number;
  #at = 0;

  constructor(text: string, nowMs: number) {
    this.#text = text;
    this.#nowMs = nowMs;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  blanks(): void {
    this.#take(/\s*/y);
  }

  term(): FilterTerm {
    const column = this.#at + 1;
    const negated = this.#take(/-/y) !== '';
    const key = this.#key();
    const row: KeyRow = FILTER_KEYS[key];
    const operator = this.#operator(key, row);
    const valueColumn = this.#at + 1;
    if (row.type === 'words' && negated) this.#fail(column, `no minus before ${key}`);
    const values = this.#values(key, row);
    if (operator !== ':' && values.length > 1) this.#fail(valueColumn, `one number after ${operator}, not a list`);
    const term: FilterTerm = { key, negated, operator, values, column };
    if (row.type === 'time') term.ms = this.#time(values, valueColumn);
    else for (const value of values) this.#check(key, row, operator, value, valueColumn);
    return term;
  }

  #key(): FilterKey {
    const column = this.#at + 1;
    const word = this.#take(/[A-Za-z]+/y);
    const name = word.toLowerCase();
    const key = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
    if (key !== undefined && Object.hasOwn(FILTER_KEYS, key)) return key as FilterKey;
    const keys = Object.keys(FILTER_KEYS).join(', ');
    return this.#fail(column, word === '' ? `a key and a value such as kind:Kafka` : `one of the keys ${keys}, not ${word}`);
  }

  #operator(key: FilterKey, row: KeyRow): Operator {
    const column = this.#at + 1;
    const operator = this.#take(/:|>=|<=|>|</y);
    if (operator === '') this.#fail(column, row.compares ? `: or a comparison after ${key}` : `: after ${key}`);
    if (operator !== ':' && row.compares === undefined) this.#fail(column, `: after ${key}, which does not compare`);
    return operator as Operator;
  }

  #values(key: FilterKey, row: KeyRow): Alternative[] {
    const values: Alternative[] = [];
    do {
      const column = this.#at + 1;
      const value = this.#quoted() ?? { text: this.#take(row.type === 'path' ? PATH_WORD : WORD), quoted: false };
      if (value.text === '' && !value.quoted) this.#fail(column, `a value after ${key}: ${row.what}`);
      values.push(value);
    } while (this.#take(/,/y) !== '');
    if (!this.atEnd() && !/\s/.test(this.#text[this.#at] as string))
      this.#fail(this.#at + 1, 'a blank or a comma after the value');
    return values;
  }

  #quoted(): Alternative | undefined {
    const column = this.#at + 1;
    if (this.#take(/"/y) === '') return undefined;
    const inner = this.#take(/(?:[^"\\]|\\.)*/sy);
    if (this.#take(/"/y) === '') this.#fail(column, 'a closing quote for the one that opens here');
    return { text: inner.replaceAll(/\\(.)/gs, '$1'), quoted: true };
  }

  #time(values: Alternative[], column: number): number {
    const [value, ...more] = values;
    const ms = value === undefined || more.length > 0 ? undefined : timeOrAge(value.text, this.#nowMs);
    return ms ?? this.#fail(column, 'one time: 2026-10-01, 2026-10-01T09:30:00Z, or an age such as 36h or 7d');
  }

  #check(key: FilterKey, row: KeyRow, operator: Operator, { text }: Alternative, column: number): void {
    if (row.choices !== undefined && !row.choices.includes(text))
      this.#fail(column, `one of ${row.choices.join(', ')} after ${key}`);
    const isNumber = text.trim() !== '' && Number.isFinite(Number(text));
    if ((operator !== ':' || row.type === 'number') && !isNumber) this.#fail(column, `a number after ${key}`);
    if (row.type === 'path' && !isPath(text)) {
      const slashes = 'with a bracket in a name or key it is written with slashes: /spec/listeners/[name=a]b]/port';
      this.#fail(
        column,
        `a path such as spec.replicas or spec.listeners[name=tls].port after ${key}, each [ with its ]; ${slashes}`,
      );
    }
    if (row.type === 'words' && wordsOf(text).length === 0) this.#fail(column, 'at least one word of letters or digits');
    if (row.type === 'hours' && hoursOf(text) === undefined) this.#fail(column, 'an hour from 0 to 23, or a range such as 22-5');
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #fail(column: number, expected: string): never {
    throw new FilterError(column, expected);
  }
}

const WORD = /[^\s,"]+/y;
/** The name of an item may have commas. */
const PATH_WORD = /(?:\[[^\s\]]*\]|[^\s,"])+/y;

/** What lies in brackets is an item of a list; a path that begins with a slash is as the record writes it, where anything may be in a name. */
function isPath(text: string): boolean {
  if (text.startsWith('/')) return true;
  const names = text.replaceAll(/\[[^\]]+\]/g, 'item');
  return !/[[\]]/.test(names) && /[^.]/.test(names);
}

const AGE_UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function timeOrAge(text: string, nowMs: number): number | undefined {
  const [, amount, unit] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (AGE_UNITS[unit] as number);
  return timeOf(text);
}

/** Runs of letters and digits, in lower case. */
export function wordsOf(text: string): string[] {
  return (
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** `9` or `22-5`, both ends included; undefined for anything else. */
export function hoursOf(text: string): { from: number; to: number } | undefined {
  const [, first, last] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last ?? first)];
  return from <= 23 && to <= 23 ? { from, to } : undefined;
}
