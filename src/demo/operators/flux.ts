/** Flux: repositories, what they apply, and releases. Git is the only way into most namespaces. */
import type { JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { type Draft, idOf, type ObjectId } from '../api-server.ts';
import { DAYS, isWorkday, MINUTE, timeOf, timestamp } from '../calendar.ts';
import type { Writer } from '../managed-fields.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { condition, member, setCondition, settling, specOf, statusOf } from './settle.ts';

export const KUSTOMIZE_CONTROLLER: Writer = {
  actor: 'system:serviceaccount:flux-system:kustomize-controller',
  manager: 'kustomize-controller',
  operation: 'Apply',
};
export const RENOVATE: Writer = { actor: 'system:serviceaccount:renovate:renovate', manager: 'renovate', operation: 'Update' };
export const DEPLOYER: Writer = { actor: 'system:serviceaccount:ci:deployer', manager: 'deployer', operation: 'Update' };

/** Namespaces whose objects come from Git, and those where people and pipelines write themselves. */
export const GIT_NAMESPACES = ['platform', 'monitoring', 'payments', 'orders', 'streaming'] as const;
const RELEASES: Record<string, string[]> = {
  platform: ['ingress-nginx', 'external-dns', 'kyverno', 'velero', 'keda'],
  monitoring: ['prometheus', 'loki', 'tempo', 'grafana'],
  payments: ['ledger', 'checkout', 'fraud-check'],
  orders: ['order-api', 'shipping'],
  web: ['storefront', 'search', 'basket', 'account', 'cms', 'media', 'newsletter', 'reviews', 'wishlist', 'sitemap'],
  data: ['airbyte', 'superset', 'trino', 'dagster', 'datahub'],
  'ml-research': ['jupyterhub', 'mlflow', 'label-studio', 'ray', 'wandb-local'],
};
/** Releases that Renovate keeps up to date in the cluster itself. */
export const RENOVATED_NAMESPACES = ['web', 'data', 'ml-research'] as const;

export function populateFlux(world: World): void {
  const random = world.random.fork('flux');
  for (const repository of ['fleet', 'apps'])
    world.populate(KUSTOMIZE_CONTROLLER, applied(gitRepository(repository, random), 'flux-system'), random.int(200, 700));
  const paths = [
    ...GIT_NAMESPACES,
    'cert-manager',
    'crossplane',
    'policies',
    'crds',
    'web-base',
    'data-base',
    'ml-base',
    'ai-gateway-base',
  ];
  for (const path of paths) {
    const repository = ['payments', 'orders', 'streaming'].includes(path) ? 'apps' : 'fleet';
    world.populate(KUSTOMIZE_CONTROLLER, applied(kustomization(path, repository, random), 'flux-system'), random.int(100, 600));
  }
  for (const [namespace, names] of Object.entries(RELEASES)) {
    const git = (GIT_NAMESPACES as readonly string[]).includes(namespace);
    for (const name of names) {
      const release = helmRelease(name, namespace, random);
      if (git) populateFromGit(world, namespace, release, random.int(30, 500));
      else world.populate(DEPLOYER, release, random.int(30, 500));
    }
  }
  const ready = { ready: 'Ready', progressing: true, reason: 'UpgradeSucceeded', message: 'Helm upgrade succeeded' };
  world.reactions.set(
    'HelmRelease',
    settling({ ...ready, seconds: [15, 90], done: noteRelease }, random.fork('helm-controller')),
  );
  world.reactions.set(
    'Kustomization',
    settling(
      { ready: 'Ready', progressing: false, reason: 'ReconciliationSucceeded', message: 'Applied revision', seconds: [2, 20] },
      random,
    ),
  );
  world.reactions.set(
    'GitRepository',
    settling({ ready: 'Ready', progressing: false, reason: 'Succeeded', message: 'stored artifact', seconds: [1, 5] }, random),
  );
}

/** An object from before the recording that the Kustomization of this name applies, and marks as its own. */
export function populateFromGit(world: World, path: string, draft: Draft, ageDays: number): void {
  world.fromGit.set(world.populate(KUSTOMIZE_CONTROLLER, applied(draft, path), ageDays), path);
}

/** With the labels by which Flux knows what a Kustomization applied. */
export function applied(draft: Draft, path: string): Draft {
  const marks = { 'kustomize.toolkit.fluxcd.io/name': path, 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' };
  return {
    ...draft,
    metadata: { ...draft.metadata, labels: { ...(draft.metadata.labels as JsonObject | undefined), ...marks } },
  };
}

/** A merge to a repository: Flux notices within a minute, and applies it namespace by namespace. */
export function gitCommit(
  world: World,
  repository: 'fleet' | 'apps',
  random: Random,
  changes: { id: ObjectId; change: (o: KubeObject) => void }[],
): void {
  const revision = `main@sha1:${random.hex(40)}`;
  world.after(random.int(5, 55), () => {
    world.metrics.get('GitRepository')?.noteWrite();
    world.status(`GitRepository/flux-system/${repository}`, (object) => {
      statusOf(object).artifact = artifact(repository, revision, world.nowMs, random);
      setCondition(object, condition('Ready', 'True', 'Succeeded', `stored artifact for revision '${revision}'`, world.nowMs));
    });
  });
  for (const object of world.list('Kustomization', 'flux-system')) {
    if (member(object.spec, 'sourceRef').name !== repository) continue;
    const path = object.metadata.name;
    world.after(60 + random.int(2, 45), () => {
      for (const { id, change } of changes) if (world.fromGit.get(id) === path) world.edit(KUSTOMIZE_CONTROLLER, id, change);
      world.metrics.get('Kustomization')?.noteWrite();
      world.status(idOf(object), (after) => {
        const status = statusOf(after);
        status.lastAppliedRevision = revision;
        status.lastAttemptedRevision = revision;
        setCondition(after, condition('Ready', 'True', 'ReconciliationSucceeded', `Applied revision: ${revision}`, world.nowMs));
      });
    });
  }
}

export function repositoryOf(world: World, id: ObjectId): 'fleet' | 'apps' {
  const kustomization = world.find(`Kustomization/flux-system/${world.fromGit.get(id)}`);
  return member(kustomization?.spec, 'sourceRef').name === 'apps' ? 'apps' : 'fleet';
}

/** Flux puts a field that Git states back at its next round, at most ten minutes later. */
export function revertByGit(world: World, id: ObjectId, random: Random): void {
  const wanted = structuredClone(world.find(id)?.spec);
  world.after(random.int(90, 590), () =>
    world.edit(KUSTOMIZE_CONTROLLER, id, (object) => {
      object.spec = wanted!;
    }),
  );
}

/** The life of releases outside Git: Renovate on Tuesdays before dawn, deployments from CI on working days. */
export function liveFlux(world: World): void {
  const random = world.random.fork('flux/life');
  // The last Tuesday is among the look-alikes.
  for (let day = 1; day < DAYS - 7; day += 7) world.at(timeOf(day, 4, random.int(5, 25)), () => renovate(world, random));
  for (let day = 0; day < DAYS; day++) {
    if (!isWorkday(day)) continue;
    for (let i = random.int(2, 4); i > 0; i--) {
      world.at(timeOf(day, 8) + random.int(0, 9 * 60) * MINUTE, () => {
        const release = random.pick(world.list('HelmRelease', 'web'));
        world.edit(DEPLOYER, idOf(release), (object) => bumpImage(object, random));
      });
    }
  }
}

/** One round of Renovate over the charts it looks after; most have a new version each week. */
export function renovate(world: World, random: Random): void {
  let atMs = world.nowMs;
  for (const namespace of RENOVATED_NAMESPACES) {
    for (const release of world.list('HelmRelease', namespace)) {
      if (!random.chance(0.9)) continue;
      atMs += random.int(4, 40) * 1000;
      world.sim.at(atMs, () => void world.edit(RENOVATE, idOf(release), (object) => bumpChart(object, random)), world.sim.tag);
    }
  }
}

export function bumpChart(object: KubeObject, random: Random): void {
  const spec = member(object.spec, 'chart', 'spec');
  spec.version = nextVersion(String(spec.version), random);
}

export function bumpImage(object: KubeObject, random: Random): void {
  const image = member(object.spec, 'values', 'image');
  image.tag = nextVersion(String(image.tag), random);
}

/** The next patch, at times the next minor version. What is no version, such as `latest`, has no next. */
export function nextVersion(version: string, random: Random): string {
  if (!/^\d+\.\d+\.\d+$/.test(version)) return version;
  const [major, minor, patch] = version.split('.').map(Number) as [number, number, number];
  return random.chance(0.2) ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

/** Requests and limits move together, as the team's template asks. */
export function resize(resources: JsonObject, what: 'cpu' | 'memory', random: Random): void {
  const requests = member(resources, 'requests');
  const limits = member(resources, 'limits');
  const sizes = what === 'cpu' ? ['100m', '200m', '250m', '500m', '1', '2'] : ['128Mi', '256Mi', '512Mi', '1Gi', '2Gi'];
  const at = random.int(0, sizes.length - 2);
  requests[what] = sizes[at]!;
  limits[what] = sizes[at + 1]!;
}

function noteRelease(object: KubeObject, random: Random): void {
  const status = statusOf(object);
  const version = member(object.spec, 'chart', 'spec').version as string;
  const history = (status.history as JsonObject[] | undefined) ?? [];
  const last = Number(history[0]?.version ?? 0);
  status.lastAttemptedRevision = version;
  status.history = [
    {
      name: object.metadata.name,
      version: last + 1,
      chartVersion: version,
      status: 'deployed',
      digest: `sha256:${random.hex(64)}`,
    },
  ];
}

function gitRepository(name: string, random: Random): Draft {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace: 'flux-system' },
    spec: {
      interval: '1m0s',
      ref: { branch: 'main' },
      secretRef: { name: `${name}-deploy-key` },
      timeout: '60s',
      url: `ssh://git@git.example.org/${name}.git`,
      verify: { mode: 'HEAD', secretRef: { name: 'signing-keys' } },
    },
    status: { artifact: artifact(name, `main@sha1:${random.hex(40)}`, Date.UTC(2026, 4, 3), random), observedGeneration: 1 },
  };
}

function artifact(repository: string, revision: string, nowMs: number, random: Random): JsonObject {
  return {
    digest: `sha256:${random.hex(64)}`,
    lastUpdateTime: timestamp(nowMs),
    path: `gitrepository/flux-system/${repository}/${revision.slice(10, 22)}.tar.gz`,
    revision,
    size: 90_000 + random.int(0, 9_000),
  };
}

function kustomization(path: string, repository: string, random: Random): Draft {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: path, namespace: 'flux-system' },
    spec: {
      decryption: { provider: 'sops', secretRef: { name: 'sops-age' } },
      force: false,
      interval: '10m0s',
      path: `./clusters/harbour/${path}`,
      postBuild: { substitute: { cluster: 'harbour', domain: 'harbour.example.org' } },
      prune: true,
      sourceRef: { kind: 'GitRepository', name: repository },
      timeout: '5m0s',
      wait: random.chance(0.7),
    },
    status: { lastAppliedRevision: `main@sha1:${random.hex(40)}`, observedGeneration: 1 },
  };
}

