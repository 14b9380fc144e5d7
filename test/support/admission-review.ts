import type { JsonObject } from '../../src/domain/json.ts';
import { kafka } from './objects.ts';

/** What an API server asks a validating webhook about an update; `request` adds to it or replaces. */
export function admissionReview(request: JsonObject): JsonObject {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'r-1',
      kind: { group: 'kafka.strimzi.io', version: 'v1beta2', kind: 'Kafka' },
      resource: { group: 'kafka.strimzi.io', version: 'v1beta2', resource: 'kafkas' },
      ...{ name: 'orders', namespace: 'streaming', operation: 'UPDATE' },
      userInfo: { username: 'alice', groups: ['system:authenticated'] },
      object: kafka('orders', '7', { replicas: 4 }),
      oldObject: kafka('orders', '7', { replicas: 3 }),
      dryRun: false,
      ...request,
    },
  };
}
