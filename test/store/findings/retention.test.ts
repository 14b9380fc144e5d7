/** Where room is short what was found of changes that are gone goes too, but for what somebody was told, said or is asked. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import Database from 'better-sqlite3';
import type { Change } from '../../../src/domain/change.ts';
import { isCrowsnestError } from '../../../src/domain/errors.ts';
import type { Finding } from '../../../src/domain/finding.ts';
import type { NearMiss } from '../../../src/domain/review.ts';
import type { Verdict } from '../../../src/domain/verdict.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { history, newChange, state } from '../new-changes.ts';
import { pageAbout } from '../page-about.ts';

const CHANGES = 100;
const FOUND = 40;
const BATCHES = 300;

const nearMiss = (findingId: string): NearMiss => {
  const rest = { cluster: 'test', day: '1970-01-01', slot: 'highest', tsMs: 1, score: 2, level: 3, detector: 'd' } as const;
  return { ...rest, findingId, population: 1, weight: 1 };
};

const verdict = (findingId: string): Verdict => {
  const rest = { id: 'v', verdict: 'expected' as const, scope: { cluster: 'test' }, by: 'ann', givenMs: 1, expiresMs: 9e9 };
  return { ...rest, findingId, place: { seq: 1, position: 0 } };
};

it('findings go with their changes under a cap, but for pages, those under review and those with a verdict', async () => {
  const file = join(temporaryFolder(), 'findings.db');
  let n = 0;
  {
    using store = openSqliteStore({ file, bytesMax: 1_500_000 });
    for (let batch = 0; batch < BATCHES; batch++) {
      const changes = Array.from({ length: CHANGES }, () => {
        n += 1;
        const object = state(`k${n % 50}`, String(n), { n, text: `${n * 7919}` });
        return newChange(n <= 50 ? 'ADDED' : 'MODIFIED', object, { observedMs: n });
      });
      const recorded = store.append({ changes });
      const findings = recorded.slice(0, FOUND).map((change): Finding => {
        const page = pageAbout(change);
        const told = batch === 2 && change === recorded[0];
        return told ? { ...page, id: 'paged' } : { ...page, id: `f-${change.seq}`, decision: { verdict: 'record', why: '' } };
      });
      store.commitAnalysis({ findings, ...(batch === 2 ? { nearMisses: [nearMiss(`f-${recorded[1]?.seq}`)] } : {}) });
      if (batch === 2) store.putVerdict(verdict(`f-${recorded[2]?.seq}`));
      for (let slices = 0; slices < 12; slices++) store.maintain({ msMax: 0 });
    }
    while (store.maintain({ msMax: 50 }));
    const [paged, reviewed, said, old, newest] = ['paged', 'f-202', 'f-203', 'f-204', `f-${n - CHANGES + 1}`].map((id) =>
      store.finding(id),
    );
    assert.ok(paged !== undefined && reviewed !== undefined && said !== undefined && newest !== undefined);
    assert.equal(old, undefined, 'of a change of which nothing is kept');
    assert.equal(store.counts().findings, BATCHES * FOUND, 'what was found stays counted');
    assert.ok(store.counts().released > 0);
    const { items } = store.findings({ limit: 100_000 });
    assert.ok(items.length < (BATCHES * FOUND) / 2, `${items.length} findings are kept`);
  }
  assert.deepEqual((await checkDatabase({ file })).problems, []);
  const db = new Database(file, { readonly: true });
  const blocks = db.prepare<[], number>('SELECT count(*) FROM finding_block').pluck().get() as number;
  const used = db
    .prepare<[], number>("SELECT count(DISTINCT data / 1024) FROM finding WHERE typeof(data) = 'integer'")
    .pluck()
    .get();
  db.close();
  assert.equal(blocks, used, 'no block without a finding');
});

it('what was found of changes that are kept stays, also where the clock was set back before them', () => {
  const file = join(temporaryFolder(), 'set-back.db');
  let n = 0;
  const record = (store: SqliteStore, fromMs: number) => {
    const changes = Array.from({ length: CHANGES }, () => {
      n += 1;
      const object = state(`k${n % 50}`, String(n), { n, text: `${n * 7919}` });
      return newChange(n <= 50 ? 'ADDED' : 'MODIFIED', object, { observedMs: fromMs + n });
    });
    const recorded = store.append({ changes });
    store.commitAnalysis({
      findings: recorded.map((change) => ({
        ...pageAbout(change),
        id: `f-${change.seq}`,
        decision: { verdict: 'record', why: '' },
      })),
    });
    for (let slices = 0; slices < 12; slices++) store.maintain({ msMax: 0 });
    return recorded;
  };
  let last: Change[];
  {
    using store = openSqliteStore({ file, bytesMax: 1_500_000 });
    for (let batch = 0; batch < 130; batch++) record(store, 1e12);
    while (store.maintain({ msMax: 50 }));
    last = record(store, 1e12 - 3_600_000);
  }
  using store = openSqliteStore({ file, bytesMax: 1_500_000 });
  while (store.maintain({ msMax: 50 }));
  assert.ok(store.counts().released > 0);
  const kept = last.filter(({ seq }) => store.change(seq) !== undefined);
  assert.ok(kept.length > 0);
  for (const { seq } of kept) assert.notEqual(store.finding(`f-${seq}`), undefined, `of change ${seq}`);
});

/** As many blocks as findings are in. */
function assertNoUnusedBlock(file: string): void {
  const db = new Database(file, { readonly: true });
  const count = (sql: string) => db.prepare<[], number>(sql).pluck().get();
  const used = count("SELECT count(DISTINCT data / 1024) FROM finding WHERE typeof(data) = 'integer'");
  assert.equal(count('SELECT count(*) FROM finding_block'), used, 'no block without a finding');
  db.close();
}

