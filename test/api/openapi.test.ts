/** The document is of OpenAPI 3.1's shape, and every answer, success or problem, is what it says. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { ROUTES } from '../../src/api/routes/all.ts';
import { type SeededApi, startSeededApi } from '../support/seeded-api.ts';

interface Operation {
  operationId: string;
  security?: unknown[];
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  /** One operation each: those of POST are held against the document in openapi-ingest.test.ts. */
  paths: Record<string, { get?: Operation; post?: Operation }>;
  components: { schemas: Record<string, object> };
}

let api: SeededApi;
let document: Document;
let ajv: Ajv2020;

before(async () => {
  api = await startSeededApi();
  document = (await (await fetch(`${api.url}/openapi.json`)).json()) as Document;
  ajv = new Ajv2020({ strict: false, allErrors: true });
  (formats as unknown as (on: Ajv2020) => void)(ajv);
  ajv.addSchema({ $id: 'doc', ...(closed(document) as object) });
});
after(() => api.stop());

/** Clients must ignore unknown members, but we must not send one that is undocumented: every object of fixed members is closed here. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const out = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  return 'properties' in out && 'type' in out && !('additionalProperties' in out) ? { ...out, additionalProperties: false } : out;
}

function errorsOf(path: string, status: number, mediaType: string, value: unknown): string {
  const media = document.paths[path]?.get?.responses[String(status)]?.content[mediaType];
  if (media === undefined) return `${path} ${status} ${mediaType} is not documented`;
  const escaped = (text: string) => text.replaceAll('~', '~0').replaceAll('/', '~1');
  const pointer = ['paths', path, 'get', 'responses', String(status), 'content', mediaType, 'schema'].map(escaped).join('/');
  const validate = ajv.compile({ $ref: `doc#/${encodeURI(pointer).replaceAll('{', '%7B').replaceAll('}', '%7D')}` });
  return validate(value) ? '' : ajv.errorsText(validate.errors);
}

const ORDERS = '/v1/objects/prod-eu/kafka.strimzi.io/Kafka/streaming/orders';
const OBJECT = '/v1/objects/{cluster}/{group}/{kind}/{namespace}/{name}';
/** Route → request → status. Every route must appear, each documented status of the client's own making too. */
const CASES: [route: string, request: string, status: number][] = [
  ['/v1/findings', '/v1/findings', 200],
  ['/v1/findings', '/v1/findings?severity=critical&verdict=page&score=4&kind=Kafka&from=2026-08-01T00:00:00Z', 200],
  ['/v1/findings', '/v1/findings?severity=bad', 400],
  ['/v1/findings/{id}', '/v1/findings/f-listener', 200],
  ['/v1/findings/{id}', '/v1/findings/f-silence', 200],
  ['/v1/findings/{id}', '/v1/findings/f-series', 200],
  ['/v1/findings/{id}', '/v1/findings/nothing', 404],
  ['/v1/findings/{id}', '/v1/findings/f-listener?x=1', 400],
  ['/v1/changes', '/v1/changes?limit=5&kind=Kafka&actor=flux&type=MODIFIED', 200],
  ['/v1/changes', '/v1/changes?path=/spec/kafka/replicas', 200],
  ['/v1/changes', '/v1/changes?limit=0', 400],
  ['/v1/changes/{seq}', '/v1/changes/1?states=both', 200],
  ['/v1/changes/{seq}', '/v1/changes/2', 200],
  ['/v1/changes/{seq}', '/v1/changes/99999', 404],
  ['/v1/changes/{seq}', '/v1/changes/first', 400],
  ['/v1/objects', '/v1/objects?deleted', 200],
  ['/v1/objects', '/v1/objects?at=2026-08-10T00:00:00Z&kind=Kafka', 200],
  ['/v1/objects', '/v1/objects?at=yesterday', 400],
  [OBJECT, ORDERS, 200],
  [OBJECT, '/v1/objects/prod-us/database.example.org/XPostgreSQLInstance/_/ledger', 200],
  [OBJECT, '/v1/objects/prod-eu/_/Kafka/streaming/orders', 404],
  [OBJECT, `${ORDERS}?x=1`, 400],
  ['/v1/controllers', '/v1/controllers', 200],
  ['/v1/controllers', '/v1/controllers?cluster=prod-eu&kind=Kafka', 200],
  ['/v1/controllers', '/v1/controllers?controller=x', 400],
  [`${OBJECT}/events`, `${ORDERS}/events`, 200],
  [`${OBJECT}/events`, `${ORDERS}x/events`, 404],
  [`${OBJECT}/events`, `${ORDERS}/events?from=yesterday`, 400],
  [`${OBJECT}/history`, `${ORDERS}/history?limit=3`, 200],
  [`${OBJECT}/history`, `${ORDERS}x/history`, 404],
  [`${OBJECT}/history`, `${ORDERS}/history?limit=many`, 400],
  [`${OBJECT}/state`, `${ORDERS}/state`, 200],
  [`${OBJECT}/state`, `${ORDERS}/state?at=2026-08-01T00:00:00%2B02:00`, 200],
  [`${OBJECT}/state`, `${ORDERS}/state?at=2020-01-01T00:00:00Z`, 404],
  [`${OBJECT}/state`, `${ORDERS}/state?seq=2`, 400],
  [`${OBJECT}/diff`, `${ORDERS}/diff?from=1&to=1`, 200],
  [`${OBJECT}/diff`, `${ORDERS}/diff?text=true&noise=1`, 200],
  [`${OBJECT}/diff`, `${ORDERS}/diff?from=1&to=2026-08-21T00:00:00Z`, 200],
  [`${OBJECT}/diff`, `${ORDERS}/diff?to=1`, 400],
  [`${OBJECT}/diff`, `${ORDERS}/diff?from=yesterday`, 400],
  [`${OBJECT}/diff`, `${ORDERS}x/diff?from=1&to=1`, 404],
  [`${OBJECT}/blame`, `${ORDERS}/blame`, 200],
  [`${OBJECT}/blame`, `${ORDERS}/blame?at=2026-08-10T00:00:00Z`, 200],
  [`${OBJECT}/blame`, `${ORDERS}/blame?at=2`, 400],
  [`${OBJECT}/blame`, `${ORDERS}x/blame`, 404],
  ['/v1/states', '/v1/states?namespace=streaming&at=2026-08-10T00:00:00Z&limit=1', 200],
  ['/v1/states', '/v1/states?limit=1000', 400],
  ['/v1/changes', '/v1/changes?q=kind:Kafka%20after:2026-08-01', 200],
  ['/v1/changes', '/v1/changes?q=kind', 400],
  ['/v1/changes', '/v1/changes?q=kind:Kafka&continue=abc', 400],
  ['/v1/series', '/v1/series?metric=reconcile_error_share&label=controller=kafka', 200],
  ['/v1/series', '/v1/series?label=controller', 400],
  ['/v1/series/query', '/v1/series/query?selector=reconcile_error_share&function=avg&from=2026-08-01T00:00:00Z', 200],
  ['/v1/series/query', '/v1/series/query?match=name=~"("', 400],
  ['/v1/coverage', '/v1/coverage', 200],
  ['/v1/model/explain', '/v1/model/explain?kind=Kafka&namespace=streaming&name=orders', 200],
  ['/v1/model/explain', '/v1/model/explain?actor=flux', 200],
  ['/v1/model/explain', '/v1/model/explain?kind=Nothing', 404],
  ['/v1/model/explain', '/v1/model/explain', 400],
  ['/v1/model/explain', '/v1/model/explain?kind=Kafka&actor=flux', 400],
  ['/v1/model/explain', '/v1/model/explain?actor=flux&name=orders', 400],
  ['/v1/model/explain', '/v1/model/explain?kind=Kafka&namespace=streaming', 400],
  ['/v1/forecasts', '/v1/forecasts?controller=kafka', 200],
  ['/v1/forecasts', '/v1/forecasts?kind=Kafka', 400],
  ['/v1/model/neural', '/v1/model/neural', 200],
  ['/v1/model/neural', '/v1/model/neural?version=1', 400],
  ['/v1/model/neural/{version}', '/v1/model/neural/1', 200],
  ['/v1/model/neural/{version}', '/v1/model/neural/2', 404],
  ['/v1/model/neural/{version}', '/v1/model/neural/first', 400],
  ['/v1/review', '/v1/review?answered=false', 200],
  ['/v1/review', '/v1/review?answered=perhaps', 400],
  ['/v1/verdicts', '/v1/verdicts?finding=f-listener', 200],
  ['/v1/verdicts', '/v1/verdicts?by=ann', 400],
  ['/v1/masked', '/v1/masked', 200],
  ['/v1/masked', '/v1/masked?kind=Kafka&reason=name', 200],
  ['/v1/masked', '/v1/masked?reason=because', 400],
  ['/v1/gaps', '/v1/gaps', 200],
  ['/v1/gaps', '/v1/gaps?kind=Kafka&of=objects&reason=compacted&from=2026-08-01T00:00:00Z&limit=1', 200],
  ['/v1/gaps', '/v1/gaps?reason=bad', 400],
  ['/v1/stats', '/v1/stats', 200],
  ['/v1/activity', '/v1/activity', 200],
  ['/v1/activity', '/v1/activity?from=2026-08-21T00:00:00Z&to=2026-08-20T00:00:00Z', 400],
  ['/livez', '/livez', 200],
  ['/livez', '/livez?verbose=maybe', 400],
  ['/readyz', '/readyz?verbose', 200],
  ['/metrics', '/metrics', 200],
];

