import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CrowsnestError, isCrowsnestError } from '../../src/domain/errors.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import type { KubeClient, KubeRequest } from '../../src/kube/kube-client.ts';
import { KubeStatusError } from '../../src/kube/kube-client.ts';
import { type Allow, createEffectRunner, effectsFor, parseAllow } from '../../src/respond/effects.ts';
import type { EffectRecord } from '../../src/store/store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { until } from '../support/until.ts';
import { finding, type JudgementFields, refFor, START_MS } from './judgements.ts';
import { ManualClock } from './manual-clock.ts';

const ALL: Allow = { events: true, annotate: ['Kafka'] };

const ALLOWED: [string, string[], JudgementFields, string[]][] = [
  ['nothing without a flag', [], {}, []],
  ['an Event with --allow event', ['event'], {}, ['event']],
  ['an annotation where the kind is named', ['annotate=Topic,Kafka'], {}, ['annotate']],
  ['an annotation where kind and group are named', ['annotate=Kafka.kafka.strimzi.io'], {}, ['annotate']],
  ['no annotation of another group', ['annotate=Kafka.example.org'], {}, []],
  ['no annotation of another kind', ['annotate=Topic'], {}, []],
  ['both with both', ['event', 'annotate=Kafka'], {}, ['event', 'annotate']],
  ['none about a silence', ['event'], { subject: { type: 'silence', ref: { cluster: 'prod', kind: 'Kafka' } } }, []],
];

for (const [name, flags, fields, types] of ALLOWED) {
  test(`writes ${name}`, () => {
    assert.deepEqual(
      effectsFor(finding(fields), parseAllow(flags)).map((effect) => effect.type),
      types,
    );
  });
}

test('no mark for what does not page, for a storm, and no annotation on what is deleted', () => {
  assert.deepEqual(effectsFor(finding({ decision: { verdict: 'record', why: '' } }), ALL), []);
  assert.deepEqual(effectsFor(finding({ episode: 'storm-1' }), ALL), []);
  const gone = finding();
  assert(gone.subject.type === 'change');
  gone.subject.changeType = 'DELETED';
  assert.deepEqual(
    effectsFor(gone, ALL).map((effect) => effect.type),
    ['event'],
  );
});

test('a flag that names no write is refused', () => {
  for (const value of ['events', 'annotate=', 'annotate=Kafka,', 'pause=Kafka']) {
    assert.throws(
      () => parseAllow([value]),
      (error) => isCrowsnestError(error, 'CONFIG_BAD_VALUE'),
      value,
    );
  }
});

test('one mark per type, life of the object and episode: a hot loop gets one', () => {
  const ids = (fields: Parameters<typeof finding>[0]): string[] => effectsFor(finding(fields), ALL).map((effect) => effect.id);
  const first = ids({});
  assert.deepEqual(ids({ id: 'f2', atMs: 900, score: 9, severity: 'critical' }), first);
  assert.notDeepEqual(ids({ uid: 'second-life' }), first);
  assert.notDeepEqual(ids({ episode: 'e2' }), first);
  assert.equal(new Set(first).size, 2);
});

interface Call {
  method: string;
  path: string;
  options: KubeRequest;
}

/** An API server that answers from a list; when that is used up, with success. */
class FakeKube implements KubeClient {
  readonly cluster = 'prod';
  readonly calls: Call[] = [];
  readonly answers: (Error | 'ok')[];

  constructor(answers: (Error | 'ok')[] = []) {
    this.answers = answers;
  }
  stream(): never {
    throw new Error('not used');
  }
  async request(method: string, path: string, options: KubeRequest = {}): Promise<JsonObject> {
    this.calls.push({ method, path, options });
    const answer = this.answers.shift() ?? 'ok';
    if (answer !== 'ok') throw answer;
    return {};
  }
  async close(): Promise<void> {}
}

class MemoryEffects {
  readonly effects = new Map<string, EffectRecord>();

  constructor(effects: EffectRecord[]) {
    for (const effect of effects) this.effects.set(effect.id, effect);
  }
  effectsDue(nowMs: number, limit: number): EffectRecord[] {
    return [...this.effects.values()].filter((effect) => effect.state === 'pending' && effect.nextMs <= nowMs).slice(0, limit);
  }
  putEffect(effect: EffectRecord): void {
    this.effects.set(effect.id, effect);
  }
}

