/**
 * Field paths as nodes of a tree, so that what can be said of a path by its names alone is found once for all objects: how it is written,
 * and whether masking looks at the value alone there. Objects of one kind share nearly all of it. When the tree has grown beyond its bound
 * it begins anew.
 */
import { isBookkeepingPath } from '../diff/bookkeeping.ts';
import { MERGE_KEYS } from '../diff/list-items.ts';
import { escapeSegment, type FieldPath, genericPath } from '../field-path.ts';
import { NameSays, nameSays } from '../masking/secret-names.ts';
import { innerOf, type ListKeys, type SchemaTree } from '../schema-tree.ts';
import { type DeclaredKeys, declaredKeys } from './list-item-name.ts';
import type { Section } from './object-scan.ts';

const NODES_MAX = 20_000;

/** Names whose values decide how others beside them are masked. */
const DECIDES: ReadonlySet<string> = new Set(['name', 'key', 'path', 'kind', 'apiVersion']);
/** Names of members that are masked by what stands beside them, or by all that is in them. */
const MASKED_WHOLE: ReadonlySet<string> = new Set(['data', 'encryptedData']);
const SECRET_WITHIN = NameSays.secret | NameSays.password | NameSays.allWithin;
const SECRET_HERE = SECRET_WITHIN | NameSays.login | NameSays.entryValue | NameSays.header;

export class PathNode {
  readonly path: FieldPath;
  readonly generic: FieldPath;
  readonly isBookkeeping: boolean;
  /** Bits of NameSays of its name; 0 for an item of a list. */
  readonly says: number;
  /** The name as it stands in JSON, with a colon. */
  readonly member: string;
  /**
   * Of a scalar here masking looks at `says` and the value alone, as long as the schema says nothing of it, and no other value is masked
   * by it (see redact.ts).
   */
  readonly isMaskedAlone: boolean;
  /** Items of a list may be told apart by it. */
  readonly isMergeKey: boolean;
  /** Nothing on the way here says of all that is within that it is a secret. */
  readonly isOpen: boolean;
  readonly children = new Map<number, { text: Buffer; node: PathNode }>();
  readonly items = new Map<number, PathNode>();
  /** Items by names that the keys of a schema give them. */
  named: Map<string, PathNode> | undefined;
  readonly #parent: PathNode | undefined;
  readonly #name: string | undefined;
  #askedOf: SchemaTree<true> | undefined;
  #tree: SchemaTree<true> | undefined;
  #isTold = false;
  #listsAskedOf: ListKeys | undefined;
  #lists: ListKeys | undefined;

  /** `name` is undefined for an item of a list, which `segment` names. */
  constructor(parent: PathNode | undefined, segment: string, name: string | undefined) {
    this.#parent = parent;
    this.#name = name;
    this.path = `${parent?.path ?? ''}/${segment}`;
    this.generic = genericPath(this.path);
    this.isBookkeeping = isBookkeepingPath(this.path);
    this.says = name === undefined ? 0 : nameSays(name);
    this.member = name === undefined ? '' : `${JSON.stringify(name)}:`;
    const isOpenAbove = parent?.isOpen ?? true;
    this.isMaskedAlone = isOpenAbove && name !== undefined && (this.says & SECRET_HERE) === 0 && !DECIDES.has(name);
    const isWhole = parent !== undefined && name !== undefined && MASKED_WHOLE.has(name);
    this.isOpen = isOpenAbove && (this.says & (SECRET_WITHIN | NameSays.entryValue)) === 0 && !isWhole;
    this.isMergeKey = name !== undefined && (MERGE_KEYS as readonly string[]).includes(name);
  }

  /** Whether a schema calls what is here a secret, or anything that it lies in. */
  isTold(secrets: SchemaTree<true> | undefined): boolean {
    if (secrets === undefined) return false;
    if (this.#askedOf !== secrets) {
      const parent = this.#parent;
      this.#tree = this.#within(parent === undefined ? secrets : parent.#treeIn(secrets));
      this.#isTold = this.#tree?.told === true || parent?.isTold(secrets) === true;
      this.#askedOf = secrets;
    }
    return this.#isTold;
  }

