/** The AI platform: deployments and inference services with their autoscaler and release pipeline, and the routes of the gateway. */
import type { JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { type Draft, idOf, type ObjectId } from '../api-server.ts';
import { DAYS, dayOf, END_MS, hourOf, isWorkday, MINUTE, START_MS, timeOf } from '../calendar.ts';
import type { Writer } from '../managed-fields.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { nextVersion } from './flux.ts';
import { member, settling, specOf, statusOf } from './settle.ts';

export const RELEASE_BOT: Writer = {
  actor: 'system:serviceaccount:ci:model-release',
  manager: 'model-release',
  operation: 'Update',
};
export const AUTOSCALER: Writer = { actor: 'system:serviceaccount:keda:keda-operator', manager: 'keda', operation: 'Update' };

const MODELS = [
  'summariser',
  'classifier',
  'embedder',
  'ranker',
  'translator',
  'moderator',
  'captioner',
  'speech',
  'router',
  'coder',
  'planner',
  'vision',
  'guard',
  'rewriter',
];
const SERVICES = [
  'churn',
  'credit-risk',
  'demand',
  'eta',
  'fraud-score',
  'image-tags',
  'intent',
  'language-id',
  'next-basket',
  'price-elasticity',
  'returns',
  'sentiment',
  'similar-items',
  'spam',
];
const ROUTES = [
  'chat',
  'complete',
  'embed',
  'moderate',
  'translate',
  'transcribe',
  'caption',
  'code',
  'search',
  'rerank',
  'agents',
  'batch',
  'internal',
  'partners',
];
const FORMATS = ['sklearn', 'xgboost', 'onnx', 'pytorch'];

export function populateModels(world: World): void {
  const random = world.random.fork('models');
  const ml = world.team('ml');
  for (const [i, name] of MODELS.entries()) {
    world.populate(random.pick(ml).writer, modelDeployment(name, 'ml-serving', i < 8, random), random.int(20, 300));
  }
  for (const name of random.sample(MODELS, 8))
    world.populate(random.pick(ml).writer, modelDeployment(`${name}-next`, 'ml-research', false, random), random.int(5, 90));
  for (const name of SERVICES) world.populate(random.pick(ml).writer, inferenceService(name, random), random.int(20, 300));
  for (const name of ROUTES)
    world.populate(random.pick(world.team('gateway')).writer, modelRoute(name, random), random.int(20, 300));

  const ready = { ready: 'Ready', reason: 'Ready', message: 'all replicas are ready' };
  const settleReplicas = (object: KubeObject) => {
    statusOf(object).readyReplicas = specOf(object).replicas!;
  };
  world.reactions.set(
    'ModelDeployment',
    settling({ ...ready, progressing: false, seconds: [8, 70], done: settleReplicas }, random.fork('model-operator')),
  );
  const revise = (object: KubeObject) => {
    const revision = `${object.metadata.name}-predictor-${String(object.metadata.generation).padStart(5, '0')}`;
    statusOf(object).components = { predictor: { latestReadyRevision: revision } };
  };
  world.reactions.set(
    'InferenceService',
    settling({ ...ready, progressing: true, seconds: [20, 120], done: revise }, random.fork('kserve')),
  );
  const accepted = { ready: 'Accepted', reason: 'Accepted', message: 'route is programmed', progressing: false };
  world.reactions.set('ModelRoute', settling({ ...accepted, seconds: [0.5, 4] }, random.fork('gateway')));
}

export function liveModels(world: World): void {
  const random = world.random.fork('models/life');
  for (const object of world.list('ModelDeployment'))
    if (specOf(object).autoscaling !== undefined) autoscale(world, idOf(object), random.fork(object.metadata.name));
  for (let day = 0; day < DAYS; day++) {
    if (!isWorkday(day)) continue;
    for (let i = random.int(4, 8); i > 0; i--)
      world.at(timeOf(day, 9) + random.int(0, 8 * 60) * MINUTE, () => release(world, random));
  }
}

/** Replicas follow the load of the day. */
function autoscale(world: World, id: ObjectId, random: Random): void {
  const base = 1.5 + random.next() * 3;
  const peakHour = random.int(11, 17);
  for (let tsMs = START_MS + random.int(0, 30) * MINUTE; tsMs < END_MS; tsMs += random.int(40, 110) * MINUTE) {
    world.at(tsMs, () => {
      const object = world.find(id);
      if (object === undefined) return;
      const distance = Math.abs(hourOf(world.nowMs) - peakHour) / 12;
      const weekend = isWorkday(dayOf(world.nowMs)) ? 1 : 0.6;
      const want = Math.round(base * (0.7 + 1.6 * (1 - distance) * weekend) * (0.85 + 0.3 * random.next()));
      scaleTo(world, id, want);
    });
  }
}

export function scaleTo(world: World, id: ObjectId, replicas: number): void {
  world.edit(AUTOSCALER, id, (object) => {
    const { min, max } = member(object.spec, 'autoscaling') as { min: number; max: number };
    specOf(object).replicas = Math.max(min, Math.min(max, replicas));
  });
}

/** A merge to a model repository: a new version goes out to one of its consumers. */
function release(world: World, random: Random): void {
  if (random.chance(0.6))
    world.edit(RELEASE_BOT, idOf(random.pick(world.list('InferenceService'))), (object) => releaseService(object, random));
  else
    world.edit(RELEASE_BOT, idOf(random.pick(world.list('ModelDeployment', 'ml-serving'))), (object) =>
      releaseModel(object, random),
    );
}

export function releaseService(object: KubeObject, random: Random): void {
  const labels = object.metadata.labels as JsonObject;
  const version = nextVersion(String(labels['model-version']), random);
  labels['model-version'] = version;
  member(object.spec, 'predictor', 'model').storageUri = storageUri(object.metadata.name, version);
}

export function releaseModel(object: KubeObject, random: Random): void {
  const model = member(object.spec, 'model');
  model.version = nextVersion(String(model.version), random);
  model.source = `oci://registry.example.org/models/${model.name}:${model.version}`;
}

export function storageUri(name: string, version: string): string {
  return `s3://harbour-models/${name}/${version}/`;
}

export const MEMORY_SIZES = [8, 16, 24, 32, 48, 64];

/** Requests and limits are the same for models, so that they are never evicted; people change them together. */
export function resizeModel(object: KubeObject, random: Random): void {
  const resources = resourcesOf(object);
  const what = random.chance(0.6) ? 'memory' : 'cpu';
  const size = what === 'memory' ? `${random.pick(MEMORY_SIZES)}Gi` : String(random.pick([2, 4, 6, 8]));
  member(resources, 'requests')[what] = size;
  member(resources, 'limits')[what] = size;
}

export function resourcesOf(object: KubeObject): JsonObject {
  return object.kind === 'InferenceService'
    ? member(object.spec, 'predictor', 'model', 'resources')
    : member(object.spec, 'resources');
}

export function tuneRuntime(object: KubeObject, random: Random): void {
  const runtime = member(object.spec, 'runtime');
  if (random.chance(0.2)) {
    const [name, version] = String(runtime.image).split(':') as [string, string];
    runtime.image = `${name}:${nextVersion(version, random)}`;
  } else if (random.chance(0.5)) runtime.maxModelLength = random.pick([4096, 8192, 16_384, 32_768]);
  else runtime.gpuMemoryUtilisation = random.pick([0.8, 0.85, 0.9, 0.92, 0.95]);
}

export function shiftWeights(object: KubeObject, random: Random): void {
  const backends = specOf(object).backends as unknown as { weight: number }[];
  const share = random.pick([0, 5, 10, 20, 30, 50]);
  backends[1]!.weight = share;
  backends[0]!.weight = 100 - share;
}

export function changeLimits(object: KubeObject, random: Random): void {
  member(object.spec, 'rateLimit').tokensPerMinute = random.pick([20, 40, 60, 80, 120, 200]) * 1000;
}

export function modelDeployment(name: string, namespace: string, scaled: boolean, random: Random): Draft {
  const version = `${random.int(1, 4)}.${random.int(0, 12)}.${random.int(0, 9)}`;
  const memory = `${random.pick(MEMORY_SIZES)}Gi`;
  return {
    apiVersion: 'ai.example.org/v1alpha1',
    kind: 'ModelDeployment',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/name': name, team: 'ml' } },
    spec: {
      ...(scaled ? { autoscaling: { max: 14, metric: 'queued-requests', min: 1 } } : {}),
      hostNetwork: false,
      model: { name, source: `oci://registry.example.org/models/${name}:${version}`, version },
      replicas: random.int(2, 4),
      resources: { limits: { cpu: '4', memory, 'nvidia.com/gpu': 1 }, requests: { cpu: '4', memory, 'nvidia.com/gpu': 1 } },
      rollout: { maxSurge: 1, maxUnavailable: 0 },
      runtime: { gpuMemoryUtilisation: 0.9, image: 'registry.example.org/ml/runtime:0.14.2', maxModelLength: 8192 },
      securityContext: { privileged: false, runAsNonRoot: true },
    },
    status: { observedGeneration: 1, readyReplicas: 2 },
  };
}

function inferenceService(name: string, random: Random): Draft {
  const version = `${random.int(1, 6)}.${random.int(0, 20)}.${random.int(0, 9)}`;
  const memory = `${random.pick(MEMORY_SIZES)}Gi`;
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: 'ml-serving', labels: { 'model-version': version, team: 'ml' } },
    spec: {
      predictor: {
        maxReplicas: random.int(3, 6),
        minReplicas: 1,
        model: {
          modelFormat: { name: random.pick(FORMATS) },
          resources: { limits: { cpu: '2', memory }, requests: { cpu: '2', memory } },
          storageUri: storageUri(name, version),
        },
        serviceAccountName: 'model-reader',
      },
    },
    status: {
      components: { predictor: { latestReadyRevision: `${name}-predictor-00001` } },
      url: `http://${name}.ml-serving.harbour.example.org`,
    },
  };
}

function modelRoute(name: string, random: Random): Draft {
  const [first, second] = random.sample(MODELS, 2) as [string, string];
  const host = (model: string) => `${model}.ml-serving.svc:8080`;
  return {
    apiVersion: 'gateway.ai.example.org/v1alpha1',
    kind: 'ModelRoute',
    metadata: { name, namespace: 'ai-gateway', labels: { team: 'gateway' } },
    spec: {
      auth: { audience: 'harbour', required: true },
      backends: [
        { host: host(first), name: first, weight: 100 },
        { host: host(second), name: second, weight: 0 },
      ],
      hosts: [`${name}.ai.harbour.example.org`],
      promptLog: { enabled: false },
      rateLimit: { tokensPerMinute: random.pick([20, 40, 60, 80]) * 1000 },
      timeout: random.pick(['30s', '60s']),
    },
    status: { observedGeneration: 1 },
  };
}
