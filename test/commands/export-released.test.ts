/** A database of which retention let go of changes is exported as far as it is kept. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { DAY_MS } from '../../src/store/log/retention-plan.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, state } from '../store/new-changes.ts';
import { crowsnest, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const db = join(folder, 'thinned.db');
const NAMES = ['orders', 'bills'];

{
  using store = openSqliteStore({ file: db, changesPerSpan: 8, keepChangesMs: 3 * DAY_MS, keepCheckpointsMs: 8 * DAY_MS });
  const states = new Map<string, KubeObject>();
  for (let n = 1; n <= 600; n++) {
    const name = NAMES[n % 2] as string;
    const before = states.get(name);
    const object = state(name, String(n), { fixed: 1, [`f${Math.floor(n / 2) % 40}`]: n });
    if (before !== undefined) object.spec = { ...(before.spec as object), ...(object.spec as object) };
    states.set(name, object);
    store.append({
      changes: [newChange(before === undefined ? 'ADDED' : 'MODIFIED', object, { before, observedMs: (n * DAY_MS) / 40 })],
    });
  }
  for (let rounds = 0; rounds < 200; rounds++) store.maintain();
  assert.ok(store.counts().released > 300);
}

it('what retention has left is exported, and imported again', async () => {
  const at = join(folder, 'kept');
  using store = openSqliteStore({ file: db });
  const was = store.changes({ limit: 1_000 }).items;
  for (const name of ['kept.ndjson', 'kept.csv']) {
    const { code, err } = await crowsnest(['db', 'export', join(folder, name), '--db', db]);
    assert.equal(code, 0, err);
    assert.match(err, new RegExp(`^${was.length} changes exported`, 'm'));
  }
  const { code, out } = await crowsnest(['db', 'import', `${at}.ndjson`, '--db', `${at}.db`]);
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^${was.length} changes imported, 0 were there already, 0 were older`));
  using copy = openSqliteStore({ file: `${at}.db` });
  const is = copy.changes({ limit: 1_000 }).items;
  const versions = (items: typeof is) => items.map(({ ref, resourceVersion }) => `${ref.name} ${resourceVersion}`);
  assert.deepEqual(versions(is), versions(was));
  for (const [i, { seq }] of is.entries()) assert.deepEqual(copy.change(seq)?.state, store.change(was[i]?.seq ?? 0)?.state);
});
