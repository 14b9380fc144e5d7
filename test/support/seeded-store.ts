/** Four weeks of a small cluster in a store on ':memory:', with findings of every sort: what the API and the page are tried on. */
import type { Actor, Change } from '../../src/domain/change.ts';
import { diffValues, leavesOf } from '../../src/domain/diff/field-diff.ts';
import type { Finding, Reason } from '../../src/domain/finding.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { type KubeObject, refOf } from '../../src/domain/object-ref.ts';
import type { NearMiss } from '../../src/domain/review.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { NewChange, Store } from '../../src/store/store.ts';

export const SEED_END_MS = Date.parse('2026-08-21T14:30:00Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface Subject {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  cluster: string;
  spec: JsonObject;
  status?: JsonObject;
}

export const SUBJECTS: Record<'orders' | 'gateway' | 'checkout' | 'certificate' | 'database', Subject> = {
  orders: {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    namespace: 'streaming',
    name: 'orders',
    cluster: 'prod-eu',
    spec: {
      kafka: {
        version: '3.9.0',
        replicas: 3,
        listeners: [
          { name: 'plain', port: 9092, type: 'internal', tls: false },
          { name: 'tls', port: 9093, type: 'internal', tls: true, authentication: { type: 'tls' } },
        ],
        config: { 'min.insync.replicas': 2, 'default.replication.factor': 3 },
        storage: { type: 'persistent-claim', size: '500Gi' },
      },
      entityOperator: { topicOperator: {}, userOperator: {} },
    },
    status: { observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] },
  },
  gateway: {
    apiVersion: 'gateway.example.ai/v1',
    kind: 'ModelRoute',
    namespace: 'inference',
    name: 'chat-completions-eu-west-1-production',
    cluster: 'prod-eu',
    spec: {
      backends: [{ name: 'llama', host: 'llama.inference.svc', weight: 100 }],
      limits: { tokensPerMinute: 60000 },
      timeout: '30s',
    },
  },
  checkout: {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    namespace: 'shop',
    name: 'checkout',
    cluster: 'prod-eu',
    spec: {
      chart: { spec: { chart: 'checkout', version: '4.12.0' } },
      interval: '10m',
      values: {
        image: { tag: 'v118' },
        replicas: 4,
        resources: { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '1', memory: '512Mi' } },
      },
    },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  },
  certificate: {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    namespace: 'ingress',
    name: 'wildcard-example-com',
    cluster: 'prod-us',
    spec: {
      secretName: 'wildcard-example-com-tls',
      dnsNames: ['*.example.com'],
      issuerRef: { name: 'letsencrypt', kind: 'ClusterIssuer' },
    },
  },
  database: {
    apiVersion: 'database.example.org/v1alpha1',
    kind: 'XPostgreSQLInstance',
    namespace: '',
    name: 'ledger',
    cluster: 'prod-us',
    spec: { size: 'large', deletionPolicy: 'Orphan', backups: { retentionDays: 30 } },
  },
};

const ACTORS = {
  flux: { name: 'flux', source: 'managedFields', confidence: 0.7, operation: 'Apply' },
  alice: { name: 'alice', source: 'stream', confidence: 0.95 },
  operator: { name: 'strimzi-cluster-operator', source: 'managedFields', confidence: 0.7, operation: 'Update' },
  kubectl: { name: 'kubectl-edit', source: 'managedFields', confidence: 0.3, operation: 'Update' },
  unknown: { name: 'unknown', source: 'none', confidence: 0 },
} satisfies Record<string, Actor>;

export interface Seeded {
  store: Store;
  /** By what they show. */
  findings: Record<'listener' | 'route' | 'deleted' | 'silence' | 'series' | 'learning' | 'created' | 'hostile', Finding>;
  changes: Change[];
}

/** Builds it; the same every time. */
export function seededStore(): Seeded {
  const store = openSqliteStore({ file: ':memory:' });
  const history = new History(store);
  routine(history);
  const odd = planOdd(history);
  scrapes(store);
  kubeEvents(store);
  history.play();
  const findings = findingsAbout(odd);
  store.commitAnalysis({ findings: Object.values(findings), nearMisses: nearMissesAmong(findings) });
  return { store, findings, changes: history.changes };
}

