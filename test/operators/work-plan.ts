/**
 * An hour in the life of a cluster with two operators, drawn from a seed: who does what and when. A GitOps applier keeps what is in git as it
 * is there, people edit beside it, a robot makes previews, an autoscaler scales; one fight of two writers, and one of a person with an operator.
 */
import { createRandom, type Random } from '../../src/demo/random.ts';
import { type Manifest, manifestsInGit, type ObjectName, rabbitmq, revisionOf, serviceMonitor } from './manifests.ts';

export type Worker = 'gitops' | 'alice' | 'bob' | 'ci' | 'autoscaler' | 'cluster';

export type Action =
  /** Server-side apply with force, as a GitOps controller does; what is as it should be stays untouched. */
  | { do: 'apply'; manifests: Manifest[] }
  | { do: 'create'; manifest: Manifest }
  | { do: 'patch'; object: ObjectName; patch: Record<string, unknown>; subresource?: 'scale' }
  | { do: 'delete'; object: ObjectName }
  | { do: 'restart'; operator: 'rabbitmq-cluster-operator' | 'prometheus-operator' }
  | { do: 'unready' | 'ready'; pod: { namespace: string; name: string } };

export interface Step {
  /** From the beginning. */
  atMs: number;
  who: Worker;
  /** The field manager. */
  manager: string;
  action: Action;
  why?: string;
  fight?: string;
}

export interface Fight {
  name: string;
  object: ObjectName;
  path: string;
  fromMs: number;
  toMs: number;
  managers: [string, string];
}

export const GIT_MANAGER = 'kustomize-controller';
const MINUTE = 60_000;
/** Before the recording begins, so that it begins with a list of what is there. */
const FIRST_ROUND_MS = -40_000;

const CART_EVENTS = { kind: 'RabbitmqCluster', namespace: 'shop', name: 'cart-events' };
const ORDER_QUEUE = { kind: 'RabbitmqCluster', namespace: 'shop', name: 'order-queue' };
const LEDGER = { kind: 'RabbitmqCluster', namespace: 'payments', name: 'ledger' };
const PLATFORM = { kind: 'Prometheus', namespace: 'monitoring', name: 'platform' };
const EDGE = { kind: 'Prometheus', namespace: 'monitoring', name: 'edge' };
const FORWARDER = { kind: 'PrometheusAgent', namespace: 'monitoring', name: 'forwarder' };
const ALERTMANAGER = { kind: 'Alertmanager', namespace: 'monitoring', name: 'main' };

/** A RabbitmqCluster whose first commands nobody runs. */
const UNFINISHED = 'smoke';

export function isDeployed(statefulSet: string): boolean {
  return statefulSet !== `${UNFINISHED}-server`;
}

/** Both on one field, for minutes. */
export const FIGHTS: readonly Fight[] = [
  {
    name: 'shards',
    object: EDGE,
    path: '/spec/shards',
    fromMs: 24 * MINUTE,
    toMs: 32 * MINUTE,
    managers: [GIT_MANAGER, 'shard-autoscaler'],
  },
  {
    name: 'finalizer',
    object: CART_EVENTS,
    path: '/metadata/finalizers',
    fromMs: 43 * MINUTE,
    toMs: 46 * MINUTE,
    managers: ['kubectl-patch', 'rabbitmq-cluster-operator'],
  },
];

export function planWork(seed: number): Step[] {
  const random = createRandom(seed);
  const steps = [
    ...gitOps(random.fork('gitops')),
    ...fights(random.fork('fights')),
    ...people(random.fork('people')),
    ...robots(random.fork('robots')),
    ...incidents(),
  ];
  return steps.sort((a, b) => a.atMs - b.atMs);
}

