/** What a namespace held at a time, where many objects come and go: those that were gone by then or came later are not looked at, and no other is missed. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createRandom } from '../../../src/demo/random.ts';
import type { KubeObject } from '../../../src/domain/object-ref.ts';
import { openSqliteStore, type SqliteStore } from '../../../src/store/sqlite-store.ts';
import type { NewChange, ObjectQuery } from '../../../src/store/store.ts';
import { newChange, state } from '../new-changes.ts';

const CHANGES = 3_000;
const LIVE_MAX = 30;
const NAMESPACES = ['streaming', 'staging'];
const QUERIES: Partial<ObjectQuery>[] = [
  { namespace: 'streaming' },
  { namespace: 'streaming', includeDeleted: true },
  { namespace: 'streaming', kind: 'Kafka', limit: 7 },
  { limit: 11 },
];

/** Objects made, changed, deleted, and now and then made again under a name that was there before; the clock goes back at times. */
function* turnover(seed: string): Generator<NewChange> {
  const random = createRandom(seed);
  const live = new Map<string, KubeObject>();
  const gone: string[] = [];
  for (let n = 1; n <= CHANGES; n++) {
    const isNew = live.size === 0 || (live.size < LIVE_MAX && random.int(0, 2) > 0);
    const known = isNew ? undefined : random.pick([...live.keys()]);
    const name = known ?? (gone.length > 0 && random.int(0, 5) === 0 ? random.pick(gone) : `k${n}`);
    const before = live.get(name);
    const namespace = NAMESPACES[name.length % 2] as string;
    const uid = before?.metadata.uid ?? `uid-${n}`;
    const object = state(name, String(n), { n }, { namespace, uid });
    const deleted = before !== undefined && random.int(0, 2) > 0;
    if (deleted) {
      live.delete(name);
      gone.push(name);
    } else live.set(name, object);
    const type = deleted ? 'DELETED' : before === undefined ? 'ADDED' : 'MODIFIED';
    yield newChange(type, object, { before, observedMs: n * 1_000 - (random.int(0, 20) === 0 ? 30_000 : 0) });
  }
}

function listed(store: SqliteStore, query: Partial<ObjectQuery>): string[] {
  const found: string[] = [];
  for (let position: string | undefined; ; ) {
    const page = store.objects({ limit: 100, ...query, ...(position === undefined ? {} : { continue: position }) });
    found.push(...page.items.map(({ ref, seq, deleted }) => `${ref.name} ${seq}${deleted ? ' deleted' : ''}`));
    position = page.continue;
    if (position === undefined) return found.sort();
  }
}

function expected(changes: readonly NewChange[], atMs: number, { namespace, includeDeleted }: Partial<ObjectQuery>): string[] {
  const newest = new Map<string, string>();
  for (const [i, { ref, type, observedMs }] of changes.entries()) {
    if (observedMs > atMs || (namespace !== undefined && ref.namespace !== namespace)) continue;
    if (type === 'DELETED' && includeDeleted !== true) newest.delete(ref.name);
    else newest.set(ref.name, `${ref.name} ${i + 1}${type === 'DELETED' ? ' deleted' : ''}`);
  }
  return [...newest.values()].sort();
}

for (const [what, options] of [
  ['head rows written at once', { behindMax: 1, savedAtOnce: 1_000 }],
  ['head rows written late', { behindMax: 400, savedAtOnce: 3 }],
  ['no head row written', { behindMax: 100_000 }],
] as const)
  it(`lists what was there at any time: ${what}`, () => {
    using store = openSqliteStore({ file: ':memory:', changesPerSpan: 64, changesPerNewestMark: 300, ...options });
    const changes = [...turnover(what)];
    for (let from = 0; from < CHANGES; from += 10) {
      store.append({ changes: changes.slice(from, from + 10) });
      // A step at a time, so that some are half made when they are asked.
      store.maintain({ msMax: 0 });
      if (from % 170 === 0) check(store, changes.slice(0, from + 10));
    }
    store.maintain();
    check(store, changes);
  });

function check(store: SqliteStore, changes: readonly NewChange[]): void {
  for (let atMs = 0; atMs < changes.length * 1_000 + 90_000; atMs += 197_000)
    for (const query of QUERIES)
      assert.deepEqual(listed(store, { ...query, atMs }), expected(changes, atMs, query), `${JSON.stringify(query)} at ${atMs}`);
}
