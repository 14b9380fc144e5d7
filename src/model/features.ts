/**
 * From a recorded change to what the detectors look at: plain data, bounded, free of bookkeeping fields, with typed values.
 */
import type { Actor, Change, ChangeType, GitopsTool } from '../domain/change.ts';
import type { FieldDiff } from '../domain/diff/field-diff.ts';
import { parentPath } from '../domain/field-path.ts';
import type { Json } from '../domain/json.ts';
import type { ObjectRef } from '../domain/object-ref.ts';
import { keeperOf } from '../domain/who/gitops-origin.ts';
import { type Artifact, artifactsOf, isVersioned, NAMING, ParentBook } from './artifacts.ts';
import { HeldPaths } from './held-paths.ts';
import { JoinedTexts } from './joined-texts.ts';
import { isPlace } from './origin.ts';
import { isBookkeeping, PathBook, type PathNames } from './path-names.ts';
import { PLACE, type Placed } from './places.ts';
import { numberOf, saysTheSame, tokensBefore, tokensOf } from './value-types.ts';
import { whole } from './words.ts';
import { BORN, FOUND, JUMPS, PUT_AWAY, type WorkedOut } from './worked-out.ts';

/** One field that changed, for good: what merely moved within a list, or says the same in other words, is not here. */
export interface Field extends Omit<PathNames, 'done' | 'bookkeeping' | 'place'>, Placed {
  op: 'add' | 'set' | 'remove';
  path: string;
  /** Kind, generic path and operation. */
  done: string;
  old: Json | undefined;
  next: Json | undefined;
  tokens: string[];
  /** The tokens of the old value, where the new one names a place that it may have been before. */
  was: string[] | undefined;
  /** Old and new value as numbers, where both are. */
  x: number | undefined;
  y: number | undefined;
}

/** One judged event. Plain data: it may wait in a snapshot. */
export interface ChangeEvent extends WorkedOut<Field> {
  seq: number;
  resourceVersion: string;
  uid: string;
  ref: ObjectRef;
  type: ChangeType;
  atMs: number;
  actor: Actor;
  /** True for controllers, bots and pipelines, false for people. */
  machine: boolean;
  /** `group/Kind`. */
  kind: string;
  /** Kind, namespace and name, within the cluster; and its row in the table of objects. */
  object: string;
  row: number;
  /** False when the time is only that of a list, so that hour and pace mean nothing. */
  timed: boolean;
  /** An object that existed before it was first seen: to be learnt, not judged. */
  imported: boolean;
  fields: Field[];
  /** The GitOps tool that keeps the object, by the marks it leaves on it. */
  keeper?: GitopsTool | undefined;
  /** The versions that an edit brought, and of what; absent where none. */
  artifacts?: readonly Artifact[] | undefined;
  /** Fields that say what they said in other words; absent where there are none. Nothing to be judged, but written, as a user's rule asks. */
  reworded?: readonly Field[] | undefined;
  /** Number of distinct generic paths among `fields`. */
  breadth: number;
  /** All generic paths the object holds, where they are new or differ from before; undefined when unchanged. */
  held: readonly string[] | undefined;
}

export const FIELDS_MAX = 400;
export const TEXT_MAX = 400;
const OLD_MS = 600_000;
const PEOPLE = /^(?:user:|kubectl)|@/;
const MACHINES =
  /^(?:bot:|system:)|(?:controller|operator|autoscaler|\[bot\])$|(?:^|[^a-z])(?:bot|controller|operator|manager|reconciler|argo-?cd|argocd-[a-z-]+|flux|fluxcd|helm|terraform|pulumi|jenkins|tekton|github-actions|gitlab-ci|renovate|dependabot|crossplane|cert-manager|keda|karpenter|strimzi|kserve|pipeline|automation|cronjob|deployer|ci|cd)(?:[^a-z]|$)/i;

/** People or machines, by the conventions of names; whoever fits none is taken for a person. */
export function isMachine(name: string): boolean {
  return !PEOPLE.test(name) && MACHINES.test(name);
}