/** Commits to git, carried out at the next of the rounds that come every two minutes. */
function gitOps(random: Random): Step[] {
  const manifests = manifestsInGit();
  const find = ({ kind, namespace, name }: ObjectName) =>
    manifests.find((each) => each.kind === kind && each.metadata.namespace === namespace && each.metadata.name === name)!;
  const commits: [minute: number, message: string, change: () => void][] = [
    [5, 'shop: scrape carts every 15 s', () => (find(monitor('shop', 'cart')).spec.endpoints[0].interval = '15s')],
    [9, 'shop: more memory for order-queue', () => (find(ORDER_QUEUE).spec.resources.limits.memory = '2Gi')],
    [13, 'payments: page on lag sooner', () => (find(rule('payments', 'ledger')).spec.groups[0].rules[0].for = '2m')],
    [17, 'rabbitmq 4.1.2 for cart-events', () => (find(CART_EVENTS).spec.image = 'rabbitmq:4.1.2-management')],
    [20, 'prometheus 3.5.1 for platform', () => (find(PLATFORM).spec.version = 'v3.5.1')],
    [22, 'payments: five ledger nodes', () => (find(LEDGER).spec.replicas = 5)],
    [
      29,
      'rabbitmq 4.1.2 everywhere',
      () => [ORDER_QUEUE, LEDGER].map((each) => (find(each).spec.image = 'rabbitmq:4.1.2-management')),
    ],
    [34, 'shop: monitor the basket service', () => manifests.push(serviceMonitor('shop', 'basket'))],
    [37, 'alertmanager 0.28.1', () => (find(ALERTMANAGER).spec.version = 'v0.28.1')],
    [41, 'prometheus 3.5.1 for edge', () => (find(EDGE).spec.version = 'v3.5.1')],
    [48, 'shop: orders alert at 8000', () => (find(rule('shop', 'orders')).spec.groups[0].rules[0].expr += ' + 3000')],
    [54, 'payments: three ledger nodes again', () => (find(LEDGER).spec.replicas = 3)],
    [56, 'platform: keep 20 days', () => (find(PLATFORM).spec.retention = '20d')],
  ];
  const steps: Step[] = [];
  let message: string | undefined = 'everything there is';
  for (let atMs = FIRST_ROUND_MS; atMs < 59.5 * MINUTE; atMs += 2 * MINUTE + random.int(-8_000, 8_000)) {
    while (commits[0] !== undefined && commits[0][0] * MINUTE <= atMs) {
      const [, text, change] = commits.shift()!;
      change();
      message = message === undefined ? text : `${message}; ${text}`;
    }
    const applied = structuredClone(manifests);
    const revision = revisionOf(applied);
    for (const each of applied) each.metadata.labels = { ...each.metadata.labels, 'kustomize.toolkit.fluxcd.io/name': 'apps' };
    steps.push({
      atMs,
      who: 'gitops',
      manager: GIT_MANAGER,
      action: { do: 'apply', manifests: applied },
      why: message === undefined ? `nothing new at ${revision}` : `${message}, at ${revision}`,
    });
    message = undefined;
  }
  return steps;
}

function fights(random: Random): Step[] {
  const steps: Step[] = [];
  const [shards, finalizer] = FIGHTS as [Fight, Fight];
  const edge = manifestsInGit().find(({ kind, metadata }) => kind === EDGE.kind && metadata.name === EDGE.name)!;
  edge.metadata.labels = { ...edge.metadata.labels, 'kustomize.toolkit.fluxcd.io/name': 'apps' };
  for (let atMs = shards.fromMs; atMs < shards.toMs; atMs += 20_000) {
    const scale = { do: 'patch', object: EDGE, patch: { spec: { replicas: 3 } }, subresource: 'scale' } as const;
    steps.push({
      atMs: atMs + random.int(0, 3_000),
      who: 'autoscaler',
      manager: 'shard-autoscaler',
      action: scale,
      fight: 'shards',
    });
    const apply: Action = { do: 'apply', manifests: [edge] };
    steps.push({
      atMs: atMs + 10_000 + random.int(0, 3_000),
      who: 'gitops',
      manager: GIT_MANAGER,
      action: apply,
      fight: 'shards',
    });
  }
  for (let atMs = finalizer.fromMs; atMs < finalizer.toMs; atMs += 15_000) {
    const action = { do: 'patch', object: CART_EVENTS, patch: { metadata: { finalizers: null } } } as const;
    steps.push({ atMs: atMs + random.int(0, 3_000), who: 'alice', manager: 'kubectl-patch', action, fight: 'finalizer' });
  }
  return steps;
}

