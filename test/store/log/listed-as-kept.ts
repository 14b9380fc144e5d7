import assert from 'node:assert/strict';
import type { Change } from '../../../src/domain/change.ts';
import type { SqliteStore } from '../../../src/store/sqlite-store.ts';

/** A filter by name finds what is kept of each object, newest first, and nothing else. `kept` are the numbers of the changes that are. */
export function assertListedAsKept(store: SqliteStore, recorded: readonly Change[], kept: { has(seq: number): boolean }): void {
  for (const [name, own] of Map.groupBy(recorded, ({ ref }) => ref.name)) {
    const listed = store.changes({ name, limit: 1_000 }).items.map(({ seq }) => seq);
    const expected = own.map(({ seq }) => seq).filter((seq) => kept.has(seq));
    assert.deepEqual(listed, expected.toReversed(), name);
  }
}
