/**
 * Which thing a version is the version of: an image by its repository, a chart by its name, a channel by its package. So one version can be set beside the others that the
 * cluster has of the same thing, on whatever object.
 */
import { valueAt } from '../domain/diff/field-diff.ts';
import { parentPath } from '../domain/field-path.ts';
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
export function artifactsOf(fields: readonly Told[], state: () => Json): Artifact[] | undefined {
  return artifactsBy(fields, (_, parent, names) => textIn(state(), parent, names));
}

/** Those of a new object, whose fields are all there is. */
export function bornArtifacts(fields: readonly Told[]): Artifact[] | undefined {
  return artifactsBy(fields, (at, parent, names) => textNear(fields, at, parent, names));
}

/** The first of these members of the place at `parent` that is a text, for the field at that index. */
type Lookup = (at: number, parent: string, names: readonly string[]) => string | undefined;

function artifactsBy(fields: readonly Told[], textAt: Lookup): Artifact[] | undefined {
  let found: Artifact[] | undefined;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Told;
    if (!isVersioned(field.tokens)) continue;
    const artifact = artifactAt(field, i, textAt);
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
function artifactAt({ op, path, leaf, next }: Told, at: number, textAt: Lookup): Artifact | undefined {
  if (op === 'remove' || typeof next !== 'string' || path.startsWith('/metadata/')) return undefined;
  const image = imageOf(next);
  if (image !== undefined) return image.tag === undefined ? undefined : versionIn('tag', image.repository, image.tag, at);
  const parent = parentPath(path);
  const name = textAt(at, parent, BESIDE) ?? textAt(at, parentPath(parent), ABOVE);
  return name === undefined ? undefined : versionIn(leaf, name, next, at);
}

function versionIn(sort: string, name: string, text: string, at: number): Artifact | undefined {
  const version = versionOf(text);
  if (version === undefined) return undefined;
  const { prefix, parts } = version;
  const scheme = parts[0] >= FIRST_YEAR && parts[0] <= LAST_YEAR ? 'date' : '';
  return { key: [sort, scheme, prefix, name].join('\u0000'), parts, at };
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

function textIn(state: Json, parent: string, names: readonly string[]): string | undefined {
  const place = valueAt(state, parent);
  if (!isJsonObject(place)) return undefined;
  for (const name of names) {
    const value = Object.hasOwn(place, name) ? place[name] : undefined;
    if (isName(value)) return value;
  }
  return undefined;
}

function isName(value: Json | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_MAX;
}