function helmRelease(name: string, namespace: string, random: Random): Draft {
  const version = `${random.int(1, 9)}.${random.int(0, 30)}.${random.int(0, 9)}`;
  return {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace, labels: { 'app.kubernetes.io/name': name, team: namespace } },
    spec: {
      chart: { spec: { chart: name, sourceRef: { kind: 'HelmRepository', name: 'charts', namespace: 'flux-system' }, version } },
      driftDetection: { mode: 'enabled' },
      install: { remediation: { retries: 3 } },
      interval: '15m0s',
      upgrade: { cleanupOnFail: true, remediation: { retries: 3, strategy: 'rollback' } },
      values: {
        image: {
          repository: `registry.example.org/${namespace}/${name}`,
          tag: `${random.int(1, 4)}.${random.int(0, 20)}.${random.int(0, 9)}`,
        },
        ingress: { enabled: random.chance(0.5), host: `${name}.harbour.example.org` },
        podSecurityContext: { privileged: false, runAsNonRoot: true },
        replicaCount: random.int(2, 4),
        resources: { limits: { cpu: '500m', memory: '512Mi' }, requests: { cpu: '250m', memory: '256Mi' } },
      },
    },
    status: { lastAttemptedRevision: version, observedGeneration: 1 },
  };
}

export function setReplicas(object: KubeObject, random: Random): void {
  const values = member(specOf(object), 'values');
  values.replicaCount = Math.min(6, Math.max(2, (values.replicaCount as number) + random.pick([-1, 1])));
}
