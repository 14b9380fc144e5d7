/**
 * Finds the metrics pages of a cluster's controllers: by ServiceMonitors, PodMonitors and scrape annotations, as far as asked for and allowed. Looks
 * again every minute; what is forbidden is asked for again then, and is a row of coverage with the rule to add meanwhile.
 *
 * Memory: of Services, EndpointSlices and Pods only what leads to an address, and only while one look lasts.
 */
import type { Clock } from '../../domain/clock.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { collectionPath, type ResourceKind } from '../../kube/discovery.ts';
import { type KubeClient, KubeStatusError } from '../../kube/kube-client.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { KindCoverage, Sink, Source } from '../source.ts';
import { jittered } from '../watch/back-off.ts';
import { listObjects } from '../watch/list-objects.ts';
import { type Addresses, readPod, readService, readSlice } from './scrape-addresses.ts';
import { annotatedCandidates, candidatesOf, type ScrapeCandidate } from './scrape-candidates.ts';
import { readMonitor, type ScrapeMonitor } from './scrape-monitor.ts';
import { caKey, decideTargets, type Refusal, type ScrapePolicy } from './scrape-policy.ts';
import type { ScrapeTarget } from './scrape-target.ts';

export const DISCOVERY_WAYS = ['service-monitor', 'pod-monitor', 'annotations'] as const;
export type DiscoveryWay = (typeof DISCOVERY_WAYS)[number];

export interface MetricsDiscoveryOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  ways: readonly DiscoveryWay[];
  /** Only these namespaces, without any right beyond them. */
  namespaces?: string[] | undefined;
  /** Read at each look, as authorities rotate. */
  policy: () => ScrapePolicy;
  /** Called after every look with all that is to be read. */
  onTargets: (targets: ScrapeTarget[]) => void;
  metrics?: CollectorMetrics | undefined;
  lookMs?: number | undefined;
  random?: (() => number) | undefined;
}

export interface MetricsDiscovery extends Source {
  /** What discovery may not read, as rows beside those of the kinds. */
  coverage(): KindCoverage[];
}

const LOOK_MS = 60_000;

const SERVICE_MONITORS = kind('monitoring.coreos.com', 'ServiceMonitor', 'servicemonitors');
const POD_MONITORS = kind('monitoring.coreos.com', 'PodMonitor', 'podmonitors');
const SERVICES = kind('', 'Service', 'services');
const SLICES = kind('discovery.k8s.io', 'EndpointSlice', 'endpointslices');
const PODS = kind('', 'Pod', 'pods');

/** What each way has to read, for the role. */
export function discoveryKinds(ways: readonly DiscoveryWay[]): ResourceKind[] {
  const kinds = new Set<ResourceKind>();
  if (ways.includes('service-monitor')) for (const each of [SERVICE_MONITORS, SERVICES, SLICES]) kinds.add(each);
  if (ways.includes('pod-monitor')) for (const each of [POD_MONITORS, PODS]) kinds.add(each);
  if (ways.includes('annotations')) for (const each of [SERVICES, SLICES, PODS]) kinds.add(each);
  return [...kinds];
}

export function createMetricsDiscovery(options: MetricsDiscoveryOptions): MetricsDiscovery {
  return new KubeMetricsDiscovery(options);
}

class KubeMetricsDiscovery implements MetricsDiscovery {
  readonly name: string;
  readonly #options: MetricsDiscoveryOptions;
  readonly #troubles = new Map<string, KindCoverage>();
  /** Refusals that were told, so that a minute later they are not told again. */
  #told = new Set<string>();

  constructor(options: MetricsDiscoveryOptions) {
    this.name = `discovery of metrics in ${options.client.cluster}`;
    this.#options = options;
  }