function routine(history: History): void {
  const start = SEED_END_MS - 28 * DAY;
  for (const subject of Object.values(SUBJECTS)) history.create(subject, start - DAY, ACTORS.flux);
  let random = 7;
  const next = () => {
    random = (random * 48271) % 2147483647;
    return random / 2147483647;
  };
  for (let day = 0; day < 28; day++) {
    const midnight = start + day * DAY - 14.5 * HOUR;
    const weekday = new Date(midnight + 12 * HOUR).getUTCDay() % 6 !== 0;
    for (let i = 0; i < (weekday ? 1 + Math.floor(next() * 4) : 0); i++) {
      history.edit(SUBJECTS.checkout, midnight + (7 + next() * 10) * HOUR, ACTORS.flux, (spec) => {
        (spec.values as { image: JsonObject }).image.tag = `v${119 + day * 4 + i}`;
      });
    }
    for (let i = 0; i < (weekday ? 9 : 3); i++) {
      history.status(SUBJECTS.orders, midnight + next() * DAY, ACTORS.operator, { observedGeneration: day * 9 + i });
    }
    if (day % 5 === 2) {
      history.edit(SUBJECTS.orders, midnight + 9 * HOUR, ACTORS.flux, (spec) => {
        (spec.kafka as { config: JsonObject }).config['min.insync.replicas'] = 1 + (day % 2);
      });
    }
    if (day % 6 === 3) {
      history.edit(SUBJECTS.gateway, midnight + 8 * HOUR, ACTORS.flux, (spec) => {
        (spec.limits as JsonObject).tokensPerMinute = 60000 + day * 500;
      });
    }
  }
}

/** Plans changes of subjects in any order and records them by time, as the pipeline would. */
class History {
  readonly changes: Change[] = [];
  private readonly store: Store;
  private readonly states = new Map<Subject, KubeObject>();
  private readonly planned: { atMs: number; record: () => void }[] = [];
  private version = 1000;

  constructor(store: Store) {
    this.store = store;
  }

  create(subject: Subject, atMs: number, actor: Actor): () => Change {
    const { apiVersion, kind, namespace, name, spec, status } = subject;
    const metadata = {
      name,
      ...(namespace === '' ? {} : { namespace }),
      uid: `uid-${name}`,
      labels: { app: name },
      generation: 1,
    };
    const object = { apiVersion, kind, metadata, spec, ...(status === undefined ? {} : { status }) };
    return this.plan(atMs, () => this.record(subject, structuredClone(object) as unknown as KubeObject, atMs, actor, 'ADDED'));
  }

  edit(subject: Subject, atMs: number, actor: Actor, edit: (spec: JsonObject) => void): () => Change {
    return this.plan(atMs, () => {
      const state = this.stateOf(subject);
      edit(state.spec as JsonObject);
      state.metadata.generation = Number(state.metadata.generation) + 1;
      return this.record(subject, state, atMs, actor, 'MODIFIED');
    });
  }

  status(subject: Subject, atMs: number, actor: Actor, status: JsonObject): () => Change {
    return this.plan(atMs, () => {
      const state = this.stateOf(subject);
      state.status = { ...(state.status as JsonObject), ...status };
      return this.record(subject, state, atMs, actor, 'MODIFIED');
    });
  }

  remove(subject: Subject, atMs: number, actor: Actor): () => Change {
    return this.plan(atMs, () => this.record(subject, this.stateOf(subject), atMs, actor, 'DELETED'));
  }

  /** Records everything planned before the end of the seed, oldest first. */
  play(): void {
    this.planned.sort((a, b) => a.atMs - b.atMs);
    for (const { atMs, record } of this.planned) if (atMs < SEED_END_MS) record();
  }

