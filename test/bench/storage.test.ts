/** The bench of what a change costs on disk, on a small stream that is made here. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { breakdown, pooled } from '../../bench/file-breakdown.ts';
import { commitOf, GitHistory, gitPath } from '../../bench/git-history.ts';
import { readBack, recordStream } from '../../bench/recorded-stream.ts';
import { measureStorage, storageText, streamsOf } from '../../bench/storage.ts';
import { SyntheticCluster } from '../../bench/synthetic-cluster.ts';
import type { JsonObject } from '../../src/domain/json.ts';

const EVENTS = 700;
const SECRET = 'correct-horse-battery-staple';
const folder = mkdtempSync(join(tmpdir(), 'crowsnest-storage-test-'));
after(() => rmSync(folder, { recursive: true }));

const stream = join(folder, 'made.ndjson');
writeFileSync(stream, lines().join(''));

test('every revision of a stream comes back, and its bytes are counted beside those of git', async () => {
  const keep = join(folder, 'kept');
  const result = await measureStorage({ streams: [stream], git: true, keep });
  assert.equal(result.changes, EVENTS);
  assert.deepEqual([result.wrong, result.lost], [0, 0]);
  const [one] = result.streams;
  assert.equal(one?.revisions, EVENTS);
  const file = join(keep, 'made.db');
  assert.equal(result.bytes, statSync(file).size);
  assert.equal(result.bytesPerChange, Number((result.bytes / EVENTS).toFixed(1)));
  const parts = Object.values(result.breakdown);
  const rounding = 0.05 * (parts.length + 1);
  const together = parts.reduce((sum, bytes) => sum + bytes, 0);
  assert.ok(Math.abs(together - result.bytesPerChange) <= rounding, `${together} of ${result.bytesPerChange}`);
  assert.ok((result.gitBytes ?? 0) > 10_000);
  assert.ok(!readFileSync(file).includes(SECRET), 'what is a secret is masked before it is kept');
  assert.match(storageText(result), /pooled +700 changes/);
});

test('a revision that is not what came in is noticed, and one that is missing', async () => {
  const file = join(folder, 'noticed.db');
  const recorded = await recordStream(stream, file, () => {});
  const expected = new Map(recorded.expected);
  const [some] = [...expected.keys()].slice(EVENTS / 2);
  expected.set(some as string, 'a hash of something else');
  const tampered = await readBack(file, { ...recorded, expected }, async () => {});
  assert.deepEqual(tampered, { revisions: EVENTS, wrong: 1, lost: 0 });
  const short = await readBack(file, { ...recorded, events: EVENTS + 3 }, async () => {});
  assert.deepEqual(short, { revisions: EVENTS, wrong: 0, lost: 3 });
});

test('the parts of a file are all of it', async () => {
  const file = join(folder, 'parts.db');
  await recordStream(stream, file, () => {});
  const parts = breakdown(file);
  assert.equal(
    parts.reduce((sum, { bytes }) => sum + bytes, 0),
    statSync(file).size,
  );
  assert.ok(parts.some(({ name }) => name === 'change'));
  const [most] = parts;
  assert.equal(pooled([parts, parts])[0]?.bytes, 2 * (most?.bytes ?? 0));
});

test('git has a commit for each change, by who made it, and the file as it is read', async () => {
  const repository = new GitHistory(join(folder, 'some.git'));
  const cluster = new SyntheticCluster({ seed: 3, namespaces: 1 });
  const changes = Array.from({ length: 150 }, () => cluster.next());
  for (const change of changes) await repository.add(change);
  await repository.finish();
  const authors = repository.run('log', '--reverse', '--format=%an', 'main').toString().trim().split('\n');
  assert.deepEqual(
    authors,
    changes.map(({ actor }) => actor.name),
  );
  const last = changes.findLast(({ type }) => type !== 'DELETED')!;
  assert.deepEqual(JSON.parse(repository.run('show', `main:${gitPath(last.ref)}`).toString()), last.state);
  assert.ok(repository.bytes() > 0);
});

test('a deletion removes the file; names that would end a line or leave the folder do not', () => {
  const change = new SyntheticCluster({ seed: 4, namespaces: 1 }).next();
  assert.match(commitOf({ ...change, type: 'DELETED' }), /^D \S+\.json$/m);
  const actor = { ...change.actor, name: 'a <b>\nM x' };
  assert.match(commitOf({ ...change, actor }), /^committer a _b__M x <> \d+ \+0000$/m);
  assert.equal(gitPath({ ...change.ref, group: '', kind: 'Node', namespace: '', name: 'a/../b' }), 'Node/_/a%2F..%2Fb.json');
});

test('of a folder its streams are taken, without those with planted incidents; an empty one is said', () => {
  const inner = mkdtempSync(join(folder, 'streams-'));
  assert.throws(() => streamsOf([inner]), /no recorded stream/);
  for (const name of ['b.jsonl.zst', 'a.jsonl.zst', 'a.injected.jsonl.zst', 'a.stats.json']) writeFileSync(join(inner, name), '');
  assert.deepEqual(streamsOf([inner]), [join(inner, 'a.jsonl.zst'), join(inner, 'b.jsonl.zst')]);
});

function lines(): string[] {
  const cluster = new SyntheticCluster({ seed: 5, namespaces: 1 });
  return Array.from({ length: EVENTS }, () => {
    const { type, observedMs, actor, state } = cluster.next();
    const object = { ...state, spec: { ...(state.spec as JsonObject), password: SECRET } };
    return `${JSON.stringify({ type, ts: new Date(observedMs).toISOString(), cluster: 'made', actor: actor.name, object })}\n`;
  });
}
