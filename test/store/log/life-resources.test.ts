import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openDatabase } from '../../../src/store/file/database.ts';
import { LifeResources } from '../../../src/store/log/life-resources.ts';

describe('LifeResources', () => {
  it('says of which resource and in which namespace a life is, and after a life was removed what its id then means', (t) => {
    const { db, close } = openDatabase({ file: ':memory:' });
    t.after(close);
    const addObject = db.prepare('INSERT INTO object (id, resource_id, namespace_id, name) VALUES (?, ?, ?, ?)');
    const addLife = db.prepare("INSERT INTO life (id, object_id, uid, version_id) VALUES (?, ?, 'u', 1)");
    db.pragma('foreign_keys = OFF');
    addObject.run(1, 7, 3, 'one');
    addObject.run(2, 8, 4, 'two');
    addLife.run(1, 1);
    addLife.run(5_000, 2);
    const resources = new LifeResources(db);
    for (const _ of ['looked up', 'known']) {
      assert.equal(resources.of(1), 7);
      assert.equal(resources.of(5_000), 8);
      assert.deepEqual(
        [1, 5_000, 2].map((id) => resources.namespaceOf(id)),
        [3, 4, undefined],
      );
      assert.equal(resources.of(2), undefined);
    }
    db.prepare('DELETE FROM life WHERE id = 5000').run();
    addLife.run(5_000, 1);
    resources.forget();
    assert.equal(resources.of(5_000), 7);
    assert.equal(resources.namespaceOf(5_000), 3);
  });
});