/** What people do by hand: mostly beside git, sometimes against it, and then the next round takes it back. */
function people(random: Random): Step[] {
  const steps: Step[] = [];
  const edits: ((random: Random) => { object: ObjectName; patch: Record<string, unknown>; manager: string })[] = [
    (r) => edit(r.pick([CART_EVENTS, ORDER_QUEUE, LEDGER]), { spec: { delayStartSeconds: r.pick([30, 45, 60]) } }),
    (r) =>
      edit(r.pick([CART_EVENTS, ORDER_QUEUE]), { spec: { resources: { requests: { cpu: r.pick(['250m', '300m', '400m']) } } } }),
    (r) => edit(r.pick([PLATFORM, EDGE]), { spec: { logLevel: r.pick(['debug', 'info', 'warn']) } }),
    (r) => edit(r.pick([PLATFORM, FORWARDER]), { spec: { scrapeTimeout: r.pick(['5s', '8s', '10s']) } }),
    (r) => edit(ALERTMANAGER, { spec: { logLevel: r.pick(['debug', 'info']) } }),
    (r) => edit(rule('shop', 'orders'), { spec: { groups: orderRules(r.pick(['5m', '12m', '20m'])) } }),
    (r) =>
      edit(monitor('shop', r.pick(['cart', 'checkout', 'search'])), { spec: { sampleLimit: r.pick([5_000, 10_000, 20_000]) } }),
    (r) => label(monitor('payments', r.pick(['gateway', 'fraud-check'])), { team: r.pick(['payments', 'risk', 'core']) }),
    (r) => label(r.pick([CART_EVENTS, LEDGER]), { 'cost-centre': r.pick(['4711', '4712', '4713']) }),
    (r) => ({
      object: r.pick([CART_EVENTS, ORDER_QUEUE, LEDGER]),
      patch: { metadata: { annotations: { 'example.com/reviewed-by': r.pick(['alice', 'bob']) } } },
      manager: 'kubectl-annotate',
    }),
  ];
  for (const who of ['alice', 'bob'] as const) {
    const own = random.fork(who);
    for (let atMs = own.int(40_000, 90_000); atMs < 59 * MINUTE; atMs += own.int(45_000, 150_000)) {
      const { object, patch, manager } = own.pick(edits)(own);
      steps.push({ atMs, who, manager, action: { do: 'patch', object, patch } });
    }
  }
  for (const [minute, app] of [
    [7, 'wishlist'],
    [19, 'returns'],
    [35, 'vouchers'],
  ] as const) {
    const manifest = serviceMonitor('shop', app);
    const made: Action = { do: 'create', manifest };
    steps.push({ atMs: minute * MINUTE, who: 'bob', manager: 'kubectl-create', action: made, why: 'a trial' });
    const gone: Action = { do: 'delete', object: monitor('shop', app) };
    steps.push({ atMs: (minute + 11) * MINUTE, who: 'bob', manager: 'kubectl', action: gone, why: 'the trial is over' });
  }
  return steps;
}

/** A preview for each pull request, gone six minutes later, and an autoscaler that nobody fights. */
function robots(random: Random): Step[] {
  const steps: Step[] = [];
  let pull = 480 + random.int(0, 20);
  for (let minute = 2; minute < 52; minute += 7) {
    const manifest = rabbitmq('previews', `pr-${++pull}`, 1);
    const atMs = minute * MINUTE + random.int(0, 30_000);
    steps.push({ atMs, who: 'ci', manager: 'preview-bot', action: { do: 'create', manifest } });
    const object = { kind: manifest.kind, namespace: 'previews', name: manifest.metadata.name };
    steps.push({ atMs: atMs + 6 * MINUTE, who: 'ci', manager: 'preview-bot', action: { do: 'delete', object } });
  }
  for (let minute = 4; minute < 58; minute += 6) {
    const patch = { spec: { replicas: random.int(1, 3) } };
    const action: Action = { do: 'patch', object: FORWARDER, patch, subresource: 'scale' };
    steps.push({ atMs: minute * MINUTE, who: 'autoscaler', manager: 'shard-autoscaler', action });
  }
  return steps;
}

