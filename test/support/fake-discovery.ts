import { type FakeKind, type FakeObject, HttpProblem } from './fake-objects.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

export interface DiscoveryState {
  kinds: FakeKind[];
  aggregated: boolean;
  /** Groups whose API does not answer. */
  failed: ReadonlySet<string>;
}

/** The answer to a discovery path; undefined for any other. */
export function discoveryAnswer(path: string, state: DiscoveryState): FakeObject | undefined {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') return state.aggregated ? aggregatedList(state) : groupList(state);
  const match = /^\/apis\/([^/]+)\/([^/]+)$/.exec(path);
  if (match === null) return undefined;
  const [, group = '', version = ''] = match;
  if (state.failed.has(group))
    throw new HttpProblem(503, 'ServiceUnavailable', 'the server is currently unable to handle the request');
  const kinds = state.kinds.filter((kind) => kind.group === group && versionsOf(kind).includes(version));
  if (kinds.length === 0) throw new HttpProblem(404, 'NotFound', 'the server could not find the requested resource');
  const resources = kinds.flatMap((kind) => [
    { name: kind.plural, kind: kind.kind, namespaced: kind.namespaced !== false, singularName: '', verbs: kind.verbs ?? VERBS },
    {
      name: `${kind.plural}/status`,
      kind: kind.kind,
      namespaced: kind.namespaced !== false,
      singularName: '',
      verbs: ['get', 'patch', 'update'],
    },
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/${version}`, resources };
}

function aggregatedList(state: DiscoveryState): FakeObject {
  const items = groupsOf(state).map((group) => ({
    metadata: { name: group },
    versions: versionsOfGroup(state, group).map((version) => ({
      version,
      freshness: state.failed.has(group) ? 'Stale' : 'Current',
      resources: state.failed.has(group)
        ? []
        : state.kinds
            .filter((kind) => kind.group === group && versionsOf(kind).includes(version))
            .map((kind) => ({
              resource: kind.plural,
              responseKind: { group, version, kind: kind.kind },
              scope: kind.namespaced === false ? 'Cluster' : 'Namespaced',
              verbs: kind.verbs ?? VERBS,
              subresources: [
                { subresource: 'status', responseKind: { group, version, kind: kind.kind }, verbs: ['get', 'patch', 'update'] },
              ],
            })),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
}

function groupList(state: DiscoveryState): FakeObject {
  const groups = groupsOf(state).map((name) => {
    const versions = versionsOfGroup(state, name).map((version) => ({ groupVersion: `${name}/${version}`, version }));
    return { name, versions, preferredVersion: versions[0] };
  });
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

function groupsOf(state: DiscoveryState): string[] {
  return [...new Set(state.kinds.map((kind) => kind.group))];
}

function versionsOfGroup(state: DiscoveryState, group: string): string[] {
  return [...new Set(state.kinds.filter((kind) => kind.group === group).flatMap(versionsOf))];
}

function versionsOf(kind: FakeKind): string[] {
  return [kind.version, ...(kind.otherVersions ?? [])];
}
