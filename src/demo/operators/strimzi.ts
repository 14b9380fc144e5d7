/** Strimzi: clusters from Git, topics and users by the data team, quotas by a job each night. */
import type { JsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { type Draft, idOf } from '../api-server.ts';
import { DAYS, SECOND, timeOf, timestamp } from '../calendar.ts';
import type { Writer } from '../managed-fields.ts';
import type { Random } from '../random.ts';
import type { World } from '../world.ts';
import { populateFromGit } from './flux.ts';
import { member, settling, specOf } from './settle.ts';

export const QUOTA_SYNC: Writer = { actor: 'system:serviceaccount:data:quota-sync', manager: 'quota-sync', operation: 'Update' };
export const QUOTA_SYNC_HOUR = 2;

const SUBJECTS = [
  'order',
  'payment',
  'refund',
  'shipment',
  'basket',
  'customer',
  'invoice',
  'stock',
  'price',
  'review',
  'session',
  'click',
];
const EVENTS = ['created', 'changed', 'closed', 'audit'];
const USERS = [
  'ledger',
  'checkout',
  'fraud-check',
  'order-api',
  'shipping',
  'storefront',
  'search',
  'basket',
  'airbyte',
  'trino',
  'dagster',
  'mirror',
  'newsletter',
  'reviews',
  'features',
  'exports',
  'usage',
  'billing',
];
export const RETENTION_DAYS = [1, 2, 3, 7, 14, 30];
const DAY_MS = 24 * 3600 * SECOND;

export function populateStreaming(world: World): void {
  const random = world.random.fork('strimzi');
  const data = world.team('data');
  for (const name of ['orders', 'payments', 'analytics'])
    populateFromGit(world, 'streaming', kafka(name, random), random.int(100, 500));
  const names = SUBJECTS.flatMap((subject) => EVENTS.map((event) => `${subject}-${event}`));
  for (const name of random.sample(names, 38)) world.populate(random.pick(data).writer, topic(name, random), random.int(20, 400));
  for (const name of USERS)
    world.populate(random.pick(data).writer, user(name, world.list('KafkaTopic'), random), random.int(20, 400));
  const settled = { ready: 'Ready', progressing: false, reason: 'Ready', message: 'reconciled' };
  world.reactions.set('Kafka', settling({ ...settled, progressing: true, seconds: [40, 200] }, random.fork('kafka')));
  world.reactions.set('KafkaTopic', settling({ ...settled, seconds: [1, 8] }, random.fork('topics')));
  world.reactions.set('KafkaUser', settling({ ...settled, seconds: [1, 8] }, random.fork('users')));
}

/** Each night the quota job goes over all users. */
export function liveStreaming(world: World): void {
  const random = world.random.fork('strimzi/life');
  for (let day = 0; day < DAYS; day++) {
    world.at(timeOf(day, QUOTA_SYNC_HOUR, 14) + random.int(0, 100) * SECOND, () => {
      if (world.nowMs < world.quotaSyncStopsMs) syncQuotas(world, random, 0.25);
    });
  }
}

export function syncQuotas(world: World, random: Random, changedShare: number): void {
  let seconds = 0;
  for (const object of world.list('KafkaUser')) {
    seconds += 1 + random.next() * 2;
    world.sim.at(
      world.nowMs + seconds * SECOND,
      () =>
        world.edit(QUOTA_SYNC, idOf(object), (after) => {
          after.metadata.annotations = {
            ...(after.metadata.annotations as JsonObject),
            'quota.example.org/synced': timestamp(world.nowMs),
          };
          if (random.chance(changedShare)) member(after.spec, 'quotas').producerByteRate = random.int(1, 16) * 1_048_576;
        }),
      world.sim.tag,
    );
  }
}

/** A topic in the style of the others; undefined when every name is taken. */
export function newTopic(world: World, random: Random): Draft | undefined {
  const taken = new Set(world.list('KafkaTopic').map(({ metadata }) => metadata.name));
  const free = SUBJECTS.flatMap((subject) => [...EVENTS, 'retry', 'dead-letter'].map((event) => `${subject}-${event}`)).filter(
    (name) => !taken.has(name),
  );
  return free.length === 0 ? undefined : topic(random.pick(free), random);
}

export function changeRetention(object: KubeObject, random: Random): void {
  member(specOf(object), 'config')['retention.ms'] = random.pick(RETENTION_DAYS) * DAY_MS;
}

export function addPartitions(object: KubeObject): void {
  const spec = specOf(object);
  spec.partitions = Math.min(48, Number(spec.partitions) + 3);
}

export function allowTopic(object: KubeObject, world: World, random: Random): void {
  const acls = member(specOf(object), 'authorization').acls as unknown as JsonObject[];
  if (acls.length > 5) acls.splice(random.int(0, acls.length - 1), 1);
  else acls.push(acl(random.pick(world.list('KafkaTopic')).metadata.name, random));
}

/** How clusters are tuned from Git: log settings and listeners stay, sizes move. */
export function tuneKafka(object: KubeObject, random: Random): void {
  const kafkaSpec = member(specOf(object), 'kafka');
  if (random.chance(0.5)) member(kafkaSpec, 'config')['log.retention.hours'] = random.pick([24, 72, 168, 336]);
  else {
    const size = random.pick([8, 12, 16, 24]);
    member(kafkaSpec, 'resources').requests = { cpu: '2', memory: `${size}Gi` };
    member(kafkaSpec, 'resources').limits = { cpu: '4', memory: `${size}Gi` };
  }
}

function kafka(name: string, random: Random): Draft {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: { name, namespace: 'streaming', labels: { team: 'data' } },
    spec: {
      entityOperator: { topicOperator: {}, userOperator: {} },
      kafka: {
        authorization: { type: 'simple' },
        config: {
          'auto.create.topics.enable': false,
          'default.replication.factor': 3,
          'log.retention.hours': 168,
          'min.insync.replicas': 2,
          'unclean.leader.election.enable': false,
        },
        listeners: [
          { authentication: { type: 'tls' }, name: 'tls', port: 9093, tls: true, type: 'internal' },
          { authentication: { type: 'tls' }, name: 'external', port: 9094, tls: true, type: 'ingress' },
        ],
        replicas: random.pick([3, 5]),
        resources: { limits: { cpu: '4', memory: '16Gi' }, requests: { cpu: '2', memory: '16Gi' } },
        storage: { size: '500Gi', type: 'persistent-claim' },
        version: '4.1.0',
      },
    },
    status: { observedGeneration: 1 },
  };
}

