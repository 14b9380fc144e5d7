/**
 * Which thing a version is the version of: an image by its repository, a chart by its name, a channel by its package. So one version can be set beside the others that the
 * cluster has of the same thing, on whatever object.
 */
import { memberAt } from '../domain/diff/field-diff.ts';
import { parentPath, segmentsOf } from '../domain/field-path.ts';
import type { Json } from '../domain/json.ts';
import { isJsonObject } from '../domain/json.ts';
import { imageOf, type Version, versionOf } from './value-types.ts';

export interface Artifact {
  /** Sort of version and name of the thing; and the prefix and whether it is a date, as `v1.2.3`, `1.2.3` and `2026.1.0` do not compare. */
  key: string;
  parts: Version['parts'];
  /** Which of the change's fields has it. */
  at: number;
}

/** What names a thing beside its version, the surest first; a package's `name` only where nothing else does. */
const BESIDE = ['repository', 'image', 'chart', 'package', 'url', 'repo', 'name'];
/** The same one level up. */
const ABOVE = ['url', 'repository', 'chart'];
/** Members that say of what a version is. */
export const NAMING: ReadonlySet<string> = new Set([...BESIDE, ...ABOVE, 'repoURL']);
const SLASH = 0x2f;
/** Versions that begin with such a number are named by their date. */
const [FIRST_YEAR, LAST_YEAR] = [1990, 2100];
const NAME_MAX = 300;
/** Fields looked through on each side. */
const NEAR = 32;

/** What is read of a field that changed. */
interface Told {
  op: 'add' | 'set' | 'remove';
  path: string;
  leaf: string;
  next: Json | undefined;
  tokens: readonly string[];
}

/** The versions that a change brought to an object of which this is the state after it: read only where it says of what, as it may have to be parsed for that. */
export function artifactsOf(fields: readonly Told[], state: () => Json, parents = new ParentBook()): Artifact[] | undefined {
  return artifactsBy(fields, (_, path) => nameIn(state(), parents.of(path)));
}

/** Those of a new object, whose fields are all there is. */
export function bornArtifacts(fields: readonly Told[]): Artifact[] | undefined {
  return artifactsBy(fields, (at, path) => {
    const parent = parentPath(path);
    return textNear(fields, at, parent, BESIDE) ?? textNear(fields, at, parentPath(parent), ABOVE);
  });
}

/** What names the thing of which the field at that index and path has a version. */
type Lookup = (at: number, path: string) => string | undefined;

function artifactsBy(fields: readonly Told[], nameOf: Lookup): Artifact[] | undefined {
  let found: Artifact[] | undefined;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Told;
    if (!isVersioned(field.tokens)) continue;
    const artifact = artifactAt(field, i, nameOf);
    if (artifact === undefined) continue;
    found ??= [];
    found.push(artifact);
  }
  return found;
}

/** Whether a value is a version, of an image or by itself. Asked of every field: the first letter tells most. */
export function isVersioned(tokens: readonly string[]): boolean {
  const [first, second] = tokens;
  return first !== undefined && (isVersion(first) || (second !== undefined && first.startsWith('repo:') && isVersion(second)));
}

function isVersion(token: string): boolean {
  const code = token.charCodeAt(0);
  return (code === 0x76 && token.startsWith('version:')) || (code === 0x74 && token.startsWith('tag-version:'));
}

/** The version that a field has, and of what; undefined where nothing says of what. */
function artifactAt({ op, path, leaf, next }: Told, at: number, nameOf: Lookup): Artifact | undefined {
  if (op === 'remove' || typeof next !== 'string' || path.startsWith('/metadata/')) return undefined;
  const image = imageOf(next);
  if (image !== undefined) return image.tag === undefined ? undefined : versionIn('tag', image.repository, image.tag, at);
  const name = nameOf(at, path);
  return name === undefined ? undefined : versionIn(leaf, name, next, at);
}

function versionIn(sort: string, name: string, text: string, at: number): Artifact | undefined {
  const version = versionOf(text);
  if (version === undefined) return undefined;
  const { prefix, parts } = version;
  const scheme = parts[0] >= FIRST_YEAR && parts[0] <= LAST_YEAR ? 'date' : '';
  return { key: keyOf(sort, scheme, prefix, name), parts, at };
}

interface KnownKey {
  sort: string;
  scheme: string;
  prefix: string;
  key: string;
}

const KEYS_MAX = 4_000;
/** The last key of each name: a new one has to be hashed and compared in full by each look-up. */
const KNOWN_KEYS = new Map<string, KnownKey>();

function keyOf(sort: string, scheme: string, prefix: string, name: string): string {
  const known = KNOWN_KEYS.get(name);
  if (known !== undefined && known.sort === sort && known.scheme === scheme && known.prefix === prefix) return known.key;
  const key = `${sort}\u0000${scheme}\u0000${prefix}\u0000${name}`;
  if (KNOWN_KEYS.size >= KEYS_MAX) KNOWN_KEYS.clear();
  KNOWN_KEYS.set(name, { sort, scheme, prefix, key });
  return key;
}

/** Fields come as they stand in the object: what lies beside one stands near it. */
function textNear(fields: readonly Told[], at: number, parent: string, names: readonly string[]): string | undefined {
  let best = names.length;
  let text: string | undefined;
  for (let i = Math.max(0, at - NEAR); i < Math.min(fields.length, at + NEAR); i++) {
    const { path, next } = fields[i] as Told;
    if (path.charCodeAt(parent.length) !== SLASH || !path.startsWith(parent) || !isName(next)) continue;
    const rank = names.indexOf(path.slice(parent.length + 1));
    if (rank < 0 || rank >= best) continue;
    best = rank;
    text = next;
  }
  return text;
}

const PARENTS_MAX = 5_000;

/** The segments of the places that fields lie in, by the fields' paths. Derived from what it is asked, so no part of a snapshot. */
export class ParentBook {
  readonly #parents = new Map<string, readonly string[]>();

  of(path: string): readonly string[] {
    const known = this.#parents.get(path);
    if (known !== undefined) return known;
    const segments = segmentsOf(parentPath(path));
    if (this.#parents.size >= PARENTS_MAX) this.#parents.clear();
    this.#parents.set(path, segments);
    return segments;
  }
}

/** By the members of the place with these segments, or else of the one above it. */
function nameIn(state: Json, parent: readonly string[]): string | undefined {
  let above: Json | undefined = state;
  let place: Json | undefined = state;
  for (let i = 0; i < parent.length; i++) {
    above = place;
    place = place === undefined ? undefined : memberAt(place, parent[i] as string);
  }
  return textOf(place, BESIDE) ?? textOf(above, ABOVE);
}

/** The first of these members that is a text. */
function textOf(place: Json | undefined, names: readonly string[]): string | undefined {
  if (!isJsonObject(place)) return undefined;
  for (let i = 0; i < names.length; i++) {
    // None of these names is a member of every object.
    const value = place[names[i] as string];
    if (isName(value)) return value;
  }
  return undefined;
}

function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_MAX;
}