/** True when a controller only wrote status (or bookkeeping): a stream of its own. */
export function isStatusOnly(change: Change): boolean {
  if (change.type !== 'MODIFIED') return false;
  const { diff } = change;
  for (let i = 0; i < diff.length; i++) if (!isBookkeeping((diff[i] as FieldDiff).generic)) return false;
  return true;
}

export function kindKey(ref: Pick<ObjectRef, 'group' | 'kind'>): string {
  return `${ref.group}/${ref.kind}`;
}

/** An object's identity within the cluster: its kind, namespace and name. */
export function objectId(ref: Pick<ObjectRef, 'group' | 'kind' | 'namespace' | 'name'>): string {
  return `${kindKey(ref)}\u0000${ref.namespace}\u0000${ref.name}`;
}

/** What an `objectId` was made of. */
export function objectParts(object: string): Pick<ObjectRef, 'group' | 'kind' | 'namespace' | 'name'> {
  const [key = '', namespace = '', name = ''] = object.split('\u0000');
  return { ...kindParts(key), namespace, name };
}

/** What a `kindKey` was made of. */
export function kindParts(key: string): Pick<ObjectRef, 'group' | 'kind'> {
  const slash = key.lastIndexOf('/');
  return { group: key.slice(0, slash), kind: key.slice(slash + 1) };
}

const ACTORS_MAX = 20_000;
const KINDS_MAX = 5_000;

/** An actor, and whether by its name it is a machine. */
interface KnownActor {
  actor: Actor;
  machine: boolean;
}

function isSameActor(a: Actor, b: Actor): boolean {
  return (
    a.name === b.name &&
    a.source === b.source &&
    a.confidence === b.confidence &&
    a.operation === b.operation &&
    a.impersonatedBy === b.impersonatedBy &&
    a.fieldManager === b.fieldManager
  );
}

/** What is the same for most changes, worked out once. Derived from what it is asked, so no part of a snapshot. */
export class EventBook {
  readonly paths: PathBook;
  readonly held = new HeldPaths();
  readonly parents = new ParentBook();
  readonly #actors = new Map<string, KnownActor>();
  readonly #kinds = new Map<string, string>();
  readonly #kindKeys = new JoinedTexts('/');

  constructor(paths = new PathBook()) {
    this.paths = paths;
  }

