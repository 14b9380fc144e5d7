/** Whole numbers beyond 2^53 from a watch to the record, and from there to whoever asks: digit by digit, and a change of one digit is a change. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { formatObservation, parseLine } from '../../src/collector/recording/stream-format.ts';
import { parseListItem, parseWatchLine } from '../../src/collector/watch/watch-event.ts';
import { exportLine, parseExported } from '../../src/commands/exported-change.ts';
import type { Change, Observation } from '../../src/domain/change.ts';
import { applyChanges } from '../../src/domain/diff/apply-changes.ts';
import type { FieldDiff } from '../../src/domain/diff/field-diff.ts';
import type { StructuralChange } from '../../src/domain/diff/structural-diff.ts';
import { canonicalJson, type Json, parseJson } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { ScannedObservation } from '../../src/domain/scanned-observation.ts';
import { createImporter } from '../../src/pipeline/import.ts';
import { createIngest, type IngestResult } from '../../src/pipeline/ingest.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { type SeededApi, startSeededApi } from '../support/seeded-api.ts';

const KIND = { group: 'kafka.strimzi.io', version: 'v1', kind: 'Kafka', plural: 'kafkas', namespaced: true };
const OBJECT = '/v1/objects/test/kafka.strimzi.io/Kafka/streaming/orders';
const hash = keyedHash(Buffer.from('k'));
const NOTE = '"note":"9223372036854775807","json":"{\\"most\\": 9223372036854775807}"';

/** Spec texts, one after the other; each differs from the one before it by digits that a double rounds away, but for the last. */
const SPECS = [
  '{"retention":9223372036854775806,"map":{"least":-9223372036854775808},"list":[1,9007199254740993],"items":[{"name":"a","max":18446744073709551615}],"round":1000000000000000000,"rate":1.5e+300}',
  '{"retention":9223372036854775807,"map":{"least":-9223372036854775808},"list":[1,9007199254740993],"items":[{"name":"a","max":18446744073709551615}],"round":1000000000000000000,"rate":1.5e+300}',
  '{"retention":9223372036854775807,"map":{"least":-9223372036854775807},"list":[1,9007199254740992],"items":[{"name":"a","max":18446744073709551614}],"round":1000000000000000000,"rate":1.5e+300}',
  '{"retention":9223372036854775807,"map":{"least":-9223372036854775807},"list":[1,9007199254740992],"items":[{"name":"a","max":18446744073709551614}],"round":1000000000000000001,"rate":1.5e+300}',
  '{"retention":9223372036854775807,"map":{"least":-9223372036854775807},"list":[1,9007199254740992],"items":[{"name":"a","max":18446744073709551614}],"round":1000000000000000001,"rate":1.5e+300,"more":[-9223372036854775808]}',
];
const MOVED: [path: string, old: Json | undefined, now: Json][][] = [
  [['/spec/retention', 9223372036854775806n, 9223372036854775807n]],
  [
    ['/spec/items/[name=a]/max', 18446744073709551615n, 18446744073709551614n],
    ['/spec/list/[1]', 9007199254740993n, 2 ** 53],
    ['/spec/map/least', -9223372036854775808n, -9223372036854775807n],
  ],
  [['/spec/round', 1e18, 1000000000000000001n]],
  [['/spec/more/[0]', undefined, -9223372036854775808n]],
];

function objectText(rv: number, spec: string): string {
  const metadata = `{"name":"orders","namespace":"streaming","uid":"u1","resourceVersion":"${rv}","generation":${rv},"annotations":{${NOTE}}}`;
  return `{"apiVersion":"kafka.strimzi.io/v1","kind":"Kafka","metadata":${metadata},"spec":${spec}}`;
}

function watched(type: string, object: string, observedMs: number): Observation {
  const event = parseWatchLine(Buffer.from(`{"type":"${type}","object":${object}}`), KIND);
  assert.ok(event.type === 'ADDED' || event.type === 'MODIFIED', JSON.stringify(event));
  const fields = { cluster: 'test', type: event.type, observedMs, origin: 'watch' as const };
  return event.scanned === undefined
    ? { ...fields, object: event.object as KubeObject }
    : new ScannedObservation(fields, event.scanned, event.object);
}

const asWatched = () => SPECS.map((spec, i) => watched(i === 0 ? 'ADDED' : 'MODIFIED', objectText(i + 1, spec), (i + 1) * 1_000));
/** As whoever has no text to scan hands it over. */
const asParsed = (): Observation[] =>
  asWatched().map(({ cluster, type, observedMs, object }) => ({ cluster, type, observedMs, object, origin: 'push' }));