function incidents(): Step[] {
  const at = (minute: number, who: Worker, manager: string, action: Action, why: string): Step => ({
    atMs: minute * MINUTE,
    who,
    manager,
    action,
    why,
  });
  const patch = (object: ObjectName, body: Record<string, unknown>): Action => ({ do: 'patch', object, patch: body });
  const pause = 'rabbitmq.com/pauseReconciliation';
  const smoke = rabbitmq('previews', UNFINISHED, 1);
  const locked = serviceMonitor('payments', 'vault-proxy');
  locked.spec.endpoints[0].basicAuth = { username: { name: 'absent', key: 'user' }, password: { name: 'absent', key: 'word' } };
  const ledgerPod = { namespace: 'payments', name: 'ledger-server-1' };
  const platformPod = { namespace: 'monitoring', name: 'prometheus-platform-0' };
  return [
    at(11, 'cluster', 'kubelet', { do: 'unready', pod: ledgerPod }, 'a pod is not ready for a while'),
    at(13, 'cluster', 'kubelet', { do: 'ready', pod: ledgerPod }, 'and is again'),
    at(18, 'bob', 'kubectl-patch', patch(PLATFORM, { spec: { paused: true } }), 'paused before an upgrade'),
    at(23, 'bob', 'kubectl-patch', patch(PLATFORM, { spec: { paused: null } }), 'goes on'),
    at(28, 'bob', 'kubectl-create', { do: 'create', manifest: locked }, 'its Secret does not exist'),
    at(33, 'bob', 'kubectl', { do: 'delete', object: monitor('payments', 'vault-proxy') }, 'given up'),
    at(34, 'alice', 'kubectl-label', patch(ORDER_QUEUE, { metadata: { labels: { [pause]: 'true' } } }), 'paused'),
    at(35, 'alice', 'kubectl-edit', patch(ORDER_QUEUE, { spec: { service: { type: 'NodePort' } } }), 'while paused'),
    at(38, 'alice', 'kubectl-label', patch(ORDER_QUEUE, { metadata: { labels: { [pause]: null } } }), 'goes on'),
    at(39, 'ci', 'preview-bot', { do: 'create', manifest: smoke }, 'the operator cannot finish it: no container runs here'),
    at(
      47,
      'ci',
      'preview-bot',
      { do: 'delete', object: { kind: 'RabbitmqCluster', namespace: 'previews', name: UNFINISHED } },
      'given up',
    ),
    at(40, 'cluster', 'kubelet', { do: 'unready', pod: platformPod }, 'a pod is not ready for a while'),
    at(42, 'cluster', 'kubelet', { do: 'ready', pod: platformPod }, 'and is again'),
    at(
      49,
      'alice',
      'kubectl-edit',
      patch(ALERTMANAGER, { spec: { version: 'nonsense' } }),
      'a slip; the next round of git takes it back',
    ),
    at(51, 'cluster', 'restart', { do: 'restart', operator: 'rabbitmq-cluster-operator' }, 'an operator restarts'),
  ];
}

function edit(object: ObjectName, patch: Record<string, unknown>) {
  return { object, patch, manager: 'kubectl-edit' };
}

function label(object: ObjectName, labels: Record<string, string>) {
  return { object, patch: { metadata: { labels } }, manager: 'kubectl-label' };
}

function monitor(namespace: string, name: string): ObjectName {
  return { kind: 'ServiceMonitor', namespace, name };
}

function rule(namespace: string, name: string): ObjectName {
  return { kind: 'PrometheusRule', namespace, name };
}

function orderRules(wait: string) {
  const expr = 'sum(rabbitmq_queue_messages_ready{namespace="shop"}) > 5000';
  const annotations = { summary: 'OrderQueueGrows in shop' };
  return [
    {
      name: 'orders',
      interval: '30s',
      rules: [{ alert: 'OrderQueueGrows', expr, for: wait, labels: { severity: 'page' }, annotations }],
    },
  ];
}
