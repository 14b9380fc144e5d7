/**
 * Label and field selectors: their syntax, checked before a server is asked, and whether an object fits, for telling an object that left a
 * selection from one that is gone. The server alone decides what is sent. Pure.
 */
import { isJsonObject, type Json } from './json.ts';
import type { KubeObject } from './object-ref.ts';

interface Requirement {
  key: string;
  operator: 'in' | 'notin' | 'exists' | 'absent' | 'above' | 'below';
  values: string[];
}

export type Selector = (object: KubeObject) => boolean;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const FIELD = /^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z][A-Za-z0-9_-]*)*$/;

/** `team=a`, `tier in (gold, silver)`, `!legacy`, … separated by commas. Throws an Error that says what is wrong with the text. */
export function parseLabelSelector(text: string): Selector {
  const requirements = splitOutsideBrackets(text).map(parseRequirement);
  return ({ metadata }) => {
    const labels = isJsonObject(metadata.labels) ? metadata.labels : {};
    return requirements.every((requirement) => fits(requirement, memberOf(labels, requirement.key)));
  };
}

/** `metadata.name=a`, `spec.class!=b`, … separated by commas; the kind's API decides which fields can be selected by. Throws as above. */
export function parseFieldSelector(text: string): Selector {
  const terms = text.split(/(?<!\\),/).map((term) => {
    const match = /^\s*([^=!]+?)\s*(==|!=|=)\s*(.*?)\s*$/.exec(term);
    if (match === null) throw new Error(`${JSON.stringify(term.trim())} is not FIELD=VALUE or FIELD!=VALUE`);
    const [, field = '', operator, value = ''] = match;
    if (!FIELD.test(field)) throw new Error(`${JSON.stringify(field)} is not a field such as metadata.name`);
    return { path: field.split('.'), negated: operator === '!=', value: value.replaceAll(/\\(.)/g, '$1') };
  });
  return (object) => terms.every(({ path, negated, value }) => (textAt(object, path) === value) !== negated);
}

/** `Kafka.*: tier=gold` → the pattern and the selector; without a pattern it is for all kinds. A selector has no colon before its `=`. */
export function splitSelector(text: string): { pattern: string; selector: string } {
  const match = /^\s*([A-Za-z0-9*.-]+):\s*(.+)$/s.exec(text);
  return match === null
    ? { pattern: '*', selector: text.trim() }
    : { pattern: match[1] ?? '', selector: (match[2] ?? '').trim() };
}

function parseRequirement(term: string): Requirement {
  const text = term.trim();
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    return checked({ key, operator: operator as 'in' | 'notin', values: list.split(',').map((value) => value.trim()) }, text);
  }
  const compared = /^([^=!<>\s]+)\s*(==|!=|=|>|<)\s*(\S*)$/.exec(text);
  if (compared !== null) {
    const [, key = '', sign, value = ''] = compared;
    if (sign === '>' || sign === '<') {
      if (!/^-?\d+$/.test(value)) throw new Error(`${JSON.stringify(text)} compares with what is no whole number`);
      return checked({ key, operator: sign === '>' ? 'above' : 'below', values: [value] }, text);
    }
    return checked({ key, operator: sign === '!=' ? 'notin' : 'in', values: [value] }, text);
  }
  const bare = /^(!?)\s*(\S+)$/.exec(text);
  if (bare === null)
    throw new Error(text === '' ? 'a requirement is empty' : `${JSON.stringify(text)} is not a requirement on a label`);
  return checked({ key: bare[2] ?? '', operator: bare[1] === '!' ? 'absent' : 'exists', values: [] }, text);
}

function checked(requirement: Requirement, text: string): Requirement {
  const { key, operator, values } = requirement;
  const [name, prefix, ...more] = key.split('/').reverse();
  if (!NAME.test(name ?? '') || more.length > 0 || (prefix !== undefined && !PREFIX.test(prefix)))
    throw new Error(`${JSON.stringify(key)} in ${JSON.stringify(text)} is not the key of a label`);
  const wrong =
    operator === 'above' || operator === 'below' ? undefined : values.find((value) => value !== '' && !NAME.test(value));
  if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} in ${JSON.stringify(text)} is not the value of a label`);
  return requirement;
}

function fits({ operator, values }: Requirement, label: Json | undefined): boolean {
  switch (operator) {
    case 'exists':
      return label !== undefined;
    case 'absent':
      return label === undefined;
    case 'in':
      return typeof label === 'string' && values.includes(label);
    case 'notin':
      return typeof label !== 'string' || !values.includes(label);
    case 'above':
      return typeof label === 'string' && Number(label) > Number(values[0]);
    case 'below':
      return typeof label === 'string' && Number(label) < Number(values[0]);
  }
}

function splitOutsideBrackets(text: string): string[] {
  if (/\([^)]*(\(|$)/.test(text)) throw new Error('a bracket is not closed');
  return text.split(/,(?![^(]*\))/);
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function textAt(object: KubeObject, path: string[]): string {
  let value: Json | undefined = object;
  for (const step of path) value = memberOf(value, step);
  return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
}