  #treeIn(secrets: SchemaTree<true>): SchemaTree<true> | undefined {
    this.isTold(secrets);
    return this.#tree;
  }

  /** The merge keys that a schema gives the list that is here. */
  keysIn(lists: ListKeys): DeclaredKeys | undefined {
    const keys = this.#listsIn(lists)?.told;
    return keys === undefined ? undefined : declaredKeys(keys);
  }

  /** Whether what is here is a merge key of the list that it lies in an item of. */
  isKeyIn(lists: ListKeys): boolean {
    const item = this.#parent;
    const list = item === undefined ? undefined : item.#parent;
    const keys = list === undefined ? undefined : list.#listsIn(lists)?.told;
    return keys !== undefined && this.#name !== undefined && keys.includes(this.#name);
  }

  #listsIn(lists: ListKeys): ListKeys | undefined {
    if (this.#listsAskedOf !== lists) {
      const parent = this.#parent;
      this.#lists = this.#within(parent === undefined ? lists : parent.#listsIn(lists));
      this.#listsAskedOf = lists;
    }
    return this.#lists;
  }

  #within<T>(above: SchemaTree<T> | undefined): SchemaTree<T> | undefined {
    return this.#name === undefined ? above?.items : above && innerOf(above, this.#name);
  }
}

export class PathTree {
  #sections: (PathNode | undefined)[] = [];
  #size = 0;

  section({ id, top, key }: Pick<Section, 'id' | 'top' | 'key'>): PathNode {
    let node = this.#sections[id];
    if (node === undefined) {
      const above = this.#add(undefined, escapeSegment(top), top);
      node = key === undefined ? above : this.#add(above, escapeSegment(key), key);
      this.#sections[id] = node;
    }
    return node;
  }

  /** The member whose name lies in a text, without escapes. */
  member(parent: PathNode, bytes: Buffer, from: number, to: number): PathNode {
    return this.#child(parent, 0, bytes, from, to);
  }

  /** The item of a list whose member `MERGE_KEYS[key]` has the value that lies in a text, without escapes. */
  namedItem(parent: PathNode, key: number, bytes: Buffer, from: number, to: number): PathNode {
    return this.#child(parent, key + 1, bytes, from, to);
  }

  /** The item of a list that is named by the keys of a schema: `containerPort=53,protocol=UDP`. */
  declaredItem(parent: PathNode, name: string): PathNode {
    parent.named ??= new Map();
    let node = parent.named.get(name);
    if (node === undefined) {
      node = this.#add(parent, `[${escapeSegment(name)}]`, undefined);
      parent.named.set(name, node);
    }
    return node;
  }

  item(parent: PathNode, index: number): PathNode {
    let node = parent.items.get(index);
    if (node === undefined) {
      node = this.#add(parent, `[${index}]`, undefined);
      parent.items.set(index, node);
    }
    return node;
  }

  /** `sort` is 0 for a member, else says by which key an item is named. */
  #child(parent: PathNode, sort: number, bytes: Buffer, from: number, to: number): PathNode {
    let hash = sort;
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
    const known = parent.children.get(hash);
    if (known !== undefined && isText(known.text, sort, bytes, from, to)) return known.node;
    const name = bytes.toString('utf8', from, to);
    const node =
      sort === 0
        ? this.#add(parent, escapeSegment(name), name)
        : this.#add(parent, `[${escapeSegment(`${MERGE_KEYS[sort - 1]}=${name}`)}]`, undefined);
    // Of two names with one hash the last is known.
    parent.children.set(hash, { text: Buffer.concat([Buffer.of(sort), bytes.subarray(from, to)]), node });
    return node;
  }

  #add(parent: PathNode | undefined, segment: string, name: string | undefined): PathNode {
    if (this.#size >= NODES_MAX) {
      this.#sections = [];
      this.#size = 0;
    }
    this.#size += 1;
    return new PathNode(parent, segment, name);
  }
}

/** `text` is the sort and behind it the name. */
function isText(text: Buffer, sort: number, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from + 1 || text[0] !== sort) return false;
  for (let i = from; i < to; i++) if (text[i - from + 1] !== bytes[i]) return false;
  return true;
}