/** Through a recording. */
const asReplayed = () =>
  asWatched().map((observation, i) => {
    const entry = parseLine(formatObservation(observation), i + 1, { cluster: 'test', file: 'x', observedMs: 0 });
    assert.ok('observation' in entry, JSON.stringify(entry));
    return entry.observation;
  });

function recordIn(store: SqliteStore, batches: Observation[][]): IngestResult[] {
  const ingest = createIngest({ store, hash });
  return batches.map((observations) => ingest.record({ observations }));
}

/** The spec that a state has, written as an API server writes it. */
const specOf = (state: KubeObject | undefined): string => canonicalJson(state?.spec as Json);
const canonical = (text: string): string => canonicalJson(parseJson(text));

function movedIn(changes: readonly Pick<Change, 'diff'>[]): [string, Json | undefined, Json | undefined][][] {
  return changes.map(({ diff }) => diff.map((field) => [field.path, field.old, field.new]));
}

for (const [how, observations] of [
  ['watched', asWatched],
  ['parsed', asParsed],
  ['replayed', asReplayed],
] as const)
  for (const [batches, inBatches] of [
    ['one by one', (all: Observation[]) => all.map((one) => [one])],
    ['in one batch', (all: Observation[]) => [all]],
  ] as const)
    it(`a change of one digit is recorded with both values, ${how}, ${batches}`, () => {
      using store = openSqliteStore({ file: ':memory:' });
      const changes = recordIn(store, inBatches(observations())).flatMap((result) => result.changes);
      assert.deepEqual(movedIn(changes.slice(1)), MOVED);
      assert.deepEqual(movedIn(store.changesAfter(1, 10)), MOVED);
      const states = store.changesAfter(0, 10).map(({ state }) => specOf(state));
      assert.deepEqual(states, SPECS.map(canonical));
      for (const { state } of changes)
        assert.deepEqual(state.metadata.annotations, { note: '9223372036854775807', json: '{"most": 9223372036854775807}' });
    });

it('the same again is a repeat, by a list too, and what only looks like it after a restart is compared with what is recorded', () => {
  using store = openSqliteStore({ file: ':memory:' });
  recordIn(store, [asWatched()]);
  const text = objectText(5, SPECS[4] as string);
  const item = parseListItem(Buffer.from(text), KIND) as KubeObject;
  const listed: Observation = { cluster: 'test', type: 'MODIFIED', object: item, observedMs: 9_000, origin: 'relist' };
  const [again] = recordIn(store, [[listed, watched('MODIFIED', text, 9_001)]]);
  assert.deepEqual([again?.changes, again?.repeats], [[], 2]);
  const later = watched(
    'MODIFIED',
    objectText(6, (SPECS[4] as string).replace('-9223372036854775808', '-9223372036854775807')),
    9_002,
  );
  const [moved] = recordIn(store, [[later]]);
  assert.deepEqual(movedIn(moved?.changes ?? []), [[['/spec/more/[0]', -9223372036854775808n, -9223372036854775807n]]]);
});

it('what was recorded rounded is no change at the version that is recorded, and one when it is written again', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const rounding = watched('ADDED', objectText(1, '{"retention":9223372036854776000}'), 1_000);
  const object = parseListItem(Buffer.from(objectText(1, '{"retention":9223372036854775807}')), KIND) as KubeObject;
  const listed: Observation = { cluster: 'test', type: 'MODIFIED', object, observedMs: 2_000, origin: 'relist' };
  const written = watched('MODIFIED', objectText(2, '{"retention":9223372036854775807}'), 3_000);
  const [, same, next] = recordIn(store, [[rounding], [listed], [written]]);
  assert.deepEqual([same?.changes, same?.repeats], [[], 1]);
  assert.deepEqual(movedIn(next?.changes ?? []), [[['/spec/retention', 9223372036854776000, 9223372036854775807n]]]);
});

it('a number that is out of range is refused by name, and recorded neither as null nor as anything else', () => {
  const wrong = '{"retention":1e400}';
  const event = parseWatchLine(Buffer.from(`{"type":"ADDED","object":${objectText(1, wrong)}}`), KIND);
  assert.ok(event.type === 'UNREADABLE');
  assert.match(event.what, /out of range/);
  const line = parseLine(`{"type":"ADDED","ts":"2026-01-05T08:00:00Z","object":${objectText(1, wrong)}}`, 1, {
    ...{ cluster: 'test', file: 'x', observedMs: 0 },
  });
  assert.ok('reject' in line);
  assert.match(line.reject.what, /out of range/);
  using store = openSqliteStore({ file: ':memory:' });
  const [, refused] = recordIn(store, [
    [watched('ADDED', objectText(1, '{"retention":1}'), 1_000)],
    [watched('MODIFIED', objectText(2, wrong), 2_000)],
  ]);
  assert.deepEqual([refused?.changes, refused?.unreadable], [[], 1]);
  assert.match(store.rejects(1)[0]?.what ?? '', /out of range/);
  assert.deepEqual(
    store.changesAfter(0, 10).map(({ state }) => specOf(state)),
    ['{"retention":1}'],
  );
});

