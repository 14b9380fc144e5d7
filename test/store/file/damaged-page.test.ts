/** Pages of what stands beside the record of changes are overwritten, table by table and index by index: the record itself must go on. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { UNKNOWN_ACTOR } from '../../../src/domain/change.ts';
import { CrowsnestError } from '../../../src/domain/errors.ts';
import type { Finding } from '../../../src/domain/finding.ts';
import type { NearMiss } from '../../../src/domain/review.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { openSqliteReader, openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import type { AppendBatch } from '../../../src/store/store.ts';
import { history, refTo } from '../new-changes.ts';
import { overwritePages } from '../overwritten-pages.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const OPTIONS = { changesPerSpan: 32, spansPerMerge: 3, samplesPerRun: 10, scrapesPerRun: 1, fullText: true };

const ANN = UNKNOWN_ACTOR;
const finding = (id: string, seq: number): Finding => ({
  ...{ id, cluster: 'test', tsMs: seq, actor: ANN, score: 3, onceIn: 1_000 },
  subject: { type: 'change', seq, resourceVersion: '1', changeType: 'MODIFIED', ref: refTo('orders'), uid: 'u' },
  ...{ detector: 'd', reasons: [], mature: true, deterministic: false, severity: 'info', summary: 's', episode: 'e' },
  decision: { verdict: 'page', why: 'w', heard: 'v' },
});
const nearMiss = (slot: number): NearMiss => ({
  ...{
    cluster: 'test',
    day: '2026-01-01',
    slot: `random-${slot}` as const,
    findingId: 'f',
    tsMs: 1,
    score: 1,
    level: 1,
    detector: 'd',
  },
  ...{ population: 1, weight: 1 },
});
const alert = (id: string) => ({ id, labels: {}, annotations: {}, generatorURL: '', startsMs: 1, endsMs: 2, findingId: 'f' });

/** One of everything that comes with changes, `i` times. */
function beside(i: number): Omit<AppendBatch, 'changes'> {
  return {
    cursors: { w: String(i) },
    rejects: [{ cluster: 'test', code: 'OBJECT_TOO_LARGE', where: 'w', what: 'x', observedMs: i }],
    gaps: ['', 'orders'].map((name) => ({
      ...{ cluster: 'test', group: 'g', kind: 'k', namespace: '', name, reason: 'compacted' as const },
      ...{ toMs: i, objects: 1, generationsSkipped: 0 },
    })),
    deliveries: [{ key: i.toString(16).padStart(32, '0'), atMs: i }],
    kubeEvents: [
      {
        ...{ uid: `e${i}`, ref: refTo('orders'), objectUid: 'u', type: 'Warning', reason: 'r', action: 'a', note: 'n' },
        ...{ reportedBy: 'x', firstMs: i, lastMs: i, count: 1 },
      },
    ],
    scrapes: [{ cluster: 'test', target: `t${i % 3}`, tsMs: i, samples: [{ metric: 'depth', labels: {}, value: i }] }],
  };
}

const amendment = (seq: number, name: string) => {
  const actor = { ...ANN, name };
  const user = { name, groups: [] };
  const evidence = [{ source: 'audit' as const, id: `a${seq}`, atMs: seq, match: 'exact' as const, user }];
  return { seq, knownMs: seq, attribution: { actor, candidates: [], evidence } } as unknown as NonNullable<
    AppendBatch['amendments']
  >[number];
};

function fill(store: SqliteStore): void {
  const revisions = Array.from({ length: 60 }, (_, r) => ({ r, text: `words ${r % 3}` }));
  for (const [i, change] of history('orders', revisions, 1).entries()) {
    store.append({ changes: [change], ...beside(i) });
    store.append({ changes: [], amendments: [amendment(i + 1, 'bob')] });
    store.maintain();
  }
  const findings = Array.from({ length: 40 }, (_, i) => finding(`f${i}`, i + 1));
  store.commitAnalysis({ findings, nearMisses: [nearMiss(0)], alerts: [alert('a')], cursors: { 'analysis.changes': '60' } });
  store.maintain();
  store.commitAnalysis({ findings: [finding('young', 50)] });
}

const WHOLE = join(folder, 'whole.db');
{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  fill(store);
}

const BESIDE = [
  ...['tally', 'near_miss', 'cursor', 'reject', 'gap', 'gap_of_kind', 'gap_of_object', 'delivery', 'sqlite_autoindex_delivery_1'],
  ...['attribution', 'attribution_by_change', 'attribution_by_actor', 'writer', 'sqlite_autoindex_writer_1'],
  ...['kube_event', 'sqlite_autoindex_kube_event_1', 'kube_event_by_object', 'kube_event_by_time', 'verdict_hit'],
  ...['series', 'sqlite_autoindex_series_1', 'target', 'sqlite_autoindex_target_1', 'open_scrape', 'open_scrape_by_time'],
  ...['scrape_block', 'scrape_block_by_time', 'rollup', 'rollup_by_scrape', 'rollup_progress', 'change_daily'],
  ...['finding', 'sqlite_autoindex_finding_1', 'finding_by_time', 'finding_by_object', 'finding_paged', 'finding_young'],
  ...['finding_block', 'alert', 'alert_by_end', 'value_text_data', 'value_text_idx', 'value_text_docsize'],
];

