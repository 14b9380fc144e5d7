import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDatabase } from '../../src/store/file/check.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { temporaryFolder } from '../commands/run-crowsnest.ts';
import { newChange, state } from './new-changes.ts';

const HOUR_MS = 3_600_000;

test('a database whose retention let go of a whole object is sound', async () => {
  const file = join(temporaryFolder(), 'released.db');
  {
    using store = openSqliteStore({ file, changesPerSpan: 16, keepChangesMs: HOUR_MS, keepCheckpointsMs: HOUR_MS });
    const gone = state('gone', '1', { a: 1 });
    store.append({ changes: [newChange('ADDED', gone, { observedMs: 0 })] });
    store.append({ changes: [newChange('DELETED', state('gone', '2', { a: 1 }), { before: gone, observedMs: 1 })] });
    let before: ReturnType<typeof state> | undefined;
    for (let i = 3; i < 300; i++) {
      const kept = state('kept', String(i), { n: i });
      store.append({
        changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', kept, { before, observedMs: i * HOUR_MS })],
      });
      before = kept;
    }
    for (let i = 0; i < 200; i++) store.maintain();
    assert.equal(store.objects({ limit: 10, includeDeleted: true }).items.length, 1, 'the deleted object is let go of');
  }
  const { ok, problems } = await checkDatabase({ file });
  assert.deepEqual(problems, []);
  assert.ok(ok);
});
