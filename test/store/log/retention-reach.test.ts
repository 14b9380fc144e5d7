/** Whatever retention keeps of an object is reached by its name, explained by its diff, and found whole by the check. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { Change } from '../../../src/domain/change.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { checkDatabase } from '../../../src/store/file/check.ts';
import { DAY_MS } from '../../../src/store/log/retention-plan.ts';
import { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from '../../../src/store/sqlite-store.ts';
import { newChange, refTo, state } from '../new-changes.ts';
import { pageAbout } from '../page-about.ts';

const SPANS = { changesPerSpan: 20, spansPerMerge: 1_000 } satisfies Partial<SqliteStoreOptions>;

class History {
  readonly store: SqliteStore;
  readonly #hoursApart: number;
  readonly #states = new Map<string, KubeObject>();
  #changes = 0;

  constructor(hoursApart: number, options: Partial<SqliteStoreOptions>) {
    this.#hoursApart = hoursApart;
    this.store = openSqliteStore({ file: ':memory:', ...SPANS, ...options });
  }

  /** Writes an object once more, for the first time too, or deletes it. */
  put(name: string, { deleted = false } = {}): Change {
    const n = ++this.#changes;
    const before = this.#states.get(name);
    const object = state(name, String(n), { n, same: 'x'.repeat(50) }, { uid: before?.metadata.uid ?? `uid-${n}` });
    if (deleted) this.#states.delete(name);
    else this.#states.set(name, object);
    const type = deleted ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
    const change = newChange(type, object, { before, observedMs: n * this.#hoursApart * 3_600_000 });
    return this.store.append({ changes: [change] })[0] as Change;
  }

  /** Writes others. */
  fill(changes: number): void {
    for (let i = 0; i < changes; i++) this.put(`other-${i % 5}`);
  }

  upkeep(): void {
    for (let released = -1; released !== this.store.counts().released; ) {
      released = this.store.counts().released;
      this.store.maintain();
    }
  }
}

describe('what retention keeps', () => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-reach-'));
  after(() => rmSync(folder, { recursive: true }));

  it('is reached by name where its object was deleted and made again within one span', () => {
    const history = new History(1, { keepChangesMs: 0, keepCheckpointsMs: 0 });
    using store = history.store;
    history.fill(8);
    history.put('job');
    const flagged = history.put('job');
    history.fill(10);
    for (let lives = 0; lives < 2; lives++) {
      history.put('job', { deleted: true });
      history.fill(4);
      history.put('job');
    }
    history.fill(17);
    history.put('job');
    history.fill(200);
    store.commitAnalysis({ findings: [pageAbout(flagged)] });
    history.upkeep();
    const kept = store.changes({ limit: 10_000 }).items.filter(({ ref }) => ref.name === 'job');
    assert.ok(kept.some(({ seq }) => seq === flagged.seq));
    const listed = store.changes({ name: 'job', limit: 100 }).items;
    assert.deepEqual(listed, kept);
    assert.equal(store.objects({ name: 'job', atMs: flagged.observedMs, limit: 1 }).items[0]?.seq, flagged.seq);
    assert.deepEqual(store.stateAt(refTo('job'), { atMs: flagged.observedMs })?.spec, { n: 10, same: 'x'.repeat(50) });
  });

  it('still says what evidence changed, long after the change before it fell due again', () => {
    const history = new History(6, { keepChangesMs: 10 * DAY_MS, keepCheckpointsMs: 10 * DAY_MS, evidenceShare: 0.1 });
    using store = history.store;
    history.fill(15);
    history.put('victim');
    history.fill(10);
    const flagged = history.put('victim');
    store.commitAnalysis({ findings: [pageAbout(flagged)] });
    for (let round = 0; round < 60; round++) {
      history.fill(20);
      history.upkeep();
      if (round === 20) history.put('victim');
      assert.deepEqual(store.change(flagged.seq)?.diff, flagged.diff, `round ${round}`);
    }
    assert.ok(store.counts().released > 800);
  });

  it('belongs to an object that is known, whenever that was deleted', async () => {
    const file = join(folder, 'deleted.db');
    {
      const history = new History(6, { file, keepChangesMs: 5 * DAY_MS, keepCheckpointsMs: 5 * DAY_MS });
      using store = history.store;
      history.fill(15);
      const made = history.put('job');
      history.fill(10);
      history.put('job', { deleted: true });
      for (let round = 0; round < 60; round++) {
        history.fill(10);
        history.upkeep();
        store.change(made.seq);
      }
      assert.ok(store.counts().released > 400);
      assert.deepEqual(store.changes({ name: 'job', limit: 10 }).items, [], 'nothing stays of it for good');
    }
    const { ok, problems } = await checkDatabase({ file });
    assert.deepEqual([ok, problems], [true, []]);
  });
});
