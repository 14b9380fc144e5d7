/** A user's own rules: which change of which field is always worth telling, from the first minute. */

import { CrowsnestError } from '../../domain/errors.ts';
import { fieldName } from '../../domain/field-path.ts';
import type { Severity } from '../../domain/finding.ts';
import { SEVERITIES } from '../../domain/finding.ts';
import type { ChangeEvent, Field } from '../features.ts';
import { quote } from '../words.ts';

export interface UserRule {
  name: string;
  group?: string;
  kind?: string;
  namespace?: string;
  /** Generic path (`/spec/template/containers/[*]/image`); a trailing `/*` stands for everything below. */
  path?: string;
  /** What happened: to the field where `path` or `value` is given, else to the object. */
  op?: 'add' | 'set' | 'remove' | 'created' | 'changed' | 'deleted';
  /** Regular expression on the new value (for `remove`, the old). */
  value?: string;
  severity?: Severity;
  message?: string;
}

export interface CompiledRule {
  rule: UserRule;
  matches(event: ChangeEvent): { field: Field | undefined } | undefined;
}

const KEYS = new Set(['name', 'group', 'kind', 'namespace', 'path', 'op', 'value', 'severity', 'message']);
const FIELD_OPS = ['add', 'set', 'remove'];
const OBJECT_OPS: Record<string, ChangeEvent['type']> = { created: 'ADDED', changed: 'MODIFIED', deleted: 'DELETED' };
const VALUE_MAX = 2_000;

/** Compiles rules; throws CrowsnestError RULE_INVALID naming the rule and what is wrong with it. */
export function compileRules(rules: readonly UserRule[]): CompiledRule[] {
  return rules.map((rule, i) => compileRule(rule, `rule ${i + 1}${typeof rule?.name === 'string' ? ` "${rule.name}"` : ''}`));
}

function compileRule(rule: UserRule, where: string): CompiledRule {
  const fail = (what: string, todo: string, cause?: unknown): never => {
    throw new CrowsnestError({ code: 'RULE_INVALID', what, where, todo, cause });
  };
  if (typeof rule !== 'object' || rule === null) fail('a rule is not an object', 'Write each rule as a mapping with a name');
  for (const [key, value] of Object.entries(rule)) {
    if (!KEYS.has(key)) fail(`unknown key "${key}"`, `Use ${[...KEYS].join(', ')}`);
    if (value !== undefined && typeof value !== 'string') fail(`"${key}" is not a string`, 'Quote the value');
  }
  if (!rule.name) fail('a rule has no name', 'Give it one: it is shown in the alert');
  if (rule.op !== undefined && !FIELD_OPS.includes(rule.op) && OBJECT_OPS[rule.op] === undefined) {
    fail(`unknown op "${rule.op}"`, `Use one of ${[...FIELD_OPS, ...Object.keys(OBJECT_OPS)].join(', ')}`);
  }
  if (rule.severity !== undefined && !SEVERITIES.includes(rule.severity)) {
    fail(`unknown severity "${rule.severity}"`, `Use one of ${SEVERITIES.join(', ')}`);
  }
  if (rule.path !== undefined && !rule.path.startsWith('/'))
    fail(`path "${rule.path}" does not start with /`, 'Write it as /spec/…');
  if (
    rule.path === undefined &&
    rule.value === undefined &&
    rule.kind === undefined &&
    rule.op === undefined &&
    rule.namespace === undefined
  ) {
    fail('the rule matches every change', 'Narrow it by kind, namespace, path, op or value');
  }
  let value: RegExp | undefined;
  try {
    value = rule.value === undefined ? undefined : new RegExp(rule.value);
  } catch (error) {
    fail(`value is not a regular expression: ${rule.value}`, 'Correct the expression', error);
  }
  return { rule, matches: (event) => match(rule, value, event) };
}

function match(rule: UserRule, value: RegExp | undefined, event: ChangeEvent): { field: Field | undefined } | undefined {
  const { ref } = event;
  if (rule.group !== undefined && rule.group !== ref.group) return undefined;
  if (rule.kind !== undefined && rule.kind !== ref.kind) return undefined;
  if (rule.namespace !== undefined && rule.namespace !== ref.namespace) return undefined;
  const objectOp = rule.op === undefined ? undefined : OBJECT_OPS[rule.op];
  if (objectOp !== undefined && objectOp !== event.type) return undefined;
  const fieldOp = objectOp === undefined ? rule.op : undefined;
  if (rule.path === undefined && value === undefined && fieldOp === undefined) return { field: undefined };
  for (const field of event.reworded === undefined ? event.fields : [...event.fields, ...event.reworded]) {
    if (fieldOp !== undefined && field.op !== fieldOp) continue;
    if (rule.path !== undefined && !underPath(rule.path, field)) continue;
    if (value !== undefined && !value.test(textOf(field.op === 'remove' ? field.old : field.next))) continue;
    return { field };
  }
  return undefined;
}

function underPath(path: string, field: Field): boolean {
  if (path.endsWith('/*')) {
    const prefix = path.slice(0, -1);
    return field.generic.startsWith(prefix) || field.path.startsWith(prefix);
  }
  return path === field.generic || path === field.path;
}

function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).slice(0, VALUE_MAX);
}

/** The sentence of a rule that matched. */
export function ruleSentence(rule: UserRule, event: ChangeEvent, field: Field | undefined): string {
  const what =
    field === undefined ? `${event.ref.kind} ${event.ref.name}` : `${fieldName(field.path)} (now ${quote(field.next)})`;
  return rule.message === undefined
    ? `Your rule "${rule.name}" matches ${what}.`
    : `${rule.message} (your rule "${rule.name}", ${what})`;
}