  private plan(atMs: number, record: () => Change): () => Change {
    let change: Change | undefined;
    this.planned.push({
      atMs,
      record: () => {
        change = record();
      },
    });
    return () => {
      if (change === undefined) throw new Error('the planned change was not played');
      return change;
    };
  }

  private stateOf(subject: Subject): KubeObject {
    return structuredClone(this.states.get(subject) as KubeObject);
  }

  private record(subject: Subject, state: KubeObject, atMs: number, actor: Actor, type: Change['type']): Change {
    const before = type === 'ADDED' ? undefined : this.states.get(subject);
    state.metadata.resourceVersion = String(++this.version);
    const change: NewChange = {
      ref: refOf(subject.cluster, state),
      uid: state.metadata.uid,
      type,
      origin: 'watch',
      observedMs: Math.round(atMs),
      resourceVersion: state.metadata.resourceVersion,
      generation: Number(state.metadata.generation),
      actor,
      candidates: [actor],
      own: false,
      diff: type === 'DELETED' ? [] : before === undefined ? leavesOf(state) : diffValues(before, state),
      state,
      before,
    };
    this.states.set(subject, state);
    const [stored] = this.store.append({ changes: [change] });
    this.changes.push(stored as Change);
    return stored as Change;
  }
}

function scrapes(store: Store): void {
  for (let i = 0; i < 26 * 12; i++) {
    const tsMs = SEED_END_MS - 25 * HOUR + i * 5 * 60_000;
    const failing = tsMs > SEED_END_MS - 3 * HOUR && tsMs < SEED_END_MS - 1.5 * HOUR;
    const value = 0.02 + 0.01 * Math.sin(i / 9) + (failing ? 0.4 : 0);
    const samples = [{ metric: 'reconcile_error_share', labels: { controller: 'kafka' }, value }];
    store.append({ changes: [], scrapes: [{ cluster: 'prod-eu', target: 'operator', tsMs, samples }] });
  }
}

type Odd = Record<'listener' | 'route' | 'removed' | 'cpu' | 'made' | 'created', () => Change>;

function kubeEvents(store: Store): void {
  const { apiVersion, kind, namespace, name, cluster } = SUBJECTS.orders;
  const [group = '', version = ''] = apiVersion.split('/');
  const ref = { cluster, group, version, kind, namespace, name };
  const said = { ref, objectUid: 'uid-orders', action: 'Reconcile', reportedBy: 'strimzi.io/cluster-operator' };
  const at = (hours: number) => SEED_END_MS - hours * HOUR;
  store.append({
    changes: [],
    kubeEvents: [
      {
        ...{ ...said, uid: 'event-1', type: 'Warning', reason: 'NotReady', note: 'Broker 2 did not become ready in time' },
        ...{ firstMs: at(3), lastMs: at(0.2), count: 14 },
      },
      {
        ...{ ...said, uid: 'event-2', type: 'Normal', reason: 'RollingUpdate', note: 'Rolled 3 pods' },
        ...{ firstMs: at(30), lastMs: at(30), count: 1 },
      },
    ],
  });
}

function planOdd(history: History): Odd {
  const hostile: Subject = {
    ...SUBJECTS.gateway,
    name: '<script>alert(1)</script>',
    spec: { note: '</td><img src=x onerror=alert(2)>', host: "$(rm -rf /)'; echo \u202etxt" },
  };
  const canary: Subject = { ...SUBJECTS.checkout, name: 'checkout-canary', cluster: 'prod-us' };
  return {
    listener: history.edit(SUBJECTS.orders, SEED_END_MS - 20 * 60_000, ACTORS.kubectl, (spec) => {
      const kafka = spec.kafka as { listeners: JsonObject[]; replicas: number };
      kafka.listeners[0] = { name: 'plain', port: 9092, type: 'loadbalancer', tls: false };
      kafka.replicas = 2;
    }),
    route: history.edit(SUBJECTS.gateway, SEED_END_MS - 3 * HOUR, ACTORS.alice, (spec) => {
      (spec.backends as JsonObject[])[0] = { name: 'llama', host: 'models.free-proxy.example.net', weight: 100 };
    }),
    removed: history.remove(SUBJECTS.database, SEED_END_MS - 7 * HOUR, ACTORS.unknown),
    cpu: history.edit(SUBJECTS.checkout, SEED_END_MS - 26 * HOUR, ACTORS.flux, (spec) => {
      (spec.values as { resources: { limits: JsonObject } }).resources.limits.cpu = '4';
    }),
    made: history.create(hostile, SEED_END_MS - 4 * HOUR, { name: '<b>mallory</b>', source: 'stream', confidence: 0.6 }),
    created: history.create(canary, SEED_END_MS - 50 * HOUR, ACTORS.alice),
  };
}

