/**
 * Where the cluster is and how to prove who we are: a thin face over client-node's KubeConfig, which knows kubeconfig files, exec
 * plugins, rotating tokens, client certificates and the in-cluster service account. It is imported on first use because the package
 * takes 83 MB of memory, which commands without a cluster need not pay.
 */
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';

export interface ConnectOptions {
  /** A kubeconfig file. Without it: $KUBECONFIG, then ~/.kube/config, then the service account of the pod. */
  kubeconfig?: string;
  /** A context of the kubeconfig; default is its current one. */
  context?: string;
  /** Use the pod's service account and nothing else. */
  inCluster?: boolean;
  /** What this cluster is called in all that Crowsnest records; default is the name in the kubeconfig. */
  cluster?: string;
}

export interface Credentials {
  cluster: string;
  server: URL;
  /** Headers and TLS members for one request, read afresh. Throws CLUSTER_UNAUTHORIZED when they cannot be had. */
  apply(): Promise<RequestOptions>;
}

export async function loadCredentials(options: ConnectOptions): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const where = sourceOf(options);
  try {
    load(config, options);
  } catch (error) {
    if (isCrowsnestError(error)) throw error;
    throw invalid(
      `the kubeconfig cannot be read: ${messageOf(error)}`,
      where,
      'Check that the file exists and is valid YAML.',
      error,
    );
  }
  return fromConfig(config, options, where);
}

function load(config: KubeConfig, options: ConnectOptions): void {
  if (options.inCluster) {
    config.loadFromCluster();
    if (config.getCurrentCluster()?.server.includes('undefined')) {
      throw invalid(
        'this process does not run in a pod',
        'in-cluster',
        'Give a kubeconfig, or run where a service account is mounted.',
      );
    }
    return;
  }
  if (options.kubeconfig !== undefined) config.loadFromFile(options.kubeconfig);
  else {
    config.loadFromDefault();
    const only = config.clusters.length === 1 ? config.clusters[0] : undefined;
    // client-node makes up this cluster when it finds nothing; connecting to it would only confuse.
    if (only?.name === 'cluster' && only.server === 'http://localhost:8080') {
      throw invalid('no kubeconfig was found', '~/.kube/config', 'Give --kubeconfig FILE or set KUBECONFIG.');
    }
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
}

function fromConfig(config: KubeConfig, options: ConnectOptions, where: string): Credentials {
  const contextName = config.getCurrentContext();
  const context = contextName ? config.getContextObject(contextName) : null;
  if (context === null) {
    const names = config.getContexts().map((known) => known.name);
    throw invalid(
      contextName ? `there is no context "${contextName}"` : 'no current context is set',
      where,
      names.length === 0 ? 'The file defines no contexts.' : `Choose one of: ${names.join(', ')}.`,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw invalid(`context "${contextName}" names a cluster that is not defined`, where, 'Correct the file.');
  if (config.getCurrentUser() === null) {
    throw invalid(`context "${contextName}" names a user that is not defined`, where, 'Correct the file.');
  }
  const server = parseServer(cluster.server, where);
  // client-node refuses plain HTTP unless verification is off; there is nothing to verify then, so the flag changes nothing else.
  if (server.protocol === 'http:') Object.assign(cluster, { skipTLSVerify: true });
  const viaProxy = cluster.proxyUrl !== undefined && cluster.proxyUrl !== '';
  return {
    cluster: options.cluster ?? (cluster.name === 'inCluster' ? 'in-cluster' : cluster.name),
    server,
    apply: () => applyTo(config, server, viaProxy),
  };
}

async function applyTo(config: KubeConfig, server: URL, viaProxy: boolean): Promise<RequestOptions> {
  const options: RequestOptions & { agent?: Agent } = { headers: {} };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    throw new CrowsnestError({
      code: 'CLUSTER_UNAUTHORIZED',
      what: `the credentials for the cluster cannot be had: ${messageOf(error)}`,
      where: server.host,
      todo: 'Check the user entry of the kubeconfig: its exec plugin, token file or certificate files.',
      cause: error,
    });
  }
  // Its agent is cached with the certificate of the first call, so a rotated one would never be used; a proxy needs it all the same.
  if (!viaProxy) delete options.agent;
  const headers = options.headers as Record<string, string>;
  // A token file ends with a newline, which no header may hold.
  if (typeof headers.Authorization === 'string') headers.Authorization = headers.Authorization.trim();
  return options;
}

function parseServer(text: string, where: string): URL {
  try {
    const url = new URL(text);
    if (url.protocol === 'https:' || url.protocol === 'http:') return url;
  } catch {
    // Reported below together with a scheme that is not ours.
  }
  throw invalid(`the server address "${text}" is not an http(s) URL`, where, "Correct the cluster's server entry.");
}

function sourceOf(options: ConnectOptions): string {
  return options.inCluster ? 'in-cluster' : (options.kubeconfig ?? 'default kubeconfig');
}

function invalid(what: string, where: string, todo: string, cause?: unknown): CrowsnestError {
  return new CrowsnestError({ code: 'KUBECONFIG_INVALID', what, where, todo, cause });
}

/** The first line only: a YAML parser goes on with a snippet of the file, which may hold a token. */
function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
