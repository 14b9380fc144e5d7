/** A database of which retention let go of changes is exported as far as it is kept. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { DAY_MS } from '../../src/store/log/retention-plan.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, refTo, state } from '../store/new-changes.ts';
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

function told(store: SqliteStore) {
  const changes = store.changes({ limit: 1_000 }).items;
  const rv = new Map(changes.map(({ seq, resourceVersion }) => [seq, resourceVersion]));
  const blame = (name: string) =>
    Object.fromEntries(
      (store.blame(refTo(name)) ?? { fields: [] }).fields.map(({ path, seq, notAfter }) => [
        path,
        seq === undefined ? `by ${rv.get(notAfter ?? 0)}` : rv.get(seq),
      ]),
    );
  return { changes, blame: NAMES.map(blame) };
}

async function imported(filter: string[] = []): Promise<SqliteStore> {
  const at = join(folder, `copy-${filter.length}`);
  const made = await crowsnest(['db', 'export', `${at}.ndjson`, '--db', db, ...filter]);
  assert.equal(made.code, 0, made.err);
  assert.equal((await crowsnest(['db', 'import', `${at}.ndjson`, '--db', `${at}.db`])).code, 0);
  return openSqliteStore({ file: `${at}.db` });
}

it('in an import changes stand for others as they did, and blame is as sure', async () => {
  using store = openSqliteStore({ file: db });
  using copy = await imported();
  const [was, is] = [told(store), told(copy)];
  const oldest = new Set(NAMES.map((name) => was.changes.findLast(({ ref }) => ref.name === name)?.resourceVersion));
  const signs = ({ changes }: typeof was) =>
    changes.map(({ resourceVersion, checkpoint }) => `${resourceVersion} ${checkpoint === true || oldest.has(resourceVersion)}`);
  assert.ok(was.changes.some(({ checkpoint }) => checkpoint) && was.changes.some(({ checkpoint }) => !checkpoint));
  assert.deepEqual(signs(is), signs(was));
  for (const resourceVersion of oldest)
    assert.equal(is.changes.find((one) => one.resourceVersion === resourceVersion)?.checkpoint, true);
  // What a mark of the original knows of changes that are gone, and what its oldest change touched, is not in the import.
  const oldestOf = (name: string) => was.changes.findLast(({ ref }) => ref.name === name)?.resourceVersion;
  const bounded = (by: string | undefined, name: string) =>
    by === undefined || by === oldestOf(name) ? `by ${oldestOf(name)}` : by;
  const expected = was.blame.map((fields, i) =>
    Object.fromEntries(Object.entries(fields).map(([path, by]) => [path, bounded(by, NAMES[i] as string)])),
  );
  assert.deepEqual(is.blame, expected);
  assert.ok(is.blame.some((fields) => Object.values(fields).some((by) => by?.startsWith('by '))));
});

it('what a filter leaves out is stood for by the change after it', async () => {
  using store = openSqliteStore({ file: db });
  using copy = await imported(['--filter', 'path:spec.f5']);
  const changes = copy.changes({ limit: 1_000 }).items;
  assert.ok(changes.length > 2 && changes.length < store.changes({ limit: 1_000 }).items.length);
  assert.ok(changes.every(({ checkpoint }) => checkpoint === true));
});
