/**
 * Which of the endpoints that a cluster points to are read, and which of them may be sent a token. Anybody who may create a
 * ServiceMonitor, or annotate a pod, chooses where we go: they get requests for metrics, and no credentials (docs/adr, "A token goes only
 * where an administrator said"). Pure.
 */
import { BlockList, isIP } from 'node:net';
import type { ScrapeCandidate } from './scrape-candidates.ts';
import type { ScrapeTarget, TokenFile } from './scrape-target.ts';

export interface ScrapePolicy {
  /** How often pages are read, unless a monitor asks for less. */
  intervalMs: number;
  /** Namespaces whose pods may be sent a token: theirs, and the monitor's, must be among these. */
  tokenNamespaces: readonly string[];
  /** A token for metrics only: also sent where the certificate is not checked. */
  metricsToken: TokenFile | undefined;
  /** The service account's own token, which may read whatever Crowsnest may: only sent where the certificate is checked. */
  ownToken: TokenFile | undefined;
  /** PEM of authorities for those that name none that can be read. */
  ca: string | undefined;
  targetsMax: number;
  /** Nothing is read there. */
  excludedNamespaces?: readonly string[] | undefined;
}

export interface Refusal {
  where: string;
  what: string;
}

/** `cas` holds what was read of ConfigMaps, by `namespace/name/key`; undefined where it could not be. */
export function decideTargets(
  candidates: readonly ScrapeCandidate[],
  cas: ReadonlyMap<string, string | undefined>,
  policy: ScrapePolicy,
): { targets: ScrapeTarget[]; refusals: Refusal[] } {
  const targets = new Map<string, ScrapeTarget>();
  const refusals = new Map<string, Refusal>();
  let left = 0;
  for (const candidate of candidates) {
    const { foundBy } = candidate;
    if (policy.excludedNamespaces?.includes(candidate.namespace) === true) continue;
    const where = `${foundBy.type} ${foundBy.namespace}/${foundBy.name}`;
    const refused = candidate.endpoint.refused ?? addressProblem(candidate.address) ?? caProblem(candidate, cas);
    if (refused !== undefined) {
      refusals.set(`${where}\u0000${refused}`, { where, what: refused });
      continue;
    }
    const target = targetOf(candidate, where, cas, policy);
    const known = targets.get(target.url);
    // Two monitors may mean one page; the one that may send a token has the better chance to be let in.
    if (known === undefined && targets.size >= policy.targetsMax) left += 1;
    else if (known === undefined || (known.token === undefined && target.token !== undefined)) targets.set(target.url, target);
  }
  if (left > 0) {
    const what = `${left} endpoints beyond the first ${policy.targetsMax} are left out`;
    refusals.set('left out', { where: 'discovery of metrics', what });
  }
  return { targets: [...targets.values()], refusals: [...refusals.values()] };
}

export function caKey(candidate: ScrapeCandidate): string | undefined {
  const { ca, scheme, insecure } = candidate.endpoint;
  if (ca === undefined || scheme !== 'https' || insecure) return undefined;
  return `${candidate.foundBy.namespace}/${ca.configMap}/${ca.key}`;
}

function targetOf(
  candidate: ScrapeCandidate,
  foundBy: string,
  cas: ReadonlyMap<string, string | undefined>,
  policy: ScrapePolicy,
): ScrapeTarget {
  const { address, port, endpoint } = candidate;
  const host = isIP(address) === 6 ? `[${address}]` : address;
  const url = new URL(`${endpoint.scheme}://${host}:${port}`);
  // Assigned, so that no path can reach into the authority.
  const [path = '/', query = ''] = splitOnce(endpoint.path, '?');
  url.pathname = path;
  url.search = query;
  const intervalMs = Math.max(policy.intervalMs, endpoint.intervalMs ?? 0);
  const ca = cas.get(caKey(candidate) ?? '') ?? policy.ca;
  const isHttps = endpoint.scheme === 'https';
  return {
    url: url.href,
    intervalMs,
    timeoutMs: Math.min(intervalMs, endpoint.timeoutMs ?? 10_000, 30_000),
    token: isHttps ? tokenFor(candidate, policy) : undefined,
    tls: isHttps ? { ca, serverName: endpoint.serverName, insecure: endpoint.insecure } : undefined,
    foundBy,
    slowsDown: true,
  };
}

function tokenFor({ endpoint, namespace, foundBy }: ScrapeCandidate, policy: ScrapePolicy): TokenFile | undefined {
  const { tokenNamespaces, metricsToken, ownToken } = policy;
  if (!endpoint.wantsToken || !tokenNamespaces.includes(namespace) || !tokenNamespaces.includes(foundBy.namespace))
    return undefined;
  return metricsToken ?? (endpoint.insecure ? undefined : ownToken);
}

/** Where no pod can be: this machine, its neighbours on the link (cloud metadata among them), nobody, everybody. */
const NOWHERE = new BlockList();
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['0.0.0.0', 8],
  ['224.0.0.0', 4],
] as const) {
  NOWHERE.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::1', 128],
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  NOWHERE.addSubnet(network, prefix, 'ipv6');
}

function addressProblem(address: string): string | undefined {
  const family = isIP(address);
  if (family === 0) return `${JSON.stringify(address.slice(0, 80))} is no address of a pod`;
  // Addresses of IPv4 in the clothes of IPv6 are checked as what they are.
  return NOWHERE.check(address, family === 6 ? 'ipv6' : 'ipv4') ? `${address} is no address of a pod` : undefined;
}

function caProblem(candidate: ScrapeCandidate, cas: ReadonlyMap<string, string | undefined>): string | undefined {
  const key = caKey(candidate);
  if (key === undefined || cas.get(key) !== undefined) return undefined;
  return `its authority's certificate cannot be read from ConfigMap ${key}`;
}

function splitOnce(text: string, at: string): [string, string?] {
  const i = text.indexOf(at);
  return i < 0 ? [text] : [text.slice(0, i), text.slice(i + 1)];
}
