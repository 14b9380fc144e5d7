/** Services, EndpointSlices and Pods, of which only what leads to an address is kept. Pure. */
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Labels } from '../watch/label-selector.ts';

export interface ServiceFacts {
  namespace: string;
  name: string;
  labels: Labels;
  annotations: Labels;
  ports: { name: string; port: number; targetPort: string | number | undefined }[];
}

export interface SliceFacts {
  namespace: string;
  service: string;
  ports: { name: string; port: number }[];
  /** `pod` names the pod behind an address, for telling its IPv4 from another's IPv6. */
  endpoints: { address: string; pod: string | undefined }[];
}

export interface PodFacts {
  namespace: string;
  name: string;
  labels: Labels;
  annotations: Labels;
  ip: string;
  ports: { name: string; port: number }[];
}

/** All of a cluster that discovery looks at. */
export interface Addresses {
  services: ServiceFacts[];
  slices: SliceFacts[];
  pods: PodFacts[];
}

export function readService(object: JsonObject): ServiceFacts | undefined {
  const meta = metaOf(object);
  const spec = isJsonObject(object.spec) ? object.spec : {};
  // A name of the world outside leads to no pod of this cluster.
  if (meta === undefined || spec.type === 'ExternalName') return undefined;
  const ports = objectsIn(spec.ports).flatMap(({ name, port, targetPort }) =>
    typeof port === 'number'
      ? [{ name: textOf(name), port, targetPort: typeof targetPort === 'object' ? undefined : (targetPort as string | number) }]
      : [],
  );
  return { ...meta, ports };
}

export function readSlice(object: JsonObject): SliceFacts | undefined {
  const meta = metaOf(object);
  const service = meta?.labels['kubernetes.io/service-name'];
  if (meta === undefined || service === undefined || object.addressType === 'FQDN') return undefined;
  const ports = objectsIn(object.ports).flatMap(({ name, port }) =>
    typeof port === 'number' ? [{ name: textOf(name), port }] : [],
  );
  const endpoints = objectsIn(object.endpoints).flatMap((endpoint) => {
    const conditions = isJsonObject(endpoint.conditions) ? endpoint.conditions : {};
    const address = Array.isArray(endpoint.addresses) ? endpoint.addresses[0] : undefined;
    if (conditions.ready === false || typeof address !== 'string') return [];
    const target = isJsonObject(endpoint.targetRef) && endpoint.targetRef.kind === 'Pod' ? endpoint.targetRef : {};
    return [{ address, pod: textOf(target.name) || undefined }];
  });
  return { namespace: meta.namespace, service, ports, endpoints };
}

export function readPod(object: JsonObject): PodFacts | undefined {
  const meta = metaOf(object);
  const status = isJsonObject(object.status) ? object.status : {};
  const spec = isJsonObject(object.spec) ? object.spec : {};
  const ip = textOf(status.podIP);
  if (meta === undefined || ip === '' || status.phase !== 'Running') return undefined;
  const ports = objectsIn(spec.containers).flatMap((container) =>
    objectsIn(container.ports).flatMap(({ name, containerPort }) =>
      typeof containerPort === 'number' ? [{ name: textOf(name), port: containerPort }] : [],
    ),
  );
  return { ...meta, ip, ports };
}

function metaOf(object: JsonObject): Pick<PodFacts, 'namespace' | 'name' | 'labels' | 'annotations'> | undefined {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const [namespace, name] = [textOf(metadata.namespace), textOf(metadata.name)];
  if (namespace === '' || name === '') return undefined;
  return { namespace, name, labels: labelsOf(metadata.labels), annotations: scrapeAnnotations(metadata.annotations) };
}

/** Of annotations only those that speak of scraping: others may be large. */
function scrapeAnnotations(value: Json | undefined): Labels {
  return Object.fromEntries(Object.entries(labelsOf(value)).filter(([name]) => name.startsWith('prometheus.io/')));
}

function labelsOf(value: Json | undefined): Labels {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).filter(([, text]) => typeof text === 'string')) as Labels;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function objectsIn(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
