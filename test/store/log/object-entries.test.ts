import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObjectRef } from '../../../src/domain/object-ref.ts';
import { openDatabase } from '../../../src/store/file/database.ts';
import { Interning } from '../../../src/store/log/interning.ts';
import { nameKey } from '../../../src/store/log/object-entries.ts';
import { Objects } from '../../../src/store/log/objects.ts';
import { openSqliteStore } from '../../../src/store/sqlite-store.ts';
import { liveHeapBytes } from '../../support/live-heap.ts';
import { newChange, state } from '../new-changes.ts';

const OBJECTS = 4_500;
const OBJECTS_MAX = 10_000;

describe('the entries of objects', () => {
  it('tell two objects apart whose names have one number', () => {
    using store = openSqliteStore({ file: ':memory:' });
    const [a, b] = twoOfOneKey(newChange('ADDED', state('x', '1', {})).ref);
    for (let round = 1; round <= 4; round++) {
      for (const [i, name] of [a, b].entries()) {
        const before = round === 1 ? undefined : state(name, String(10 * (round - 1) + i), { round: round - 1, i });
        const change = newChange(before === undefined ? 'ADDED' : 'MODIFIED', state(name, String(10 * round + i), { round, i }), {
          before,
        });
        store.append({ changes: [change] });
      }
    }
    for (const [i, name] of [a, b].entries()) {
      const { ref, uid } = newChange('ADDED', state(name, '1', {}));
      const head = store.head(ref);
      assert.equal(head?.uid, uid);
      assert.equal(head.resourceVersion, String(40 + i));
      assert.deepEqual(head.state.spec, { round: 4, i });
      const history = store.changes({ name, limit: 10 }).items;
      assert.deepEqual(
        history.map(({ seq }) => store.change(seq)?.state.spec),
        [4, 3, 2, 1].map((round) => ({ round, i })),
      );
    }
  });

  it('keep no text of the names beside what each has already', () => {
    const { db, close } = openDatabase({ file: ':memory:' });
    const objects = new Objects(db, new Interning(db), OBJECTS_MAX);
    const fixed = {
      cluster: 'production-west-1',
      group: 'kustomize.toolkit.fluxcd.example',
      version: 'v1',
      kind: 'Kustomization',
    };
    const refs = Array.from({ length: OBJECTS }, (_, i) => ({
      ...fixed,
      namespace: 'streaming-platform',
      name: `object-of-a-usual-name-${i}`,
    }));
    const bytes = db.transaction(() => {
      for (const ref of refs.slice(0, 500)) objects.create(ref, 1);
      const before = liveHeapBytes();
      for (const ref of refs.slice(500)) objects.create(ref, 1);
      return (liveHeapBytes() - before) / (OBJECTS - 500);
    })();
    assert.equal(objects.find(refs[700] as ObjectRef)?.ref, refs[700]);
    assert.ok(bytes < 300, `${Math.round(bytes)} bytes for each object`);
    close();
  });
});

/** Two names of objects otherwise alike. */
function twoOfOneKey(ref: ObjectRef): [string, string] {
  const byKey = new Map<number, string>();
  for (let i = 0; ; i++) {
    const name = `object-${i}`;
    const other = byKey.get(nameKey({ ...ref, name }));
    if (other !== undefined) return [other, name];
    byKey.set(nameKey({ ...ref, name }), name);
  }
}