async function deliver(
  effects: EffectRecord[],
  client: FakeKube,
  body: (run: { clock: ManualClock; store: MemoryEffects; wake: () => void }) => Promise<void>,
  options: { allow?: Allow; unknownKind?: boolean } = {},
): Promise<void> {
  const clock = new ManualClock();
  const store = new MemoryEffects(effects);
  const stopping = new AbortController();
  const runner = createEffectRunner({
    clusters: [
      {
        client,
        resourceOf: (ref) =>
          options.unknownKind === true
            ? undefined
            : { path: `/apis/${ref.group}/v1beta2/namespaces/${ref.namespace}/kafkas/${ref.name}` },
      },
    ],
    store,
    clock,
    logger: createLogger('silent'),
    instance: 'crowsnest-0',
    ...(options.allow === undefined ? {} : { allow: options.allow }),
  });
  const running = runner.run(stopping.signal);
  try {
    await body({ clock, store, wake: () => runner.wake() });
  } finally {
    stopping.abort();
    await running;
  }
}

const [EVENT, ANNOTATION] = effectsFor(finding(), ALL) as [EffectRecord, EffectRecord];

test('the Event is complete, within the limits, and named after the effect', async () => {
  const client = new FakeKube();
  const long = effectsFor(finding({ summary: 'ü'.repeat(2_000) }), { events: true, annotate: [] });
  await deliver(long, client, async ({ store }) => {
    await until('done', () => [...store.effects.values()].every((effect) => effect.state === 'done'));
  });
  const [{ method, path, options }] = client.calls as [Call];
  assert.deepEqual(
    [method, path, options.query],
    ['POST', '/apis/events.k8s.io/v1/namespaces/streaming/events', { fieldManager: 'crowsnest' }],
  );
  const { note, ...body } = options.body as JsonObject;
  assert(Buffer.byteLength(note as string) <= 1_024);
  assert.deepEqual(body, {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: `crowsnest-${long[0]!.id}`, namespace: 'streaming' },
    eventTime: new Date(START_MS).toISOString().replace('.000Z', '.000000Z'),
    reportingController: 'crowsnest.dev/detector',
    reportingInstance: 'crowsnest-0',
    action: 'Flagged',
    reason: 'UnusualChange',
    type: 'Warning',
    regarding: {
      apiVersion: 'kafka.strimzi.io/v1beta2',
      kind: 'Kafka',
      namespace: 'streaming',
      name: 'orders',
      uid: 'uid-Kafka-orders',
      resourceVersion: '1000',
    },
  });
});

test('the Event of a cluster-scoped object goes to the namespace default', async () => {
  const client = new FakeKube();
  await deliver([{ ...EVENT, ref: { ...refFor(), namespace: '' } }], client, async () => {
    await until('sent', () => client.calls.length === 1);
  });
  assert.equal(client.calls[0]!.path, '/apis/events.k8s.io/v1/namespaces/default/events');
  assert(!('namespace' in (client.calls[0]!.options.body!.regarding as JsonObject)));
});

test('the annotation is applied by our manager, unforced, and can create nothing', async () => {
  const client = new FakeKube();
  await deliver([ANNOTATION], client, async ({ store }) => {
    await until('done', () => store.effects.get(ANNOTATION.id)?.state === 'done');
  });
  assert.deepEqual(client.calls.length, 1);
  const { method, path, options } = client.calls[0]!;
  assert.deepEqual([method, path], ['PATCH', '/apis/kafka.strimzi.io/v1beta2/namespaces/streaming/kafkas/orders']);
  assert.equal(options.contentType, 'application/apply-patch+yaml');
  assert.deepEqual(options.query, { fieldManager: 'crowsnest', force: 'false' });
  assert.deepEqual(options.body, {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'Kafka',
    metadata: { name: 'orders', namespace: 'streaming', uid: 'uid-Kafka-orders', annotations: { 'crowsnest.dev/finding': 'f1' } },
  });
});