describe('the OpenAPI document', () => {
  it('has the shape of 3.1: paths, operations with unique ids, parameters for every brace, resolvable references', () => {
    assert.match(document.openapi, /^3\.1\.\d+$/);
    assert.ok(document.info.title !== '' && document.info.version !== '');
    const operations = Object.entries(document.paths).map(([path, { get, post }]) => ({
      path,
      operation: (get ?? post) as Operation,
    }));
    const ids = operations.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { path, operation } of operations) {
      const braces = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        inPath.map((parameter) => parameter.name),
        braces,
        path,
      );
      assert.ok(
        inPath.every((parameter) => parameter.required),
        path,
      );
      for (const response of Object.values(operation.responses)) assert.ok(response.description !== '');
    }
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      (match) => match[1] as string,
    );
    for (const name of references) assert.ok(name in document.components.schemas, name);
    assert.ok(references.length > 30);
  });

  it('describes exactly the routes that are served', () => {
    assert.deepEqual(
      Object.keys(document.paths),
      ROUTES.map((route) => route.path),
    );
    const tried = new Set(CASES.map(([route]) => route));
    for (const [path, { get }] of Object.entries(document.paths)) {
      if (get !== undefined) assert.ok(tried.has(path), `${path} has no case here`);
    }
  });

  for (const [route, request, status] of CASES) {
    it(`${request} answers ${status} as documented`, async () => {
      const response = await api.get(request);
      const text = await response.text();
      assert.equal(response.status, status, text);
      const mediaType = response.headers.get('content-type') ?? '';
      const documented = Object.keys(document.paths[route]?.get?.responses[String(status)]?.content ?? {});
      const matching = documented.find((each) => each.split(';')[0] === mediaType.split(';')[0]);
      assert.ok(matching !== undefined, `${mediaType} is none of ${documented}`);
      assert.equal(errorsOf(route, status, matching, route === '/metrics' ? text : JSON.parse(text)), '');
    });
  }

  it('documents 401 on all but the open routes, and that is what they answer', async () => {
    // One of each: strangers are refused 60 times a minute and no more.
    for (const [route, request] of new Map(CASES.map(([path, tried]) => [path, tried]))) {
      const response = await fetch(`${api.url}${request}`);
      const open = document.paths[route]?.get?.security?.length === 0;
      assert.equal(response.status === 401, !open, request);
      if (!open) assert.equal(errorsOf(route, 401, 'application/problem+json', await response.json()), '');
    }
  });

  it('has NDJSON lines that fit their schema', async () => {
    for (const path of ['/v1/findings', '/v1/changes']) {
      const response = await api.get(path, { accept: 'application/x-ndjson' });
      const lines = (await response.text()).trimEnd().split('\n');
      assert.ok(lines.length > 5);
      for (const line of lines) assert.equal(errorsOf(path, 200, 'application/x-ndjson', JSON.parse(line)), '');
    }
  });
});

describe('the check itself', () => {
  it('fails on a missing, a wrong and an undocumented member', async () => {
    const response = await api.get('/v1/findings/f-listener');
    const good = (await response.json()) as Record<string, unknown>;
    assert.equal(response.status, 200, JSON.stringify(good));
    const check = (value: unknown) => errorsOf('/v1/findings/{id}', 200, 'application/json', value);
    assert.equal(check(good), '');
    assert.notEqual(check({ ...good, summary: undefined, score: 'high' }), '');
    assert.notEqual(check({ ...good, extra: 1 }), '');
  });
});
