/** Asks the API of a running crowsnest. What it refuses becomes the error that it names. */
import type { ObjectList, ObjectRef, Problem } from '../api/answers.ts';
import { CrowsnestError, ERROR_CODES, type ErrorCode } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import type { Options } from '../options.ts';
import { readSecretFile } from '../secrets.ts';
import type { Terminal } from './terminal.ts';

type Query = Record<string, string | undefined>;

const TOKEN_TODO =
  'Put it into CROWSNEST_TOKEN or a file for --token-file; a crowsnest that made one up shows it in the address it prints.';

export interface Asker {
  get<T>(path: string, query?: Query): Promise<T>;
  /** Has something done. */
  post<T>(path: string, query?: Query, body?: object): Promise<T>;
  /** One value a line, as they come. */
  lines<T>(path: string, query?: Query): AsyncGenerator<T>;
}

export function createAsker(options: Options, terminal: Terminal): Asker {
  const token = options.tokenFile === undefined ? terminal.token : readSecretFile(options.tokenFile, '--token-file');
  const ask = async (
    path: string,
    query: Query,
    accept: string,
    how: { method?: 'POST'; body?: object } = {},
  ): Promise<Response> => {
    const url = new URL(options.server);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const headers = { accept, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) };
    let response: Response;
    try {
      response = await fetch(url, {
        method: how.method ?? 'GET',
        headers: how.body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        body: how.body === undefined ? null : JSON.stringify(how.body),
        signal: terminal.signal,
      });
    } catch (error) {
      throw unreachable(options.server, error);
    }
    if (!response.ok) throw await refusal(response, options.server);
    return response;
  };
  const json = async <T>(response: Response): Promise<T> =>
    (await response
      .text()
      .then(parseJson)
      .catch((error: unknown) => Promise.reject(unreachable(options.server, error)))) as T;
  return {
    get: async <T>(path: string, query: Query = {}) => json<T>(await ask(path, query, 'application/json')),
    post: async <T>(path: string, query: Query = {}, body?: object) =>
      json<T>(await ask(path, query, 'application/json', { method: 'POST', ...(body === undefined ? {} : { body }) })),
    async *lines<T>(path: string, query: Query = {}) {
      const response = await ask(path, query, 'application/x-ndjson');
      try {
        for await (const line of linesOf(response)) yield parseJson(line) as T;
      } catch (error) {
        throw unreachable(options.server, error);
      }
    },
  };
}

/** `KIND[.GROUP]/[NAMESPACE/]NAME` → the one object that is meant, deleted ones included. */
export async function findObject(asker: Asker, options: Options, text: string): Promise<{ ref: ObjectRef; path: string }> {
  const [kindAndGroup = '', ...place] = text.split('/');
  const name = place.pop();
  const namespace = place.pop();
  if (kindAndGroup === '' || name === undefined || name === '' || place.length > 0) {
    const what = `"${text}" names no object`;
    const todo = 'Write KIND[.GROUP]/[NAMESPACE/]NAME, such as Kafka/streaming/orders.';
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: 'command line', todo });
  }
  const dot = kindAndGroup.indexOf('.');
  const [kind, group] = dot < 0 ? [kindAndGroup, undefined] : [kindAndGroup.slice(0, dot), kindAndGroup.slice(dot + 1)];
  const asked = { kind, group, namespace, name, cluster: options.cluster, deleted: 'true', limit: '10' };
  const { items } = await asker.get<ObjectList>('/v1/objects', asked);
  const [found, ...others] = items;
  if (found === undefined) {
    const todo = await whatElseIsCalled(name, asker);
    throw new CrowsnestError({ code: 'NOT_FOUND', what: `no ${text} is recorded`, where: options.server, todo });
  }
  if (others.length > 0) {
    const all = items.map(({ ref }) => `${ref.kind}.${ref.group}/${ref.namespace}/${ref.name} in ${ref.cluster}`);
    const todo = `It may be ${all.join(', or ')}: name group and namespace, and the cluster by --cluster.`;
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what: `"${text}" names several objects`, where: 'command line', todo });
  }
  const { ref } = found;
  const parts = [ref.cluster, ref.group || '_', ref.kind, ref.namespace || '_', ref.name];
  return { ref, path: `/v1/objects/${parts.map(encodeURIComponent).join('/')}` };
}

/** A hint for who wrote `kafka` for `Kafka`, or forgot in which namespace it is. */
async function whatElseIsCalled(name: string, asker: Asker): Promise<string> {
  const { items } = await asker.get<ObjectList>('/v1/objects', { name, deleted: 'true', limit: '3' });
  if (items.length === 0) return 'No object of that name is recorded; `crowsnest changes` lists what is.';
  const names = items.map(({ ref }) => `${ref.kind}/${ref.namespace === '' ? '' : `${ref.namespace}/`}${ref.name}`);
  return `Recorded of that name: ${names.join(', ')}. Case counts.`;
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  let rest = '';
  for await (const text of (response.body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

async function refusal(response: Response, server: string): Promise<CrowsnestError> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const { code, detail } = problem;
  if (code === undefined || detail === undefined || !ERROR_CODES.includes(code as ErrorCode))
    return unreachable(server, new Error(`it answered ${response.status}`));
  if (code === 'UNAUTHENTICATED')
    return new CrowsnestError({ code, what: 'crowsnest asks for its token', where: server, todo: TOKEN_TODO });
  return new CrowsnestError({ code, what: detail.replace(/\.$/, ''), where: server });
}

function unreachable(server: string, cause: unknown): CrowsnestError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : undefined;
  const why = inner ?? (cause instanceof Error ? cause.message : String(cause));
  const todo = 'Check --server, and that crowsnest runs there.';
  return new CrowsnestError({
    code: 'SERVER_UNREACHABLE',
    what: `crowsnest does not answer: ${why}`,
    where: server,
    todo,
    cause,
  });
}
