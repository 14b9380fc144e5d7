/** Rows of `span` are lost: `db repair` tells from the blocks which there were, and nothing takes their place in the meantime. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { repair } from '../../../src/store/file/repair.ts';
import { keyRing, storeKey } from '../../../src/store/seal/store-key.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../../commands/run-crowsnest.ts';
import { readFrom } from '../../support/read-file.ts';
import { newChange, state } from '../new-changes.ts';
import { overwritePages } from '../overwritten-pages.ts';

const folder = temporaryFolder();
const SHAPE = { changesPerSpan: 16, spansPerMerge: 2, changesPerLargeSpan: 128, bytesPerLargeBlock: 1_000, walkCacheBytes: 0 };
const CHANGES = 400;
const DAY_MS = 86_400_000;
const keys = keyRing([storeKey(Buffer.alloc(32, 7))]);

function fill(store: SqliteStore, { changes = CHANGES, everyMs = 1, deletes = false } = {}): void {
  const states = new Map<string, KubeObject>();
  for (let n = 1; n <= changes; n++) {
    const name = `k${n % 7}`;
    const before = states.get(name);
    const object = state(name, String(n), { n, same: 'x'.repeat(200) }, { namespace: `namespace-${n % 3}` });
    // Now and then nothing but the version moves: such a change has no record.
    const quiet = before !== undefined && n % 5 === 0 ? { ...object, spec: before.spec } : object;
    states.set(name, quiet as KubeObject);
    const type = before === undefined ? 'ADDED' : deletes && n > 30 && n < 38 ? 'DELETED' : 'MODIFIED';
    if (type === 'DELETED') states.delete(name);
    store.append({ changes: [newChange(type, quiet as KubeObject, { before, observedMs: n * everyMs })] });
  }
}

type Shape = Partial<Parameters<typeof openSqliteStore>[0]>;

const CASES: Record<string, { shape: Shape; make: (store: SqliteStore) => void }> = {
  'large and small ones': { shape: SHAPE, make: (store) => fill(store) },
  'small ones': { shape: { ...SHAPE, changesPerLargeSpan: 1e9 }, make: (store) => fill(store) },
  'encrypted ones': { shape: { ...SHAPE, keys }, make: (store) => fill(store) },
  'thinned ones': {
    shape: { ...SHAPE, changesPerLargeSpan: 1e9, keepChangesMs: 100 * DAY_MS, keepCheckpointsMs: 200 * DAY_MS },
    make: (store) => fill(store, { everyMs: DAY_MS, deletes: true }),
  },
};

const wholes = Object.fromEntries(
  Object.entries(CASES).map(([what, { shape, make }]) => {
    const file = join(folder, `${what.replaceAll(' ', '-')}.db`);
    using store = openSqliteStore({ file, ...shape });
    make(store);
    for (let rounds = 0; rounds < 40; rounds++) store.maintain();
    return [what, file];
  }),
);

interface Told {
  states: (KubeObject | undefined)[];
  listed: unknown[];
}

/** All that the record says of its changes. */
function toldBy(store: SqliteStore): Told {
  const listed = store.changes({ limit: 10_000 }).items;
  return { listed, states: listed.map(({ seq }) => store.change(seq)?.state) };
}

const LOST: Record<string, string> = {
  all: '1',
  'the newest': 'last_seq = (SELECT max(last_seq) FROM span)',
  'the newest three': 'last_seq IN (SELECT last_seq FROM span ORDER BY last_seq DESC LIMIT 3)',
  'one in the middle': 'last_seq = (SELECT last_seq FROM span ORDER BY last_seq LIMIT 1 OFFSET 1)',
  // Of which anything is kept.
  'the oldest': 'last_seq = (SELECT min(last_seq) FROM span WHERE last_seq >= (SELECT min(seq) FROM change))',
};

function copyOf(what: string, name: string): string {
  const file = join(folder, `${what}-${name}.db`.replaceAll(' ', '-'));
  copyFileSync(wholes[what] as string, file);
  return file;
}

function change(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}

