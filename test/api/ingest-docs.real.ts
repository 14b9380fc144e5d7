/** The examples of docs/ingest.md, run by a shell as a reader would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { GITOPS, KEYS, type PushingApi, startPushingApi } from '../support/pushing-api.ts';
import { skipWithout } from '../support/skip-real.ts';

const SECRET = 'a-secret-for-the-docs';
const DOC = readFileSync(new URL('../../docs/ingest.md', import.meta.url), 'utf8');
const EXAMPLES = [...DOC.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);

describe('the examples of docs/ingest.md', { skip: skipWithout('curl', 'openssl') }, () => {
  let api: PushingApi;
  const answers: Record<string, unknown>[] = [];
  before(async () => {
    const forge = { ...KEYS.find(({ name }) => name === 'signing')!, name: 'forge', hmacSecret: Buffer.from(SECRET) };
    api = await startPushingApi({ keys: [...KEYS, forge] });
  });
  after(() => api?.stop());

  it('all work, one after the other', async () => {
    assert.equal(EXAMPLES.length, 4);
    const env = { PATH: process.env.PATH, CROWSNEST: api.url, KEY: GITOPS.slice('Bearer '.length), SECRET };
    for (const example of EXAMPLES) {
      const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', example], { env });
      answers.push(JSON.parse(stdout));
    }
    assert.deepEqual(
      answers.map(({ accepted, rejectedCount }) => [accepted, rejectedCount]),
      [
        [1, 0],
        [1, 0],
        [1, 1],
        [1, 0],
      ],
    );
    const changes = api.store.changes({ limit: 10 }).items.reverse();
    assert.deepEqual(
      changes.map(({ type, ref, resourceVersion }) => `${type} ${ref.cluster} ${ref.kind} ${ref.name} ${resourceVersion}`),
      [
        'ADDED prod-eu Kafka orders 1042',
        'ADDED prod-eu KafkaTopic payments 1043',
        'DELETED prod-eu KafkaTopic payments 1050',
        'MODIFIED prod-eu Kafka orders 1060',
      ],
    );
  });

  it('show the answer that is given', () => {
    const shown = /^```json\n(.*)\n```$/m.exec(DOC)?.[1] ?? '';
    assert.deepEqual(answers[0], JSON.parse(shown));
  });

  it('state the limits that hold', async () => {
    const { ROUTES } = await import('../../src/api/routes/all.ts');
    const mebibytes = (path: string) => ROUTES.find((route) => route.path === path)!.push!.bytesMax / 1024 / 1024;
    assert.match(DOC, new RegExp(`up to ${mebibytes('/v1/ingest/events')} MiB and 10,000 events`));
    assert.match(DOC, new RegExp(`audit webhook; up to ${mebibytes('/v1/ingest/audit')} MiB`));
    const { BODY_LIMITS } = await import('../../src/api/pushed-body.ts');
    assert.match(
      DOC,
      new RegExp(`more than ${BODY_LIMITS.bodiesMax} bodies or ${BODY_LIMITS.bytesMax / 1024 / 1024} MiB under way`),
    );
    assert.match(DOC, new RegExp(`longer than ${BODY_LIMITS.receiveMsMax / 1000} s`));
  });
});