it('a block goes once all its findings were judged again', () => {
  const file = join(temporaryFolder(), 'again.db');
  using store = openSqliteStore({ file });
  const recorded = store.append({ changes: history('orders', [{ v: 1 }, { v: 2 }, { v: 3 }, { v: 4 }, { v: 5 }], 1) });
  const found = (score: number) => recorded.map((change): Finding => ({ ...pageAbout(change), id: `f-${change.seq}`, score }));
  store.commitAnalysis({ findings: found(3) });
  while (store.maintain());
  for (const finding of found(4)) {
    store.commitAnalysis({ findings: [finding] });
    assert.equal(store.finding('f-5')?.score, finding.id === 'f-5' ? 4 : 3);
    assertNoUnusedBlock(file);
  }
});

it('what was found of the last span that is thinned goes with it, not with the next one', () => {
  const file = join(temporaryFolder(), 'last.db');
  using store = openSqliteStore({
    file,
    keepChangesMs: 50_000,
    keepCheckpointsMs: 50_000,
    changesPerSpan: 10,
    changesPerLargeSpan: 10,
  });
  const changes = history(
    'orders',
    Array.from({ length: 200 }, (_, v) => ({ v })),
    1,
  );
  const recorded = changes.flatMap((change) => store.append({ changes: [change] }));
  const findings = recorded.map((change): Finding => {
    return { ...pageAbout(change), id: `f-${change.seq}`, decision: { verdict: 'record', why: '' } };
  });
  store.commitAnalysis({ findings });
  while (store.maintain({ msMax: 0 }));
  const db = new Database(file, { readonly: true });
  const keptFrom = db.prepare<[], number>('SELECT min(ms_min) FROM span WHERE tier < 2').pluck().get() as number;
  const old = db.prepare<[number], string>('SELECT id FROM finding WHERE ts_ms < ?').pluck();
  assert.ok(keptFrom > 100_000, `${keptFrom}`);
  assert.deepEqual(old.all(keptFrom), []);
  db.close();
});

/** As many changes of some objects, judged: each has findings that paged nobody, of the time that `found` says. */
function recordJudged(store: SqliteStore, count: number, found: (change: Change) => number, each = 1): Change[] {
  const from = store.counts().changes;
  const changes = Array.from({ length: count }, (_, i) => {
    const n = from + i + 1;
    const object = state(`k${n % 5}`, String(n), { n, text: `${n * 7919}` });
    return newChange(n <= 5 ? 'ADDED' : 'MODIFIED', object, { observedMs: n });
  });
  const recorded = store.append({ changes });
  for (let n = 0; n < each; n++) {
    const findings = recorded.map((change): Finding => {
      const id = n === 0 ? `f-${change.seq}` : `f-${change.seq}-${n}`;
      return { ...pageAbout(change), id, tsMs: found(change), decision: { verdict: 'record', why: '' } };
    });
    store.commitAnalysis({ findings });
  }
  return recorded;
}

