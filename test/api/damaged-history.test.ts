/** The history of an object says how many changes its answer leaves out, as they cannot be read. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { z } from 'zod';
import type { ApiSources } from '../../src/api/route.ts';
import { getObjectHistory } from '../../src/api/routes/objects.ts';
import type { ChangeList } from '../../src/api/schemas/changes.ts';
import { asAsync } from '../../src/store/async-store.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { history, refTo } from '../store/new-changes.ts';

for (const lost of [[], [3, 2]])
  it(`of ${lost.length} changes`, async () => {
    using store = openSqliteStore({ file: ':memory:' });
    store.append({ changes: history('orders', [{ a: 1 }], 1) });
    const asked = new Proxy(asAsync(store), {
      get: (target, name) => (name === 'changes' ? async () => ({ items: [], lost }) : Reflect.get(target, name)),
    });
    const { cluster, group, kind, namespace, name } = refTo('orders');
    const request = { params: { cluster, group, kind, namespace, name }, query: {} };
    const answer = await getObjectHistory.handle(request as never, { store: asked } as unknown as ApiSources);
    const { metadata } = answer as z.input<typeof ChangeList>;
    assert.equal(metadata.damaged, lost.length === 0 ? undefined : 2);
  });
