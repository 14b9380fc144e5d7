/** Diff, blame, states at a time and searches, asked over HTTP of a store with known changes. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { applyChanges } from '../../src/domain/diff/apply-changes.ts';
import type { StructuralChange } from '../../src/domain/diff/structural-diff.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { canonicalJson, type Json, type JsonObject } from '../../src/domain/json.ts';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { ChangeQuery, NewChange } from '../../src/store/store.ts';
import { HUMAN, history, newChange, refTo, state } from '../store/new-changes.ts';
import { COVERAGE, type SeededApi, startSeededApi, TOKEN } from '../support/seeded-api.ts';

interface Diff {
  from: number;
  to: number;
  noise: number;
  text?: string;
  changes: StructuralChange[];
}
interface Blame {
  fields: { path: string; seq?: number; gone?: true }[];
  changes: { seq: number; previous?: number; actor: { name: string } }[];
}
interface Found {
  items: { seq: number }[];
  metadata: { continue?: string; stopped?: { reason: string; through: string } };
}

const OBJECT = '/v1/objects/test/kafka.strimzi.io/Kafka/streaming/orders';
const values = (replicas: number) => `image:\n  tag: v1\nreplicas: ${replicas}\n`;
const SPECS: JsonObject[] = [
  {
    ports: [
      { port: 1, protocol: 'TCP' },
      { port: 1, protocol: 'UDP' },
    ],
    values: values(1),
    looked: 1,
  },
  {
    ports: [
      { port: 1, protocol: 'UDP' },
      { port: 1, protocol: 'TCP' },
    ],
    values: values(2),
    looked: 1,
  },
  { ports: [{ port: 1, protocol: 'UDP' }], values: values(2), looked: 2 },
];
const store = openSqliteStore({ file: ':memory:' });
let api: SeededApi;

before(async () => {
  const ports = { type: 'array', 'x-kubernetes-list-map-keys': ['port', 'protocol'] };
  const schemas = createSchemaBook();
  schemas.learn(
    'test',
    { group: 'kafka.strimzi.io', kind: 'Kafka' },
    readKindSchema({ properties: { spec: { properties: { ports } } } }),
  );
  const [first, second, third] = history('orders', SPECS, 1);
  store.append({ changes: [first!, { ...second!, actor: HUMAN, candidates: [HUMAN] }, third!] });
  api = await startSeededApi({ store, schemas });
});
after(async () => {
  await api.stop();
  store.close();
});

async function get<T>(path: string): Promise<T> {
  const response = await api.get(path);
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return (await response.json()) as T;
}

async function refusal(path: string): Promise<string> {
  const response = await api.get(path);
  assert.equal(response.status, 400);
  return ((await response.json()) as { errors: { name: string; detail: string }[] }).errors
    .map((e) => `${e.name} ${e.detail}`)
    .join();
}

describe('the diff of two revisions', () => {
  it('goes by the keys of the schema and looks into documents', async () => {
    const { changes, noise } = await get<Diff>(`${OBJECT}/diff?from=1&to=2`);
    assert.deepEqual(
      changes.map(({ op, pointer, path, document }) => [op, pointer, path, document?.changes.map((inner) => inner.pointer)]),
      [
        ['move', '/spec/ports/0', '/spec/ports/[port=1,protocol=UDP]', undefined],
        ['set', '/spec/values', '/spec/values', ['/replicas']],
      ],
    );
    assert.equal(noise, 1);
  });

  it('names items in its leaves as the changes were recorded, and by the schema of today where none was', async () => {
    const ports = { 'x-kubernetes-list-map-keys': ['port', 'protocol'] };
    const { mergeKeys: lists } = readKindSchema({ properties: { spec: { properties: { ports } } } });
    const named = openSqliteStore({ file: ':memory:' });
    const changes = history('orders', SPECS.slice(1), 1);
    named.append({ changes: changes.map((change) => ({ ...change, lists })) });
    const answering = await startSeededApi({ store: named });
    const response = await answering.get(`${OBJECT}/diff`);
    const { changes: found, diff } = (await response.json()) as Diff & { diff: { path: string }[] };
    await answering.stop();
    named.close();
    const path = '/spec/ports/[port=1,protocol=TCP]';
    assert.ok(found.some((one) => one.path === path));
    assert.deepEqual(
      diff.map((field) => field.path).filter((one) => one.includes('ports')),
      [`${path}/port`, `${path}/protocol`],
    );
  });

  it('applied to the state before gives the state after, when noise is kept', async () => {
    const { changes, from, to } = await get<Diff>(`${OBJECT}/diff?from=1&to=3&noise=true`);
    const [old, now] = [from, to].map((seq) => store.stateAt(refTo('orders'), { seq }) as Json);
    assert.equal(canonicalJson(applyChanges(old!, changes)), canonicalJson(now!));
  });

  it('is of the newest change unless said otherwise, and takes times', async () => {
    const newest = await get<Diff>(`${OBJECT}/diff`);
    assert.deepEqual([newest.from, newest.to], [2, 3]);
    const then = await get<Diff>(`${OBJECT}/diff?from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02.5Z`);
    assert.deepEqual([then.from, then.to], [1, 2]);
  });

  it('is written for people on request', async () => {
    const { text } = await get<Diff>(`${OBJECT}/diff?text=true`);
    assert.equal(
      text,
      [
        ...['--- change 2', '+++ change 3', '@@ -4,12 +4,10 @@', '   name: orders', '   namespace: streaming', ' spec:'],
        ...['-  looked: 1', '+  looked: 2', '   ports:', '     - port: 1', '       protocol: UDP'],
        ...['-    - port: 1', '-      protocol: TCP', '   values: |', '     image:', '       tag: v1', ''],
      ].join('\n'),
    );
  });
});

describe('blame', () => {
  it('names the change and the actor of each field', async () => {
    const { fields, changes } = await get<Blame>(`${OBJECT}/blame`);
    assert.deepEqual(Object.fromEntries(fields.map(({ path, seq }) => [path, seq])), {
      '/apiVersion': 1,
      '/spec/looked': 3,
      '/spec/ports/[0]/port': 1,
      '/spec/ports/[0]/protocol': 2,
      '/spec/values': 2,
    });
    assert.deepEqual(
      changes.map(({ seq, actor }) => [seq, actor.name]),
      [
        [3, 'flux'],
        [2, 'jo@example.org'],
        [1, 'flux'],
      ],
    );
    const earlier = await get<Blame>(`${OBJECT}/blame?at=1`);
    assert.ok(earlier.fields.every(({ seq }) => seq === 1));
  });
});

describe('a change that set a field and is no longer kept', () => {
  it('is said to be gone, and every other one is told of', async () => {
    const retention = { changesPerSpan: 4, spansPerMerge: 2, keepChangesMs: 0, keepCheckpointsMs: 0, changesPerMark: 8 };
    const log = openSqliteStore({ file: ':memory:', ...retention });
    const specs: JsonObject[] = Array.from({ length: 80 }, (_, i) => ({ first: 1, early: i < 5 ? 0 : 1, moved: i }));
    for (const [i, change] of history('orders', specs, 1).entries()) {
      log.append({ changes: [{ ...change, observedMs: i * 3_600_000 }] });
      log.maintain();
    }
    assert.equal(log.change(6), undefined);
    const asked = await startSeededApi({ store: log });
    try {
      const { fields, changes } = (await (await asked.get(`${OBJECT}/blame`)).json()) as Blame;
      assert.deepEqual(
        fields.map(({ path, seq, gone }) => [path, seq, gone]),
        [
          ['/apiVersion', 1, true],
          ['/spec/early', 6, true],
          ['/spec/first', 1, true],
          ['/spec/moved', 80, undefined],
        ],
      );
      assert.deepEqual(
        changes.map(({ seq }) => seq),
        [80],
      );
    } finally {
      await asked.stop();
      log.close();
    }
  });
});

describe('the change before each that is blamed', () => {
  it('is told by number, whatever the times say, and not of the first', async () => {
    const log = openSqliteStore({ file: ':memory:' });
    const specs: JsonObject[] = [{ a: 1 }, { a: 1, b: 1 }, { a: 1, b: 1, c: 1 }, { a: 1, b: 1, c: 1, d: 1 }];
    const times = [5_000, 9_000, 9_000, 7_000];
    log.append({ changes: history('orders', specs, 1).map((change, i) => ({ ...change, observedMs: times[i] as number })) });
    const asked = await startSeededApi({ store: log });
    try {
      const { changes } = (await (await asked.get(`${OBJECT}/blame`)).json()) as Blame;
      assert.deepEqual(
        changes.map(({ seq, previous }) => [seq, previous]),
        [
          [4, 3],
          [3, 2],
          [2, 1],
          [1, undefined],
        ],
      );
    } finally {
      await asked.stop();
      log.close();
    }
  });
});

describe('one state', () => {
  const path = '/v1/objects/test/kafka.strimzi.io/Kafka/streaming/orders/state';

  it('names the change that led to it, by number and by time', async () => {
    const [, second] = store.changes({ name: 'orders', limit: 10 }).items.toReversed();
    assert.ok(second !== undefined);
    const bySeq = (await (await api.get(`${path}?seq=${second.seq}`)).json()) as { seq: number; state: unknown };
    const byTime = (await (await api.get(`${path}?at=${new Date(second.observedMs).toISOString()}`)).json()) as typeof bySeq;
    assert.deepEqual([bySeq.seq, byTime.seq], [second.seq, second.seq]);
    assert.deepEqual(byTime.state, bySeq.state);
    assert.equal('manifest' in bySeq, false);
  });

  it('comes as a manifest where that is asked for', async () => {
    const { manifest } = (await (await api.get(`${path}?manifest=true`)).json()) as { manifest: Record<string, unknown> };
    assert.match(
      String(manifest.yaml),
      /^# Kafka streaming\/orders of test .*\napiVersion: kafka\.strimzi\.io\/v1beta2\nkind: Kafka\n/s,
    );
    assert.deepEqual(manifest.leftOut, ['/metadata/generation', '/metadata/resourceVersion', '/metadata/uid']);
    assert.deepEqual(manifest.masked, []);
  });

  it('comes as a manifest that cannot be applied where only metadata was asked for when it was recorded, whatever is asked for today', async () => {
    const { cluster, group, plural } = COVERAGE.find(({ kind, metadataOnly }) => kind === 'Kafka' && metadataOnly !== true)!;
    const stream = `watch:${cluster}/${group}/${plural}`;
    for (const [name, guarded] of [
      [`${stream}#metadata`, true],
      [`${stream}/streaming?labelSelector=a#metadata`, true],
      [stream, false],
      [`${stream}inks#metadata`, false],
    ] as const) {
      const log = openSqliteStore({ file: ':memory:' });
      const [change] = history('orders', [{}], 1) as [NewChange];
      const { spec: _, ...bare } = change.state;
      const ref = { ...change.ref, cluster };
      log.append({ changes: [{ ...change, ref, state: bare as typeof change.state }], cursors: { [name]: '1' } });
      const asked = await startSeededApi({ store: log });
      try {
        const answer = await asked.get(`${path.replace('/test/', `/${cluster}/`)}?seq=1&manifest=true`);
        const { manifest } = (await answer.json()) as { manifest: { yaml: string } };
        assert.equal(manifest.yaml.includes('@METADATA-ONLY'), guarded, name);
      } finally {
        await asked.stop();
        log.close();
      }
    }
  });
});

describe('states at a time', () => {
  const big = openSqliteStore({ file: ':memory:' });
  let bigApi: SeededApi;
  const COUNT = 400;
  before(async () => {
    const filler = 'x'.repeat(40_000);
    for (let i = 0; i < COUNT; i++) {
      const [first, second] = history(
        `o${i}`,
        [
          { v: 1, filler },
          { v: 2, filler },
        ],
        1,
      );
      big.append({ changes: [first!, second!] });
    }
    big.append({ changes: [newChange('DELETED', state('o0', '3', { v: 2 }), { observedMs: 3_000 })] });
    bigApi = await startSeededApi({ store: big });
  });
  after(async () => {
    await bigApi.stop();
    big.close();
  });

  it('come in pages, all as of one time', async () => {
    const seen: [string, unknown][] = [];
    let position = '';
    do {
      const response = await bigApi.get(`/v1/states?at=1970-01-01T00:00:01.5Z&limit=100${position}`);
      const page = (await response.json()) as { items: { ref: { name: string }; state: { spec: JsonObject } }[] } & Found;
      seen.push(...page.items.map(({ ref, state: then }): [string, unknown] => [ref.name, then.spec.v]));
      position = page.metadata.continue === undefined ? '' : `&continue=${page.metadata.continue}`;
    } while (position !== '');
    assert.deepEqual(
      seen,
      Array.from({ length: COUNT }, (_, i) => [`o${i}`, 1]),
    );
  });

  it('leave out what was gone by then', async () => {
    const response = await bigApi.get('/v1/states?at=1970-01-01T00:00:03Z&namespace=streaming', {
      accept: 'application/x-ndjson',
    });
    const lines = (await response.text()).trimEnd().split('\n');
    assert.equal(lines.length, COUNT - 1);
    assert.ok(!lines.some((line) => (JSON.parse(line) as { ref: { name: string } }).ref.name === 'o0'));
  });

  it('stream no faster than they are read, and stop when nobody reads any more', async () => {
    let read = 0;
    const counting = new Proxy(big, {
      get(target, key) {
        const member = Reflect.get(target, key, target) as unknown;
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (key === 'stateAt') read += 1;
          if (key === 'statesAfter') read += (args[0] as unknown[]).length;
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    const counted = await startSeededApi({ store: counting });
    const headers = { authorization: `Bearer ${TOKEN}`, accept: 'application/x-ndjson' };
    const asked = request(`${counted.url}/v1/states?at=1970-01-01T00:00:01.5Z`, { headers });
    asked.end();
    const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
    await once(response, 'readable');
    // Nothing more is read here: the rows stop coming once the buffers of both ends are full. 16 MB in all would be 400.
    let before = -1;
    while (before !== read) {
      before = read;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(read > 0 && read < COUNT, `${read} of ${COUNT} states read for a reader that stands still`);
    const stood = read;
    response.destroy();
    await counted.stop();
    assert.ok(read <= stood + 24, `${read - stood} more states read after the reader had gone`);
  });
});

describe('a search', () => {
  const log = openSqliteStore({ file: ':memory:' });
  let searched: SeededApi;
  before(async () => {
    const specs = Array.from({ length: 500 }, (_, i) => ({ replicas: i % 10, mode: i % 2 === 0 ? 'a' : 'b' }));
    log.append({ changes: history('orders', specs, 1) });
    const finding = (seq: number, score: number): Finding => ({
      ...{ id: `f${seq}`, cluster: 'test', tsMs: seq * 1_000, summary: 's', score, onceIn: 10, detector: 'd', reasons: [] },
      ...{ actor: HUMAN, mature: true, deterministic: false, severity: 'info', episode: 'e' },
      subject: {
        type: 'change',
        seq,
        resourceVersion: String(seq),
        changeType: 'MODIFIED',
        ref: refTo('orders'),
        uid: 'uid-orders',
      },
      decision: { verdict: 'record', why: 'w' },
    });
    log.commitAnalysis({ findings: [finding(7, 1.5), finding(9, 2.5), finding(300, 3)] });
    searched = await startSeededApi({ store: log });
  });
  after(async () => {
    await searched.stop();
    log.close();
  });
  const find = async (q: string, more = ''): Promise<Found> => {
    // Long enough on a busy machine, where nothing else is asked for.
    const time = more.includes('maxMs') ? '' : '&maxMs=10000';
    const response = await searched.get(`/v1/changes?q=${encodeURIComponent(q)}${time}${more}`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Found;
  };
  const seqsOf = (found: Found) => found.items.map(({ seq }) => seq);

  it('finds by field, value, time and score', async () => {
    const byValue = await find('path:spec.replicas value>7 after:1970-01-01T00:08:00Z', '&limit=1000');
    assert.deepEqual(seqsOf(byValue), [500, 499, 490, 489, 480]);
    assert.deepEqual(seqsOf(await find('score>=2')), [300, 9]);
    assert.deepEqual(seqsOf(await find('score<2 score>1')), [7]);
    assert.deepEqual(seqsOf(await find('score>=2 value:8')), [9]);
    assert.deepEqual(seqsOf(await find('type:ADDED')), [1]);
    assert.deepEqual(seqsOf(await find('kind:Kafka name:nobody')), []);
    assert.deepEqual(seqsOf(await find('hour:1')), []);
  });

  it('pages without a change lost or told twice while new ones come in', async () => {
    const specs = history(
      'more',
      Array.from({ length: 40 }, (_, i) => ({ replicas: i })),
      1_000,
    );
    const wanted = seqsOf(await find('value:3', '&limit=1000'));
    assert.equal(wanted.length, 50);
    const seen: number[] = [];
    let position = '';
    do {
      const page = await find('value:3', `&limit=7${position}`);
      seen.push(...seqsOf(page));
      log.append({ changes: specs.splice(0, 4) });
      position = page.metadata.continue === undefined ? '' : `&continue=${page.metadata.continue}`;
    } while (position !== '');
    assert.deepEqual(seen, wanted);
  });

  it('that runs out of time says so, and goes on from there', async () => {
    const seen: number[] = [];
    let [position, stops] = ['', 0];
    do {
      const page = await find('value:3 name:orders', `&maxMs=1&limit=1000${position}`);
      seen.push(...seqsOf(page));
      if (page.metadata.stopped !== undefined) {
        stops += 1;
        assert.equal(page.metadata.stopped.reason, 'time');
        assert.ok(Date.parse(page.metadata.stopped.through) > 0);
      }
      position = page.metadata.continue === undefined ? '' : `&continue=${page.metadata.continue}`;
    } while (position !== '');
    assert.ok(stops > 0, 'a millisecond was enough for 500 changes');
    assert.equal(seen.length, 50);
  });

  it('without a filter goes in steps, and says where it ran out of time', async () => {
    let steps = 0;
    // No step of it has time for more than it must do, and each takes two milliseconds.
    const slow = new Proxy(log, {
      get(target, name) {
        if (name === 'changes') {
          return (query: ChangeQuery) => {
            steps += 1;
            for (const endMs = performance.now() + 2; performance.now() < endMs; );
            return target.changes({ ...query, ...(query.msMax === undefined ? {} : { msMax: 0 }) });
          };
        }
        const member = Reflect.get(target, name, target) as unknown;
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
    const stepping = await startSeededApi({ store: slow });
    try {
      const ask = async (query: string) => (await (await stepping.get(`/v1/changes?${query}`)).json()) as Found;
      const whole = await ask('type=ADDED&maxMs=10000');
      assert.deepEqual([whole.items.at(-1)?.seq, whole.metadata], [1, {}]);
      assert.ok(steps > 1, 'it was one step');
      const first = await ask('type=DELETED&maxMs=1');
      assert.deepEqual([first.items, first.metadata.stopped?.reason], [[], 'time']);
      const through = Date.parse(first.metadata.stopped?.through ?? '');
      assert.ok(through > 1_000 && through < 500_000, `it got back to ${through}`);
      const [seen, stops]: [number[], string[]] = [[], []];
      for (let position = ''; ; ) {
        const page = await ask(`path=/spec/mode&maxMs=1&limit=1000${position}`);
        seen.push(...seqsOf(page));
        if (page.metadata.continue === undefined) break;
        stops.push(page.metadata.continue);
        position = `&continue=${page.metadata.continue}`;
      }
      assert.deepEqual(
        seen,
        log.changes({ path: '/spec/mode', limit: 1_000 }).items.map(({ seq }) => seq),
      );
      assert.ok(stops.length > 0);
      const [listed, calls]: [number[], number[]] = [[], []];
      for (let position = ''; ; ) {
        const before = steps;
        const page = await ask(`path=/spec/mode&maxMs=10000&limit=2${position}`);
        listed.push(...seqsOf(page));
        calls.push(steps - before);
        assert.ok(page.items.length <= 2 && page.metadata.stopped === undefined);
        if (page.metadata.continue === undefined) break;
        position = `&continue=${page.metadata.continue}`;
      }
      assert.deepEqual(listed, seen);
      assert.ok(Math.max(...calls) < 200, `${calls}`);
    } finally {
      await stepping.stop();
    }
  });

  it('for words that are everywhere stops in time too, where nothing else fits', async () => {
    using worded = openSqliteStore({ file: ':memory:', fullText: true });
    const specs = Array.from({ length: 500 }, (_, i) => ({ note: `ready ${i}` }));
    worded.append({ changes: history('orders', specs, 1) });
    const asked = await startSeededApi({ store: worded });
    try {
      const page = async (more: string) =>
        (await (await asked.get(`/v1/changes?q=text:ready%20namespace:nowhere%20type:MODIFIED&maxMs=1${more}`)).json()) as Found;
      const { items, metadata } = await page('');
      assert.deepEqual([items, metadata.stopped?.reason], [[], 'time']);
      assert.ok(Date.parse(metadata.stopped?.through ?? '') > 0);
      const next = await page(`&continue=${metadata.continue}`);
      assert.notEqual(next.metadata.continue, metadata.continue, 'it goes on');
    } finally {
      await asked.stop();
    }
  });

  it('is exported whole', async () => {
    const response = await searched.get('/v1/changes?q=value:3%20name:orders', { accept: 'application/x-ndjson' });
    assert.equal((await response.text()).trimEnd().split('\n').length, 50);
  });
});

it('a filter that cannot be read is refused with the column and what was expected', async () => {
  assert.equal(
    await refusal('/v1/changes?q=kind:Kafka%20typ:ADDED'),
    'q column 12: expected one of the keys cluster, group, kind, namespace, name, uid, actor, source, type, origin, own, path, value, old, text, after, before, hour, score, not typ',
  );
  assert.match(await refusal('/v1/changes?q=kind:Kafka&continue=WyJjaGFuZ2VzIiw1XQ'), /^continue is not one of a search/);
  const half = Buffer.from('["search",1.5]').toString('base64url');
  assert.match(await refusal(`/v1/changes?q=kind:Kafka&continue=${half}`), /^continue is not one of a search/);
});
