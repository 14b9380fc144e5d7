/**
 * A change as a point: which fields of which kind moved and how, who moved them, when, and how many. Names enter by their hash, so that the
 * vector has one width for every cluster and nobody's vocabulary is built in.
 */
import type { Change } from '../../domain/change.ts';
import { fieldsOf, isMachine, isStatusOnly, kindKey } from '../features.ts';
import { pathNames } from '../path-names.ts';
import type { WeekClock } from '../week-clock.ts';

/** Where each group of features begins. */
const FIELDS = { at: 0, width: 256 };
const KINDS = { at: 256, width: 20 };
const ACTORS = { at: 276, width: 12 };
const VERBS = { at: 288, ADDED: 0, MODIFIED: 1, DELETED: 2 };
const MACHINE = 291;
const HOUR = 292;
const WEEKDAY = 294;
const BREADTH = 296;
const SHARES = 297;
export const VECTOR_WIDTH = 300;

/** Features that say yes or no; behind them come those of degree. */
export const YES_OR_NO = HOUR;
const BREADTH_MAX = 64;

/** Plain data, small enough to keep a hundred thousand of them: features that are not 0, in rising order. */
export interface ChangeVector {
  indices: Uint16Array;
  values: Float32Array;
  /** For a reader: what stands behind a feature of this change, shortest first to come. */
  names: ReadonlyMap<number, string>;
}

/** Undefined for what is no act of anybody: own writes, writes of status, what a first list finds. */
export function vectorOf(change: Change, hourOfWeek: WeekClock): ChangeVector | undefined {
  if (change.own || change.origin === 'list' || isStatusOnly(change)) return undefined;
  const kind = kindKey(change.ref);
  const names = new Map<number, string>();
  const dense = new Map<number, number>();
  const yes = (index: number, name: string) => {
    dense.set(index, 1);
    if (!names.has(index)) names.set(index, name);
  };
  const fields = change.type === 'DELETED' ? [] : fieldsOf(change.diff, (generic) => pathNames(kind, generic));
  const generics = new Set<string>();
  let added = 0;
  let removed = 0;
  for (const { op, generic } of fields) {
    generics.add(generic);
    if (op === 'add') added++;
    if (op === 'remove') removed++;
    yes(FIELDS.at + (hashOf(`${kind} ${op === 'remove' ? '-' : '+'} ${generic}`) % FIELDS.width), generic);
  }
  yes(KINDS.at + (hashOf(kind) % KINDS.width), kind);
  yes(ACTORS.at + (hashOf(change.actor.name) % ACTORS.width), change.actor.name);
  yes(VERBS.at + VERBS[change.type], change.type);
  if (isMachine(change.actor.name)) yes(MACHINE, 'a machine');
  const hour = hourOfWeek(change.observedMs);
  const round = (at: number, turn: number) => {
    dense.set(at, 0.5 + 0.5 * Math.sin(2 * Math.PI * turn));
    dense.set(at + 1, 0.5 + 0.5 * Math.cos(2 * Math.PI * turn));
  };
  round(HOUR, (hour % 24) / 24);
  round(WEEKDAY, hour / 168);
  dense.set(BREADTH, Math.min(1, Math.log1p(generics.size) / Math.log1p(BREADTH_MAX)));
  if (fields.length > 0) {
    dense.set(SHARES, added / fields.length);
    dense.set(SHARES + 1, removed / fields.length);
  }
  dense.set(VECTOR_WIDTH - 1, leapOf(fields));
  const indices = [...dense.keys()].filter((index) => dense.get(index) !== 0).sort((a, b) => a - b);
  return { indices: Uint16Array.from(indices), values: Float32Array.from(indices, (index) => dense.get(index) as number), names };
}

/** The largest step of a number among the fields, as a share: 0 where nothing moved, near 1 for a hundredfold. */
function leapOf(fields: readonly { x: number | undefined; y: number | undefined }[]): number {
  let most = 0;
  for (const { x, y } of fields) {
    if (x === undefined || y === undefined) continue;
    const step = x > 0 && y > 0 ? Math.abs(Math.log(y / x)) : x === y ? 0 : 1;
    if (Number.isFinite(step)) most = Math.max(most, step);
  }
  return 1 - Math.exp(-most / 2);
}

/** The same in every process and on every machine. */
export function hashOf(text: string): number {
  let hash = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
