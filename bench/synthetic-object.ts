/** Custom resources as a large cluster has them: what one looks like when it is made, and the small steps its controllers and people take. Pure. */
import type { Random } from '../src/demo/random.ts';
import type { Json, JsonObject } from '../src/domain/json.ts';
import type { KubeObject } from '../src/domain/object-ref.ts';

export interface SyntheticKind {
  group: string;
  version: string;
  kind: string;
  /** Its controller, as it shows in managedFields. */
  controller: string;
}

/** Kind, group, version; the controller is named after the kind. */
const KINDS_TOLD = `Kafka kafka.strimzi.io v1beta2, KafkaTopic kafka.strimzi.io v1beta2, KafkaUser kafka.strimzi.io v1beta2, Application argoproj.io
v1alpha1, Rollout argoproj.io v1alpha1, HelmRelease helm.toolkit.fluxcd.io v2, Kustomization kustomize.toolkit.fluxcd.io v1, GitRepository
source.toolkit.fluxcd.io v1, Certificate cert-manager.io v1, CertificateRequest cert-manager.io v1, Cluster postgresql.cnpg.io v1, ScheduledBackup
postgresql.cnpg.io v1, Prometheus monitoring.coreos.com v1, ServiceMonitor monitoring.coreos.com v1, PrometheusRule monitoring.coreos.com v1,
VirtualService networking.istio.io v1, DestinationRule networking.istio.io v1, ScaledObject keda.sh v1alpha1, ExternalSecret external-secrets.io v1,
InferenceService serving.kserve.io v1beta1, RabbitmqCluster rabbitmq.com v1beta1, RedisCluster redis.example.io v1, Workflow argoproj.io v1alpha1,
Backup velero.io v1`;

export const KINDS: readonly SyntheticKind[] = KINDS_TOLD.split(',').map((told) => {
  const [kind = '', group = '', version = ''] = told.trim().split(/\s+/);
  return { kind, group, version, controller: `${kind.toLowerCase()}-controller` };
});

const REASONS = ['ReconcileSucceeded', 'Progressing', 'DependencyNotReady', 'ArtifactFailed', 'HealthCheckFailed'] as const;
const CONDITIONS = ['Ready', 'Reconciling', 'Healthy'] as const;
const SETTINGS = [
  'log.level',
  'max.connections',
  'retention.hours',
  'segment.bytes',
  'timeout.ms',
  'cache.size',
  'batch.size',
  'workers',
];

export interface Born {
  kind: SyntheticKind;
  namespace: string;
  name: string;
  uid: string;
  atMs: number;
}

export function newObject(random: Random, { kind, namespace, name, uid, atMs }: Born): KubeObject {
  const at = timeText(atMs);
  const team = namespace.replace(/-\d+$/, '');
  return {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion: '',
      generation: 1,
      creationTimestamp: at,
      labels: {
        'app.kubernetes.io/name': name.replace(/-[0-9a-f]+$/, ''),
        'app.kubernetes.io/managed-by': 'flux',
        'app.kubernetes.io/version': version(random),
        team,
      },
      annotations: { 'example.org/owner': `${team}@example.org`, 'example.org/revision': `main@sha1:${random.hex(40)}` },
    },
    spec: {
      replicas: random.int(1, 5),
      image: { repository: `registry.example.org/${team}/${kind.kind.toLowerCase()}`, tag: version(random) },
      resources: {
        requests: { cpu: `${random.int(1, 20) * 50}m`, memory: `${random.int(1, 16) * 128}Mi` },
        limits: { cpu: `${random.int(1, 20) * 100}m`, memory: `${random.int(1, 16) * 256}Mi` },
      },
      config: Object.fromEntries(SETTINGS.map((key) => [key, random.int(1, 5000)])),
      listeners: Array.from({ length: random.int(1, 4) }, (_, i) => ({
        name: `listener-${i}`,
        port: 9092 + i,
        type: 'internal',
        tls: true,
      })),
      suspend: false,
    },
    status: {
      observedGeneration: 1,
      phase: 'Running',
      readyReplicas: 0,
      conditions: CONDITIONS.map((type) => condition(random, type, at)),
      lastAppliedRevision: `main@sha1:${random.hex(40)}`,
    },
  } as unknown as KubeObject;
}

/** Which part of an object a step is in, and what it is afterwards. */
export interface Step {
  section: 'spec' | 'status';
  after: JsonObject;
}

/** What a controller writes when it has reconciled. */
export function controllerStep(random: Random, status: JsonObject, generation: number, atMs: number): Step {
  const at = timeText(atMs);
  const chance = random.next();
  if (chance < 0.45) {
    const conditions = status.conditions as JsonObject[];
    const moved = random.int(0, conditions.length - 1);
    const after = conditions.map((one, i) => (i === moved ? condition(random, one.type as string, at) : one));
    return { section: 'status', after: { ...status, conditions: after, observedGeneration: generation } };
  }
  if (chance < 0.75) return { section: 'status', after: { ...status, readyReplicas: other(random, status.readyReplicas, 0, 9) } };
  if (chance < 0.9)
    return { section: 'status', after: { ...status, lastAppliedRevision: `main@sha1:${random.hex(40)}`, lastReconciled: at } };
  const phase = status.phase === 'Running' ? 'Updating' : 'Running';
  return { section: 'status', after: { ...status, phase, lastReconciled: at } };
}

/** What a person or a pipeline edits. */
export function editStep(random: Random, spec: JsonObject): Step {
  const chance = random.next();
  const edited = (more: JsonObject): Step => ({ section: 'spec', after: { ...spec, ...more } });
  if (chance < 0.4) return edited({ image: { ...(spec.image as JsonObject), tag: version(random) } });
  if (chance < 0.65) return edited({ replicas: other(random, spec.replicas, 0, 12) });
  if (chance < 0.85) return edited({ config: { ...(spec.config as JsonObject), [random.pick(SETTINGS)]: random.int(1, 5000) } });
  const resources = spec.resources as { requests: JsonObject; limits: JsonObject };
  return edited({ resources: { ...resources, limits: { ...resources.limits, memory: `${random.int(1, 64) * 256}Mi` } } });
}

function condition(random: Random, type: string, at: string): JsonObject {
  const status = random.chance(0.8) ? 'True' : 'False';
  const reason = status === 'True' ? REASONS[0] : random.pick(REASONS.slice(1));
  return {
    type,
    status,
    reason,
    message: `${reason}: revision ${random.hex(8)} after ${random.int(1, 900)} ms`,
    lastTransitionTime: at,
  };
}

function other(random: Random, value: Json | undefined, min: number, max: number): number {
  const next = random.int(min, max - 1);
  return next === value ? max : next;
}

function version(random: Random): string {
  return `v${random.int(0, 3)}.${random.int(0, 30)}.${random.int(0, 20)}`;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
