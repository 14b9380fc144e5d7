/** CloudEvents as senders write them. */
import type { JsonObject } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { kafka } from './objects.ts';

export const STRUCTURED = { 'content-type': 'application/cloudevents+json; charset=UTF-8' };
export const BATCH = { 'content-type': 'application/cloudevents-batch+json' };

/** An update of a Kafka as Knative's ApiServerSource tells it in mode Resource. */
export function knativeEvent(
  id: string,
  more: JsonObject = {},
  object: KubeObject = kafka(`k-${id}`, '7', { replicas: 3 }),
): JsonObject {
  const { name, namespace } = object.metadata;
  return {
    ...{ specversion: '1.0', id, source: 'https://10.96.0.1:443', type: 'dev.knative.apiserver.resource.update' },
    subject: `/apis/${object.apiVersion}/namespaces/${namespace}/kafkas/${name}`,
    ...{ kind: object.kind, name, namespace: namespace ?? '', apiversion: object.apiVersion },
    datacontenttype: 'application/json',
    data: object,
    ...more,
  };
}

/** The same in binary mode. */
export function binary(event: JsonObject): { headers: Record<string, string>; body: string } {
  const { data, datacontenttype, ...attributes } = event;
  const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, encodeURI(String(value))]);
  return { headers: { 'content-type': String(datacontenttype), ...Object.fromEntries(named) }, body: JSON.stringify(data) };
}
