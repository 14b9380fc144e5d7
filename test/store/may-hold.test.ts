import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '../../src/domain/json.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { history } from './new-changes.ts';

const value = fc.constantFrom('u', 'v', 'w"x', 'é', 0, 1, 12, true);
const item = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), v: value });
const spec = fc.record({
  one: value,
  named: fc.uniqueArray(item, { selector: ({ name }) => name, maxLength: 4 }),
  plain: fc.array(value, { maxLength: 3 }),
});

test('never says that a change cannot hold what a field became, wherever the items of a list went', () => {
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.boolean(), (specs, sealed) => {
      using store = openSqliteStore({ file: ':memory:', changesPerSpan: 4 });
      const changes = store.append({ changes: history('orders', specs as JsonObject[], 10) });
      if (sealed) store.maintain();
      for (const { seq, diff } of changes) {
        for (const { op, path, new: now } of diff) {
          if (op === 'remove') continue;
          const text = typeof now === 'string' ? now : JSON.stringify(now);
          assert.ok(store.mayHold(seq, text), `change ${seq}: ${path} became ${text}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('says so where it is certain', () => {
  using store = openSqliteStore({ file: ':memory:' });
  store.append({
    changes: history(
      'orders',
      [
        { a: 'one', filler: 'x'.repeat(200) },
        { a: 'two', filler: 'x'.repeat(200) },
      ],
      10,
    ),
  });
  assert.equal(store.mayHold(2, 'two'), true);
  assert.equal(store.mayHold(2, 'three'), false);
  assert.equal(store.mayHold(3, 'two'), false);
});
