/** The change that came just before: the last of each kind, and how often a change like it preceded what a controller's series showed. */

import type { Change } from '../../domain/change.ts';
import { fieldName } from '../../domain/field-path.ts';
import { describeRef, type ObjectRef } from '../../domain/object-ref.ts';
import { touch } from '../habits/counts.ts';
import { JoinedTexts } from '../joined-texts.ts';
import { isLate } from '../status/counter-sights.ts';
import { span } from '../words.ts';

/** The last change of a kind, to be put into words when it is told. */
interface Preceding {
  atMs: number;
  ref: ObjectRef | undefined;
  type: Change['type'];
  /** The first one or two of what it changed. */
  paths: readonly string[];
  actor: string | undefined;
}

export interface PrecedingState {
  last: Map<string, Preceding>;
  /** By controller: of its findings so far, how many, and which patterns preceded them. */
  seen: Map<string, { findings: number; patterns: Record<string, number> }>;
}

export interface KindOfSeries {
  cluster: string;
  group: string;
  kind: string;
}

const KINDS_MAX = 2_000;
const CONTROLLERS_MAX = 1_000;
const PATTERNS_MAX = 16;
const JUST_BEFORE_MS = 30 * 60_000;
const NO_PATHS: readonly string[] = [];

export function makePreceding(): PrecedingState {
  return { last: new Map(), seen: new Map() };
}

/** Changes of status say what the controller did, not what it was given to do. */
export function noteChange(
  state: PrecedingState,
  { ref, type, diff, actor, observedMs, own, origin }: Change,
  keys = new KindKeys(),
): void {
  if (own || origin === 'list') return;
  const paths = shownOf(diff);
  if (type === 'MODIFIED' && paths.length === 0) return;
  const entry = touch(state.last, keys.of(ref), KINDS_MAX, nothingYet);
  if (observedMs < entry.atMs && isLate(observedMs, entry.atMs)) return;
  entry.atMs = observedMs;
  entry.ref = ref;
  entry.type = type;
  entry.paths = paths;
  entry.actor = actor.source === 'none' ? undefined : actor.name;
}

function nothingYet(): Preceding {
  return { atMs: 0, ref: undefined, type: 'MODIFIED', paths: NO_PATHS, actor: undefined };
}

function shownOf(diff: Change['diff']): readonly string[] {
  let first: string | undefined;
  for (let i = 0; i < diff.length; i++) {
    const { path } = diff[i] as Change['diff'][number];
    if (path.startsWith('/status')) continue;
    // Of their size: an array that grows keeps room for a dozen more.
    if (first !== undefined) return [first, path];
    first = path;
  }
  return first === undefined ? NO_PATHS : [first];
}

function patternOf({ type, paths }: Preceding, kind: string): string {
  const verb = { ADDED: 'the creation', MODIFIED: 'a change', DELETED: 'the deletion' }[type];
  const fields = paths.map(fieldName).join(' and ');
  return type === 'MODIFIED' ? `${verb} of ${fields} of a ${kind}` : `${verb} of a ${kind}`;
}

/** In words, undefined if none came within half an hour; and learnt as what preceded a finding of the controller. */
export function tellPreceding(
  state: PrecedingState,
  { of, controller, atMs }: { of: KindOfSeries; controller: string; atMs: number },
): string | undefined {
  const seen = touch(state.seen, `${of.cluster}\u0000${controller}`, CONTROLLERS_MAX, noneSeen);
  const last = state.last.get(keyOf(of));
  const earlier = seen.findings++;
  if (last?.ref === undefined || last.atMs > atMs || atMs - last.atMs > JUST_BEFORE_MS) return undefined;
  const pattern = patternOf(last, last.ref.kind);
  const known = Object.hasOwn(seen.patterns, pattern);
  const before = known ? (seen.patterns[pattern] as number) : 0;
  if (known || Object.keys(seen.patterns).length < PATTERNS_MAX) seen.patterns[pattern] = before + 1;
  const by = last.actor === undefined ? '' : ` by ${last.actor}`;
  const again = before === 0 ? '' : `, as ${before === earlier ? 'each time' : `${before} of ${earlier} times`} before`;
  return `${span(atMs - last.atMs)} before came ${pattern} (${describeRef(last.ref)}${by})${again}.`;
}

function noneSeen(): { findings: number; patterns: Record<string, number> } {
  return { findings: 0, patterns: {} };
}

/** The keys of kinds, put together anew only where another kind follows. */
export class KindKeys {
  readonly #kinds = new JoinedTexts('/');
  readonly #keys = new JoinedTexts('\u0000');

  of({ cluster, group, kind }: KindOfSeries): string {
    return this.#keys.of(cluster, this.#kinds.of(group, kind));
  }
}

function keyOf(of: KindOfSeries): string {
  return new KindKeys().of(of);
}
