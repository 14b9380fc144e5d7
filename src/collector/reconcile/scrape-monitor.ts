/**
 * ServiceMonitor and PodMonitor (monitoring.coreos.com/v1), read for what a scrape needs. Credentials they refer to are not: Secrets are
 * never read, so what needs one is said instead of tried.
 */
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { type Labels, parseLabelSelector } from '../watch/label-selector.ts';

export interface ScrapeMonitor {
  type: 'ServiceMonitor' | 'PodMonitor';
  namespace: string;
  name: string;
  selects: (labels: Labels) => boolean;
  /** Where it looks for Services or Pods. */
  namespaces: 'any' | string[];
  endpoints: MonitorEndpoint[];
}

export interface MonitorEndpoint {
  /** Name of the Service's or container's port. */
  port: string | undefined;
  /** Number or name of the pod's port. */
  targetPort: string | number | undefined;
  path: string;
  scheme: 'http' | 'https';
  intervalMs: number | undefined;
  timeoutMs: number | undefined;
  /** It says that a bearer token is to be sent; which one is ours to decide. */
  wantsToken: boolean;
  insecure: boolean;
  serverName: string | undefined;
  /** The ConfigMap, in the monitor's namespace, that holds the authority's certificate. */
  ca: { configMap: string; key: string } | undefined;
  /** Why it cannot be scraped, whatever it is. */
  refused: string | undefined;
}

/** Undefined where it does not say what it selects: nothing is scraped by guess. */
export function readMonitor(type: ScrapeMonitor['type'], object: JsonObject): ScrapeMonitor | undefined {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const selects = parseLabelSelector(spec.selector);
  const [namespace, name] = [textOf(metadata.namespace), textOf(metadata.name)];
  if (selects === undefined || namespace === undefined || name === undefined) return undefined;
  const listed = type === 'ServiceMonitor' ? spec.endpoints : spec.podMetricsEndpoints;
  return {
    ...{ type, namespace, name, selects },
    namespaces: namespacesOf(spec.namespaceSelector, namespace),
    endpoints: objectsIn(listed).map(readEndpoint),
  };
}

function namespacesOf(selector: Json | undefined, own: string): ScrapeMonitor['namespaces'] {
  if (!isJsonObject(selector)) return [own];
  if (selector.any === true) return 'any';
  const names = Array.isArray(selector.matchNames) ? selector.matchNames.filter((name) => typeof name === 'string') : [];
  return names.length === 0 ? [own] : names;
}

function readEndpoint(endpoint: JsonObject): MonitorEndpoint {
  const tls = isJsonObject(endpoint.tlsConfig) ? endpoint.tlsConfig : {};
  const ca = isJsonObject(tls.ca) ? tls.ca : {};
  const configMap = isJsonObject(ca.configMap) ? ca.configMap : {};
  const caName = textOf(configMap.name);
  const targetPort = typeof endpoint.portNumber === 'number' ? endpoint.portNumber : endpoint.targetPort;
  return {
    port: textOf(endpoint.port),
    targetPort: typeof targetPort === 'string' || typeof targetPort === 'number' ? targetPort : undefined,
    path: textOf(endpoint.path) ?? '/metrics',
    // The operator writes Go's spelling in some versions.
    scheme: textOf(endpoint.scheme)?.toLowerCase() === 'https' ? 'https' : 'http',
    intervalMs: durationMs(endpoint.interval),
    timeoutMs: durationMs(endpoint.scrapeTimeout),
    wantsToken:
      textOf(endpoint.bearerTokenFile) !== undefined ||
      isJsonObject(endpoint.bearerTokenSecret) ||
      isBearer(endpoint.authorization),
    insecure: tls.insecureSkipVerify === true,
    serverName: textOf(tls.serverName),
    ca: caName === undefined ? undefined : { configMap: caName, key: textOf(configMap.key) ?? 'ca.crt' },
    refused: refusal(endpoint, tls),
  };
}

function refusal(endpoint: JsonObject, tls: JsonObject): string | undefined {
  if (isJsonObject(endpoint.basicAuth)) return 'it needs a user name and password from a Secret, which is never read';
  if (isJsonObject(endpoint.oauth2)) return 'it needs OAuth2 credentials from a Secret, which is never read';
  if (isJsonObject(tls.cert) && Object.keys(tls.cert).length > 0)
    return 'it needs a client certificate from a Secret, which is never read';
  if (textOf(endpoint.proxyUrl) !== undefined) return 'it is to be reached through a proxy that the monitor chose';
  return undefined;
}

function isBearer(authorization: Json | undefined): boolean {
  if (!isJsonObject(authorization)) return false;
  return (textOf(authorization.type) ?? 'Bearer').trim().toLowerCase() === 'bearer';
}

/** Prometheus' durations: `30s`, `1m30s`. */
export function durationMs(value: Json | undefined): number | undefined {
  if (typeof value !== 'string' || !/^(\d+(ms|s|m|h|d|w|y))+$/.test(value)) return undefined;
  const units: Record<string, number> = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7, w: 6.048e8, y: 3.1536e10 };
  let ms = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+)(ms|s|m|h|d|w|y)/g))
    ms += Number(amount) * (units[unit as string] as number);
  return ms > 0 ? ms : undefined;
}

/** Empty texts are as good as none. */
function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
