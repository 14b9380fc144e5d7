/**
 * A field path names one place in an object, with list items named by their merge key where they have one:
 *
 *   /spec/template/containers/[name=app]/image      (exact)
 *   /spec/template/containers/[*]/image             (generic: every list item is `[*]`)
 *
 * Segments are escaped as in RFC 6901 (~0 for ~, ~1 for /). A segment `[key=value]` is a list item by merge key, `[3]` a list item by index.
 */

export type FieldPath = string;

export function escapeSegment(segment: string): string {
  return segment.includes('~') || segment.includes('/') ? segment.replaceAll('~', '~0').replaceAll('/', '~1') : segment;
}

export function unescapeSegment(segment: string): string {
  return segment.includes('~') ? segment.replaceAll('~1', '/').replaceAll('~0', '~') : segment;
}

/** The segments of a path, unescaped; '' (the root) has none. */
export function segmentsOf(path: FieldPath): string[] {
  return path === '' ? [] : path.slice(1).split('/').map(unescapeSegment);
}

/** The path one level up; '' (the root) of a top-level one. */
export function parentPath(path: FieldPath): FieldPath {
  return path.slice(0, path.lastIndexOf('/'));
}

/** True for a segment that names a list item, by merge key or index. */
export function isListItem(segment: string): boolean {
  return segment.startsWith('[') && segment.endsWith(']');
}

/** The path with every list item replaced by `[*]`: the same field over all items. */
export function genericPath(path: FieldPath): FieldPath {
  let from = path.indexOf('/[');
  if (from < 0 && !path.startsWith('[')) return path;
  // Piece by piece, as this runs for each changed field of a list.
  let generic = '';
  let done = 0;
  for (from = path.startsWith('[') ? -1 : from; from !== -2; from = next(path, from + 1)) {
    const slash = path.indexOf('/', from + 1);
    const to = slash < 0 ? path.length : slash;
    if (path.charCodeAt(to - 1) !== CLOSE) continue;
    generic += `${path.slice(done, from + 1)}[*]`;
    done = to;
  }
  return generic + path.slice(done);
}

const CLOSE = 0x5d;

/** Where the next segment that begins like a list item's has its slash; -2 when there is none. */
function next(path: FieldPath, from: number): number {
  const at = path.indexOf('/[', from);
  return at < 0 ? -2 : at;
}

/** Which part of the object a path lies in; a controller writes status, people and GitOps write spec and metadata. */
export type ObjectPart = 'spec' | 'status' | 'metadata';

export function partOf(path: FieldPath): ObjectPart {
  if (path.startsWith('/status')) return 'status';
  return path.startsWith('/metadata') ? 'metadata' : 'spec';
}

/** The path that was asked for last: several reasons of one finding name the same field. */
let [asked, answer] = ['', ''];

/** A path as people write it: `spec.template.containers[name=app].image`. */
export function fieldName(path: FieldPath): string {
  if (path === asked) return answer;
  answer = unescapeSegment(path.slice(1).replaceAll('/[', '[').replaceAll('/', '.'));
  asked = path;
  return answer;
}
