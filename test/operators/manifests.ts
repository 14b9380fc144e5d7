/** What the people of the recorded cluster keep in git and edit by hand: custom resources of two operators. All names are made up. */
import { createHash } from 'node:crypto';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own
  spec: any;
}

export interface ObjectName {
  kind: string;
  namespace: string;
  name: string;
}

const PATHS: Record<string, string> = {
  RabbitmqCluster: 'rabbitmq.com/v1beta1/rabbitmqclusters',
  Prometheus: 'monitoring.coreos.com/v1/prometheuses',
  PrometheusAgent: 'monitoring.coreos.com/v1alpha1/prometheusagents',
  Alertmanager: 'monitoring.coreos.com/v1/alertmanagers',
  AlertmanagerConfig: 'monitoring.coreos.com/v1alpha1/alertmanagerconfigs',
  ThanosRuler: 'monitoring.coreos.com/v1/thanosrulers',
  ServiceMonitor: 'monitoring.coreos.com/v1/servicemonitors',
  PodMonitor: 'monitoring.coreos.com/v1/podmonitors',
  Probe: 'monitoring.coreos.com/v1/probes',
  PrometheusRule: 'monitoring.coreos.com/v1/prometheusrules',
  ScrapeConfig: 'monitoring.coreos.com/v1alpha1/scrapeconfigs',
};

