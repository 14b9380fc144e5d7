/** The chain of an object's changes and the postings, each against going through everything. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import type { Actor } from '../../src/domain/change.ts';
import { openDatabase } from '../../src/store/file/database.ts';
import { ChangeLog, type ChangeRow, nextLinks } from '../../src/store/log/change-log.ts';
import { RUN } from '../../src/store/log/posting-runs.ts';
import { newestInAll, unionOf } from '../../src/store/log/postings.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import type { ChangeQuery } from '../../src/store/store.ts';
import { newChange, state } from './new-changes.ts';

const MIGRATIONS = new URL('../../src/store/migrations/', import.meta.url);
const objectsOfChanges = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 120 });

/** A log of changes of several objects, in which the life is the object. */
function chained(db: Database.Database, objects: readonly number[]): { log: ChangeLog; rows: ChangeRow[] } {
  const log = new ChangeLog(db);
  const marks = new Map<number, number[]>();
  const counts = new Map<number, number>();
  const rows = objects.map((object) => {
    const ordinal = (counts.get(object) ?? 0) + 1;
    counts.set(object, ordinal);
    const { links, marks: ofObject } = nextLinks(marks.get(object) ?? [], ordinal, log.newest() + 1);
    marks.set(object, ofObject);
    const row = {
      lifeId: object + 1,
      flags: 1,
      observedMs: 0,
      rv: 0,
      generation: null,
      actorSetId: 1,
      pathsetId: null,
      ...links,
    };
    const seq = log.add(row);
    assert.deepEqual(log.marks(seq, ordinal), ofObject, 'what is read back is what was kept');
    return { seq, ...row };
  });
  return { log, rows };
}

describe('the chain of an object', () => {
  it('leads to any place in its history', () => {
    fc.assert(
      fc.property(objectsOfChanges, (objects) => {
        const { db, close } = openDatabase({ file: ':memory:' });
        const { log, rows } = chained(db, objects);
        for (const newest of rows) {
          const own = rows.filter(({ lifeId, seq }) => lifeId === newest.lifeId && seq <= newest.seq);
          assert.deepEqual([...log.back(newest.seq, 0)], own.toReversed());
          for (let max = 0; max <= newest.seq; max++) {
            const expected = own.findLast(({ seq }) => seq <= max);
            assert.deepEqual(log.newestUpTo(newest.seq, max), expected, `from ${newest.seq} up to ${max}`);
          }
        }
        close();
      }),
      { numRuns: 30 },
    );
  });

  it('is followed for many objects at once as for each alone, also where a change is no longer kept', () => {
    fc.assert(
      fc.property(objectsOfChanges, fc.nat(), (objects, lost) => {
        const { db, close } = openDatabase({ file: ':memory:' });
        const { log, rows } = chained(db, objects);
        const gone = rows[lost % rows.length] as ChangeRow;
        const next = rows.find(({ lifeId, seq }) => lifeId === gone.lifeId && seq > gone.seq);
        if (next !== undefined) {
          const previous = gone.previous === null ? null : next.seq - gone.seq + gone.previous;
          db.prepare('UPDATE change SET previous = ? WHERE seq = ?').run(previous, next.seq);
        }
        db.prepare('DELETE FROM change WHERE seq = ?').run(gone.seq);
        const seqs = rows.map(({ seq }) => seq).filter((seq) => seq !== gone.seq);
        for (let max = 0; max <= rows.length; max++) {
          const alone = seqs.map((seq) => log.newestUpTo(seq, max)?.seq);
          assert.deepEqual(log.newestSeqsUpTo(seqs, max), alone, `up to ${max} without ${gone.seq}`);
        }
        close();
      }),
      { numRuns: 30 },
    );
  });

  it('is found back in far fewer steps than it is long', () => {
    const { db, close } = openDatabase({ file: ':memory:' });
    const { log } = chained(
      db,
      Array.from({ length: 5_000 }, () => 0),
    );
    let steps = 0;
    const links = db.prepare<[number], { previous: number | null; jump: number | null }>(
      'SELECT previous, jump FROM change WHERE seq = ?',
    );
    for (let at = 5_000; at > 3; steps++) {
      const { previous, jump } = links.get(at) as { previous: number; jump: number | null };
      at -= jump !== null && at - jump >= 3 ? jump : previous;
    }
    assert.ok(steps < 100, `${steps} steps`);
    assert.equal(log.newestUpTo(5_000, 3)?.seq, 3);
    close();
  });

  it('comes out of the migration as appending makes it', () => {
    fc.assert(
      fc.property(objectsOfChanges, (objects) => {
        const old = databaseOfVersion5(objects);
        const { db, close } = openDatabase({ file: old });
        const migrated = db.prepare('SELECT seq, ordinal, previous, jump FROM change ORDER BY seq').all();
        close();
        const fresh = openDatabase({ file: ':memory:' });
        chained(fresh.db, objects);
        assert.deepEqual(migrated, fresh.db.prepare('SELECT seq, ordinal, previous, jump FROM change ORDER BY seq').all());
        fresh.close();
      }),
      { numRuns: 5 },
    );
  });
});

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-chains-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A file as the migrations up to the fifth left it. */
function databaseOfVersion5(objects: readonly number[]): string {
  files += 1;
  const file = join(folder, `old-${files}.db`);
  const db = new Database(file);
  for (const name of readdirSync(MIGRATIONS)
    .filter((one) => one < '0006')
    .sort())
    db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
  db.pragma(`application_id = ${0x43524f57}`);
  db.pragma('user_version = 5');
  for (const object of new Set(objects))
    db.prepare('INSERT INTO life VALUES (?, ?, ?, 1)').run(object + 1, object + 1, `uid-${object}`);
  const add = db.prepare('INSERT INTO change VALUES (?, ?, 33, ?, ?, NULL, 1, NULL)');
  for (const [i, object] of objects.entries()) {
    add.run(i + 1, object + 1, i, i);
    db.prepare('INSERT INTO open_record VALUES (?, ?)').run(i + 1, '{"a":1}');
  }
  db.close();
  return file;
}

