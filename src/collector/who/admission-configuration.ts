/** The ValidatingWebhookConfiguration by which an API server asks us. Pure. */
import { X509Certificate } from 'node:crypto';
import type { JsonObject } from '../../domain/json.ts';
import type { ResourceKind } from '../../kube/discovery.ts';
import { ADMISSION_CONFIGURATION } from '../../kube/rbac-rules.ts';

export const CONFIGURATION_PATH = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${ADMISSION_CONFIGURATION}`;

/** Where the API server reaches us. */
export type AdmissionAddress = { url: string } | { service: { namespace: string; name: string; port: number } };

export interface AdmissionConfigurationOptions {
  address: AdmissionAddress;
  path: string;
  /** PEM; more than one while certificates change. */
  authorities: string[];
  kinds: readonly Pick<ResourceKind, 'group' | 'version' | 'plural'>[];
  /** Also writes to /status. */
  status: boolean;
  /** Where Crowsnest itself runs, if in the cluster. */
  ownNamespace: string | undefined;
  /** Only these. */
  namespaces: readonly string[] | undefined;
}

/** What must work when we do not, what comes many times a second, and what an API server never asks about. */
const NEVER_GROUPS: ReadonlySet<string> = new Set([
  ...['coordination.k8s.io', 'events.k8s.io', 'admissionregistration.k8s.io', 'apiregistration.k8s.io'],
  ...['authentication.k8s.io', 'authorization.k8s.io', 'metrics.k8s.io', 'custom.metrics.k8s.io', 'external.metrics.k8s.io'],
]);
const NEVER_RESOURCES: ReadonlySet<string> = new Set(['events', 'leases']);

/** Whether writes to a kind are asked about. */
export function isAsked({ group, plural }: Pick<ResourceKind, 'group' | 'plural'>): boolean {
  return !NEVER_GROUPS.has(group) && !NEVER_RESOURCES.has(plural);
}

/** Undefined when there is no kind to ask about: a webhook must have rules. */
export function admissionConfiguration(options: AdmissionConfigurationOptions): JsonObject | undefined {
  const rules = rulesOf(options);
  if (rules.length === 0) return undefined;
  const { ownNamespace, namespaces } = options;
  const key = 'kubernetes.io/metadata.name';
  const excluded = { key, operator: 'NotIn', values: ['kube-system', ...(ownNamespace === undefined ? [] : [ownNamespace])] };
  const included = namespaces === undefined ? [] : [{ key, operator: 'In', values: [...namespaces] }];
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: ADMISSION_CONFIGURATION, labels: { 'app.kubernetes.io/managed-by': 'crowsnest' } },
    webhooks: [
      {
        name: 'observe.crowsnest.dev',
        clientConfig: { ...clientOf(options), caBundle: Buffer.from(options.authorities.join('\n')).toString('base64') },
        rules,
        admissionReviewVersions: ['v1'],
        failurePolicy: 'Ignore',
        matchPolicy: 'Equivalent',
        sideEffects: 'NoneOnDryRun',
        timeoutSeconds: 1,
        namespaceSelector: { matchExpressions: [excluded, ...included] },
      },
    ],
  };
}

function rulesOf({ kinds, status }: AdmissionConfigurationOptions): JsonObject[] {
  const byVersion = new Map<string, { group: string; version: string; resources: string[] }>();
  for (const { group, version, plural } of kinds.filter(isAsked)) {
    const key = `${group}/${version}`;
    const rule = byVersion.get(key) ?? { group, version, resources: [] };
    rule.resources.push(plural, ...(status ? [`${plural}/status`] : []));
    byVersion.set(key, rule);
  }
  return [...byVersion.values()]
    .sort((a, b) => (`${a.group}/${a.version}` < `${b.group}/${b.version}` ? -1 : 1))
    .map(({ group, version, resources }) => ({
      apiGroups: [group],
      apiVersions: [version],
      resources: resources.sort(),
      operations: ['CREATE', 'UPDATE', 'DELETE'],
      scope: '*',
    }));
}

function clientOf({ address, path }: AdmissionConfigurationOptions): JsonObject {
  if ('url' in address) return { url: new URL(path, address.url).href };
  return { service: { ...address.service, path } };
}

/** The names that the server's certificate must have. */
export function namesOf(address: AdmissionAddress): string[] {
  if ('url' in address) return [new URL(address.url).hostname.replace(/^\[|\]$/g, '')];
  const { name, namespace } = address.service;
  return [`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`];
}

/** When a certificate is to be replaced: a third of its life before its end. */
export function renewalMs(pem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  return validToDate.getTime() - (validToDate.getTime() - validFromDate.getTime()) / 3;
}
