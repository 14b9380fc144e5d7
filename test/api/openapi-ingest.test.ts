/** What may be pushed is documented as it is taken: media types, sizes, headers, and each answer. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ROUTES } from '../../src/api/routes/all.ts';
import { admissionReview } from '../support/admission-review.ts';
import { BATCH, binary, knativeEvent, STRUCTURED } from '../support/cloud-events.ts';
import { kafka } from '../support/objects.ts';
import { type PushingApi, startPushingApi } from '../support/pushing-api.ts';

interface Operation {
  security: object[];
  parameters: { name: string; in: string; required: boolean }[];
  requestBody: { required: boolean; description: string; content: Record<string, { schema: { description: string } }> };
  responses: Record<string, { content: Record<string, { schema: object }> }>;
}
interface Document {
  paths: Record<string, { post?: Operation }>;
  components: { schemas: Record<string, object>; securitySchemes: Record<string, object> };
}

const PUSHES = ROUTES.filter((route) => route.push !== undefined);
let api: PushingApi;
let document: Document;
let ajv: Ajv2020;
before(async () => {
  api = await startPushingApi();
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
  ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema({ $id: 'doc', ...document });
});
after(() => api.stop());

function operationOf(path: string): Operation {
  const operation = document.paths[path]?.post;
  assert.ok(operation !== undefined, `${path} has no POST`);
  return operation;
}

function sign(body: string, id: string): Record<string, string> {
  const atS = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', 'a-secret-for-signing').update(`${id}.${atS}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': atS, 'webhook-signature': `v1,${signature}` };
}

const event = JSON.stringify(knativeEvent('e'));
const line = JSON.stringify({ type: 'ADDED', ts: '2026-11-27T08:00:00Z', cluster: 'prod-eu', object: kafka('l', '1', {}) });
const inBinary = binary(knativeEvent('b'));
const auditList = readFileSync(new URL('../../fixtures/audit/event-list.json', import.meta.url), 'utf8');
const review = JSON.stringify(admissionReview({}));
const JSON_BODY = { 'content-type': 'application/json' };
const EVENTS = '/v1/ingest/events';
const AUDIT = '/v1/ingest/audit';
const ADMISSION = '/v1/ingest/admission';
const WEBHOOK = '/v1/ingest/webhook/{name}';
const SIGNING = '/v1/ingest/webhook/signing';
/** Every media type of every route must appear. */
const CASES: [route: string, path: string, body: string, headers: Record<string, string>, status: number][] = [
  [EVENTS, EVENTS, event, STRUCTURED, 200],
  [EVENTS, EVENTS, `[${event},{}]`, BATCH, 200],
  [EVENTS, EVENTS, inBinary.body, inBinary.headers, 200],
  [EVENTS, EVENTS, '[{}]', BATCH, 400],
  [EVENTS, `${EVENTS}?x=1`, event, STRUCTURED, 400],
  [EVENTS, EVENTS, event, { ...STRUCTURED, authorization: 'Bearer nobody' }, 401],
  [EVENTS, EVENTS, event, { ...STRUCTURED, authorization: 'Bearer afar-key-for-tests' }, 403],
  [EVENTS, EVENTS, 'x'.repeat(8 * 1024 * 1024 + 1), STRUCTURED, 413],
  [EVENTS, EVENTS, event, { 'content-type': 'text/plain' }, 415],
  [AUDIT, `${AUDIT}?timeout=30s`, auditList, JSON_BODY, 200],
  [AUDIT, AUDIT, '{"kind":"List"}', JSON_BODY, 400],
  [ADMISSION, `${ADMISSION}?timeout=1s`, review, JSON_BODY, 200],
  [ADMISSION, ADMISSION, '{}', JSON_BODY, 400],
  [WEBHOOK, SIGNING, line, { 'content-type': 'application/x-ndjson', ...sign(line, 'a') }, 200],
  [WEBHOOK, SIGNING, line, { 'content-type': 'application/json', ...sign(line, 'b') }, 200],
  [WEBHOOK, SIGNING, event, { ...STRUCTURED, ...sign(event, 'c') }, 200],
  [WEBHOOK, SIGNING, `[${event}]`, { ...BATCH, ...sign(`[${event}]`, 'd') }, 200],
  [WEBHOOK, SIGNING, line, { 'content-type': 'application/x-ndjson' }, 401],
];

describe('the OpenAPI document of pushes', () => {
  it('has a POST for each route that takes them, and a case here for each of its media types', () => {
    assert.ok(PUSHES.length >= 2);
    for (const route of PUSHES) {
      const { requestBody } = operationOf(route.path);
      assert.deepEqual(Object.keys(requestBody.content), Object.keys(route.push!.bodies));
      assert.match(requestBody.description, new RegExp(`${route.push!.bytesMax} bytes`));
      const tried = CASES.filter(([path, , , , status]) => path === route.path && status === 200).map(
        ([, , , headers]) => headers['content-type']?.split(';')[0],
      );
      for (const mediaType of Object.keys(requestBody.content))
        assert.ok(tried.includes(mediaType), `${route.path} ${mediaType}`);
    }
  });

  it('asks for an ingest key, or for the headers of a signature', () => {
    assert.deepEqual(operationOf(EVENTS).security, [{ ingestKey: [] }]);
    assert.ok('ingestKey' in document.components.securitySchemes);
    const { security, parameters } = operationOf(WEBHOOK);
    assert.deepEqual(security, []);
    const headers = parameters.filter((parameter) => parameter.in === 'header').map(({ name, required }) => [name, required]);
    assert.deepEqual(headers, [
      ['webhook-id', true],
      ['webhook-timestamp', true],
      ['webhook-signature', true],
    ]);
  });

  for (const [route, path, body, headers, status] of CASES) {
    const form = `${headers['content-type']?.split(';')[0]} of ${body.length} bytes`;
    it(`${path} answers ${status} to ${form} as documented`, async () => {
      const response = await api.push(path, body, headers);
      const text = await response.text();
      assert.equal(response.status, status, text);
      const mediaType = (response.headers.get('content-type') ?? '').split(';')[0] ?? '';
      const schema = operationOf(route).responses[String(status)]?.content[mediaType]?.schema;
      assert.ok(schema !== undefined, `${status} ${mediaType} is not documented`);
      const escaped = ['paths', route, 'post', 'responses', String(status), 'content', mediaType, 'schema']
        .map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1')))
        .join('/');
      const validate = ajv.compile({ $ref: `doc#/${escaped}` });
      assert.ok(validate(JSON.parse(text)), ajv.errorsText(validate.errors));
    });
  }
});
