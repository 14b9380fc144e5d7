/** From what a cluster says about scraping to the endpoints it means. Pure; whether one is read, and with what token, is scrape-policy.ts. */
import type { Addresses, PodFacts, ServiceFacts, SliceFacts } from './scrape-addresses.ts';
import type { MonitorEndpoint, ScrapeMonitor } from './scrape-monitor.ts';

/** One page somebody says is to be scraped. */
export interface ScrapeCandidate {
  address: string;
  port: number;
  /** The namespace of the pods. */
  namespace: string;
  foundBy: { type: 'ServiceMonitor' | 'PodMonitor' | 'annotation'; namespace: string; name: string };
  endpoint: MonitorEndpoint;
}

export function candidatesOf(monitors: readonly ScrapeMonitor[], addresses: Addresses): ScrapeCandidate[] {
  const slices = Map.groupBy(addresses.slices, ({ namespace, service }) => `${namespace}/${service}`);
  return monitors.flatMap((monitor) => {
    const isInReach = ({ namespace }: { namespace: string }) =>
      monitor.namespaces === 'any' || monitor.namespaces.includes(namespace);
    const foundBy = { type: monitor.type, namespace: monitor.namespace, name: monitor.name };
    const isMeant = (each: ServiceFacts | PodFacts) => isInReach(each) && monitor.selects(each.labels);
    if (monitor.type === 'PodMonitor') {
      return addresses.pods.filter(isMeant).flatMap((pod) => ofPod(pod, monitor.endpoints, foundBy));
    }
    return addresses.services
      .filter(isMeant)
      .flatMap((service) =>
        ofService(service, slices.get(`${service.namespace}/${service.name}`) ?? [], monitor.endpoints, foundBy),
      );
  });
}

/** `prometheus.io/scrape`, `port`, `path`, `scheme`: a convention of common scrape configurations, of Services and of Pods. */
export function annotatedCandidates(addresses: Addresses): ScrapeCandidate[] {
  const slices = Map.groupBy(addresses.slices, ({ namespace, service }) => `${namespace}/${service}`);
  const services = addresses.services.flatMap((service) => {
    const endpoint = annotatedEndpoint(service.annotations);
    if (endpoint === undefined) return [];
    const foundBy = { type: 'annotation' as const, namespace: service.namespace, name: `service ${service.name}` };
    const found = slices.get(`${service.namespace}/${service.name}`) ?? [];
    const { targetPort } = endpoint;
    if (targetPort === undefined) return ofService(service, found, [endpoint], foundBy);
    // The annotation's port is the pod's, whatever the Service calls it.
    return found.flatMap(({ namespace, endpoints }) =>
      endpoints.map(({ address }) => ({ address, port: Number(targetPort), namespace, foundBy, endpoint })),
    );
  });
  const pods = addresses.pods.flatMap((pod) => {
    const endpoint = annotatedEndpoint(pod.annotations);
    if (endpoint === undefined) return [];
    const foundBy = { type: 'annotation' as const, namespace: pod.namespace, name: `pod ${pod.name}` };
    const ports = endpoint.targetPort === undefined ? pod.ports.map(({ port }) => port) : [Number(endpoint.targetPort)];
    return ports.map((port) => ({ address: pod.ip, port, namespace: pod.namespace, foundBy, endpoint }));
  });
  return [...services, ...pods];
}

function annotatedEndpoint(annotations: Record<string, string>): MonitorEndpoint | undefined {
  if (annotations['prometheus.io/scrape'] !== 'true') return undefined;
  const port = Number(annotations['prometheus.io/port']);
  return {
    port: undefined,
    targetPort: Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined,
    path: annotations['prometheus.io/path'] || '/metrics',
    scheme: annotations['prometheus.io/scheme'] === 'https' ? 'https' : 'http',
    ...{ intervalMs: undefined, timeoutMs: undefined, wantsToken: false, insecure: false },
    ...{ serverName: undefined, ca: undefined, refused: undefined },
  };
}

function ofService(
  service: ServiceFacts,
  slices: readonly SliceFacts[],
  endpoints: readonly MonitorEndpoint[],
  foundBy: ScrapeCandidate['foundBy'],
): ScrapeCandidate[] {
  return endpoints.flatMap((endpoint) => {
    const found = new Map<string, ScrapeCandidate>();
    for (const slice of slices) {
      for (const { port } of slice.ports.filter(portOf(endpoint, service))) {
        for (const { address, pod } of slice.endpoints) {
          // A pod with an address of each family is one pod; the slice of IPv4 comes first where there is one.
          const key = `${pod ?? address}:${port}`;
          const known = found.get(key);
          if (known !== undefined && !known.address.includes(':')) continue;
          found.set(key, { address, port, namespace: slice.namespace, foundBy, endpoint });
        }
      }
    }
    return [...found.values()];
  });
}

/** A slice's port has the name of the Service's port and the number of the pod's. */
function portOf(endpoint: MonitorEndpoint, service: ServiceFacts): (port: { name: string; port: number }) => boolean {
  const { port, targetPort } = endpoint;
  if (port !== undefined) return ({ name }) => name === port;
  if (typeof targetPort === 'number') return ({ port: number }) => number === targetPort;
  if (targetPort === undefined) return () => true;
  const names = service.ports.filter((each) => each.targetPort === targetPort).map(({ name }) => name);
  return ({ name }) => names.includes(name);
}

function ofPod(pod: PodFacts, endpoints: readonly MonitorEndpoint[], foundBy: ScrapeCandidate['foundBy']): ScrapeCandidate[] {
  return endpoints.flatMap((endpoint) => {
    const { port, targetPort } = endpoint;
    const wanted = port ?? targetPort;
    // A number need not be among the ports that the pod declares.
    const ports =
      typeof wanted === 'number' ? [wanted] : pod.ports.filter(({ name }) => name === wanted).map(({ port: number }) => number);
    return ports.map((number) => ({ address: pod.ip, port: number, namespace: pod.namespace, foundBy, endpoint }));
  });
}