it('what was found while the clock was days ahead goes with its changes too, and nothing of changes that are kept', () => {
  const file = join(temporaryFolder(), 'ahead.db');
  using store = openSqliteStore({ file, bytesMax: 1e9, changesPerSpan: 100, changesPerLargeSpan: 100 });
  const DAY_MS = 86_400_000;
  for (let batch = 0; batch < 20; batch++)
    recordJudged(store, 100, ({ seq }) => (seq > 300 && seq <= 600 ? seq + 3 * DAY_MS : seq));
  while (store.maintain({ msMax: 50 }));
  store.limitBytes(1);
  for (let slices = 0; slices < 200; slices++) store.maintain({ msMax: 0 });
  store.limitBytes(1e9);
  const db = new Database(file, { readonly: true });
  const keptFrom = db.prepare<[], number>('SELECT min(first_seq) FROM span WHERE tier < 2').pluck().get() as number;
  const found = db.prepare<[], string>('SELECT id FROM finding').pluck().all();
  db.close();
  assert.ok(keptFrom > 1_000, `${keptFrom}`);
  const expected = Array.from({ length: 2_001 - keptFrom }, (_, i) => `f-${keptFrom + i}`);
  assert.deepEqual(found.sort(), expected.sort());
});

it('what was found of no change while the clock was days ahead goes too, and none of the time that is kept', () => {
  const file = join(temporaryFolder(), 'silences-ahead.db');
  using store = openSqliteStore({ file, bytesMax: 1e9, changesPerSpan: 100, changesPerLargeSpan: 100 });
  const DAY_MS = 86_400_000;
  for (let batch = 1; batch <= 20; batch++) {
    const recorded = recordJudged(store, 100, ({ seq }) => seq);
    const [last] = recorded.slice(-1) as [Change];
    const tsMs = last.seq + (batch >= 4 && batch <= 6 ? 3 * DAY_MS : 0);
    const decision = { verdict: 'record', why: '' } as const;
    const subject = { type: 'silence' as const, ref: { cluster: 'test', kind: 'Kafka' } };
    store.commitAnalysis({ findings: [{ ...pageAbout(last), id: `silence-${batch}`, tsMs, subject, decision }] });
  }
  while (store.maintain({ msMax: 50 }));
  store.limitBytes(1);
  for (let slices = 0; slices < 200; slices++) store.maintain({ msMax: 0 });
  store.limitBytes(1e9);
  const db = new Database(file, { readonly: true });
  const keptFrom = db.prepare<[], number>('SELECT min(first_seq) FROM span WHERE tier < 2').pluck().get() as number;
  const found = db.prepare<[], string>("SELECT id FROM finding WHERE id LIKE 'silence-%' ORDER BY seq").pluck().all();
  db.close();
  assert.ok(keptFrom > 1_000 && keptFrom < 2_000, `${keptFrom}`);
  const batches = Array.from({ length: 20 }, (_, i) => i + 1).filter((batch) => batch * 100 >= keptFrom);
  assert.deepEqual(
    found,
    batches.map((batch) => `silence-${batch}`),
  );
});

it('there is no room to write while findings can go that make some', () => {
  using store = openSqliteStore({ file: ':memory:', bytesMax: 1e9, changesPerSpan: 400, changesPerLargeSpan: 400 });
  for (let batch = 0; batch < 24; batch++) recordJudged(store, 100, ({ seq }) => seq, 10);
  while (store.maintain({ msMax: 50 }));
  store.limitBytes(store.counts().bytes);
  const fill = () => {
    for (let batch = 0; batch < 100; batch++) recordJudged(store, 100, ({ seq }) => seq);
  };
  assert.throws(fill, (error) => isCrowsnestError(error, 'STORE_FULL'));
  store.limitBytes(1);
  const left = () => store.findings({ limit: 100_000 }).items.length;
  let slices = 0;
  for (; !store.probeWrite(); slices++) {
    assert.ok(slices < 2_000, 'it ends');
    store.maintain({ msMax: 0 });
  }
  assert.ok(slices > 10);
  const once = left();
  while (store.maintain({ msMax: 50 }));
  assert.equal(left(), once, 'none was left that could go');
});
