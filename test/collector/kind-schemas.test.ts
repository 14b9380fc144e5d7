import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKindSchemas } from '../../src/collector/watch/kind-schemas.ts';
import type { JsonObject } from '../../src/domain/json.ts';
import { createSchemaBook } from '../../src/domain/schema-book.ts';
import { type KubeClient, KubeStatusError } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { SILENT_LOGGER } from './memory-record.ts';

const kindOf = (group: string, kind: string) => ({
  group,
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
});
const { signal } = new AbortController();

/** Answers by path; a path that is not there is a 404. */
function schemasOf(answers: Record<string, () => JsonObject | Promise<JsonObject>>, waitMs: number) {
  const asked: string[] = [];
  const client = {
    cluster: 'test',
    async request(_: string, path: string) {
      asked.push(path);
      const answer = answers[path];
      if (answer === undefined) throw new KubeStatusError({ status: 404, reason: 'NotFound', message: 'not here' });
      return answer();
    },
  } as unknown as KubeClient;
  const book = createSchemaBook();
  return { asked, book, schemas: createKindSchemas({ client, clock: systemClock, logger: SILENT_LOGGER, book, waitMs }) };
}

const index = (...groups: string[]) => ({
  paths: Object.fromEntries(
    groups.map((group) => [`apis/${group}/v1`, { serverRelativeURL: `/openapi/v3/apis/${group}/v1?hash=1` }]),
  ),
});
const document = (group: string, kind: string): JsonObject => ({
  components: {
    schemas: {
      [kind]: {
        'x-kubernetes-group-version-kind': [{ group, version: 'v1', kind }],
        properties: { spec: { properties: { opaque: { type: 'string', format: 'password' } } } },
      },
    },
  },
});

test('a server that tells no schemas holds no kind back, however long the wait may be', async () => {
  const { schemas, book, asked } = schemasOf({}, 3_600_000);
  await schemas.ready(kindOf('a.test', 'One'), signal);
  assert.equal(book.size, 0);
  assert.deepEqual(asked, ['/openapi/v3']);
});

test('a server that does not answer holds a kind back for the wait and no longer', async () => {
  const { schemas, book } = schemasOf({ '/openapi/v3': () => new Promise(() => {}) }, 20);
  await schemas.ready(kindOf('a.test', 'One'), signal);
  assert.equal(book.size, 0);
});

test('a group whose document fails does not keep the others from theirs', async () => {
  const { schemas, book } = schemasOf(
    {
      '/openapi/v3': () => index('a.test', 'b.test'),
      '/openapi/v3/apis/b.test/v1': () => document('b.test', 'Two'),
    },
    300,
  );
  const failed = schemas.ready(kindOf('a.test', 'One'), signal);
  await schemas.ready(kindOf('b.test', 'Two'), signal);
  assert.ok(book.of('test', { group: 'b.test', kind: 'Two' })?.secrets !== undefined);
  await failed;
  assert.equal(book.size, 1);
});

test('a document is read once until its hash changes', async () => {
  const { schemas, asked } = schemasOf(
    { '/openapi/v3': () => index('b.test'), '/openapi/v3/apis/b.test/v1': () => document('b.test', 'Two') },
    1_000,
  );
  await schemas.ready(kindOf('b.test', 'Two'), signal);
  await schemas.refresh(signal);
  await schemas.refresh(signal);
  assert.equal(asked.filter((path) => path.endsWith('/v1')).length, 1);
});
