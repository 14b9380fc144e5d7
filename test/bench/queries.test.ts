/** The bench of questions, on a history small enough for a test: what it asks is answered, what it writes is written. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildDatabase } from '../../bench/built-database.ts';
import { percentile } from '../../bench/latency.ts';
import { LoadWriter } from '../../bench/load-writer.ts';
import { measureQueries, queriesText } from '../../bench/queries.ts';
import { questionsOf } from '../../bench/store-queries.ts';
import { ProcessorClock } from '../../bench/work-clock.ts';
import { createRandom } from '../../src/demo/random.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const BUILD = { changes: 3_000, seed: 1, namespaces: 2 };
const folder = mkdtempSync(join(tmpdir(), 'crowsnest-queries-test-'));
after(() => rmSync(folder, { recursive: true }));

test('builds, asks alone and under load, beside git', async () => {
  const db = join(folder, 'whole.db');
  const result = await measureQueries({ ...BUILD, db, git: true, api: false, writes: 1_000, samples: 3 });
  assert.deepEqual(
    result.milestones.map(({ changes }) => changes),
    [3_000],
  );
  assert.ok(result.bytes > 50_000);
  assert.ok(result.warmedBytes >= result.bytes, 'the whole file was read once');
  assert.ok(result.wholeCluster.objects >= 190, String(result.wholeCluster.objects));
  for (const answers of [
    result.idle,
    ...[result.underLoad, result.underLoadByProcessor, result.underLoadUnqueued].map(({ questions }) => questions),
  ])
    for (const [name, { samples, p50Ms, p99Ms }] of Object.entries(answers)) {
      assert.equal(samples, 3, name);
      assert.ok(p50Ms > 0 && p50Ms <= p99Ms, `${name}: ${p50Ms} ${p99Ms}`);
    }
  assert.ok(result.underLoadByProcessor.writtenPerSecond > 0);
  assert.equal(result.git?.changes, 3_000);
  assert.match(queriesText(result), /^history /m);
});

test('a database is built once, and another one is not mistaken for it', () => {
  const file = join(folder, 'once.db');
  assert.equal(buildDatabase({ ...BUILD, file }).reused, false);
  const again = buildDatabase({ ...BUILD, file });
  assert.equal(again.reused, true);
  assert.equal(again.milestones.at(-1)?.changes, BUILD.changes);
  assert.throws(() => buildDatabase({ ...BUILD, file, seed: 2 }), /is not a history of 3000 changes by seed 2/);
});

test('questions are about what is there', () => {
  const file = join(folder, 'questions.db');
  buildDatabase({ ...BUILD, file });
  using store = openSqliteStore({ file });
  const found = new Map(
    questionsOf(store, createRandom(1)).map(({ name, ask }) => [name, Array.from({ length: 10 }, () => ask())]),
  );
  const items = (name: string) => found.get(name)?.map((answer) => (answer as { items: unknown[] }).items.length) ?? [];
  for (const name of ['history', 'path', 'pathOfKafka', 'actor', 'actorInMonth']) assert.ok(Math.max(...items(name)) > 0, name);
  assert.ok(found.get('diff')?.some((diff) => (diff as { changes: unknown[] }).changes.length > 0));
  assert.ok(found.get('blame')?.every((blamed) => (blamed as { fields: unknown[] }).fields.length > 10));
  assert.ok(found.get('atObject')?.some((state) => state !== undefined));
  assert.ok(found.get('atNamespace')?.some((states) => Number(states) > 90));
});

test('the writer under load keeps its pace by the clock it is given, run after run on the same database', async () => {
  const file = join(folder, 'load.db');
  buildDatabase({ ...BUILD, file });
  using store = openSqliteStore({ file });
  for (let run = 0; run < 2; run++) {
    const before = store.counts().changes;
    let nowMs = 0;
    const clock = { nowMs: () => nowMs, idleUntil: async () => {} };
    const writer = new LoadWriter(store, createRandom(1), { perSecond: 1_000, clock });
    for (; nowMs < 500; nowMs += 10) writer.turn();
    assert.equal(writer.written, 490);
    assert.equal(store.counts().changes - before, 490);
  }
});

test("the processor's clock skips what is waited for", async () => {
  const clock = new ProcessorClock();
  const fromMs = clock.nowMs();
  await clock.idleUntil(fromMs + 3_600_000);
  const ms = clock.nowMs() - fromMs;
  assert.ok(ms >= 3_600_000 && ms < 3_601_000, String(ms));
});

test('percentiles are values that were measured', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.equal(percentile(values, 50), 100);
  assert.equal(percentile(values, 99), 198);
  assert.equal(percentile(values, 100), 200);
  assert.ok(Number.isNaN(percentile([], 50)));
});
