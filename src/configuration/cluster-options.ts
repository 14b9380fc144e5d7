/** Which clusters, kinds, namespaces and objects are watched, and who is known to have changed them. */
import { z } from 'zod';
import { ASKING, CLUSTER, COMMANDS, READING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import {
  coreKind,
  duration,
  fieldSelector,
  flag,
  httpsUrl,
  labelSelector,
  listenAddress,
  namespaceName,
  serviceReference,
  subject,
  text,
} from './option-values.ts';

export const CLUSTER_OPTIONS = {
  cluster: {
    schema: text.optional(),
    value: 'NAME',
    help: 'name of the cluster in records and alerts',
    commands: [...COMMANDS, ...ASKING],
  },
  kubeconfig: {
    schema: text.optional(),
    value: 'FILE',
    help: 'kubeconfig; else KUBECONFIG, ~/.kube/config or the pod’s service account',
    commands: READING,
  },
  context: {
    schema: z.array(text).default([]),
    value: 'NAME',
    list: true,
    help: 'context of the kubeconfig, also NAME=CLUSTER to call its cluster so; serve and record watch several side by side',
    commands: READING,
  },
  namespace: {
    schema: z.array(namespaceName).default([]),
    value: 'NAME',
    list: true,
    help: 'watch these namespaces only (needs no ClusterRole); of at: show them only',
    commands: [...READING, 'at'],
  },
  excludeNamespace: {
    schema: z.array(namespaceName).default([]),
    value: 'NAME',
    list: true,
    help: 'watch all namespaces but these',
    commands: READING,
  },
  include: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'watch only these kinds: group, Kind.group or plural.group, * for anything; also brings in what is left out as of low value',
    commands: READING,
  },
  exclude: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'leave these kinds out: group, Kind.group or plural.group, * for anything',
    commands: READING,
  },
  coreKinds: {
    schema: z.array(coreKind).default([]),
    value: 'KIND',
    list: true,
    help: 'watch these kinds of Kubernetes itself too: deployments.apps, *.rbac.authorization.k8s.io, services, …; Secrets never',
    commands: READING,
  },
  metadataOnly: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'read only the metadata of these kinds: group, Kind.group or plural.group, * for anything',
    commands: READING,
  },
  labelSelector: {
    schema: z.array(labelSelector).default([]),
    value: 'SELECTOR',
    list: true,
    help: 'follow only objects whose labels fit, of all kinds or of those named: team=a, "Kafka.*: tier in (gold, silver)"',
    commands: READING,
  },
  fieldSelector: {
    schema: z.array(fieldSelector).default([]),
    value: 'SELECTOR',
    list: true,
    help: 'follow only objects whose fields fit; custom kinds know metadata.name, metadata.namespace and what their CRD lists',
    commands: READING,
  },
  expect: {
    schema: z
      .array(z.string().regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/, 'expected plural.group, such as kafkas.kafka.strimzi.io'))
      .default([]),
    value: 'KIND',
    list: true,
    help: 'print rights also for a kind that is not served yet: plural.group',
    commands: ['rbac'],
  },
  consistencyRelist: {
    schema: z.union([z.literal(['off', '0', 0]).transform(() => 0), duration]).prefault('6h'),
    value: 'DURATION',
    help: 'how often all objects of a kind are listed beside its watch, to find what the watch did not tell; off for never',
    commands: ['serve'],
  },
  kubeEvents: {
    schema: z.enum(['auto', 'off']).default('auto'),
    value: 'MODE',
    help: 'Kubernetes Events of watched objects beside their changes: auto keeps them where the role allows, off never asks',
    commands: ['serve', 'record', 'rbac'],
  },
  auditLog: {
    schema: z.array(text).default([]),
    value: 'FILE',
    list: true,
    help: 'audit log of the API server to follow across rotation, to tell who wrote; of several clusters CLUSTER=FILE, else the first one’s',
    commands: CLUSTER,
  },
  admission: {
    schema: z.array(listenAddress).default([]),
    value: 'ADDRESS:PORT',
    list: true,
    help: 'be asked by the API server before each write, to tell who writes; needs --allow admission-webhook and one of the next two; of several clusters, all three CLUSTER=…',
    commands: ['serve', 'rbac'],
  },
  admissionService: {
    schema: z.array(serviceReference).default([]),
    value: 'SERVICE',
    list: true,
    help: 'the Service by which the API server reaches --admission: NAMESPACE/NAME or NAMESPACE/NAME:PORT',
    commands: ['serve'],
  },
  admissionUrl: {
    schema: z.array(httpsUrl).default([]),
    value: 'URL',
    list: true,
    help: 'the https:// URL by which the API server reaches --admission, where it is not in the cluster',
    commands: ['serve'],
  },
  admissionStatus: {
    schema: flag.default(false),
    help: 'be asked about writes to /status too, which come often',
    commands: ['serve'],
  },
  roleName: {
    schema: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'expected the name of a role')
      .default('crowsnest-least'),
    value: 'NAME',
    help: 'name of the printed roles, before -reader and -writer',
    commands: ['rbac'],
  },
  subject: {
    schema: subject.default('serviceaccount:crowsnest/crowsnest'),
    value: 'WHO',
    help: 'whom the printed role is bound to: serviceaccount:NAMESPACE/NAME, user:NAME or group:NAME',
    commands: ['rbac'],
  },
} as const satisfies Record<string, OptionRow>;