it('an export brings back every digit', () => {
  using from = openSqliteStore({ file: ':memory:' });
  recordIn(from, [asWatched()]);
  using to = openSqliteStore({ file: ':memory:' });
  const importer = createImporter({ store: to, hash });
  for (const [i, change] of from.changesAfter(0, 10).entries()) {
    const told = parseExported(exportLine(change, undefined), i + 1, { cluster: 'test', file: 'x' });
    assert.ok(told !== undefined && 'object' in told, JSON.stringify(told));
    importer.add(told);
  }
  importer.flush();
  assert.deepEqual(to.changesAfter(0, 10), from.changesAfter(0, 10));
});

describe('asked over HTTP, from a file that was closed and opened again', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-exact-'));
  const file = join(folder, 'exact.db');
  let store: SqliteStore;
  let api: SeededApi;
  before(async () => {
    {
      using written = openSqliteStore({ file });
      recordIn(
        written,
        asWatched().map((one) => [one]),
      );
      written.maintain();
    }
    store = openSqliteStore({ file });
    api = await startSeededApi({ store });
  });
  after(async () => {
    await api.stop();
    store.close();
    rmSync(folder, { recursive: true });
  });
  const get = async <T>(path: string): Promise<T> => {
    const response = await api.get(path);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return parseJson(text) as T;
  };

  it('history tells of each, and the change has both values', async () => {
    const { items } = await get<{ items: { seq: number; paths: string[] }[] }>(`${OBJECT}/history`);
    assert.deepEqual(
      items.map(({ seq, paths }) => [seq, paths.length]),
      [4, 3, 2, 1].map((i) => [i + 1, MOVED[i - 1]?.length]).concat([[1, 0]]),
    );
    const changes = await Promise.all([2, 3, 4, 5].map((seq) => get<{ diff: FieldDiff[] }>(`/v1/changes/${seq}`)));
    assert.deepEqual(movedIn(changes), MOVED);
  });

  it('diff has both values, as entries and as text, and is a plan to go back by', async () => {
    const diff = await get<{ changes: StructuralChange[] }>(`${OBJECT}/diff?from=1&to=2`);
    assert.deepEqual(
      diff.changes.map(({ pointer, old, new: now }) => [pointer, old, now]),
      [['/spec/retention', 9223372036854775806n, 9223372036854775807n]],
    );
    const response = await api.get(`${OBJECT}/diff?from=1&to=3&text=true`);
    const { text } = parseJson(await response.text()) as { text: string };
    for (const line of [
      '-  retention: 9223372036854775806',
      '+  retention: 9223372036854775807',
      '+    least: -9223372036854775807',
    ])
      assert.ok(text.includes(line), text);
    const back = await get<{ changes: StructuralChange[] }>(`${OBJECT}/diff?from=5&to=1`);
    const [first, last] = [store.change(1)?.state, store.change(5)?.state];
    assert.equal(specOf(applyChanges(last as unknown as Json, back.changes) as unknown as KubeObject), specOf(first));
  });

  it('a state and its manifest have every digit, and nothing to be put right', async () => {
    for (const [i, spec] of SPECS.entries()) {
      const { state, manifest } = await get<{ state: KubeObject; manifest: { yaml: string; rounded: string[] } }>(
        `${OBJECT}/state?seq=${i + 1}&manifest=true`,
      );
      assert.equal(specOf(state), canonical(spec));
      assert.deepEqual(manifest.rounded, []);
      for (const [, digits] of spec.matchAll(/:(-?\d{16,})[,}]/g)) assert.match(manifest.yaml, new RegExp(`: ${digits}\n`));
    }
  });

  it('blame tells the change of the digit', async () => {
    const { fields } = await get<{ fields: { path: string; seq?: number }[] }>(`${OBJECT}/blame`);
    const seqs = Object.fromEntries(fields.map(({ path, seq }) => [path, seq]));
    assert.deepEqual([seqs['/spec/retention'], seqs['/spec/map/least'], seqs['/spec/round']], [2, 3, 4]);
  });

  it('a search by value tells one from the other', async () => {
    const found = async (q: string) =>
      (await get<{ items: { seq: number }[] }>(`/v1/changes?q=${encodeURIComponent(q)}`)).items.map(({ seq }) => seq);
    assert.deepEqual(await found('value:9223372036854775807'), [2]);
    assert.deepEqual(await found('value>9223372036854775806 path:spec.retention'), [2]);
    assert.deepEqual(await found('old:9223372036854775807'), []);
  });
});
