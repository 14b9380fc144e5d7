/** The schemas that are known, for whoever masks, compares or shows objects of a kind: one book for all clusters. */
import type { KindSchema } from './kind-schema.ts';
import type { ListKeys } from './schema-tree.ts';

/** What the schema of a kind says of its lists, as a recording passes it on: from then on, and undefined where nothing is known any more. */
export interface ToldLists {
  cluster: string;
  group: string;
  kind: string;
  lists: ListKeys | undefined;
}

export interface SchemaBook {
  /** Undefined while nothing is known of the kind's schema. */
  of(cluster: string, kind: { group: string; kind: string }): KindSchema | undefined;
  /** The newest known for this kind, of whatever version: places rarely move, and what is recorded in one may be read in another. */
  learn(cluster: string, kind: { group: string; kind: string }, schema: KindSchema): void;
  /** Moves whenever a schema is learnt. */
  readonly version: number;
  /** Kinds whose schema is known. */
  readonly size: number;
}

export function createSchemaBook(): SchemaBook {
  const schemas = new Map<string, KindSchema>();
  let version = 0;
  return {
    of: (cluster, kind) => schemas.get(keyOf(cluster, kind)),
    learn(cluster, kind, schema) {
      schemas.set(keyOf(cluster, kind), schema);
      version++;
    },
    get version() {
      return version;
    },
    get size() {
      return schemas.size;
    },
  };
}

function keyOf(cluster: string, { group, kind }: { group: string; kind: string }): string {
  return `${cluster}\n${group}\n${kind}`;
}