function topic(name: string, random: Random): Draft {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'KafkaTopic',
    metadata: {
      name,
      namespace: 'streaming',
      labels: { 'strimzi.io/cluster': random.pick(['orders', 'payments', 'analytics']), team: 'data' },
    },
    spec: {
      config: { 'cleanup.policy': 'delete', 'min.insync.replicas': 2, 'retention.ms': random.pick(RETENTION_DAYS) * DAY_MS },
      partitions: random.int(2, 8) * 3,
      replicas: 3,
    },
  };
}

function user(name: string, topics: KubeObject[], random: Random): Draft {
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'KafkaUser',
    metadata: {
      name,
      namespace: 'streaming',
      labels: { 'strimzi.io/cluster': random.pick(['orders', 'payments', 'analytics']) },
      annotations: { 'quota.example.org/synced': timestamp(timeOf(-1, QUOTA_SYNC_HOUR, 15)) },
    },
    spec: {
      authentication: { type: 'tls' },
      authorization: {
        acls: random.sample(topics, random.int(2, 4)).map(({ metadata }) => acl(metadata.name, random)),
        type: 'simple',
      },
      quotas: {
        consumerByteRate: random.int(1, 16) * 2_097_152,
        producerByteRate: random.int(1, 16) * 1_048_576,
        requestPercentage: 55,
      },
    },
    status: { username: `CN=${name}` },
  };
}

function acl(topicName: string, random: Random): JsonObject {
  const operations = random.chance(0.5) ? ['Read', 'Describe'] : ['Write', 'Describe'];
  return { host: '*', operations, resource: { name: topicName, patternType: 'literal', type: 'topic' }, type: 'allow' };
}
