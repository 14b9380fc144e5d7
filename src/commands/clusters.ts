/** From the options to clusters: which contexts are connected to under which names, and what is watched in them. */
import type { KindSelection } from '../collector/watch/kind-plan.ts';
import { CrowsnestError } from '../domain/errors.ts';
import { loadAllCredentials } from '../kube/credentials.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { Options } from '../options.ts';

/**
 * A client for each context, or one for the default. Reads the kubeconfig and makes no connection, so only what is wrong with the configuration
 * is refused here; a cluster that is away is waited for by its own source.
 */
export async function connectClusters(options: Options): Promise<KubeClient[]> {
  const contexts = options.context.length === 0 ? [undefined] : options.context;
  const reading = loadAllCredentials(
    contexts.map((given) => ({ kubeconfig: options.kubeconfig, ...nameOf(given, options.cluster) })),
  );
  // A process of its own reads it, while this one loads how to connect.
  const [credentials, { createHttpKubeClient }] = await Promise.all([reading, import('../kube/http-kube-client.ts')]);
  const clients = credentials.map((each) => createHttpKubeClient(each));
  refuseTwins(clients, options.context);
  return clients;
}

/** `prod=eu-prod` → the context and what its cluster is called; a name of a context may hold colons and slashes, hardly ever an equals sign. */
export function nameOf(
  given: string | undefined,
  cluster: string | undefined,
): { context: string | undefined; cluster: string | undefined } {
  const at = given?.lastIndexOf('=') ?? -1;
  if (given === undefined || at < 1) return { context: given, cluster };
  return { context: given.slice(0, at), cluster: given.slice(at + 1) };
}

/** Everything recorded is told apart by the cluster's name, so two of one name would become one cluster. */
function refuseTwins(clients: readonly KubeClient[], contexts: readonly string[]): void {
  const seen = new Map<string, string>();
  clients.forEach(({ cluster }, i) => {
    const context = contexts[i] ?? 'the current context';
    const other = seen.get(cluster);
    if (other !== undefined) {
      throw new CrowsnestError({
        code: 'CONFIG_BAD_VALUE',
        what: `two clusters would be called "${cluster}": those of the contexts ${other} and ${context}`,
        where: '--context',
        todo: `Name one apart, as in --context ${context.split('=')[0]}=NAME, or leave it out if both are the same cluster.`,
      });
    }
    seen.set(cluster, context);
  });
}

export function selectionOf(options: Options): KindSelection {
  return {
    include: options.include,
    exclude: options.exclude,
    coreKinds: options.coreKinds,
    metadataOnly: options.metadataOnly,
    namespaces: options.namespace.length === 0 ? undefined : options.namespace,
    excludeNamespaces: options.excludeNamespace,
    labelSelectors: options.labelSelector,
    fieldSelectors: options.fieldSelector,
  };
}

/**
 * Each cluster with the options as it takes them. What is given as `CLUSTER=…` is for the cluster of that name and the rest for the first one, as
 * nothing about an address or a file says which it belongs to; so is a Prometheus. Throws CONFIG_BAD_VALUE for a name that no cluster has.
 */
export function withOptions<T extends { cluster: string }>(
  clients: readonly T[],
  options: Options,
): { client: T; options: Options }[] {
  const clusters = clients.map(({ cluster }) => cluster);
  const of = (values: readonly string[], where: string) => byCluster(values, clusters, where);
  const metricsTarget = of(options.metricsTarget, '--metrics-target');
  const auditLog = of(options.auditLog, '--audit-log');
  const admission = of(options.admission, '--admission');
  const admissionService = of(options.admissionService, '--admission-service');
  const admissionUrl = of(options.admissionUrl, '--admission-url');
  return clients.map((client, i) => ({
    client,
    options: {
      ...options,
      metricsTarget: metricsTarget[i] ?? [],
      auditLog: auditLog[i] ?? [],
      admission: admission[i] ?? [],
      admissionService: admissionService[i] ?? [],
      admissionUrl: admissionUrl[i] ?? [],
      prometheusUrl: i === 0 ? options.prometheusUrl : undefined,
    },
  }));
}

function byCluster(values: readonly string[], clusters: readonly string[], where: string): string[][] {
  const parts = clusters.map((): string[] => []);
  for (const value of values) {
    // By the clusters there are: a name may hold slashes and colons, as an ARN does.
    const named = clusters.findIndex((cluster) => value.startsWith(`${cluster}=`));
    const [, stranger] = named < 0 ? (/^([^=/]+)=./.exec(value) ?? []) : [];
    if (stranger !== undefined) throw unknownCluster(stranger, clusters, `${where} ${value}`);
    parts[Math.max(0, named)]?.push(named < 0 ? value : value.slice((clusters[named] ?? '').length + 1));
  }
  return parts;
}

function unknownCluster(name: string, clusters: readonly string[], where: string): CrowsnestError {
  return new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `no watched cluster is called "${name}"; there is ${clusters.join(', ')}`,
    where,
    todo: `Name one of them, or write ./${name}=… where that is the beginning of a file's name.`,
  });
}
