/** The schemas that are known, for whoever masks, compares or shows objects of a kind: one book for all clusters. */
import type { KindSchema } from './kind-schema.ts';

export interface SchemaBook {
  /** Undefined while nothing is known of the kind's schema. */
  of(cluster: string, kind: { group: string; kind: string }): KindSchema | undefined;
  /** The newest known for this kind, of whatever version: places rarely move, and what is recorded in one may be read in another. */
  learn(cluster: string, kind: { group: string; kind: string }, schema: KindSchema): void;
  /** Kinds whose schema is known. */
  readonly size: number;
}

export function createSchemaBook(): SchemaBook {
  const schemas = new Map<string, KindSchema>();
  return {
    of: (cluster, kind) => schemas.get(keyOf(cluster, kind)),
    learn: (cluster, kind, schema) => void schemas.set(keyOf(cluster, kind), schema),
    get size() {
      return schemas.size;
    },
  };
}

function keyOf(cluster: string, { group, kind }: { group: string; kind: string }): string {
  return `${cluster}\n${group}\n${kind}`;
}
