/**
 * What a filter means for a change: which parts of it an index can answer, and whether a change fits the rest. Terms about fields (`path`,
 * `value`, `old`) speak of one field together; one of them with a minus excludes changes that have such a field. Pure.
 */
import type { Change, ChangeType } from './change.ts';
import { type Alternative, type FilterTerm, hoursOf, wordsOf } from './change-filter.ts';
import type { FieldDiff } from './diff/field-diff.ts';
import { escapeSegment, type FieldPath, genericPath, isListItem } from './field-path.ts';
import { exactNumber, type Json } from './json.ts';

/** What indexes of the record answer; also the larger part of a query of the store. */
export interface ChangeBounds {
  cluster?: string;
  group?: string;
  kind?: string;
  namespace?: string;
  name?: string;
  actor?: string;
  /** Exact generic path; the changes that touched it. */
  path?: FieldPath;
  fromMs?: number;
  toMs?: number;
}

type Row = Pick<Change, 'ref' | 'uid' | 'type' | 'origin' | 'observedMs' | 'actor' | 'own'> & { paths: readonly FieldPath[] };

export interface ChangeFilter {
  bounds: ChangeBounds;
  /** By what a list of changes shows. A false is final; a true may still fail on fields or score. */
  fitsRow(row: Row): boolean;
  /** Undefined where no term asks for values. */
  fitsFields: ((type: ChangeType, diff: readonly FieldDiff[]) => boolean) | undefined;
  /** Of each term about what a field became: texts of which one at least is in the value. A change with none of them does not fit. */
  heldTexts: readonly (readonly string[])[];
  /** Words to be found in what fields became: of each term all words of one alternative. */
  words: readonly (readonly (readonly string[])[])[];
  /** Undefined where no term asks for the score. */
  fitsScore: ((score: number) => boolean) | undefined;
  /** No change with a lower score fits. */
  scoreMin: number | undefined;
}

export function compileChangeFilter(terms: readonly FilterTerm[]): ChangeFilter {
  const wantsCreated = terms.some(
    ({ key, negated, values }) => key === 'type' && !negated && values.some(({ text }) => text === 'ADDED'),
  );
  const fieldTerms = terms.filter(({ key }) => key === 'path' || key === 'value' || key === 'old');
  const scoreTerms = terms.filter(({ key }) => key === 'score');
  const rowTests = terms.flatMap((term) => rowTest(term) ?? []);
  const wanted = fieldTerms.filter(({ negated }) => !negated).map(fieldTest);
  const unwanted = fieldTerms.filter(({ negated }) => negated).map(fieldTest);
  const paths = fieldTerms.filter(({ key, negated }) => key === 'path' && !negated).map(pathTest);
  const needsValues = fieldTerms.some(({ key, values }) => key !== 'path' || values.some(({ text }) => namesItem(text)));
  const isLookedInto = (type: ChangeType) => type === 'MODIFIED' || (type === 'ADDED' && wantsCreated);
  return {
    bounds: boundsOf(terms, wantsCreated),
    fitsRow(row) {
      if (!rowTests.every((fits) => fits(row))) return false;
      if (wanted.length === 0 && (unwanted.length === 0 || needsValues)) return true;
      if (!isLookedInto(row.type)) return wanted.length === 0;
      // The paths of a created object are known only with its values.
      if (row.type === 'ADDED' || needsValues)
        return row.type === 'ADDED' || paths.every((fits) => row.paths.some((path) => fits(path)));
      const fields = row.paths.map((path): FieldDiff => ({ op: 'set', path, generic: path }));
      return fitsFields(fields, wanted, unwanted);
    },
    fitsFields:
      fieldTerms.length === 0 || (!needsValues && !wantsCreated)
        ? undefined
        : (type, diff) => (isLookedInto(type) ? fitsFields(diff, wanted, unwanted) : wanted.length === 0),
    heldTexts: terms
      .filter(({ key, negated, operator }) => key === 'value' && !negated && operator === ':')
      .map(({ values }) => values.map(longestPiece))
      .filter((texts) => texts.every((text) => text !== '')),
    words: terms.filter(({ key }) => key === 'text').map(({ values }) => values.map(({ text }) => wordsOf(text))),
    fitsScore:
      scoreTerms.length === 0 ? undefined : (score) => scoreTerms.every((term) => compares(score, term) !== term.negated),
    scoreMin: lowestScore(scoreTerms),
  };
}

