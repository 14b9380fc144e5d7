import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKindSchema } from '../../src/domain/kind-schema.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createMaskingBook } from '../../src/pipeline/masking-book.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const hash = keyedHash(Buffer.alloc(32, 5));
const KIND = { cluster: 'test', group: 'example.test', kind: 'Widget' };
const schema = readKindSchema({ properties: { spec: { properties: { opaque: { type: 'string', format: 'password' } } } } });

const object = (rv: number, spec: object): KubeObject =>
  ({
    ...{ apiVersion: 'example.test/v1', kind: 'Widget', spec },
    metadata: { name: 'one', namespace: 'team', uid: 'u', resourceVersion: String(rv) },
  }) as unknown as KubeObject;
const seen = (rv: number, spec: object, origin: 'watch' | 'relist' = 'watch') => ({
  ...{ cluster: 'test', type: 'MODIFIED' as const, observedMs: rv, origin, object: object(rv, spec) },
});

test('what the schema calls a password is masked from the moment it is known, and listed', () => {
  const store = openSqliteStore({ file: ':memory:' });
  const schemas = createSchemaBook();
  const masking = createMaskingBook({ store, schemas });
  const ingest = createIngest({ store, hash, masking });
  ingest.record({ observations: [seen(1, { opaque: 'plain words', password: 'one two' })] });
  schemas.learn('test', KIND, schema);
  const { changes } = ingest.record({ observations: [seen(2, { opaque: 'other words', password: 'one two' })] });
  assert.match(JSON.stringify(changes[0]?.state.spec), /"opaque":"masked:[0-9a-f]{16}"/);
  assert.deepEqual(
    masking.places().map(({ path, reason, count, lastMs }) => [path, reason, count, lastMs]),
    [
      ['/spec/opaque', 'schema', 1, 2],
      ['/spec/password', 'name', 2, 2],
    ],
  );
  masking.save(1);
  assert.deepEqual(createMaskingBook({ store }).places(), masking.places());
  store.close();
});

test('a rule that comes later, or that goes, is no change of what was recorded before', () => {
  const store = openSqliteStore({ file: ':memory:' });
  const schemas = createSchemaBook();
  const ingest = createIngest({ store, hash, masking: createMaskingBook({ store, schemas }) });
  ingest.record({ observations: [seen(1, { opaque: 'plain words', size: 1 })] });
  schemas.learn('test', KIND, schema);
  const again = ingest.record({ observations: [seen(1, { opaque: 'plain words', size: 1 }, 'relist')] });
  assert.deepEqual([again.changes.length, again.repeats], [0, 1]);
  const { changes } = ingest.record({ observations: [seen(2, { opaque: 'plain words', size: 2 })] });
  assert.deepEqual(
    changes[0]?.diff.map(({ path }) => path),
    ['/spec/size'],
  );
  assert.match(JSON.stringify(store.head(changes[0]?.ref as never)?.state), /"opaque":"masked:/);
  schemas.learn('test', KIND, readKindSchema({}));
  const after = ingest.record({ observations: [seen(3, { opaque: 'plain words', size: 3 })] });
  assert.deepEqual(
    after.changes[0]?.diff.map(({ path }) => path),
    ['/spec/size'],
  );
  store.close();
});
