/**
 * The least rights that Crowsnest needs: a table of what it does and which rule each of that takes, and roles made of it. Pure. A new thing that
 * asks an API server for something adds a row to NEEDS, and `crowsnest rbac` prints it. Never a wildcard: `resources: ["*"]` hands out what
 * comes tomorrow, and `apiGroups: ["*"]` every Secret.
 */
import { CANARY_LEASE } from '../domain/who/own-writes.ts';
import type { ResourceKind } from './discovery.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

export interface RbacRule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
  verbs: Verb[];
  /** Printed beside the rule. */
  why: string;
}

/** What Crowsnest is set to do in one cluster. */
export interface RbacSettings {
  /** The kinds that are watched. */
  kinds: readonly ResourceKind[];
  /** Only these namespaces, by Roles and no ClusterRole; undefined: all, by ClusterRoles. */
  namespaces?: readonly string[] | undefined;
  /** Kubernetes Events of watched objects are kept. */
  kubeEvents: boolean;
  /** Metrics pages are read, some of which ask who reads them. */
  metricsPages: boolean;
  /** What is listed to find metrics pages; each once a minute, never watched. */
  metricsDiscovery?: readonly Pick<ResourceKind, 'group' | 'plural'>[] | undefined;
  /** Kubernetes Events are put on flagged objects. */
  writeEvents: boolean;
  /** Kinds that are annotated: `Kind` or `Kind.group`. */
  annotate: readonly string[];
  /** The namespace of the canary. */
  canary?: string | undefined;
  /** Registers a webhook that is asked before each write. */
  admission?: boolean;
}

export interface RbacRole {
  kind: 'ClusterRole' | 'Role';
  name: string;
  /** Of a Role. */
  namespace?: string;
  rules: RbacRule[];
}

export interface LeastRoles {
  roles: RbacRole[];
  /** What was asked for and needs no right, or cannot be had this way. */
  notes: string[];
}

/** One thing Crowsnest does. Reading and writing are roles apart, so that who reviews them can bind one without the other. */
interface Need {
  role: 'reader' | 'writer';
  /** Where the right must hold: wherever kinds are watched, in the whole cluster or not at all, or in one namespace. */
  where(settings: RbacSettings): 'watched' | 'cluster' | { namespace: string };
  rules(settings: RbacSettings): RbacRule[];
  /** Said instead of the rules where the right would have to be cluster-wide and is not wanted. */
  otherwise?: string;
}

/** The name of the ValidatingWebhookConfiguration that is ours. */
export const ADMISSION_CONFIGURATION = 'crowsnest-admission';
const READ: Verb[] = ['get', 'list', 'watch'];

const NEEDS: readonly Need[] = [
  {
    role: 'reader',
    where: () => 'cluster',
    rules: () => [
      {
        apiGroups: ['apiextensions.k8s.io'],
        resources: ['customresourcedefinitions'],
        verbs: ['watch'],
        why: 'to learn of a new kind within a second; without it discovery is asked every 8 s',
      },
    ],
  },
  { role: 'reader', where: () => 'watched', rules: ({ kinds }) => readingRules(kinds) },
  {
    role: 'reader',
    where: () => 'watched',
    rules: ({ kubeEvents }) =>
      kubeEvents
        ? [
            {
              apiGroups: ['events.k8s.io'],
              resources: ['events'],
              verbs: READ,
              why: 'Kubernetes Events, kept beside the changes of their objects',
            },
          ]
        : [],
  },
  {
    role: 'reader',
    where: () => 'cluster',
    rules: ({ metricsPages }) =>
      metricsPages
        ? [{ nonResourceURLs: ['/metrics'], verbs: ['get'], why: 'metrics pages of controllers that ask who reads them' }]
        : [],
    otherwise:
      'Metrics pages that ask who reads them need a ClusterRole with nonResourceURLs: ["/metrics"]; none is printed for namespaces.',
  },
  { role: 'reader', where: () => 'watched', rules: ({ metricsDiscovery = [] }) => metricsDiscovery.map(discoveryRule) },
  {
    role: 'reader',
    where: canaryPlace,
    rules: ({ canary }) => (canary === undefined ? [] : [leaseRule(READ, 'the canary, to see it come back through a watch')]),
  },
  {
    role: 'writer',
    where: canaryPlace,
    rules: ({ canary }) =>
      canary === undefined
        ? []
        : [leaseRule(['create', 'patch'], 'the canary, renewed every minute (--allow canary); no other lease')],
  },
  {
    role: 'writer',
    where: () => 'watched',
    rules: ({ writeEvents }) =>
      writeEvents
        ? [
            {
              apiGroups: ['events.k8s.io'],
              resources: ['events'],
              verbs: ['create'],
              why: 'Events on flagged objects (--allow event)',
            },
          ]
        : [],
  },
  { role: 'writer', where: () => 'watched', rules: ({ kinds, annotate }) => annotatingRules(kinds, annotate) },
  {
    role: 'writer',
    where: () => 'cluster',
    rules: ({ admission = false }) =>
      admission
        ? [
            {
              apiGroups: ['admissionregistration.k8s.io'],
              resources: ['validatingwebhookconfigurations'],
              resourceNames: [ADMISSION_CONFIGURATION],
              // An apply asks for create by name too, so that no right on other configurations is needed.
              verbs: ['create', 'patch', 'delete'],
              why: 'the webhook that tells who writes (--allow admission-webhook); no other webhook',
            },
          ]
        : [],
    otherwise:
      'The admission webhook needs a ClusterRole, as webhooks are configured for the whole cluster; none is printed for namespaces.',
  },
];