type FieldTest = (field: FieldDiff) => boolean;

function fitsFields(diff: readonly FieldDiff[], wanted: readonly FieldTest[], unwanted: readonly FieldTest[]): boolean {
  if (wanted.length > 0 && !diff.some((field) => wanted.every((fits) => fits(field)))) return false;
  return !diff.some((field) => unwanted.some((fits) => fits(field)));
}

function boundsOf(terms: readonly FilterTerm[], wantsCreated: boolean): ChangeBounds {
  const bounds: ChangeBounds = {};
  for (const { key, negated, values, ms } of terms) {
    if (key === 'after' && !negated) bounds.fromMs = Math.max(bounds.fromMs ?? Number.NEGATIVE_INFINITY, ms ?? 0);
    if (key === 'before' && !negated) bounds.toMs = Math.min(bounds.toMs ?? Number.POSITIVE_INFINITY, (ms ?? 0) - 1);
    const [value] = values;
    // Of created objects no paths are indexed; which item it is does not matter to the index, so it may have stars in its brackets.
    if (key === 'path' && !negated && !wantsCreated && value !== undefined && values.length === 1) {
      const text = genericPath(pathOf(value.text));
      if (isExact({ ...value, text })) bounds.path ??= text;
    }
    const exact =
      !negated && values.length === 1 && isExact(values[0] as Alternative) ? (values[0] as Alternative).text : undefined;
    if (exact === undefined) continue;
    if (key === 'cluster' || key === 'group' || key === 'kind' || key === 'namespace' || key === 'name' || key === 'actor')
      bounds[key] ??= exact;
  }
  return bounds;
}

function rowTest(term: FilterTerm): ((row: Row) => boolean) | undefined {
  const { key, negated, values, ms = 0 } = term;
  const texts = (read: (row: Row) => string) => {
    const tests = values.map(textTest);
    return (row: Row) => tests.some((fits) => fits(read(row))) !== negated;
  };
  switch (key) {
    case 'cluster':
    case 'group':
    case 'kind':
    case 'namespace':
    case 'name':
      return texts(({ ref }) => ref[key]);
    case 'uid':
    case 'type':
    case 'origin':
      return texts((row) => row[key]);
    case 'actor':
      return texts(({ actor }) => actor.name);
    case 'source':
      return texts(({ actor }) => actor.source);
    case 'own':
      return texts(({ own }) => String(own));
    case 'after':
      return ({ observedMs }) => observedMs >= ms !== negated;
    case 'before':
      return ({ observedMs }) => observedMs < ms !== negated;
    case 'hour':
      return ({ observedMs }) => values.some(({ text }) => isWithinHours(observedMs, text)) !== negated;
    default:
      return undefined;
  }
}

function fieldTest(term: FilterTerm): FieldTest {
  const { key, values } = term;
  if (key === 'path') {
    const tests = values.map((value): FieldTest => {
      const fits = pathTest({ values: [value] });
      if (!namesItem(value.text)) return ({ generic }) => fits(generic);
      const fitsItem = itemTest({ text: pathOf(value.text), quoted: value.quoted });
      return ({ path, generic }) => fits(generic) && fitsItem(path);
    });
    return (field) => tests.some((fits) => fits(field));
  }
  const tests = values.map(textTest);
  return (field) => {
    const value = key === 'value' ? field.new : field.old;
    if (value === undefined) return false;
    if (term.operator === ':') return tests.some((fits) => fits(typeof value === 'string' ? value : JSON.stringify(value)));
    return compares(numberOf(value), term);
  };
}

/** Over generic paths. */
function pathTest({ values }: Pick<FilterTerm, 'values'>): (generic: FieldPath) => boolean {
  const tests = values.map(({ text, quoted }) => textTest({ text: genericPath(pathOf(text)), quoted }));
  return (generic) => tests.some((fits) => fits(generic));
}

/** `spec.listeners[*].port` and `spec.listeners[name=tls].port` as the record writes it; what begins with a slash is that already. */
export function pathOf(text: string): FieldPath {
  if (text.startsWith('/')) return text;
  const segments = text.match(/\[[^\]]*\]|[^.[\]]+/g) ?? [];
  return segments.map((segment) => `/${escapeSegment(segment)}`).join('');
}

