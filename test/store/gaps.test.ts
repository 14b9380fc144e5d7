import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Gap } from '../../src/domain/gap.ts';
import { OBJECT_GAPS_MAX } from '../../src/store/gaps.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

test('keeps the newest gaps of objects within a bound, and none of them pushes out that of a kind', () => {
  using store = openSqliteStore({ file: ':memory:' });
  const gap = (name: string, toMs: number): Gap => ({
    ...{
      cluster: 'test',
      group: 'g',
      kind: 'K',
      namespace: '',
      name,
      reason: 'compacted',
      toMs,
      objects: 1,
      generationsSkipped: 0,
    },
  });
  store.append({ changes: [], gaps: [gap('', 1)] });
  const many = Array.from({ length: OBJECT_GAPS_MAX + 300 }, (_, i) => gap(`object-${i}`, 2 + i));
  for (let at = 0; at < many.length; at += 1_000) store.append({ changes: [], gaps: many.slice(at, at + 1_000) });
  assert.equal(store.gaps({ of: 'kinds', limit: 10 }).items.length, 1);
  const kept = store.gaps({ of: 'objects', limit: OBJECT_GAPS_MAX + 1_000 }).items;
  assert.equal(kept.length, OBJECT_GAPS_MAX);
  assert.equal(kept[0]?.name, `object-${many.length - 1}`);
  assert.equal(kept.at(-1)?.name, 'object-300');
});
