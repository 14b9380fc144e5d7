/** What a schema says of places in an object, as a tree (see kind-schema.ts), and how it is looked up. */

/** The places of a schema that say something of one sort, as a tree. */
export interface SchemaTree<T> {
  readonly told?: T;
  readonly members: ReadonlyMap<string, SchemaTree<T>>;
  /** Members that the schema does not name. */
  readonly others?: SchemaTree<T>;
  /** Items of a list. */
  readonly items?: SchemaTree<T>;
}

/** Told at a list: by which members its items are told apart. */
export type ListKeys = SchemaTree<readonly string[]>;

/** What is told of the place that the segments lead to; list items are `[…]`, as in field paths. */
export function toldAt<T>(tree: SchemaTree<T> | undefined, segments: readonly string[]): T | undefined {
  return partAt(tree, segments)?.told;
}

/** What is told below a member of an object. */
export function innerOf<T>(tree: SchemaTree<T>, name: string): SchemaTree<T> | undefined {
  return tree.members.get(name) ?? tree.others;
}

/** What is told below the place that the segments lead to. */
export function partAt<T>(tree: SchemaTree<T> | undefined, segments: readonly string[]): SchemaTree<T> | undefined {
  let node = tree;
  for (const segment of segments) {
    if (node === undefined) return undefined;
    node = node.members.get(segment) ?? (segment.startsWith('[') ? node.items : undefined) ?? node.others;
  }
  return node;
}

const names = new WeakMap<ListKeys, readonly string[]>();

/** All members by which items of some list are told apart. */
export function keyNames(lists: ListKeys | undefined): readonly string[] {
  if (lists === undefined) return [];
  let known = names.get(lists);
  if (known === undefined) {
    const { told = [], members, others, items } = lists;
    known = [...new Set([...told, ...[...members.values(), others, items].flatMap(keyNames)])];
    names.set(lists, known);
  }
  return known;
}
