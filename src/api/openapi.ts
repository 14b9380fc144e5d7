/** The OpenAPI 3.1 document, written from the table of routes and the zod schemas. */
import { z } from 'zod';
import type { ErrorCode } from '../domain/errors.ts';
import { JSON_BODY_BYTES_MAX } from './json-body.ts';
import { PROBLEM_STATUS } from './problem.ts';
import type { PushForm, Route } from './route.ts';
import { components } from './schemas/shared.ts';

type Node = Record<string, unknown>;
const PROBLEM = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
const TRACE_HEADERS = {
  'x-request-id': { schema: { type: 'string' }, description: "The caller's, or one made here" },
};

export function openApiDocument(routes: readonly Route[], version: string): Node {
  const paths: Record<string, Node> = {};
  for (const route of routes) paths[route.path] = { [methodOf(route)]: operation(route) };
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Crowsnest',
      version,
      description:
        'Every recorded change of custom resources, and the findings about them. Members may be added; ignore unknown ones.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'The token of the API' },
        ingestKey: { type: 'http', scheme: 'bearer', description: 'A key of ingestKeys; it pushes and reads nothing' },
      },
      schemas: componentSchemas(),
    },
  };
}

export function methodOf(route: Route): 'get' | 'post' {
  return route.push === undefined && !route.acts ? 'get' : 'post';
}

function operation(route: Route): Node {
  const problems: ErrorCode[] = [
    ...route.problems,
    ...(route.open ? [] : (['UNAUTHENTICATED', 'RATE_LIMITED'] as const)),
    'INTERNAL',
  ];
  const responses: Record<string, Node> = { 200: { description: 'OK', headers: TRACE_HEADERS, content: successContent(route) } };
  for (const code of problems) {
    const { status, title } = PROBLEM_STATUS[code] ?? { status: 500, title: code };
    responses[status] = { description: title, headers: TRACE_HEADERS, content: PROBLEM };
  }
  return {
    ...{ operationId: route.id, summary: route.summary, tags: [route.tag] },
    ...(route.description === undefined ? {} : { description: route.description }),
    ...securityOf(route),
    parameters: [
      ...parameters(route.params, 'path'),
      ...parameters(route.query, 'query'),
      ...(route.push?.signature === undefined ? [] : parameters(route.push.signature, 'header')),
    ],
    ...(route.push === undefined ? {} : { requestBody: requestBody(route.push) }),
    ...(route.body === undefined ? {} : { requestBody: jsonBody(route.body) }),
    responses,
  };
}

function securityOf(route: Route): Node {
  if (route.open || route.push?.signature !== undefined) return { security: [] };
  return route.push === undefined ? {} : { security: [{ ingestKey: [] }] };
}

function requestBody({ bodies, bytesMax }: PushForm): Node {
  const content = Object.entries(bodies).map(([mediaType, { schema, description }]) => [
    mediaType,
    { schema: { ...schemaOf(schema), description } },
  ]);
  return { required: true, description: `At most ${bytesMax} bytes, not compressed`, content: Object.fromEntries(content) };
}

function jsonBody(schema: z.ZodObject): Node {
  const json = tidy(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node);
  const description = `At most ${JSON_BODY_BYTES_MAX} bytes, not compressed`;
  return { required: true, description, content: { 'application/json': { schema: json } } };
}

function successContent(route: Route): Node {
  const content: Node = { [route.mediaType]: { schema: schemaOf(route.response) } };
  if (route.export !== undefined) content['application/x-ndjson'] = { schema: schemaOf(route.export.line) };
  return content;
}

/** A registered schema by reference, any other in place. */
function schemaOf(schema: z.ZodType): Node {
  const id = components.get(schema)?.id;
  return id === undefined ? tidy(z.toJSONSchema(schema, { io: 'output' })) : { $ref: `#/components/schemas/${id}` };
}

function parameters(schema: z.ZodObject, place: 'path' | 'query' | 'header'): Node[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const { description, ...inner } = tidy(property as Node);
    // A parameter with several values is given once per value; a single one is simply a list of one.
    const list = Array.isArray(inner.anyOf) ? (inner.anyOf as Node[]).find((option) => option.type === 'array') : undefined;
    return {
      ...{ name, in: place, required: place === 'path' || (json.required ?? []).includes(name) },
      ...(description === undefined ? {} : { description }),
      ...(inner.enum !== undefined && (inner.enum as unknown[]).includes('') ? { allowEmptyValue: true } : {}),
      schema: list ?? inner,
    };
  });
}

function componentSchemas(): Record<string, Node> {
  const { schemas } = z.toJSONSchema(components, { io: 'output', uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, tidy(schema as Node)]));
}

/**
 * Drops what belongs to zod rather than to the contract: the dialect and id of each schema, the long patterns beside
 * `format`, and `additionalProperties: false`, because members may be added later.
 */
function tidy(node: Node): Node {
  return walk(node) as Node;
}

function walk(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(walk);
  if (typeof node !== 'object' || node === null) return node;
  const out: Node = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === '$schema' || key === '$id') continue;
    if (key === 'pattern' && 'format' in node) continue;
    if (key === 'additionalProperties' && value === false) continue;
    if ((key === 'minimum' || key === 'maximum') && Math.abs(value as number) === Number.MAX_SAFE_INTEGER) continue;
    out[key] = walk(value);
  }
  return out;
}