/** Path of an object, or with no name of its kind's list in a namespace. */
export function pathOf({ kind, namespace, name }: { kind: string; namespace: string; name?: string }): string {
  const [group, version, plural] = PATHS[kind]!.split('/');
  return `/apis/${group}/${version}/namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
}

/** The kind of a resource by its plural. */
export function kindOf(plural: string): string {
  const kind = Object.keys(PATHS).find((known) => PATHS[known]!.endsWith(`/${plural}`));
  if (kind === undefined) throw new Error(`no kind is called ${plural}`);
  return kind;
}

export function nameOf({ kind, metadata: { namespace, name } }: Manifest): ObjectName {
  return { kind, namespace, name };
}

export const NAMESPACES = ['shop', 'payments', 'monitoring', 'previews'] as const;

/** What is in git when the hour begins. */
export function manifestsInGit(): Manifest[] {
  return [
    rabbitmq('shop', 'cart-events', 1),
    rabbitmq('shop', 'order-queue', 3),
    rabbitmq('payments', 'ledger', 3),
    manifest('Prometheus', 'monitoring', 'platform', {
      ...PROMETHEUS,
      replicas: 2,
      retention: '15d',
      enableFeatures: ['exemplar-storage'],
      alerting: { alertmanagers: [{ namespace: 'monitoring', name: 'alertmanager-operated', port: 'web' }] },
      storage: { volumeClaimTemplate: { spec: { resources: { requests: { storage: '50Gi' } } } } },
    }),
    manifest('Prometheus', 'monitoring', 'edge', {
      ...PROMETHEUS,
      replicas: 1,
      shards: 1,
      retention: '6h',
      scrapeInterval: '15s',
    }),
    manifest('PrometheusAgent', 'monitoring', 'forwarder', {
      ...PROMETHEUS,
      replicas: 1,
      ruleSelector: undefined,
      ruleNamespaceSelector: undefined,
      remoteWrite: [{ url: 'https://metrics.example.com/api/v1/write', queueConfig: { maxShards: 10 } }],
    }),
    manifest('Alertmanager', 'monitoring', 'main', {
      replicas: 3,
      version: 'v0.28.0',
      retention: '120h',
      alertmanagerConfigSelector: {},
      alertmanagerConfigNamespaceSelector: {},
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    }),
    manifest('ThanosRuler', 'monitoring', 'global', {
      replicas: 1,
      image: 'quay.io/thanos/thanos:v0.39.0',
      queryEndpoints: ['dnssrv+_http._tcp.thanos-query.monitoring.svc'],
      ruleSelector: { matchLabels: { tier: 'global' } },
      evaluationInterval: '30s',
    }),
    ...['cart', 'checkout', 'catalogue', 'search'].map((app) => serviceMonitor('shop', app)),
    ...['gateway', 'fraud-check'].map((app) => serviceMonitor('payments', app)),
    manifest('PodMonitor', 'shop', 'workers', {
      selector: { matchLabels: { role: 'worker' } },
      podMetricsEndpoints: [{ port: 'metrics', interval: '30s' }],
    }),
    manifest('Probe', 'monitoring', 'shop-front', {
      prober: { url: 'blackbox-exporter.monitoring.svc:9115' },
      module: 'http_2xx',
      targets: { staticConfig: { static: ['https://shop.example.com/healthz', 'https://pay.example.com/healthz'] } },
      interval: '60s',
    }),
    manifest('ScrapeConfig', 'monitoring', 'build-hosts', {
      staticConfigs: [{ targets: ['build-1.example.com:9100', 'build-2.example.com:9100'] }],
      scrapeInterval: '60s',
    }),
    rule('shop', 'orders', 'OrderQueueGrows', 'sum(rabbitmq_queue_messages_ready{namespace="shop"}) > 5000', '10m'),
    rule('payments', 'ledger', 'LedgerLagging', 'max(ledger_lag_seconds) > 60', '5m'),
    rule('monitoring', 'global', 'TargetDown', '100 * (1 - avg by (job) (up)) > 10', '15m', { tier: 'global' }),
    manifest('AlertmanagerConfig', 'shop', 'routes', {
      route: { receiver: 'shop-on-call', groupBy: ['alertname'], groupWait: '30s', repeatInterval: '4h' },
      receivers: [{ name: 'shop-on-call', webhookConfigs: [{ url: 'https://hooks.example.com/shop' }] }],
    }),
    manifest('AlertmanagerConfig', 'payments', 'routes', {
      route: { receiver: 'payments-on-call', groupBy: ['alertname', 'namespace'], groupWait: '10s' },
      receivers: [{ name: 'payments-on-call', webhookConfigs: [{ url: 'https://hooks.example.com/payments' }] }],
    }),
  ];
}

const PROMETHEUS = {
  version: 'v3.5.0',
  serviceAccountName: 'prometheus',
  serviceMonitorSelector: {},
  serviceMonitorNamespaceSelector: {},
  podMonitorSelector: {},
  podMonitorNamespaceSelector: {},
  probeSelector: {},
  scrapeConfigSelector: {},
  ruleSelector: {},
  ruleNamespaceSelector: {},
  resources: { requests: { cpu: '250m', memory: '512Mi' }, limits: { memory: '1Gi' } },
};

export function rabbitmq(namespace: string, name: string, replicas: number): Manifest {
  return manifest('RabbitmqCluster', namespace, name, {
    replicas,
    image: 'rabbitmq:4.1.1-management',
    resources: { requests: { cpu: '200m', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
    persistence: { storage: '10Gi' },
    rabbitmq: {
      additionalPlugins: ['rabbitmq_shovel'],
      additionalConfig: 'disk_free_limit.absolute = 1GB\ncluster_partition_handling = pause_minority\n',
    },
    // Rebalancing queues is done inside a container, and here none runs.
    skipPostDeploySteps: true,
    terminationGracePeriodSeconds: 10,
  });
}

export function serviceMonitor(namespace: string, app: string): Manifest {
  return manifest('ServiceMonitor', namespace, app, {
    selector: { matchLabels: { 'app.kubernetes.io/name': app } },
    endpoints: [{ port: 'metrics', interval: '30s', scrapeTimeout: '10s', path: '/metrics' }],
  });
}

function rule(namespace: string, name: string, alert: string, expr: string, wait: string, labels = {}): Manifest {
  const rules = [{ alert, expr, for: wait, labels: { severity: 'page' }, annotations: { summary: `${alert} in ${namespace}` } }];
  return manifest('PrometheusRule', namespace, name, { groups: [{ name, interval: '30s', rules }] }, labels);
}

function manifest(kind: string, namespace: string, name: string, spec: unknown, labels = {}): Manifest {
  const [group, version] = PATHS[kind]!.split('/');
  return {
    apiVersion: `${group}/${version}`,
    kind,
    metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': namespace, ...labels } },
    spec: JSON.parse(JSON.stringify(spec)),
  };
}

/** What a git commit of these manifests could be called. */
export function revisionOf(manifests: Manifest[]): string {
  return `main@sha1:${createHash('sha1').update(JSON.stringify(manifests)).digest('hex')}`;
}