function findingsAbout(odd: Odd): Seeded['findings'] {
  const [listener, route, removed, cpu, made, created] = [
    odd.listener(),
    odd.route(),
    odd.removed(),
    odd.cpu(),
    odd.made(),
    odd.created(),
  ];
  return {
    listener: changeFinding('f-listener', listener, 'critical', 6.3, 'page', 'over the alert level', [
      reason(
        'stable-field',
        'spec.kafka.listeners[name=plain].type went from internal to loadbalancer; it had never changed in 214 edits.',
        6.1,
        {
          path: '/spec/kafka/listeners/[name=plain]/type',
          observed: 'loadbalancer',
          usual: 'internal',
          samples: 214,
          scope: 'kind',
          counterfactual: 'an edit that leaves this field alone',
        },
      ),
      reason('actor-affinity', 'kubectl-edit has never changed this object; 6 of 6 edits of its spec came from flux.', 3.2, {
        observed: 'kubectl-edit',
        usual: 'flux',
        samples: 6,
        scope: 'object',
        counterfactual: 'the same change by flux',
      }),
      reason('new-value', 'spec.kafka.replicas is now 2, was 3: every Kafka has had 3.', 2.4, {
        path: '/spec/kafka/replicas',
        observed: 2,
        usual: 3,
        samples: 97,
        scope: 'kind',
      }),
    ]),
    route: changeFinding('f-route', route, 'critical', 4.8, 'page', 'over the alert level', [
      reason(
        'new-value',
        'spec.backends[name=llama].host is now models.free-proxy.example.net, was llama.inference.svc: hosts outside the cluster were never used here.',
        4.6,
        {
          path: '/spec/backends/[*]/host',
          observed: 'models.free-proxy.example.net',
          usual: 'llama.inference.svc',
          samples: 131,
          scope: 'kind',
          counterfactual: 'a host within the cluster',
        },
      ),
      reason(
        'hour-of-week',
        'alice made this change on a Friday at 11:30; 31 past changes of alice came mostly Monday to Thursday.',
        1.3,
        {
          observed: 'Fri 11:30',
          usual: 'Mon-Thu 09:00-17:00',
          samples: 31,
          scope: 'actor',
        },
      ),
    ]),
    deleted: changeFinding('f-deleted', removed, 'warning', 3.9, 'page', 'over the alert level', [
      reason('stable-field', 'XPostgreSQLInstance objects have been deleted once in 340 changes.', 3.7, {
        samples: 340,
        scope: 'kind',
      }),
    ]),
    series: {
      ...changeFinding('f-series', listener, 'warning', 4.2, 'page', 'over the alert level', [
        reason(
          'reconcile-health',
          'The error share of controller kafka has been at 42 % or more for 15 min; 2 % is usual over 280 readings.',
          4.2,
          {
            observed: '42 %',
            usual: '2 %',
            samples: 280,
            scope: 'controller',
          },
        ),
      ]),
      tsMs: SEED_END_MS - 2.75 * HOUR,
      actor: ACTORS.unknown,
      summary: 'The controller kafka behaves unlike itself (reconcile_error_share): the error share has been at 42 % for 15 min.',
      subject: { type: 'series', ref: listener.ref, controller: 'kafka', metric: 'reconcile_error_share' },
    },
    hostile: changeFinding('f-hostile', made, 'info', 2.2, 'record', 'under the alert level', [
      reason('actor-affinity', '<b>mallory</b> has never touched a ModelRoute; <img src=x onerror=alert(3)>', 2.2, {
        observed: '<i>x</i>',
        usual: 'flux',
        samples: 40,
        path: '/spec/host',
      }),
    ]),
    silence: {
      ...changeFinding('f-silence', cpu, 'warning', 3.1, 'record', 'joined to an open episode', [
        reason(
          'silence',
          'No change of Certificate ingress/wildcard-example-com for 92 h; in 14 changes before, the next came after about 24 h.',
          3.1,
          {
            observed: 'silent for 92 h',
            usual: 'a change every 24 h',
            samples: 14,
            scope: 'object',
          },
        ),
      ]),
      tsMs: SEED_END_MS - 9 * HOUR,
      cluster: 'prod-us',
      summary: 'The usual change of Certificate ingress/wildcard-example-com by cert-manager did not come: silent for 92 h.',
      subject: {
        type: 'silence',
        ref: {
          cluster: 'prod-us',
          group: 'cert-manager.io',
          version: 'v1',
          kind: 'Certificate',
          namespace: 'ingress',
          name: 'wildcard-example-com',
        },
        actor: 'cert-manager-controller',
      },
      actor: ACTORS.unknown,
    },
    learning: {
      ...changeFinding('f-learning', cpu, 'info', 2.6, 'record', 'still learning', [
        reason(
          'co-change',
          'spec.values.resources.limits.cpu changed without spec.values.podTemplate.containers[name=checkout].resources.requests.cpuInMillicoresPerReplica; 11 of 11 past changes of it changed both.',
          2.6,
          {
            path: '/spec/values/resources/limits/cpu',
            observed: 'alone',
            usual: 'together with values.resources.requests.cpu',
            samples: 11,
            scope: 'kind',
            counterfactual: 'both fields changed together',
          },
        ),
      ]),
      mature: false,
    },
    created: changeFinding('f-created', created, 'info', 2.1, 'record', 'under the alert level', [
      reason('actor-affinity', 'alice has created no HelmRelease in cluster prod-us before; flux created 18 of 18.', 2.1, {
        observed: 'alice',
        usual: 'flux',
        samples: 18,
        scope: 'cluster',
      }),
    ]),
  };
}

