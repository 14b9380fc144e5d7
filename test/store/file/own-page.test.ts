/** One page of the record itself is overwritten, wherever it is: what lies on it is named, and everything else is answered and recorded. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { newChange, refTo, state } from '../new-changes.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-own-page-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const OBJECTS = 300;
const OPTIONS = {
  changesPerSpan: 32,
  spansPerMerge: 3,
  changesPerLargeSpan: 200,
  bytesPerBlock: 2_000,
  bytesPerLargeBlock: 2_000,
};
const nameOf = (i: number) => `object-of-a-longer-name-${i}`;
const specOf = (i: number, v: number) => ({ i, v, text: `${i * 7919} ${v * 104729}`.repeat(4) });

const WHOLE = join(folder, 'whole.db');
{
  using store = openSqliteStore({ file: WHOLE, ...OPTIONS });
  let rv = 0;
  for (const v of [1, 2])
    for (let i = 0; i < OBJECTS; i++) {
      rv += 1;
      const object = state(nameOf(i), String(rv), specOf(i, v));
      const before = v === 1 ? undefined : state(nameOf(i), '1', specOf(i, 1));
      store.append({ changes: [newChange(v === 1 ? 'ADDED' : 'MODIFIED', object, { before })] });
    }
  while (store.maintain());
}

const db = new Database(WHOLE, { readonly: true });
const size = db.pragma('page_size', { simple: true }) as number;
const leaves = db.prepare<[string], number>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY pageno");
const TABLES = ['head', 'object', 'sqlite_autoindex_object_1', 'life', 'life_by_object', 'block', 'young_record'].map((name) => ({
  name,
  pages: leaves.pluck().all(name),
}));
db.close();
const whole = readFileSync(WHOLE);

function damaged(name: string, page: number, log: string[]): SqliteStore {
  const file = join(folder, `${name}-${page}.db`);
  const bytes = Buffer.from(whole);
  bytes.fill(0xa5, (page - 1) * size, page * size);
  writeFileSync(file, bytes);
  const error = (fields: { where?: string }) => void log.push(String(fields.where));
  return openSqliteStore({ file, ...OPTIONS, logger: { debug() {}, info() {}, warn() {}, error } as never });
}

const names = Array.from({ length: OBJECTS }, (_, i) => nameOf(i));

/** Objects of which the newest state is told, and is the one of this value; those that are told wrongly fail. */
function told(store: SqliteStore, v: number): Set<string> {
  return new Set(
    names.filter((name, i) => {
      const head = store.head(refTo(name));
      if (head !== undefined) assert.deepEqual(head.state.spec, specOf(i, v), name);
      return head !== undefined;
    }),
  );
}

describe('a damaged page of the record costs what lies on it:', () => {
  for (const { name, pages } of TABLES)
    it(`any page of ${name}`, () => {
      assert.ok(pages.length > 0);
      for (const page of pages) {
        const log: string[] = [];
        using store = damaged(name, page, log);
        const whole = told(store, 2);
        assert.ok(whole.size >= OBJECTS / 3, `${whole.size} of page ${page}`);
        assert.ok(whole.size === OBJECTS || log.length > 0, 'named');
        const heads = [...store.heads('test', 'kafka.strimzi.io', 'Kafka')];
        assert.ok(heads.length >= OBJECTS / 3, `${heads.length} heads`);
        assert.equal(store.objects({ limit: 1_000 }).items.length, heads.length);
        for (const object of whole) assert.equal([...store.history(refTo(object))].length, 2);
        // New records would come to lie on that very page.
        if (name === 'young_record') continue;
        const next = names.map((object, i) => {
          return newChange('MODIFIED', state(object, String(10_000 + i), specOf(i, 3)), {
            before: store.head(refTo(object))?.state,
          });
        });
        const heartbeats = names.map((object, i) => {
          return { ref: refTo(object), uid: `uid-${object}`, resourceVersion: String(15_000 + i), observedMs: 15_000_000 + i };
        });
        const recorded = store.append({ changes: next, heartbeats, cursors: { w: '1' } });
        assert.deepEqual(
          recorded.map(({ seq }) => seq),
          recorded.map((_, i) => 2 * OBJECTS + 1 + i),
        );
        assert.equal(store.cursor('w'), '1');
        const known = told(store, 3);
        assert.deepEqual(
          [...known],
          recorded.map(({ ref }) => ref.name),
        );
        const left = store.rejects(1_000).map(({ code, where }) => `${code} ${where}`);
        assert.deepEqual(
          left.sort(),
          names
            .filter((object) => !known.has(object))
            .map((object) => `STORE_CORRUPT Kafka streaming/${object}`)
            .sort(),
        );
        // An object seen for the first time, among those that are known.
        const [first] = [...known];
        const again = newChange('MODIFIED', state(first as string, '20000', specOf(names.indexOf(first as string), 4)), {
          before: store.head(refTo(first as string))?.state,
        });
        const more = store
          .append({ changes: [newChange('ADDED', state('new', '20001', { v: 1 })), again] })
          .map(({ ref }) => ref.name);
        assert.ok(more.includes(first as string));
        if (more.includes('new')) assert.deepEqual(store.head(refTo('new'))?.state.spec, { v: 1 });
        else assert.ok(store.rejects(1).some(({ where }) => where === 'Kafka streaming/new') && log.length > 0, 'or named');
        for (let round = 0; round < 5; round++) store.maintain();
      }
    });
});
