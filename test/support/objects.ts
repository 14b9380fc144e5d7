import type { ChangeType, Observation } from '../../src/domain/change.ts';
import type { Json, JsonObject } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';

/** A Kafka as an API server would send it; `metadata` adds to or replaces what is there. */
export function kafka(name: string, resourceVersion: string, spec: Json, metadata: JsonObject = {}): KubeObject {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: {
      name,
      namespace: 'streaming',
      uid: `uid-${name}`,
      resourceVersion,
      generation: 1,
      creationTimestamp: '2026-01-05T08:00:00Z',
      ...metadata,
    },
    spec,
  } as KubeObject;
}

export function observed(type: ChangeType, object: KubeObject, atMs: number, more: Partial<Observation> = {}): Observation {
  return { cluster: 'test', type, object, observedMs: atMs, origin: 'watch', ...more };
}