for (const [what, { shape }] of Object.entries(CASES))
  describe(`of ${what}`, () => {
    const file = wholes[what] as string;
    const keysOf = { keys: shape.keys };
    using whole = openSqliteStore({ file, ...shape });
    const before = toldBy(whole);

    it('there are such, and nothing is to be repaired', async () => {
      const tiers = readFrom(file, (db) => db.prepare<[], number>('SELECT DISTINCT tier FROM span ORDER BY 1').pluck().all());
      assert.deepEqual(tiers.length > 1, what === 'thinned ones', `tiers ${tiers}`);
      const same = copyOf(what, 'same');
      assert.deepEqual((await repair({ file: same, ...keysOf })).rebuilt, []);
    });

    for (const [which, where] of Object.entries(LOST))
      it(`rows that are lost are made anew: ${which}`, async () => {
        const hit = copyOf(what, which);
        change(hit, `DELETE FROM span WHERE ${where}`);
        await assertRepaired(hit);
      });

    it('pages that cannot be read are', async () => {
      const hit = copyOf(what, 'page');
      overwritePages(hit, (db) => db.prepare<[], number>("SELECT pageno FROM dbstat WHERE name = 'span'").pluck().all());
      const { repairable, unreadable } = await checkDatabase({ file: hit, ...keysOf });
      assert.deepEqual([repairable, unreadable], [['span'], []]);
      await assertRepaired(hit);
    });

    it('rows that were changed are', async () => {
      const hit = copyOf(what, 'changed');
      change(hit, 'UPDATE span SET first_seq = first_seq + 3 WHERE last_seq = (SELECT max(last_seq) FROM span)');
      await assertRepaired(hit);
    });

    it('what is recorded in the meantime has no span that takes the place of the lost one', async () => {
      const hit = copyOf(what, 'meantime');
      change(hit, `DELETE FROM span WHERE ${LOST['the newest']}`);
      const spans = readFrom(hit, (db) => db.prepare<[], number>('SELECT max(last_seq) FROM span').pluck().get());
      const later = ((before.listed[0] as { seq: number }).seq + 1) * DAY_MS;
      {
        using store = openSqliteStore({ file: hit, ...shape });
        for (let n = 0; n < 60; n++)
          store.append({ changes: [newChange('ADDED', state(`new-${n}`, String(9_000 + n), { n }), { observedMs: later + n })] });
        for (let rounds = 0; rounds < 10; rounds++) store.maintain();
      }
      const lost = readFrom(file, (db) => db.prepare<[], number>('SELECT max(last_seq) FROM span').pluck().get()) as number;
      const begun = readFrom(hit, (db) =>
        db
          .prepare<[number], number>('SELECT min(first_seq) FROM span WHERE last_seq > ?')
          .pluck()
          .get(spans as number),
      );
      assert.equal(begun, lost + 1);
      assert.deepEqual((await repair({ file: hit, ...keysOf })).rebuilt, ['span']);
      assert.deepEqual((await checkDatabase({ file: hit, ...keysOf })).problems, []);
      using store = openSqliteStore({ file: hit, ...shape });
      const { listed, states } = toldBy(store);
      assert.deepEqual(
        states.slice(0, 60).map((one) => one?.spec),
        Array.from({ length: 60 }, (_, n) => ({ n: 59 - n })),
      );
      if (what !== 'thinned ones') assert.deepEqual({ listed: listed.slice(60), states: states.slice(60) }, before);
    });

    async function assertRepaired(hit: string): Promise<void> {
      assert.equal((await checkDatabase({ file: hit, ...keysOf })).ok, false);
      const { rebuilt, lost } = await repair({ file: hit, ...keysOf });
      assert.deepEqual([rebuilt, lost], [['span'], []]);
      assert.deepEqual((await checkDatabase({ file: hit, ...keysOf })).problems, []);
      const ranges = (one: string) =>
        readFrom(one, (db) =>
          db
            .prepare('SELECT last_seq, first_seq, tier, by_namespace FROM span s WHERE block_key IN (SELECT span_seq FROM block)')
            .raw()
            .all(),
        );
      assert.deepEqual(ranges(hit), ranges(file));
      assert.deepEqual((await repair({ file: hit, ...keysOf })).rebuilt, []);
      using store = openSqliteStore({ file: hit, ...shape });
      assert.deepEqual(toldBy(store), before);
      for (let rounds = 0; rounds < 40; rounds++) store.maintain();
      assert.deepEqual(toldBy(store), before);
    }
  });

const COLUMNS = 'namespace_id, resource_id, life_id, seq, data';
const LEFT_BY_MERGE = {
  'before it was done': `INSERT INTO block (span_seq, ${COLUMNS}) SELECT (SELECT -max(span_seq) FROM block), ${COLUMNS} FROM block
    WHERE span_seq > 0 AND id < (SELECT max(id) FROM block WHERE span_seq > 0)`,
  'after it was': `INSERT INTO block (span_seq, ${COLUMNS}) SELECT -span_seq - 16, ${COLUMNS} FROM block
    WHERE id = (SELECT min(id) FROM block WHERE span_seq < 0)`,
};

for (const [when, sql] of Object.entries(LEFT_BY_MERGE))
  it(`blocks of a merge that was broken off ${when} are told from those of spans`, async () => {
    const whole = wholes['large and small ones'] as string;
    const file = copyOf('large and small ones', when);
    change(file, `${sql}; DELETE FROM span`);
    assert.deepEqual((await repair({ file })).rebuilt, ['span']);
    assert.deepEqual((await checkDatabase({ file })).problems, []);
    const keysIn = (one: string) =>
      readFrom(one, (db) =>
        db
          .prepare('SELECT block_key FROM span s WHERE block_key IN (SELECT span_seq FROM block) ORDER BY last_seq')
          .pluck()
          .all(),
      );
    assert.deepEqual(keysIn(file), keysIn(whole));
  });
