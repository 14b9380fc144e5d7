/** What paths say of the merge keys of lists, for who has paths and states and no schema. */
import { type FieldPath, isListItem, segmentsOf } from '../field-path.ts';
import type { ListKeys } from '../schema-tree.ts';
import { keysNamed } from './list-items.ts';

interface Node {
  told?: readonly string[];
  readonly members: Map<string, Node>;
  items?: Node;
}

/** The keys that the items in these paths are named by. */
export function namedLists(paths: Iterable<FieldPath>): ListKeys {
  const root: Node = { members: new Map() };
  for (const path of paths) {
    if (!path.includes('/[')) continue;
    let node = root;
    for (const segment of segmentsOf(path)) {
      if (isListItem(segment)) {
        if (segment.includes('=')) node.told = keysNamed(segment.slice(1, -1));
        node.items ??= { members: new Map() };
        node = node.items;
        continue;
      }
      const inner: Node = node.members.get(segment) ?? { members: new Map() };
      node.members.set(segment, inner);
      node = inner;
    }
  }
  return root;
}
