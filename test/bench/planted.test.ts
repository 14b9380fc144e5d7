import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { readLabelledStream } from '../../bench/quality/labelled-stream.ts';
import { loosened, withPath } from '../../bench/quality/planted/loosening.ts';
import { plant } from '../../bench/quality/planted/plant.ts';
import { type StreamObject, World } from '../../bench/quality/planted/world.ts';
import { mulberry32 } from '../../bench/random.ts';

const dir = mkdtempSync(join(tmpdir(), 'crowsnest-planted-'));
after(() => rmSync(dir, { recursive: true }));

/** Two people in office hours and a bot, over 40 objects of two kinds for most of a year. */
function writeCleanStream(): number {
  const random = mulberry32(5);
  const rows: string[] = [];
  const versions = new Map<string, number>();
  for (let hour = 0; hour < 8_000; hour++) {
    const who = hour % 24 < 9 || hour % 24 > 17 ? 'bot:bumps' : random() < 0.5 ? 'user:ann' : 'user:bob';
    const n = Math.floor(random() * 20);
    const kind = who === 'user:bob' ? 'Queue' : 'Topic';
    const name = `${kind.toLowerCase()}-${n}`;
    const version = (versions.get(name) ?? 0) + 1;
    versions.set(name, version);
    const spec = {
      version: `1.2.${version}`,
      appVersion: `1.2.${version}`,
      replicas: 3 + (version % 4),
      owner: 'team-a',
      retention: '7d',
    };
    const metadata = { name, namespace: 'streaming', uid: name, resourceVersion: `${hour + 1}` };
    const ts = `${new Date(Date.UTC(2025, 0, 6) + hour * 3_600_000).toISOString().slice(0, 19)}Z`;
    const type = version === 1 ? 'ADDED' : 'MODIFIED';
    rows.push(
      JSON.stringify({ type, ts, cluster: 'made', actor: who, object: { apiVersion: 'mq.example/v1', kind, metadata, spec } }),
    );
  }
  writeFileSync(join(dir, 'made.jsonl.zst'), zstdCompressSync(`${rows.join('\n')}\n`));
  return rows.length;
}

test('incidents are planted in the judged part, labelled as the scorer reads them, and the same for the same seed', async () => {
  const real = writeCleanStream();
  const options = { data: dir, stream: 'made', out: dir, each: 3 };
  const first = plant({ ...options, seed: 1 });
  assert.deepEqual(plant({ ...options, seed: 1 }), first);
  for (const name of ['stable-field', 'odd-value', 'broken-co-change', 'mass-delete'])
    assert.ok((first.planted[name] ?? 0) > 0, name);

  const stream = await readLabelledStream(dir, first.name);
  const labelled = [...stream.events.values()].filter((event) => event.incident !== undefined);
  assert.ok(labelled.length > 0 && labelled.every(({ atMs }) => atMs > stream.cutMs));
  const known = new Set(stream.incidents.map(({ id }) => id));
  assert.ok(labelled.every(({ incident }) => known.has(incident as string)));
  assert.equal(
    stream.incidents.length,
    Object.values(first.planted).reduce((sum, n) => sum + n, 0),
  );
  assert.ok(stream.events.size - labelled.length <= real, 'real changes are left out, never added');
  assert.notDeepEqual(plant({ ...options, seed: 2 }), first);
});

test('an object that a planted incident deleted comes back under another identity, as a cluster would have it', () => {
  writeCleanStream();
  const { name } = plant({ data: dir, stream: 'made', out: dir, each: 3, seed: 1 });
  const text = zstdDecompressSync(readFileSync(join(dir, `${name}.injected.jsonl.zst`))).toString('utf8');
  const dead = new Set<string>();
  let reborn = 0;
  for (const line of text.trimEnd().split('\n')) {
    const { type, aftermath, object } = JSON.parse(line);
    const { uid } = object.metadata;
    assert.ok(!dead.has(uid), `${uid} came back`);
    if (type === 'DELETED') dead.add(uid);
    if (type === 'ADDED' && aftermath !== undefined) reborn++;
  }
  assert.ok(dead.size > 0 && reborn > 0);
});

test('a planted object is made when its event comes, also at an odd hour days after what it was planned by', () => {
  writeCleanStream();
  let late = 0;
  for (let seed = 1; seed <= 4; seed++) {
    const { name } = plant({ data: dir, stream: 'made', out: dir, each: 3, seed });
    const text = zstdDecompressSync(readFileSync(join(dir, `${name}.injected.jsonl.zst`))).toString('utf8');
    for (const line of text.trimEnd().split('\n')) {
      const { type, ts, incident, label, object } = JSON.parse(line);
      if (type !== 'ADDED' || incident === undefined || object.metadata.generation !== 1) continue;
      assert.equal(object.metadata.creationTimestamp, ts, incident);
      if (label === 'odd-hour') late++;
    }
  }
  assert.ok(late > 0, 'no new object at an odd hour');
});

test('privileges are planted only where they are asked for, and never what an object has already', () => {
  const object = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: 'queue', resourceVersion: '1' },
    spec: { endpoints: [{ port: 'metrics' }] },
  };
  const kind = 'monitoring.coreos.com/ServiceMonitor';
  const before = loosened({ kind, object });
  assert.ok(before.length > 0);
  const [path, value] = before[0] as (typeof before)[number];
  const after = withPath(object, path, value);
  assert.ok(after !== undefined && !loosened({ kind, object: after }).some(([one]) => one === path));
  assert.equal(withPath(object, 'spec/none/[]/insecure', true), undefined);

  writeCleanStream();
  const planted = plant({ data: dir, stream: 'made', out: dir, each: 3, seed: 1 });
  assert.equal(planted.planted.privilege, undefined);
  // Nothing is known of the kinds of this stream.
  assert.deepEqual(plant({ data: dir, stream: 'made', out: dir, each: 3, seed: 1, classes: ['privilege'] }).planted, {});
});

test("of two objects that move a field together, each is the other's mate; of a crowd nobody is", () => {
  const world = new World();
  const object = (name: string, tag: number): StreamObject => ({
    apiVersion: 'mq.example/v1',
    kind: 'Queue',
    metadata: { name, namespace: 'streaming', resourceVersion: '1' },
    spec: { tag },
  });
  const see = (type: 'ADDED' | 'MODIFIED', names: readonly string[], tag: number) => {
    for (const name of names) world.see({ type, ts: `2025-01-06T0${tag}:00:00Z`, actor: 'bot:bumps', object: object(name, tag) });
  };
  const crowd = Array.from({ length: 61 }, (_, i) => `q${i}`);
  see('ADDED', crowd, 0);
  for (const tag of [1, 2, 3]) see('MODIFIED', ['q0', 'q1'], tag);
  see('MODIFIED', crowd, 4);
  see('MODIFIED', ['q0'], 5);
  const life = [...world.lives.values()].find(({ key }) => key.endsWith('q0'));
  assert.deepEqual([...(life?.mates ?? [])], [['/spec/tag\u0000mq.example\u0000Queue\u0000streaming\u0000q1', 3]]);
});
