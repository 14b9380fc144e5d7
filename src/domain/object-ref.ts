import type { Json, JsonObject } from './json.ts';

/** Names one Kubernetes object in one cluster. `namespace` is '' for cluster-scoped objects, `group` is '' for the core group. */
export interface ObjectRef {
  cluster: string;
  group: string;
  version: string;
  kind: string;
  namespace: string;
  name: string;
}

/** A custom resource as the API server sends it; only what Crowsnest relies on is typed. */
export interface KubeObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: KubeMetadata;
}

/** An object as far as its marks are concerned. */
export interface KubeOutline {
  apiVersion: string;
  kind: string;
  metadata: { name: string; labels?: Json; annotations?: Json };
}

export interface KubeMetadata extends JsonObject {
  name: string;
  uid: string;
  resourceVersion: string;
}

/** Splits `group/version`; the core group has no slash. */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  const slash = apiVersion.indexOf('/');
  return slash < 0
    ? { group: '', version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

export function apiVersionOf(ref: Pick<ObjectRef, 'group' | 'version'>): string {
  return ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
}

/** Whether an apiVersion is that of a ref; puts nothing together, as it is asked of each update. */
export function isApiVersionOf({ group, version }: Pick<ObjectRef, 'group' | 'version'>, apiVersion: string): boolean {
  if (group === '') return apiVersion === version;
  return (
    apiVersion.length === group.length + 1 + version.length &&
    apiVersion.startsWith(group) &&
    apiVersion[group.length] === '/' &&
    apiVersion.endsWith(version)
  );
}

export function refOf(cluster: string, object: KubeObject): ObjectRef {
  const { group, version } = parseApiVersion(object.apiVersion);
  const namespace = object.metadata.namespace;
  return {
    cluster,
    group,
    version,
    kind: object.kind,
    namespace: typeof namespace === 'string' ? namespace : '',
    name: object.metadata.name,
  };
}

/** The identity of a kind in a cluster, across versions. */
export function resourceKey({ cluster, group, kind }: Pick<ObjectRef, 'cluster' | 'group' | 'kind'>): string {
  return `${cluster}\u0000${group}\u0000${kind}`;
}

/** The identity of an object across versions and lives: cluster, group, kind, namespace, name. */
export function objectKey(ref: ObjectRef): string {
  return `${ref.cluster}\u0000${ref.group}\u0000${ref.kind}\u0000${ref.namespace}\u0000${ref.name}`;
}

/** For people: `Kafka streaming/orders`. */
export function describeRef(ref: Pick<ObjectRef, 'kind' | 'namespace' | 'name'>): string {
  return ref.namespace === '' ? `${ref.kind} ${ref.name}` : `${ref.kind} ${ref.namespace}/${ref.name}`;
}