/** Some items of a list rather than all: what they touched is known from the values only. */
function namesItem(text: string): boolean {
  return /\[(?!\*\])[^\]]+\]/.test(text);
}

const WITHIN_ITEM = Symbol('any text of an item');
const ANYTHING = Symbol('any text');
type Token = string | typeof WITHIN_ITEM | typeof ANYTHING;

/** Over exact paths, where a star in brackets stands for text of that item and does not reach into what is in it. */
function itemTest({ text, quoted }: Alternative): (path: FieldPath) => boolean {
  if (quoted || !text.includes('*')) return (path) => path === text;
  const tokens = text.split('/').flatMap((segment, i): Token[] => {
    const star = isListItem(segment) ? WITHIN_ITEM : ANYTHING;
    return [...(i === 0 ? '' : '/'), ...segment].map((character) => (character === '*' ? star : character));
  });
  return (path) => fitsTokens(tokens, path);
}

/** All ways at once, letter by letter, so that the cost is bounded by both lengths whatever the path is. */
function fitsTokens(tokens: readonly Token[], path: FieldPath): boolean {
  let reached: number[] = [];
  reach(tokens, reached, 0);
  for (const character of path) {
    const next: number[] = [];
    // By rising places, which those reached from them are too.
    for (const at of reached) {
      const token = tokens[at];
      if (token === ANYTHING || (token === WITHIN_ITEM && character !== '/')) reach(tokens, next, at);
      else if (token === character) reach(tokens, next, at + 1);
    }
    if (next.length === 0) return false;
    reached = next;
  }
  return reached.at(-1) === tokens.length;
}

/** Adds a place in the pattern, and those behind it after stars that stand for nothing, each once. */
function reach(tokens: readonly Token[], places: number[], from: number): void {
  const last = places.at(-1) ?? -1;
  for (let at = from; ; at++) {
    if (at > last) places.push(at);
    if (typeof tokens[at] !== 'symbol') return;
  }
}

/** `[*]` in a path is an item of a list and no wildcard. */
function isExact({ text, quoted }: Alternative): boolean {
  return quoted || !text.replaceAll('[*]', '').includes('*');
}

function textTest({ text, quoted }: Alternative): (value: string) => boolean {
  if (isExact({ text, quoted })) return (value) => value === text;
  const pieces = text.split(WILDCARD);
  const [first, last] = [pieces[0] as string, pieces.at(-1) as string];
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  // Piece by piece and not as a regular expression, whose cost a hostile value could drive up.
  return (value) => {
    if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
    const end = value.length - last.length;
    let at = first.length;
    for (const piece of middle) {
      const found = value.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

/** The longest text between wildcards, which is in every value that fits. */
function longestPiece({ text, quoted }: Alternative): string {
  if (isExact({ text, quoted })) return text;
  return text.split(WILDCARD).reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
}

/** A star that is not the `[*]` of a path. */
const WILDCARD = /(?<!\[)\*|\*(?!\])/;

function numberOf(value: Json): number | bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  return typeof value === 'string' && value.trim() !== '' ? numberIn(value) : Number.NaN;
}

/** NaN for what is no number. */
function numberIn(text: string): number | bigint {
  return LONG_WHOLE.test(text) ? exactNumber(text) : Number(text);
}

/** Of digits that a double may not hold, and not so many that it is out of range. */
const LONG_WHOLE = /^-?[1-9]\d{15,299}$/;

function compares(number: number | bigint, { operator, values }: FilterTerm): boolean {
  return values.some(({ text }) => {
    const bound = numberIn(text);
    if (operator === ':') return number === bound;
    if (operator === '>') return number > bound;
    if (operator === '>=') return number >= bound;
    return operator === '<' ? number < bound : number <= bound;
  });
}

function lowestScore(terms: readonly FilterTerm[]): number | undefined {
  const mins = terms.flatMap(({ operator, negated, values }) => {
    const isLower = operator === '>' || operator === '>=' || operator === ':';
    return !negated && isLower ? [Math.min(...values.map(({ text }) => Number(text)))] : [];
  });
  const min = Math.max(...mins);
  return mins.length > 0 && min > 0 ? min : undefined;
}

function isWithinHours(ms: number, text: string): boolean {
  const { from, to } = hoursOf(text) ?? { from: 0, to: 23 };
  const hour = new Date(ms).getUTCHours();
  return from <= to ? hour >= from && hour <= to : hour >= from || hour <= to;
}