  coverage(): KindCoverage[] {
    return [...this.#troubles.values()];
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock, logger, lookMs = LOOK_MS, random = Math.random } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#look(sink, signal);
      } catch (error) {
        if (!signal.aborted)
          logger.warn({ reason: messageOf(error) }, 'discovery of metrics failed; what was found before stays');
      }
      await clock.sleep(jittered(lookMs, 0.1, random), signal).catch(() => {});
    }
  }

  async #look(sink: Sink, signal: AbortSignal): Promise<void> {
    const { ways, policy, onTargets } = this.#options;
    const isAsked = (way: DiscoveryWay) => ways.includes(way);
    const monitors = [
      ...(isAsked('service-monitor') ? await this.#monitors(SERVICE_MONITORS, 'ServiceMonitor', signal) : []),
      ...(isAsked('pod-monitor') ? await this.#monitors(POD_MONITORS, 'PodMonitor', signal) : []),
    ];
    const needsServices = isAsked('annotations') || monitors.some(({ type }) => type === 'ServiceMonitor');
    const needsPods = isAsked('annotations') || monitors.some(({ type }) => type === 'PodMonitor');
    const addresses: Addresses = {
      services: needsServices ? await this.#read(SERVICES, readService, signal) : [],
      slices: needsServices ? await this.#read(SLICES, readSlice, signal) : [],
      pods: needsPods ? await this.#read(PODS, readPod, signal) : [],
    };
    const candidates = [...candidatesOf(monitors, addresses), ...(isAsked('annotations') ? annotatedCandidates(addresses) : [])];
    const { targets, refusals } = decideTargets(candidates, await this.#authorities(candidates, signal), policy());
    if (signal.aborted) return;
    onTargets(targets);
    await this.#tell(refusals, sink);
  }

  #monitors(of: ResourceKind, type: ScrapeMonitor['type'], signal: AbortSignal): Promise<ScrapeMonitor[]> {
    return this.#read(of, (object) => readMonitor(type, object), signal);
  }

  /** All objects of a kind; none of what is forbidden, which is noted, and none of a kind that this cluster does not have. */
  async #read<T>(of: ResourceKind, read: (object: JsonObject) => T | undefined, signal: AbortSignal): Promise<T[]> {
    const { client, clock, namespaces = [undefined] } = this.#options;
    const found: T[] = [];
    let refused: string | undefined;
    for (const namespace of namespaces) {
      try {
        await listObjects({ client, clock, signal }, collectionPath(of, namespace), (object) => {
          const one = read(object);
          if (one !== undefined) found.push(one);
        });
      } catch (error) {
        if (!(error instanceof KubeStatusError)) throw error;
        if (error.status === 403) refused = ruleToAdd(of);
        else if (error.status !== 404) throw error;
      }
    }
    this.#note(of, refused);
    return found;
  }

  #note(of: ResourceKind, refused: string | undefined): void {
    const key = `${of.group}/${of.plural}`;
    if (refused === undefined) {
      this.#troubles.delete(key);
      return;
    }
    const { client, clock, logger } = this.#options;
    if (this.#troubles.has(key)) return;
    const reason = `for the discovery of metrics: ${refused}`;
    logger.warn({ group: of.group, kind: of.kind, reason }, 'discovery of metrics is held up');
    const sinceMs = clock.nowMs();
    const row = { state: 'forbidden' as const, sinceMs, reason, everWatched: false, objects: 0, relists: 0 };
    this.#troubles.set(key, { cluster: client.cluster, ...of, ...row });
  }

  /** Certificates of authorities out of ConfigMaps, each asked for once a look. */
  async #authorities(candidates: readonly ScrapeCandidate[], signal: AbortSignal): Promise<Map<string, string | undefined>> {
    const found = new Map<string, string | undefined>();
    for (const candidate of candidates) {
      const key = caKey(candidate);
      if (key !== undefined && !found.has(key)) found.set(key, await this.#authority(candidate, signal));
    }
    return found;
  }

  async #authority({ endpoint, foundBy }: ScrapeCandidate, signal: AbortSignal): Promise<string | undefined> {
    if (endpoint.ca === undefined) return undefined;
    const name = encodeURIComponent(endpoint.ca.configMap);
    const path = `/api/v1/namespaces/${encodeURIComponent(foundBy.namespace)}/configmaps/${name}`;
    try {
      const { data } = await this.#options.client.request('GET', path, { signal });
      const pem = isJsonObject(data) ? data[endpoint.ca.key] : undefined;
      return typeof pem === 'string' && pem.includes('-----BEGIN CERTIFICATE-----') ? pem : undefined;
    } catch (error) {
      if (error instanceof KubeStatusError) return undefined;
      throw error;
    }
  }

  /** Each refusal is told when it is new. */
  async #tell(refusals: readonly Refusal[], sink: Sink): Promise<void> {
    const { client, clock, logger, metrics = NO_METRICS } = this.#options;
    const fresh = refusals.filter(({ where, what }) => !this.#told.has(`${where}\u0000${what}`));
    this.#told = new Set(refusals.map(({ where, what }) => `${where}\u0000${what}`));
    if (fresh.length === 0) return;
    const code = 'METRICS_TARGET_REFUSED' as const;
    for (const { where, what } of fresh) {
      metrics.reject(code);
      logger.warn({ where }, `a metrics endpoint is not read: ${what}`);
    }
    const observedMs = clock.nowMs();
    const rejects = fresh.map(({ where, what }) => ({ cluster: client.cluster, code, where, what, observedMs }));
    await sink({ observations: [], rejects });
  }
}

function ruleToAdd({ group, plural }: ResourceKind): string {
  return `not allowed; add to the role: {apiGroups: ["${group}"], resources: ["${plural}"], verbs: ["list"]}`;
}

function kind(group: string, name: string, plural: string): ResourceKind {
  return { group, version: 'v1', kind: name, plural, namespaced: true };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