function status(code: number, retryAfterSeconds?: number): KubeStatusError {
  return new KubeStatusError({
    status: code,
    reason: `Reason${code}`,
    message: 'as the server says',
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

const ENDS: [string, EffectRecord, Error, EffectRecord['state'], RegExp | undefined][] = [
  ['an Event that is there already', EVENT, status(409), 'done', undefined],
  ['an Event in a namespace that is gone', EVENT, status(404), 'failed', /gone/],
  ['an Event that is forbidden', EVENT, status(403), 'failed', /role needs create on events/],
  ['an Event that is invalid', EVENT, status(422), 'failed', /422 Reason422/],
  ['an annotation in conflict', ANNOTATION, status(409), 'failed', /life of the object is over, or another manager/],
  ['an annotation on what is gone', ANNOTATION, status(404), 'failed', /gone/],
  ['an annotation that is forbidden', ANNOTATION, status(403), 'failed', /role needs patch on Kafka of group kafka\.strimzi\.io/],
];

for (const [name, effect, answer, state, error] of ENDS) {
  test(`${name} ends as ${state} after one attempt`, async () => {
    const client = new FakeKube([answer]);
    await deliver([effect], client, async ({ store, clock }) => {
      await until('it ends', () => store.effects.get(effect.id)?.state !== 'pending');
      await until('the runner rests', () => clock.sleeping === 1);
      clock.advance(600_000);
      await until('the runner rests', () => clock.sleeping === 1);
      const ended = store.effects.get(effect.id)!;
      assert.deepEqual([ended.state, ended.attempts], [state, 1]);
      if (error !== undefined) assert.match(ended.error ?? '', error);
      else assert.equal(ended.error, undefined);
    });
    assert.equal(client.calls.length, 1);
  });
}

const AGAIN: [string, Error][] = [
  ['unreachable', new CrowsnestError({ code: 'CLUSTER_UNREACHABLE', what: 'no answer' })],
  ['500', status(500)],
  ['429 with Retry-After', status(429, 7)],
  ['401 between two tokens', status(401)],
];

for (const [name, answer] of AGAIN) {
  test(`${name}: asked again with back-off until it works`, async () => {
    const client = new FakeKube([answer, answer]);
    await deliver([ANNOTATION], client, async ({ store, clock, wake }) => {
      await until('the first attempt', () => store.effects.get(ANNOTATION.id)!.attempts === 1);
      const first = store.effects.get(ANNOTATION.id)!;
      assert.equal(first.state, 'pending');
      assert(first.nextMs >= clock.nowMs() + (name.startsWith('429') ? 7_000 : 1_000));
      wake();
      await until('the runner rests', () => clock.sleeping === 1);
      assert.equal(client.calls.length, 1, 'a wake does not cut the back-off short');
      await until('it works', () => {
        clock.advance(1_000);
        return store.effects.get(ANNOTATION.id)!.state === 'done';
      });
      assert.equal(store.effects.get(ANNOTATION.id)!.error, undefined);
    });
    assert.equal(client.calls.length, 3);
  });
}

test('a server that never answers is given up after a bounded number of attempts', async () => {
  const client = new FakeKube([status(503)]);
  await deliver([{ ...EVENT, attempts: 299 }], client, async ({ store }) => {
    await until('it ends', () => store.effects.get(EVENT.id)?.state === 'failed');
    assert.match(store.effects.get(EVENT.id)!.error ?? '', /^given up after 300 attempts: 503/);
  });
});

test('what is no longer allowed, no longer served or in another cluster is not written', async () => {
  const cases: [EffectRecord, Parameters<typeof deliver>[3], RegExp][] = [
    [EVENT, { allow: { events: false, annotate: [] } }, /no longer allowed/],
    [ANNOTATION, { allow: { events: true, annotate: ['Topic'] } }, /no longer allowed/],
    [ANNOTATION, { unknownKind: true }, /does not serve Kafka/],
    [{ ...EVENT, ref: refFor({ cluster: 'other' }) }, {}, /no connection to the cluster other/],
  ];
  for (const [effect, options, error] of cases) {
    const client = new FakeKube();
    await deliver(
      [effect],
      client,
      async ({ store }) => {
        await until('it ends', () => store.effects.get(effect.id)?.state === 'failed');
        assert.match(store.effects.get(effect.id)!.error ?? '', error);
      },
      options,
    );
    assert.deepEqual(client.calls, []);
  }
});

test('a cluster that never answers keeps no mark of another one waiting', async () => {
  class SilentKube extends FakeKube {
    override readonly cluster = 'silent' as 'prod';
    override async request(_: string, __: string, options: KubeRequest = {}): Promise<JsonObject> {
      this.calls.push({ method: 'POST', path: '', options });
      return new Promise((_, reject) => options.signal?.addEventListener('abort', () => reject(options.signal?.reason)));
    }
  }
  const many = Array.from({ length: 120 }, (_, i) => ({ ...EVENT, id: `silent-${i}`, ref: { ...EVENT.ref, cluster: 'silent' } }));
  const [silent, prod] = [new SilentKube(), new FakeKube()];
  const store = new MemoryEffects([...many, EVENT]);
  const clock = new ManualClock();
  const stopping = new AbortController();
  const resourceOf = () => ({ path: '/' });
  const clusters = [silent, prod].map((client) => ({ client, resourceOf }));
  const runner = createEffectRunner({ clusters, store, clock, logger: createLogger('silent') });
  const running = runner.run(stopping.signal);
  await until('the other mark is set', () => store.effects.get(EVENT.id)?.state === 'done', 5_000, 1);
  assert.equal(silent.calls.length, 1);
  stopping.abort();
  await running;
  assert.equal(store.effects.get('silent-0')?.state, 'pending');
});
