/**
 * Where the cluster is and how to prove who we are: a thin face over client-node's KubeConfig, which knows kubeconfig files, exec
 * plugins, OIDC, rotating tokens, client certificates and the in-cluster service account. Importing it takes 77 MB of memory, so only the
 * credentials process does.
 */
import { X509Certificate } from 'node:crypto';
import type { Agent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { ConfigOptions, User } from '@kubernetes/client-node/dist/config_types.js';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import { yaml } from '../yaml.ts';
import type { ConnectOptions } from './connect-options.ts';
import type {
  ClusterPlace,
  CredentialMaterial,
  CredentialsAnswer,
  CredentialsQuestion,
  TlsMaterial,
} from './credentials-exchange.ts';
import { PROXY_SCHEMES } from './proxy-schemes.ts';

/** Throws KUBECONFIG_INVALID; credentials that cannot be had are a `failure` of the answer. */
export async function answerFor({ options, carried }: CredentialsQuestion): Promise<CredentialsAnswer> {
  const { config, place } = open(options);
  const user = config.getCurrentUser() as User;
  if (carried !== undefined && user.authProvider?.config !== undefined) Object.assign(user.authProvider.config, carried);
  try {
    return { place, material: await materialOf(config, user, place) };
  } catch (error) {
    if (!isCrowsnestError(error)) throw error;
    const { code, what, where, todo } = error;
    return { place, failure: { code, what, where, todo } };
  }
}

function open(options: ConnectOptions): { config: ObservedKubeConfig; place: ClusterPlace } {
  const config = new ObservedKubeConfig();
  const where = options.inCluster ? 'in-cluster' : (options.kubeconfig ?? 'default kubeconfig');
  try {
    load(config, options);
  } catch (error) {
    if (isCrowsnestError(error)) throw error;
    const what = `the kubeconfig cannot be read: ${messageOf(error)}`;
    throw invalid(what, where, 'Check that the file exists and is valid YAML.', error);
  }
  return { config, place: placeOf(config, options, where) };
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
    if (options.context !== undefined) config.setCurrentContext(options.context);
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

function placeOf(config: ObservedKubeConfig, options: ConnectOptions, where: string): ClusterPlace {
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
  const user = config.getCurrentUser();
  if (user === null) throw invalid(`context "${contextName}" names a user that is not defined`, where, 'Correct the file.');
  const server = parseServer(cluster.server, where);
  // client-node refuses plain HTTP unless verification is off; there is nothing to verify then, so the flag changes nothing else.
  if (server.protocol === 'http:') Object.assign(cluster, { skipTLSVerify: true });
  const named = [cluster.caFile, user.certFile, user.keyFile].filter(
    (file) => file !== undefined && file !== null && file !== '',
  );
  return {
    cluster: options.cluster ?? (cluster.name === 'inCluster' ? 'in-cluster' : cluster.name),
    context: contextName,
    server: server.href,
    files: [...config.files, ...(named as string[])],
    ...(cluster.proxyUrl ? { proxyUrl: requireProxy(cluster.proxyUrl, where) } : {}),
  };
}

async function materialOf(config: ObservedKubeConfig, user: User, place: ClusterPlace): Promise<CredentialMaterial> {
  const options = await applied(config, new URL(place.server));
  const tls: TlsMaterial = {};
  for (const name of ['ca', 'cert', 'key', 'rejectUnauthorized', 'servername'] as const) {
    if (options[name] !== undefined) Object.assign(tls, { [name]: options[name] });
  }
  const headers = options.headers as Record<string, string>;
  const material: CredentialMaterial = { headers, tls };
  const tokenFile = user.authProvider?.config?.tokenFile ?? config.tokenFileOf(user.name);
  if (tokenFile !== undefined && user.token === undefined) {
    material.tokenFile = tokenFile;
    delete headers.Authorization;
  }
  const ends = [pluginExpiry(config, user), tokenExpiry(headers.Authorization), certificateExpiry(tls.cert)];
  const expiresMs = Math.min(...ends.filter((end) => end !== undefined));
  if (Number.isFinite(expiresMs)) material.expiresMs = expiresMs;
  const kept = user.authProvider?.config;
  if (kept !== undefined && material.tokenFile === undefined) {
    material.carried = Object.fromEntries(Object.entries(kept).filter(([, value]) => typeof value === 'string')) as Record<
      string,
      string
    >;
  }
  return material;
}

async function applied(config: KubeConfig, server: URL): Promise<RequestOptions> {
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
  const headers = options.headers as Record<string, string>;
  if (typeof options.auth === 'string') headers.Authorization = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  // A token may end with a newline, which no header may hold.
  if (typeof headers.Authorization === 'string') headers.Authorization = headers.Authorization.trim();
  return options;
}

/** KubeConfig, keeping what it reads but does not tell: which files, and the standard `tokenFile` of a user, which it does not know. */
class ObservedKubeConfig extends KubeConfig {
  readonly files: string[] = [];
  readonly #tokenFiles = new Map<string, string>();

  override loadFromFile(file: string, options?: Partial<ConfigOptions>): void {
    this.files.push(resolve(file));
    super.loadFromFile(file, options);
  }

  override loadFromString(text: string, options?: Partial<ConfigOptions>): void {
    super.loadFromString(text, options);
    // Few have it, and the parser takes as long to load as Node itself.
    if (!text.includes('tokenFile')) return;
    const users = (yaml().parse(text, { logLevel: 'silent' }) as { users?: unknown }).users;
    for (const entry of Array.isArray(users) ? users : []) {
      const { name, user } = entry as { name: string; user?: { tokenFile?: unknown } };
      const file = user?.tokenFile;
      if (typeof file === 'string' && file !== '') this.#tokenFiles.set(name, resolve(dirname(this.files.at(-1) ?? '.'), file));
    }
  }

  tokenFileOf(user: string): string | undefined {
    return this.#tokenFiles.get(user);
  }
}

/** What an exec plugin said of its credential. client-node keeps it to itself and tells nobody. */
function pluginExpiry(config: KubeConfig, user: User): number | undefined {
  const { authenticators } = config as unknown as { authenticators: { tokenCache?: Record<string, ExecCredential> }[] };
  for (const { tokenCache } of authenticators) {
    const endsMs = Date.parse(tokenCache?.[user.name]?.status?.expirationTimestamp ?? '');
    if (!Number.isNaN(endsMs)) return endsMs;
  }
  return undefined;
}

interface ExecCredential {
  status?: { expirationTimestamp?: string };
}

/** The `exp` of a bearer token that is a JWT; undefined for any other. */
function tokenExpiry(authorization: string | undefined): number | undefined {
  const payload = /^Bearer [\w-]+\.([\w-]+)\.[\w-]*$/.exec(authorization ?? '')?.[1];
  if (payload === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}

function certificateExpiry(cert: Buffer | string | undefined): number | undefined {
  if (cert === undefined) return undefined;
  try {
    return new X509Certificate(cert).validToDate.getTime();
  } catch {
    // What is wrong with it is said by whoever connects with it.
    return undefined;
  }
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

/** Its text is never told: it may hold a password. */
function requireProxy(text: string, where: string): string {
  const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : undefined;
  if (PROXY_SCHEMES.some((known) => known === scheme)) return text;
  throw invalid(
    'the proxy-url of the cluster is not one of a proxy that is known',
    where,
    `Give a URL that begins with ${PROXY_SCHEMES.map((known) => `${known}://`).join(', ')}.`,
  );
}

function invalid(what: string, where: string, todo: string, cause?: unknown): CrowsnestError {
  return new CrowsnestError({ code: 'KUBECONFIG_INVALID', what, where, todo, cause });
}

/** The first line only: a YAML parser goes on with a snippet of the file, which may hold a token. */
function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}