describe('positions', () => {
  const descending = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 30 }).map((seqs) => seqs.sort((a, b) => b - a));
  const positionsOf = (seqs: readonly number[]) => ({ upTo: (seq: number) => seqs.find((one) => one <= seq) });
  const walked = (positions: { upTo(seq: number): number | undefined }) => {
    const seqs: number[] = [];
    for (let at = positions.upTo(1_000); at !== undefined; at = positions.upTo(at - 1)) seqs.push(at);
    return seqs;
  };

  it('intersect and unite as sets do', () => {
    fc.assert(
      fc.property(fc.array(descending, { minLength: 1, maxLength: 4 }), (lists) => {
        const every = (lists[0] as number[]).filter((seq) => lists.every((list) => list.includes(seq)));
        const any = [...new Set(lists.flat())].sort((a, b) => b - a);
        const range = { low: 1, high: 1_000 };
        const met = newestInAll(lists.map(positionsOf), range, Number.POSITIVE_INFINITY, () => false);
        assert.deepEqual(met, { seqs: every, next: 0 });
        assert.deepEqual(walked(unionOf(lists.map(positionsOf))), any);
      }),
    );
  });
});

describe('a list of changes', () => {
  const ACTORS: Actor[] = ['ann', 'bob', 'cyn'].map((name) => ({ name, source: 'stream', confidence: 1 }));

  it('is the same from postings, chains and young changes as from going through all', () => {
    using store = openSqliteStore({ file: ':memory:' });
    const states = new Map<string, ReturnType<typeof state>>();
    const total = RUN * 2 + 500;
    for (let n = 1; n <= total; ) {
      const changes = [];
      for (let i = 0; i < 500 && n <= total; i++, n++) {
        const name = `k${(n * 7919) % 97}`;
        const before = states.get(name);
        const object = state(
          name,
          String(n),
          { [`f${n % 5}`]: n },
          { namespace: n % 97 < 9 ? 'rare' : 'streaming', uid: `uid-${name}` },
        );
        if (before?.metadata.namespace !== undefined) object.metadata.namespace = before.metadata.namespace;
        states.set(name, object);
        const actor = ACTORS[n % 1_000 === 0 ? 2 : n % 2] as Actor;
        changes.push(newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, actor, candidates: [actor] }));
      }
      store.append({ changes });
      store.maintain();
    }
    const all = store.changes({ limit: total }).items;
    assert.equal(all.length, total);
    const queries: Partial<ChangeQuery>[] = [
      { actor: 'cyn' },
      { path: '/spec/f3' },
      { namespace: 'rare' },
      { kind: 'Kafka', namespace: 'rare', path: '/spec/f1' },
      { name: 'k13' },
      { name: 'k13', actor: 'bob', path: '/spec/f2' },
      { actor: 'ann', path: '/spec/f4', type: 'MODIFIED' },
      { actor: 'cyn', fromMs: 2_000_000, toMs: 7_000_000 },
      { name: 'k13', toMs: 3_000_000 },
      { kind: 'Kafka', actor: 'nobody' },
      { type: 'DELETED' },
      { kind: 'Kafka', type: 'ADDED' },
    ];
    let stops = 0;
    for (const query of queries) {
      const expected = all.filter(
        (one) =>
          (query.actor ?? one.actor.name) === one.actor.name &&
          (query.path === undefined || one.paths.includes(query.path)) &&
          (query.namespace ?? one.ref.namespace) === one.ref.namespace &&
          (query.name ?? one.ref.name) === one.ref.name &&
          (query.type ?? one.type) === one.type &&
          one.observedMs >= (query.fromMs ?? 0) &&
          one.observedMs <= (query.toMs ?? Number.POSITIVE_INFINITY),
      );
      for (const time of [{}, { msMax: 0 }]) {
        const found = [];
        for (let token: string | undefined; ; ) {
          const page = store.changes({ ...query, ...time, limit: 37, ...(token === undefined ? {} : { continue: token }) });
          found.push(...page.items);
          token = page.continue;
          if (page.stopped !== undefined) {
            stops += 1;
            assert.ok(page.items.length < 37 && page.stopped.seq <= (found.at(-1)?.seq ?? total), 'it says how far it got');
            assert.equal(page.stopped.observedMs, all[total - page.stopped.seq]?.observedMs);
          }
          if (token === undefined) break;
        }
        assert.deepEqual(
          found.map(({ seq }) => seq),
          expected.map(({ seq }) => seq),
          JSON.stringify({ ...query, ...time }),
        );
      }
    }
    assert.ok(stops > queries.length, 'with no time at all each went in pieces');
  });
});
