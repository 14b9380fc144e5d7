import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { Finding } from '../../../src/domain/finding.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { openSqliteReader, openSqliteStore } from '../../../src/store/sqlite-store.ts';
import type { FindingQuery, Store } from '../../../src/store/store.ts';
import { openMemoryStore } from '../../support/memory-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-findings-'));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const newFile = () => join(folder, `${files++}.db`);

function findingOf(n: number): Finding {
  const verdict = n % 7 === 0 ? 'page' : 'record';
  return {
    ...{ id: `id-${String(n).padStart(4, '0')}`, tsMs: 1_000 + Math.floor(n / 3) * 10, cluster: 'c', detector: `d${n % 2}` },
    ...{ score: n % 5, severity: 'warning', decision: { verdict, why: 'why' }, episode: `e${Math.floor(n / 40)}` },
    subject: { type: 'change', seq: n + 1, ref: { cluster: 'c', kind: 'Kafka', namespace: `n${n % 3}`, name: `k${n % 4}` } },
    summary: `Kafka k${n % 4} was changed, which line\nbreaks and ünicode do not disturb`,
  } as unknown as Finding;
}

const QUERIES: Omit<FindingQuery, 'limit'>[] = [
  {},
  { verdict: 'page' },
  { detector: 'd1', scoreMin: 2 },
  { kind: 'Kafka', namespace: 'n1', name: 'k2' },
  { fromMs: 1_050, toMs: 1_200 },
  { cluster: 'other' },
];

function allPages(store: Pick<Store, 'findings'>, query: Omit<FindingQuery, 'limit'>, limit: number): Finding[] {
  const all: Finding[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: ReturnType<Store['findings']> = store.findings({ ...query, limit, ...(next === '' ? {} : { continue: next }) });
    all.push(...page.items);
    next = page.continue;
  }
  return all;
}

describe('findings', () => {
  it('are listed the same whether young, filed, replaced, or some of each, and after a restart', () => {
    const step = fc.record({
      ids: fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 25 }),
      score: fc.integer({ min: 0, max: 5 }),
      next: fc.constantFrom('nothing', 'maintain', 'reopen'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 30 }), (steps, limit) => {
        const file = newFile();
        const memory = openMemoryStore();
        let store = openSqliteStore({ file });
        for (const { ids, score, next } of steps) {
          const findings = ids.map((n) => ({ ...findingOf(n), score }));
          for (const one of [store, memory]) one.commitAnalysis({ findings });
          if (next === 'maintain') store.maintain();
          if (next !== 'reopen') continue;
          store.close();
          store = openSqliteStore({ file });
        }
        const beside = openSqliteReader({ file });
        for (const query of QUERIES) {
          const wanted = allPages(memory, query, 1_000);
          for (const one of [store, beside]) assert.deepEqual(allPages(one, query, limit), wanted);
        }
        for (const n of [0, 7, 60, 120])
          for (const one of [store, beside]) {
            assert.deepEqual(one.finding(findingOf(n).id), memory.finding(findingOf(n).id));
            assert.equal(one.hasFinding(findingOf(n).id), memory.hasFinding(findingOf(n).id));
          }
        const { findings, pages } = memory.counts();
        assert.deepEqual([store.counts().findings, store.counts().pages], [findings, pages]);
        beside.close();
        store.close();
      }),
      { numRuns: 40 },
    );
  });

  it('share blocks once filed, in a fraction of the bytes of their texts', () => {
    const file = newFile();
    const store = openSqliteStore({ file });
    const findings = Array.from({ length: 600 }, (_, n) => findingOf(n));
    for (let n = 0; n < findings.length; n += 50) store.commitAnalysis({ findings: findings.slice(n, n + 50) });
    store.maintain();
    assert.deepEqual(
      findings.map(({ id }) => store.finding(id)),
      findings,
    );
    store.close();
    const db = new Database(file, { readonly: true });
    const texts = findings.reduce((sum, finding) => sum + JSON.stringify(finding).length, 0);
    const blocks = db.prepare<[], number>('SELECT sum(length(data)) FROM finding_block').pluck().get() as number;
    assert.equal(db.prepare('SELECT count(*) FROM finding_young').pluck().get(), 0);
    assert.ok(blocks * 10 < texts, `${texts} bytes of text are ${blocks} in blocks`);
    db.close();
  });

  it('are not half stored where the transaction fails', () => {
    const file = newFile();
    const store = openSqliteStore({ file });
    store.commitAnalysis({ findings: [findingOf(1)] });
    const unwritable = { key: 'x', value: Symbol('no value of a column') } as unknown as Record<string, string>;
    assert.throws(() => store.commitAnalysis({ findings: [findingOf(2)], state: unwritable }));
    assert.deepEqual(allPages(store, {}, 10), [findingOf(1)]);
    assert.equal(store.counts().findings, 1);
    store.close();
  });

  it('in a damaged block are named by the check, and cost no others', async () => {
    const file = newFile();
    const store = openSqliteStore({ file });
    store.commitAnalysis({ findings: Array.from({ length: 10 }, (_, n) => findingOf(n)) });
    store.maintain();
    store.commitAnalysis({ findings: [findingOf(20)] });
    store.close();
    const db = new Database(file);
    db.exec("UPDATE finding_block SET data = x'00'");
    db.close();
    const report = await checkDatabase({ file });
    assert.equal(report.ok, false);
    assert.match(JSON.stringify(report), /finding 1/);
    const again = openSqliteStore({ file });
    assert.deepEqual(again.finding(findingOf(20).id), findingOf(20));
    assert.throws(() => again.finding(findingOf(3).id), { code: 'STORE_CORRUPT' });
    again.close();
  });
});
