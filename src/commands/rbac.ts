import { discoveryKinds } from '../collector/reconcile/metrics-discovery.ts';
import { createKindPlanner } from '../collector/watch/kind-plan.ts';
import { parseCoreKinds } from '../domain/core-kinds.ts';
import { discoverKinds, type ResourceKind } from '../kube/discovery.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { leastRoles, type RbacSettings } from '../kube/rbac-rules.ts';
import { parseSubject, rbacYaml } from '../kube/rbac-yaml.ts';
import type { Options } from '../options.ts';
import { connectClusters, nameOf, selectionOf, withOptions } from './clusters.ts';
import type { Terminal } from './terminal.ts';
import { canaryNamespaceOf } from './watched-cluster.ts';

/**
 * Prints the least roles with which `serve` does what these options ask of each cluster, for `kubectl apply -f -`. Changes nothing. Roles of several
 * clusters are parts, each with the context it is for: applied in one go to one cluster, it would get the rights meant for the others.
 */
export async function runRbac(options: Options, terminal: Terminal): Promise<number> {
  const clients = await connectClusters(options);
  try {
    const parts: string[] = [];
    for (const [i, { client, options: own }] of withOptions(clients, options).entries()) {
      const context = options.context.length > 1 ? contextOf(options.context[i] ?? '') : undefined;
      // Of several, only those that are asked at an address register a webhook.
      const allow =
        context === undefined || own.admission.length > 0
          ? own.allow
          : own.allow.filter((write) => write !== 'admission-webhook');
      parts.push(await rolesOf(client, { ...own, allow }, terminal, context));
    }
    // Only once all of them are there: half of the roles would look like all.
    terminal.out(parts.join(''));
    return 0;
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
}

async function rolesOf(client: KubeClient, options: Options, terminal: Terminal, context: string | undefined): Promise<string> {
  const discovery = await discoverKinds(client, terminal.signal, parseCoreKinds(options.coreKinds));
  const { watch } = createKindPlanner(selectionOf(options))(discovery.kinds);
  const kinds = [...watch, ...expectedKinds(options.expect, watch)];
  const roles = leastRoles(rbacSettingsOf(options, kinds), options.roleName);
  for (const { group, reason } of discovery.failedGroups)
    terminal.note(
      `crowsnest: the kinds of ${group} in ${client.cluster} could not be learnt and are not in the roles: ${reason}\n`,
    );
  const heading = [
    `The least roles for crowsnest serve in the cluster ${client.cluster}, for the kinds it serves now; print and apply again after new ones.`,
    ...(context === undefined
      ? []
      : [`For the context ${context} alone: apply this part with kubectl --context ${shellWord(context)} apply -f -`]),
    'That it may ask what kinds there are (discovery) is what Kubernetes grants to everyone who is authenticated.',
  ];
  return (context === undefined ? '' : '---\n') + rbacYaml(roles, parseSubject(options.subject), heading);
}

function contextOf(given: string): string {
  return nameOf(given, undefined).context ?? given;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What the options ask for, as the table of rights takes it. */
export function rbacSettingsOf(options: Options, kinds: readonly ResourceKind[]): RbacSettings {
  const valuesOf = (write: string) =>
    options.allow.filter((value) => value.startsWith(`${write}=`)).flatMap((value) => value.slice(write.length + 1).split(','));
  return {
    kinds,
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    kubeEvents: options.kubeEvents !== 'off',
    metricsPages: options.metricsTarget.length > 0 || options.metricsDiscovery.length > 0,
    metricsDiscovery: discoveryKinds(options.metricsDiscovery),
    writeEvents: options.allow.includes('event'),
    annotate: valuesOf('annotate'),
    canary: canaryNamespaceOf(options.allow),
    admission: options.allow.includes('admission-webhook'),
  };
}

/** Kinds that are to come: named as `plural.group`, which is all that a rule needs of them. */
function expectedKinds(names: readonly string[], served: readonly ResourceKind[]): ResourceKind[] {
  return names
    .map((name) => ({ plural: name.slice(0, name.indexOf('.')), group: name.slice(name.indexOf('.') + 1) }))
    .filter(({ plural, group }) => !served.some((kind) => kind.plural === plural && kind.group === group))
    .map(({ plural, group }) => ({ group, plural, version: '', kind: `${plural} (expected)`, namespaced: true }));
}
