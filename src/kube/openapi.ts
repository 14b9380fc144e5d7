/**
 * The schemas of kinds, from the API server's OpenAPI v3 documents: every authenticated user may read them, so no right on CRDs is needed,
 * and aggregated APIs publish theirs in the same place.
 */
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { type KindSchema, readKindSchema } from '../domain/kind-schema.ts';
import type { ResourceKind } from './discovery.ts';
import { type KubeClient, KubeStatusError } from './kube-client.ts';

/** Where the document of a group and version lies; the address has a hash of what is in it. Undefined: servers before 1.24. */
export type OpenApiIndex = ReadonlyMap<string, string>;

export async function readOpenApiIndex(client: KubeClient, signal: AbortSignal): Promise<OpenApiIndex | undefined> {
  try {
    const { paths } = await client.request('GET', '/openapi/v3', { signal });
    const index = new Map<string, string>();
    for (const [path, entry] of Object.entries(isJsonObject(paths) ? paths : {}))
      if (isJsonObject(entry) && typeof entry.serverRelativeURL === 'string') index.set(path, entry.serverRelativeURL);
    return index;
  } catch (error) {
    if (error instanceof KubeStatusError && error.status < 500) return undefined;
    throw error;
  }
}

/** The name of a kind's document in the index. */
export function documentName({ group, version }: Pick<ResourceKind, 'group' | 'version'>): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** Schemas by kind. */
export async function readOpenApiDocument(
  client: KubeClient,
  address: string,
  { group, version }: Pick<ResourceKind, 'group' | 'version'>,
  signal: AbortSignal,
): Promise<Map<string, KindSchema>> {
  const url = new URL(address, 'http://server.invalid');
  const document = await client.request('GET', url.pathname, { query: Object.fromEntries(url.searchParams), signal });
  const components = isJsonObject(document.components) ? document.components.schemas : undefined;
  const found = new Map<string, KindSchema>();
  if (!isJsonObject(components)) return found;
  for (const schema of Object.values(components)) {
    if (!isJsonObject(schema)) continue;
    for (const kind of kindsOf(schema['x-kubernetes-group-version-kind']))
      if (kind.group === group && kind.version === version) found.set(kind.kind as string, readKindSchema(schema, components));
  }
  return found;
}

function kindsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject).filter(({ kind }) => typeof kind === 'string') : [];
}
