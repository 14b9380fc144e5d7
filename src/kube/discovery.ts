/**
 * Which custom resources a cluster serves, asked of the API server's discovery rather than read off CRD objects, so that aggregated
 * APIs are found too and no right on CRDs is needed.
 */
import type { CoreKinds } from '../domain/core-kinds.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { BUILTIN_GROUPS } from './builtin-groups.ts';
import type { KubeClient } from './kube-client.ts';

/** One kind at the version it is to be watched at. */
export interface ResourceKind {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
}

export interface Discovery {
  /** Sorted by group and plural; each group and plural once. */
  kinds: ResourceKind[];
  /** Served, and not to be listed and watched. Of no use but to know that they are there. */
  others: ResourceKind[];
  /** Groups whose kinds could not be learnt this time: keep what was known of them. */
  failedGroups: { group: string; reason: string }[];
}

const NO_CORE_KINDS: CoreKinds = { wantsGroup: () => false, wants: () => false };
const AGGREGATED = [
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
  'application/json',
].join(',');

/** Rejects only when the server gives no list of groups at all. `core` names the kinds of Kubernetes itself that are wanted too. */
export async function discoverKinds(
  client: KubeClient,
  signal?: AbortSignal,
  core: CoreKinds = NO_CORE_KINDS,
): Promise<Discovery> {
  const answer = await client.request('GET', '/apis', { accept: AGGREGATED, ...(signal === undefined ? {} : { signal }) });
  const discovery =
    answer.kind === 'APIGroupDiscoveryList' ? fromAggregated(answer, core) : await fromGroups(client, answer, core, signal);
  if (core.wantsGroup('')) await addCoreGroup(client, discovery, signal);
  discovery.kinds = discovery.kinds.filter((kind) => !BUILTIN_GROUPS.has(kind.group) || core.wants(kind));
  discovery.kinds.sort((a, b) => compare(a.group, b.group) || compare(a.plural, b.plural));
  return discovery;
}

/** The collection's path, within one namespace if given. */
export function collectionPath(kind: ResourceKind, namespace?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return namespace === undefined
    ? `${root}/${kind.plural}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${kind.plural}`;
}

/** A kind's identity within a cluster; the version may move. */
export function kindKey(kind: Pick<ResourceKind, 'group' | 'plural'>): string {
  return `${kind.group}/${kind.plural}`;
}

/** The core group stands apart, under /api, and has one version for ever. */
async function addCoreGroup(client: KubeClient, discovery: Discovery, signal?: AbortSignal): Promise<void> {
  add(discovery, await kindsOfGroup(client, { name: '', versions: [{ version: 'v1' }] }, signal));
}

function fromAggregated(answer: JsonObject, core: CoreKinds): Discovery {
  const discovery: Discovery = { kinds: [], others: [], failedGroups: [] };
  for (const item of objectsIn(answer.items)) {
    const group = isJsonObject(item.metadata) ? textOf(item.metadata.name) : '';
    if (BUILTIN_GROUPS.has(group) && !core.wantsGroup(group)) continue;
    const seen = new Seen();
    // Versions come in order of preference, so the first one that has a resource is the one to watch.
    for (const version of objectsIn(item.versions)) {
      if (version.freshness === 'Stale') {
        discovery.failedGroups.push({
          group,
          reason: `version ${textOf(version.version)} is served by an API that does not answer`,
        });
      }
      for (const resource of objectsIn(version.resources)) {
        const responseKind = isJsonObject(resource.responseKind) ? resource.responseKind : {};
        seen.keep(resource, {
          group,
          version: textOf(version.version),
          kind: textOf(responseKind.kind),
          plural: textOf(resource.resource),
          namespaced: resource.scope === 'Namespaced',
        });
      }
    }
    add(discovery, seen);
  }
  return discovery;
}

/** Servers before 1.26: one request for each group and version. */
async function fromGroups(client: KubeClient, answer: JsonObject, core: CoreKinds, signal?: AbortSignal): Promise<Discovery> {
  const discovery: Discovery = { kinds: [], others: [], failedGroups: [] };
  const isWanted = (group: string) => !BUILTIN_GROUPS.has(group) || core.wantsGroup(group);
  const groups = objectsIn(answer.groups).filter((group) => isWanted(textOf(group.name)));
  const found = await Promise.all(groups.map((group) => kindsOfGroup(client, group, signal)));
  for (const group of found) add(discovery, group);
  signal?.throwIfAborted();
  return discovery;
}

async function kindsOfGroup(client: KubeClient, item: JsonObject, signal?: AbortSignal): Promise<Discovery> {
  const group = textOf(item.name);
  const preferred = isJsonObject(item.preferredVersion) ? textOf(item.preferredVersion.version) : '';
  const served = objectsIn(item.versions).map((version) => textOf(version.version));
  const seen = new Seen();
  for (const version of new Set([preferred, ...served].filter((name) => name !== ''))) {
    try {
      const list = await client.request(
        'GET',
        group === '' ? `/api/${version}` : `/apis/${group}/${version}`,
        signal === undefined ? {} : { signal },
      );
      for (const resource of objectsIn(list.resources)) {
        const plural = textOf(resource.name);
        seen.keep(resource, { group, version, kind: textOf(resource.kind), plural, namespaced: resource.namespaced === true });
      }
    } catch (error) {
      seen.failedGroups.push({ group, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return seen;
}

/** What is found of one group, each plural once. */
class Seen implements Discovery {
  readonly failedGroups: Discovery['failedGroups'] = [];
  readonly #watchable = new Map<string, ResourceKind>();
  readonly #others = new Map<string, ResourceKind>();

  get kinds(): ResourceKind[] {
    return [...this.#watchable.values()];
  }

  get others(): ResourceKind[] {
    return [...this.#others.values()].filter(({ plural }) => !this.#watchable.has(plural));
  }

  /** The first version that can be both listed and watched counts; a subresource has a slash in its name. */
  keep(resource: JsonObject, kind: ResourceKind): void {
    const verbs = Array.isArray(resource.verbs) ? resource.verbs : [];
    if (kind.plural === '' || kind.kind === '' || kind.plural.includes('/')) return;
    const of = verbs.includes('list') && verbs.includes('watch') ? this.#watchable : this.#others;
    if (!of.has(kind.plural)) of.set(kind.plural, kind);
  }
}

function add(discovery: Discovery, { kinds, others, failedGroups }: Discovery): void {
  discovery.kinds.push(...kinds);
  discovery.others.push(...others);
  discovery.failedGroups.push(...failedGroups);
}

function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
