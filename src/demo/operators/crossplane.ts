/** Crossplane: databases as composites from Git, with a backup each night, and buckets that the platform team makes by hand. */
import type { KubeObject } from '../../domain/object-ref.ts';
import { type Draft, idOf } from '../api-server.ts';
import { DAYS, MINUTE, START_MS, timeOf, timestamp } from '../calendar.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { populateFromGit } from './flux.ts';
import { condition, member, settling, specOf, statusOf } from './settle.ts';

const DATABASES = ['ledger', 'checkout', 'fraud', 'orders', 'shipping', 'superset', 'mlflow', 'cms', 'account', 'usage'];
const BUCKETS = [
  'backups',
  'models',
  'datasets',
  'media',
  'loki-chunks',
  'tempo-traces',
  'exports',
  'imports',
  'reports',
  'artifacts',
  'velero',
  'audit',
  'thumbnails',
  'features',
];
const SIZES = ['small', 'medium', 'large'];

export function populateCrossplane(world: World): void {
  const random = world.random.fork('crossplane');
  for (const name of DATABASES) populateFromGit(world, 'crossplane', database(name, random), random.int(40, 400));
  for (const name of BUCKETS) {
    world.populate(random.pick(world.team('platform')).writer, bucket(name, random), random.int(10, 400));
  }
  const composite = { ready: 'Synced', reason: 'ReconcileSuccess', message: 'composite is in sync', progressing: false };
  world.reactions.set('XPostgreSQLInstance', settling({ ...composite, seconds: [3, 20] }, random.fork('composite')));
  const managed = { ready: 'Synced', reason: 'ReconcileSuccess', message: 'external resource is in sync', progressing: false };
  world.reactions.set('Bucket', settling({ ...managed, seconds: [2, 30] }, random.fork('managed')));
}

/** Nightly backups report into the composites' status. */
export function liveCrossplane(world: World): void {
  const random = world.random.fork('crossplane/life');
  for (const object of world.list('XPostgreSQLInstance')) {
    const id = idOf(object);
    const minute = random.int(0, 50);
    for (let day = 0; day < DAYS; day++) {
      const tsMs = timeOf(day, 1, 30 + minute) + random.int(0, 4 * MINUTE);
      world.at(tsMs, () => {
        if (world.nowMs < (world.backupStopsMs.get(id) ?? Number.POSITIVE_INFINITY))
          world.status(id, (after) => noteBackup(after, world.nowMs, random));
      });
    }
  }
}

function noteBackup(object: KubeObject, nowMs: number, random: Random): void {
  const backup = member(statusOf(object), 'backup');
  backup.lastCompleted = timestamp(nowMs);
  backup.sizeGB = Math.round(Number(backup.sizeGB) * (100 + random.int(-1, 3))) / 100;
}

export function growDatabase(object: KubeObject): void {
  const parameters = member(specOf(object), 'parameters');
  parameters.storageGB = Number(parameters.storageGB) + 20;
}

export function retag(object: KubeObject, random: Random): void {
  const tags = member(specOf(object), 'forProvider', 'tags');
  if (random.chance(0.5)) tags.owner = random.pick(['platform', 'data', 'ml', 'web', 'payments']);
  else tags.tier = random.pick(['gold', 'silver', 'bronze']);
}

export function changeLifecycle(object: KubeObject, random: Random): void {
  member(specOf(object), 'forProvider', 'lifecycle').expireDays = random.pick([7, 14, 30, 60, 90]);
}

export function bucket(name: string, random: Random): Draft {
  return {
    apiVersion: 's3.aws.upbound.io/v1beta1',
    kind: 'Bucket',
    metadata: { name: `harbour-${name}`, annotations: { 'crossplane.io/external-name': `harbour-${name}` } },
    spec: {
      deletionPolicy: 'Orphan',
      forProvider: {
        acl: 'private',
        lifecycle: { expireDays: random.pick([14, 30, 60]) },
        objectLockEnabled: false,
        region: 'eu-north-1',
        tags: { owner: random.pick(['platform', 'data', 'ml', 'web']), tier: random.pick(['gold', 'silver', 'bronze']) },
      },
      managementPolicies: ['*'],
      providerConfigRef: { name: 'default' },
    },
    status: { atProvider: { arn: `arn:aws:s3:::harbour-${name}` }, conditions: [synced()] },
  };
}

function database(name: string, random: Random): Draft {
  return {
    apiVersion: 'platform.example.org/v1alpha1',
    kind: 'XPostgreSQLInstance',
    metadata: { name: `${name}-db`, labels: { 'crossplane.io/claim-name': name, 'crossplane.io/composite': `${name}-db` } },
    spec: {
      compositionRef: { name: 'postgresql-ha' },
      compositionUpdatePolicy: 'Manual',
      parameters: {
        backup: { retentionDays: 14, window: '01:30-02:30' },
        deletionProtection: true,
        engineVersion: '16.4',
        instanceClass: random.pick(SIZES),
        publiclyAccessible: false,
        storageGB: random.int(2, 20) * 20,
      },
      writeConnectionSecretToRef: { name: `${name}-db`, namespace: 'crossplane-system' },
    },
    status: {
      backup: { lastCompleted: timestamp(START_MS - 80 * MINUTE), sizeGB: random.int(8, 300) },
      conditions: [synced(), condition('Ready', 'True', 'Available', 'composite is available', START_MS - 40 * 24 * 60 * MINUTE)],
    },
  };
}

function synced() {
  return condition('Synced', 'True', 'ReconcileSuccess', 'in sync', START_MS - 30 * 24 * 60 * MINUTE);
}