  /** With one object, and so one name, for all changes by the same actor that are known in the same way. */
  actorOf(actor: Actor): KnownActor {
    const { name } = actor;
    const known = this.#actors.get(name);
    if (known !== undefined && isSameActor(known.actor, actor)) return known;
    const made = { actor, machine: known?.machine ?? isMachine(name) };
    if (known !== undefined || this.#actors.size < ACTORS_MAX) this.#actors.set(name, made);
    return made;
  }

  /** One string for all changes of a kind: look-ups compare two strings in full unless they are one. */
  kindOf(ref: ObjectRef): string {
    const kind = this.#kindKeys.of(ref.group, ref.kind);
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    if (this.#kinds.size < KINDS_MAX) this.#kinds.set(kind, kind);
    return kind;
  }
}

/** Builds the event of a change to an object: `known` says whether that was seen before. */
export function eventOf(
  change: Change,
  object: { name: string; row: number; known: boolean },
  book = new EventBook(),
): ChangeEvent {
  const { ref } = change;
  const kind = book.kindOf(ref);
  const reworded: Field[] = [];
  const fields = change.type === 'DELETED' ? [] : fieldsOf(change.diff, (generic) => book.paths.of(kind, generic), reworded);
  const imported = change.type === 'ADDED' && (change.origin === 'list' || isOld(change));
  const keeper = change.type === 'MODIFIED' ? keeperOf(change) : undefined;
  const { actor, machine } = book.actorOf(change.actor);
  const structural = change.type !== 'DELETED' && (!object.known || change.diff.some((entry) => entry.op !== 'set'));
  // Of a new object they can be read off its fields, which may be put away meanwhile.
  const artifacts =
    change.type === 'MODIFIED' ? artifactsOf(fields, () => change.state as unknown as Json, book.parents) : undefined;
  return {
    seq: change.seq,
    resourceVersion: change.resourceVersion,
    uid: change.uid,
    ref,
    type: change.type,
    atMs: change.observedMs,
    actor,
    machine,
    kind,
    object: object.name,
    row: object.row,
    timed: !imported && (change.origin === 'watch' || change.origin === 'replay'),
    imported,
    fields,
    breadth: breadthOf(fields),
    held: structural ? book.held.of(kind, { type: change.type, diff: change.diff, state: () => change.state }) : undefined,
    // Of all events at once, whether there is anything or not: each that is put on later, or left out, makes another shape of them, and what reads events of
    // more than four shapes looks each member up by its name.
    keeper,
    artifacts,
    reworded: reworded.length > 0 ? reworded : undefined,
    [FOUND]: undefined,
    [JUMPS]: undefined,
    [BORN]: undefined,
    [PUT_AWAY]: undefined,
  };
}

/** An event as a snapshot has it: without what there is none of. */
export function savedEvent(event: ChangeEvent): ChangeEvent {
  const { keeper, artifacts, reworded, ...saved } = event;
  if (keeper !== undefined) Object.assign(saved, { keeper });
  if (artifacts !== undefined) Object.assign(saved, { artifacts });
  if (reworded !== undefined) Object.assign(saved, { reworded });
  return saved;
}

function breadthOf(fields: readonly Field[]): number {
  const [first, second] = fields;
  if (first === undefined || second === undefined) return fields.length;
  if (fields.length === 2) return first.generic === second.generic ? 1 : 2;
  const generics = new Set<string>();
  for (let i = 0; i < fields.length; i++) generics.add((fields[i] as Field).generic);
  return generics.size;
}

/** True for an object that says it was created well before this first sight of it, as in the opening list of a recording. */
function isOld(change: Change): boolean {
  const created = change.state.metadata.creationTimestamp;
  return typeof created === 'string' && change.observedMs - Date.parse(created) > OLD_MS;
}

const INDEXED = /\/\[\d+\]/;

/** Most items are named by a key, which begins with a letter: of those no pattern is asked. */
function isIndexed(path: string): boolean {
  for (let at = path.indexOf('/['); at >= 0; at = path.indexOf('/[', at + 2)) {
    const code = path.charCodeAt(at + 2);
    if (code >= 0x30 && code <= 0x39) return INDEXED.test(path);
  }
  return false;
}

/**
 * The fields of a diff. A list matched by position, or an item under a new name, shows up as many sets, adds and removes of which
 * most say the same value on both sides: per generic path those cancel, and what remains is paired. Fields that say the same in other words
 * are put into `reworded`.
 */
export function fieldsOf(diff: readonly FieldDiff[], namesOf: (generic: string) => PathNames, reworded: Field[] = []): Field[] {
  const out: Field[] = [];
  let lists: Map<string, { olds: FieldDiff[]; news: FieldDiff[] }> | undefined;
  for (const entry of diff) {
    const names = namesOf(entry.generic);
    if (names.bookkeeping) continue;
    if (entry.generic !== entry.path && (entry.op !== 'set' || isIndexed(entry.path))) {
      lists ??= new Map();
      // By the text that was looked up before: the entry's own would have to be hashed anew.
      let sides = lists.get(names.generic);
      if (sides === undefined) {
        sides = { olds: [], news: [] };
        lists.set(names.generic, sides);
      }
      if (entry.op !== 'add') sides.olds.push(entry);
      if (entry.op !== 'remove') sides.news.push(entry);
    } else if (saysTheSame(entry.old, entry.new, entry.generic)) {
      if (reworded.length < FIELDS_MAX) reworded.push(fieldOf(entry.op, entry.path, names, entry.old, entry.new));
    } else if (out.length < FIELDS_MAX) {
      out.push(fieldOf(entry.op, entry.path, names, entry.old, entry.new));
    }
  }
  if (lists !== undefined) for (const [generic, sides] of lists) pairItems(sides, namesOf(generic), out, reworded);
  forgetOldVersions(out);
  // Copied: a growing array keeps room for a dozen more, and this one waits with its visit.
  return out.slice();
}

function isStep({ op, tokens }: Field): boolean {
  return op === 'set' && isVersioned(tokens) && !(tokens[0] as string).startsWith('repo:');
}

/** Where the chart or the repository beside a version moved as well, it is the version of another thing, and no step from the one before. */
function forgetOldVersions(fields: readonly Field[]): void {
  if (fields.length < 2 || !fields.some(isStep)) return;
  let renamed: Set<string> | undefined;
  for (const { op, path, leaf } of fields) {
    if (op !== 'set' || !NAMING.has(leaf)) continue;
    const parent = parentPath(path);
    renamed ??= new Set();
    // A chart's repository is named one level below its version.
    renamed.add(parent).add(parentPath(parent));
  }
  if (renamed === undefined) return;
  for (const field of fields) {
    if (isStep(field) && renamed.has(parentPath(field.path))) field.tokens = tokensOf(undefined, field.next, field.generic);
  }
}

function pairItems(sides: { olds: FieldDiff[]; news: FieldDiff[] }, names: PathNames, out: Field[], reworded: Field[]): void {
  const spare = new Map<string, number>();
  for (const entry of sides.olds) {
    const text = JSON.stringify(entry.old);
    spare.set(text, (spare.get(text) ?? 0) + 1);
  }
  // Of a new object nothing is paired.
  const news = spare.size === 0 ? sides.news : sides.news.filter((entry) => !take(spare, JSON.stringify(entry.new)));
  const olds = sides.olds.filter((entry) => take(spare, JSON.stringify(entry.old)));
  for (let i = 0; i < Math.max(olds.length, news.length) && out.length < FIELDS_MAX; i++) {
    const next = news[i];
    const old = olds[i];
    if (next !== undefined && saysTheSame(old?.old, next.new, names.generic)) {
      if (reworded.length < FIELDS_MAX) reworded.push(fieldOf('set', next.path, names, old?.old, next.new));
      continue;
    }
    if (next !== undefined) out.push(fieldOf(old === undefined ? 'add' : 'set', next.path, names, old?.old, next.new));
    else if (old !== undefined) out.push(fieldOf('remove', old.path, names, old.old, undefined));
  }
}

function take(spare: Map<string, number>, text: string): boolean {
  const count = spare.get(text) ?? 0;
  if (count > 0) spare.set(text, count - 1);
  return count > 0;
}

/** A field of an operation on a path from its old and new value, each undefined where there is none. */
export function fieldOf(op: Field['op'], path: string, names: PathNames, old: Json | undefined, next: Json | undefined): Field {
  const { generic, tail, leaf, ofKind } = names;
  const x = numberOf(old, generic);
  const y = numberOf(next, generic);
  const tokens = op === 'remove' ? [] : tokensOf(old, next, generic, { x, y });
  const kept = shorten(old);
  const was = op === 'set' && tokens.some(isPlace) ? tokensBefore(kept, kept === old ? x : numberOf(kept, generic)) : undefined;
  // Most paths are their generic form, of which there is one string for all changes.
  return {
    op,
    path: path === generic ? generic : path,
    generic,
    tail,
    leaf,
    ofKind,
    done: op === 'set' ? names.done.set : op === 'add' ? names.done.add : names.done.remove,
    old: kept,
    next: shorten(next),
    tokens,
    was,
    x,
    y,
    [PLACE]: names.place,
  };
}

/** Long texts are kept only as long as a reader needs them. */
function shorten(value: Json | undefined): Json | undefined {
  return typeof value === 'string' && value.length > TEXT_MAX ? `${whole(value.slice(0, TEXT_MAX))}…` : value;
}