describe('damage beside the record stops nothing of it:', () => {
  const db = new Database(WHOLE, { readonly: true });
  const size = db.pragma('page_size', { simple: true }) as number;
  const pages = db.prepare<[string], number>('SELECT pageno FROM dbstat WHERE name = ?').pluck();
  const damaged = BESIDE.map((name) => ({ name, at: pages.all(name) }));
  db.close();
  const whole = readFileSync(WHOLE);

  for (const { name, at } of damaged)
    it(`the pages of ${name}`, async () => {
      assert.ok(at.length > 0, 'there are such pages');
      const file = join(folder, `${name}.db`);
      const bytes = Buffer.from(whole);
      for (const page of at) bytes.fill(0xa5, (page - 1) * size, page * size);
      writeFileSync(file, bytes);
      assert.equal((await checkDatabase({ file })).ok, false);
      using store = openSqliteStore({ file, ...OPTIONS });

      for (const i of [100, 101, 102]) {
        const [change] = history(`new-${i}`, [{ i, text: 'more words' }], i * 1_000);
        const [recorded] = store.append({ changes: [change!], ...beside(i) });
        store.append({ changes: [], amendments: [amendment(recorded!.seq, 'eve')] });
        store.commitAnalysis({
          ...{ findings: [finding(`g${i}`, recorded!.seq)], nearMisses: [nearMiss(1)], alerts: [alert(`b${i}`)] },
          ...{ cursors: { 'analysis.changes': String(recorded!.seq) }, state: { judged: String(i) } },
        });
        assert.deepEqual(store.head(refTo(`new-${i}`))?.state.spec, { i, text: 'more words' });
        assert.equal(store.getState('judged'), String(i));
        for (let round = 0; round < 10; round++) store.maintain();
      }
      assert.equal([...store.history(refTo('orders'))].length, 60);
      assert.equal(store.changes({ kind: 'Kafka', limit: 100 }).items.length, 63);
      assert.equal(store.change(30)?.state.metadata.name, 'orders');
      assert.ok(store.attribution(30) !== undefined);
      assert.ok(store.changes({ actor: 'bob', limit: 10 }).items.length >= 0);
      assert.equal(store.objects({ limit: 10 }).items.length, 4);
      assert.ok(store.counts().changes > 0);
      assert.equal(store.changesAfter(0, 100).length, 63);
      for (const read of [
        () => store.nearMisses(),
        () => store.verdictHits(),
        () => store.delivered(['00']),
        () => store.cursors('w'),
      ])
        read();
    });
});

it('whoever only reads is told of damage in our words, whichever page it is in', () => {
  const db = new Database(WHOLE, { readonly: true });
  const size = db.pragma('page_size', { simple: true }) as number;
  const leaves = db
    .prepare<[], { name: string; page: number }>(
      "SELECT name, max(pageno) AS page FROM dbstat WHERE name NOT LIKE 'sqlite_schema%' AND pageno > 1 GROUP BY name",
    )
    .all();
  db.close();
  const told = new Map<string, number>();
  for (const { name, page } of leaves) {
    const file = join(folder, 'read.db');
    const bytes = readFileSync(WHOLE);
    bytes.fill(0x5a, (page - 1) * size, page * size);
    writeFileSync(file, bytes);
    const read = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        assert.ok(error instanceof CrowsnestError && error.code === 'STORE_CORRUPT', `${name}: ${String(error)}`);
        told.set(name, (told.get(name) ?? 0) + 1);
      }
    };
    read(() => {
      using store = openSqliteReader({ file });
      for (let seq = 1; seq <= 60; seq++) read(() => store.change(seq));
      for (const query of [{}, { name: 'orders' }, { kind: 'Kafka' }]) read(() => store.changes({ ...query, limit: 100 }));
      read(() => store.objects({ limit: 10 }));
      read(() => store.objects({ limit: 10, atMs: 30_000 }));
      read(() => store.stateAt(refTo('orders'), { seq: 30 }));
      read(() => store.blame(refTo('orders')));
      read(() => [...store.history(refTo('orders'))]);
      read(() => store.findings({ limit: 100 }));
      read(() => store.changesAfter(0, 100));
      read(() => store.mayHold(30, 'words'));
      read(() => store.seriesWindows({ matchers: [], fromMs: 0, toMs: 100, stepMs: 10, seriesMax: 100, workMax: 100_000 }));
    });
  }
  assert.ok((told.get('block') ?? 0) > 0 && (told.get('change') ?? 0) > 0, JSON.stringify([...told]));
});

it('upkeep goes on where what says how far it is cannot be read', () => {
  const file = join(folder, 'span.db');
  copyFileSync(WHOLE, file);
  overwritePages(file, (db) => db.prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'span'").pluck().all());
  using store = openSqliteStore({ file, ...OPTIONS });
  for (let round = 0; round < 3; round++) assert.doesNotThrow(() => store.maintain({ msMax: 3 }));
  assert.ok(store.losses > 0, 'it was told');
});
