/**
 * Which generic paths an object holds, read off a tree of the paths that objects of its kind had before: most have no others, and going down a tree of
 * known names costs a fifth of putting each path together. Lists that were given before are given again, so that whoever keeps something for a list
 * finds it by the list itself.
 */
import type { Change } from '../domain/change.ts';
import { escapeSegment, isListItem } from '../domain/field-path.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import { isBookkeeping } from './path-names.ts';

const HELD_MAX = 4_000;
/** A kind has some hundreds of paths; with so many in all the trees begin anew. */
const NODES_MAX = 20_000;
const LISTS_MAX = 2_000;

interface Node {
  generic: string;
  bookkeeping: boolean;
  /** All that lies below is bookkeeping as well. */
  barren: boolean;
  /** Undefined for a leaf. */
  members: Map<string, Node> | undefined;
  items: Node | undefined;
  /** The last object that was seen to hold this. */
  mark: number;
}

/** Derived from what it is asked, so no part of a snapshot. */
export class HeldPaths {
  #kinds = new Map<string, Node>();
  #nodes = 0;
  #lists = new Map<number, readonly string[]>();
  #mark = 0;

  /** In the order of their first, bookkeeping aside. */
  of(kind: string, { type, diff, state }: Pick<Change, 'type' | 'diff'> & { state: () => Json }): readonly string[] {
    return this.#known(type === 'ADDED' ? ofLeaves(diff) : this.#within(this.#rootOf(kind), state()));
  }

  #within(root: Node, state: Json): string[] {
    const held: string[] = [];
    this.#mark++;
    this.#visit(state, root, held);
    return held;
  }

  #visit(value: Json, node: Node, held: string[]): void {
    if (node.barren || held.length >= HELD_MAX) return;
    let isLeaf = true;
    if (Array.isArray(value)) {
      for (const item of value) {
        isLeaf = false;
        this.#visit(item, this.#itemsOf(node), held);
      }
    } else if (isJsonObject(value)) {
      for (const key of Object.keys(value)) {
        isLeaf = false;
        this.#visit(value[key] as Json, node.members?.get(key) ?? this.#memberOf(node, key), held);
      }
    }
    if (!isLeaf || node.mark === this.#mark) return;
    node.mark = this.#mark;
    if (!node.bookkeeping) held.push(node.generic);
  }

  #rootOf(kind: string): Node {
    if (this.#nodes >= NODES_MAX) {
      this.#kinds.clear();
      this.#nodes = 0;
    }
    let root = this.#kinds.get(kind);
    if (root === undefined) {
      root = this.#makeNode('');
      this.#kinds.set(kind, root);
    }
    return root;
  }

  /** A member whose name reads like a list item's is one, as in a generic path. */
  #memberOf(node: Node, key: string): Node {
    const segment = escapeSegment(key);
    const member = isListItem(segment) ? this.#itemsOf(node) : this.#makeNode(`${node.generic}/${segment}`);
    node.members ??= new Map();
    node.members.set(key, member);
    return member;
  }

  #itemsOf(node: Node): Node {
    node.items ??= this.#makeNode(`${node.generic}/[*]`);
    return node.items;
  }

  #makeNode(generic: string): Node {
    this.#nodes++;
    return {
      generic,
      bookkeeping: isBookkeeping(generic),
      barren: isBookkeeping(`${generic}/`),
      members: undefined,
      items: undefined,
      mark: 0,
    };
  }

  /** The same list that was given before, if there was one; by a hash, of equal ones the last. */
  #known(held: string[]): readonly string[] {
    let hash = held.length;
    for (const generic of held)
      hash = Math.imul(hash ^ generic.length ^ (generic.charCodeAt(generic.length - 1) << 8), 0x01000193);
    const known = this.#lists.get(hash);
    if (known !== undefined && known.length === held.length && known.every((generic, i) => generic === held[i])) return known;
    if (this.#lists.size >= LISTS_MAX) this.#lists.clear();
    this.#lists.set(hash, held);
    return held;
  }
}

/** Of a new object, whose diff is all its leaves. */
function ofLeaves(diff: Change['diff']): string[] {
  const held = new Set<string>();
  for (const { generic } of diff) {
    if (!isBookkeeping(generic)) held.add(generic);
    if (held.size >= HELD_MAX) break;
  }
  return [...held];
}