/** The roles for a cluster's kinds and these settings. Each holds only what one of NEEDS asks for. */
export function leastRoles(settings: RbacSettings, prefix = 'crowsnest-least'): LeastRoles {
  const roles = new Map<string, RbacRole>();
  const notes: string[] = [];
  for (const need of NEEDS) {
    const rules = need.rules(settings);
    if (rules.length === 0) continue;
    const places = placesOf(need.where(settings), settings);
    if (places.length === 0 && need.otherwise !== undefined) notes.push(need.otherwise);
    for (const namespace of places) {
      const name = `${prefix}-${need.role}`;
      const key = `${need.role} ${namespace ?? ''}`;
      const role = roles.get(key) ?? { ...newRole(namespace), name, rules: [] };
      role.rules.push(...rules);
      roles.set(key, role);
    }
  }
  for (const kind of settings.annotate) {
    if (!settings.kinds.some((served) => isNamed(served, kind)))
      notes.push(`--allow annotate=${kind}: no kind of that name is watched in this cluster, so there is no rule for it.`);
  }
  // Readers before writers, cluster before namespaces.
  return { roles: [...roles.values()].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)), notes };
}

function newRole(namespace: string | undefined): Pick<RbacRole, 'kind' | 'namespace'> {
  return namespace === undefined ? { kind: 'ClusterRole' } : { kind: 'Role', namespace };
}

function sortKey({ name, namespace = '' }: RbacRole): string {
  return `${name} ${namespace}`;
}

/** Namespaces, or undefined for the whole cluster. */
function placesOf(where: ReturnType<Need['where']>, { namespaces }: RbacSettings): (string | undefined)[] {
  if (typeof where === 'object') return [where.namespace];
  if (namespaces === undefined) return [undefined];
  return where === 'cluster' ? [] : [...namespaces];
}

function canaryPlace({ canary = '' }: RbacSettings): { namespace: string } {
  return { namespace: canary };
}

/** By name: RBAC takes a list or watch of one name (fieldSelector metadata.name) for a request on that object. */
function leaseRule(verbs: Verb[], why: string): RbacRule {
  return { apiGroups: ['coordination.k8s.io'], resources: ['leases'], resourceNames: [CANARY_LEASE], verbs, why };
}

function readingRules(kinds: readonly ResourceKind[]): RbacRule[] {
  return byGroup(kinds).map(([group, ofGroup]) => ({
    apiGroups: [group],
    resources: ofGroup.map(({ plural }) => plural),
    verbs: READ,
    why: `the record of every change: ${ofGroup.map(({ kind }) => kind).join(', ')}`,
  }));
}

function discoveryRule({ group, plural }: Pick<ResourceKind, 'group' | 'plural'>): RbacRule {
  const why = 'to find the metrics pages of controllers (--metrics-discovery)';
  return { apiGroups: [group], resources: [plural], verbs: ['list'], why };
}

function annotatingRules(kinds: readonly ResourceKind[], annotate: readonly string[]): RbacRule[] {
  const marked = kinds.filter((kind) => annotate.some((name) => isNamed(kind, name)));
  return byGroup(marked).map(([group, ofGroup]) => ({
    apiGroups: [group],
    resources: ofGroup.map(({ plural }) => plural),
    verbs: ['patch'],
    why: 'the annotation crowsnest.dev/finding on flagged objects (--allow annotate)',
  }));
}

function byGroup(kinds: readonly ResourceKind[]): [string, ResourceKind[]][] {
  const groups = new Map<string, ResourceKind[]>();
  for (const kind of kinds) groups.set(kind.group, [...(groups.get(kind.group) ?? []), kind]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

function isNamed({ kind, group }: ResourceKind, name: string): boolean {
  return name === kind || name === `${kind}.${group}`;
}
