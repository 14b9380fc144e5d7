/**
 * One route, described once: the router serves it and the OpenAPI document is written from it, so that they cannot disagree.
 * Routes with a `push` are POST and open to ingest keys only; those that act are POST with the token; all others are GET.
 */
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import type { PushReceiver } from '../collector/pushed/push-receiver.ts';
import type { ClusterReach, KindCoverage, SourceReach } from '../collector/source.ts';
import type { Clock } from '../domain/clock.ts';
import { type ErrorCode, isCrowsnestError } from '../domain/errors.ts';
import type { MaskedPlace } from '../domain/masking/mask-ledger.ts';
import type { SchemaBook } from '../domain/schema-book.ts';
import type { ControllerView } from '../domain/series/controller-ties.ts';
import type { Model } from '../model/model.ts';
import type { NeuralPort } from '../model/neural/neural-view.ts';
import type { Analysis } from '../pipeline/analyze.ts';
import type { Feedback } from '../pipeline/feedback.ts';
import type { AsyncStore } from '../store/async-store.ts';
import type { ActivityLog } from './activity.ts';
import type { IngestKey, IngestKind } from './ingest-keys.ts';
import { parseParameters } from './parameters.ts';
import { RequestError } from './problem.ts';

export interface HealthReport {
  live: boolean;
  ready: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
}

/** What handlers read from. */
export interface ApiSources {
  store: AsyncStore;
  activity: ActivityLog;
  coverage: () => KindCoverage[];
  /** The clusters watched live; absent where none is. */
  clusters?: (() => ClusterReach[]) | undefined;
  /** Message brokers and polled lists; absent where there are none. */
  pulled?: (() => SourceReach[]) | undefined;
  /** Controllers and the kinds they are tied to. */
  controllers?: (() => ControllerView[]) | undefined;
  /** What was masked where; never the values. */
  masked?: (() => MaskedPlace[]) | undefined;
  /** The network beside the detectors; absent, or none, where it is off. */
  neural?: (() => NeuralPort | undefined) | undefined;
  maturity: (() => ReturnType<Model['maturity']>) | undefined;
  /** What is usual; absent where there is no model. */
  baselines?: { of: Model['baselines']; like: Model['namesLike'] } | undefined;
  /** How far the model is behind the record; absent where there is none. */
  behind?: (() => ReturnType<Analysis['behind']>) | undefined;
  /** Takes verdicts; absent where nothing is judged. */
  feedback?: Feedback | undefined;
  health: () => HealthReport;
  registry: Registry;
  /** What the kinds' schemas say; absent where nothing is watched. */
  schemas?: SchemaBook | undefined;
  clock: Clock;
  version: string;
  /** Takes what is pushed; absent where no ingest key is configured. */
  receiver?: PushReceiver | undefined;
}

/** How something is pushed to a route. */
export interface PushForm {
  kind: IngestKind;
  /** Media type without parameters → what such a body is. */
  bodies: Record<string, { schema: z.ZodType; description: string }>;
  bytesMax: number;
  /** Headers that authenticate the sender instead of a bearer token. */
  signature?: z.ZodObject;
}

/** A body whose sender may push it. */
export interface Pushed {
  key: IngestKey;
  /** Names in lower case. */
  headers: Record<string, string | undefined>;
  body: Buffer;
}

export interface RouteFields<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType, B extends z.ZodObject> {
  /** With parameters in braces, as OpenAPI writes them. */
  path: string;
  id: string;
  summary: string;
  description?: string;
  tag: string;
  /** Answers without a token. */
  open?: boolean;
  params: P;
  query: Q;
  response: R;
  /** Media type of the answer; application/json unless stated. */
  mediaType?: string;
  problems?: ErrorCode[];
  push?: PushForm;
  /** Does something: POST, with its parameters in path and query, and no body unless one is named. */
  acts?: boolean;
  /** A JSON body, which makes it act: POST by whoever has the token of the API. */
  body?: B;
  /** `pushed` is there on routes with a `push`, and only there. */
  handle(
    input: { params: z.output<P>; query: z.output<Q>; pushed: Pushed | undefined; body: z.output<B> },
    sources: ApiSources,
  ): z.input<R> | Promise<z.input<R>>;
  /** The NDJSON form, for lists that can be exported: one item per line, in pages. */
  export?: { line: z.ZodType; pages(input: { query: z.output<Q> }, sources: ApiSources): AsyncIterable<unknown[]> };
}

/** A route with its types worn off; `handle` and `pages` parse their raw input first. */
export interface Route {
  path: string;
  id: string;
  summary: string;
  description: string | undefined;
  tag: string;
  open: boolean;
  params: z.ZodObject;
  query: z.ZodObject;
  response: z.ZodType;
  mediaType: string;
  problems: ErrorCode[];
  push: PushForm | undefined;
  acts: boolean;
  body: z.ZodObject | undefined;
  handle(
    raw: { params: unknown; query: unknown; pushed?: Pushed | undefined; body?: unknown },
    sources: ApiSources,
  ): Promise<unknown>;
  export: { line: z.ZodType; pages(raw: { query: unknown }, sources: ApiSources): AsyncIterable<unknown[]> } | undefined;
}

export function route<P extends z.ZodObject, Q extends z.ZodObject, R extends z.ZodType, B extends z.ZodObject = z.ZodObject>(
  fields: RouteFields<P, Q, R, B>,
): Route {
  const { path, id, summary, description, tag, params, query, response } = fields;
  const exported = fields.export;
  return {
    ...{ path, id, summary, description, tag, params, query, response },
    open: fields.open ?? false,
    mediaType: fields.mediaType ?? 'application/json',
    problems: fields.problems ?? [],
    push: fields.push,
    acts: fields.acts ?? fields.body !== undefined,
    body: fields.body,
    handle: async (raw, sources) => {
      const input = {
        params: parseParameters(params, raw.params, 'path'),
        query: parseParameters(query, raw.query, 'query'),
        pushed: raw.pushed,
        // Without a schema no handler looks at it.
        body: (fields.body === undefined ? {} : parseParameters(fields.body, raw.body, 'body')) as z.output<B>,
      };
      return namingCursor(raw.query, () => fields.handle(input, sources));
    },
    export:
      exported === undefined
        ? undefined
        : {
            line: exported.line,
            pages: (raw, sources) => exported.pages({ query: parseParameters(query, raw.query, 'query') }, sources),
          },
  };
}

/** A continue token is opaque here and judged by the store; what it says of it is a mistake in that parameter. */
async function namingCursor<T>(query: unknown, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const given = typeof query === 'object' && query !== null && 'continue' in query;
    if (!given || !isCrowsnestError(error, 'REQUEST_INVALID') || error instanceof RequestError) throw error;
    throw new RequestError([
      { in: 'query', name: 'continue', detail: error.todo === undefined ? error.what : `${error.what}. ${error.todo}` },
    ]);
  }
}