function reason(detector: string, sentence: string, bits: number, more: Partial<Reason>): Reason {
  return { detector, sentence, bits, ...more };
}

function changeFinding(
  id: string,
  change: Change,
  severity: Finding['severity'],
  score: number,
  verdict: Finding['decision']['verdict'],
  why: string,
  reasons: Reason[],
): Finding {
  const { seq, resourceVersion, type, ref, uid, actor } = change;
  const verb = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' }[type];
  const place = ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`;
  return {
    id,
    tsMs: change.observedMs,
    cluster: ref.cluster,
    subject: { type: 'change', seq, resourceVersion, changeType: type, ref, uid },
    actor,
    score,
    onceIn: Math.round(10 ** score),
    detector: reasons[0]?.detector ?? 'none',
    reasons,
    mature: true,
    deterministic: false,
    severity,
    summary: `${ref.kind} ${place} was ${verb}${actor.source === 'none' ? '' : `, probably by ${actor.name}`}: ${reasons[0]?.sentence ?? ''}`,
    decision: { verdict, why },
    episode: `episode-${id}`,
  };
}

/** Two of what did not page, and one whose finding is no longer kept. */
function nearMissesAmong({ hostile, created }: Seeded['findings']): NearMiss[] {
  const of = ({ id, cluster, tsMs, score, detector }: Finding, slot: NearMiss['slot'], weight: number): NearMiss => {
    const day = new Date(tsMs).toISOString().slice(0, 10);
    return { cluster, day, slot, findingId: id, tsMs, score, level: 2.5, detector, population: 12, weight };
  };
  return [of(hostile, 'highest', 1), of(created, 'random-1', 12), { ...of(hostile, 'random-2', 4), findingId: 'let-go' }];
}
