/**
 * The KubeClient over HTTP. Each request takes its credentials afresh; how many of them share a connection is the transport's business.
 */
import { CrowsnestError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject, parseJson } from '../domain/json.ts';
import type { ConnectOptions } from './connect-options.ts';
import { type Credentials, loadCredentials } from './credentials.ts';
import type { Liveness } from './http2-connection.ts';
import { type KubeClient, type KubeRequest, KubeStatusError, type KubeStream } from './kube-client.ts';
import { statusError, statusOfAnswer } from './kube-status.ts';
import { NegotiatedTransport } from './negotiated-transport.ts';
import type { TransportAnswer, TransportCounts } from './transport.ts';
import { unreachable } from './unreachable.ts';

export interface HttpKubeClientOptions {
  /** How long to wait for an answer to begin. */
  answerTimeoutMs?: number;
  /** Largest body of a small request. */
  bodyBytesMax?: number;
  /** When a shared connection is taken for dead. */
  liveness?: Liveness;
}

const USER_AGENT = 'crowsnest';

/** Reads the configuration; makes no connection. Throws KUBECONFIG_INVALID. */
export async function connectKube(options: ConnectOptions = {}, limits: HttpKubeClientOptions = {}): Promise<KubeClient> {
  return createHttpKubeClient(await loadCredentials(options), limits);
}

/** One request that tells a wrong address from wrong credentials. Throws CLUSTER_UNREACHABLE or CLUSTER_UNAUTHORIZED. */
export async function checkCluster(client: KubeClient): Promise<{ version: string }> {
  try {
    const answer = await client.request('GET', '/version');
    return { version: typeof answer.gitVersion === 'string' ? answer.gitVersion : 'unknown' };
  } catch (error) {
    // /version is open to every authenticated user, so 403 means the same as 401 here: the server does not know us.
    if (!(error instanceof KubeStatusError) || (error.status !== 401 && error.status !== 403)) throw error;
    throw new CrowsnestError({
      code: 'CLUSTER_UNAUTHORIZED',
      what: `cluster "${client.cluster}" does not accept the credentials (${error.status})`,
      where: client.cluster,
      todo: 'Renew the token or certificate of the kubeconfig user, or choose another --context.',
      cause: error,
    });
  }
}

export function createHttpKubeClient(credentials: Credentials, limits: HttpKubeClientOptions = {}): KubeClient {
  return new HttpKubeClient(credentials, limits);
}

interface Call {
  method: string;
  path: string;
  query?: Record<string, string> | undefined;
  headers: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  streaming: boolean;
}

class HttpKubeClient implements KubeClient {
  readonly cluster: string;
  readonly #credentials: Credentials;
  readonly #bodyBytesMax: number;
  readonly #transport: NegotiatedTransport;

  constructor(credentials: Credentials, limits: HttpKubeClientOptions) {
    this.cluster = credentials.cluster;
    this.#credentials = credentials;
    this.#bodyBytesMax = limits.bodyBytesMax ?? 64 * 1024 * 1024;
    const answerTimeoutMs = limits.answerTimeoutMs ?? 60_000;
    this.#transport = new NegotiatedTransport(credentials.server, {
      ...{ answerTimeoutMs, liveness: limits.liveness, proxy: credentials.proxy },
    });
  }

  async stream(
    path: string,
    options: { query?: Record<string, string>; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<KubeStream> {
    const { query, headers, signal } = options;
    return this.#send({ method: 'GET', path, query, headers: { ...headers }, signal, streaming: true });
  }

  async request(method: string, path: string, options: KubeRequest = {}): Promise<JsonObject> {
    const { query, signal } = options;
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const answer = await this.#send({ method, path, query, headers, body, signal, streaming: false });
    let text: string;
    try {
      text = await readText(answer.body, this.#bodyBytesMax);
    } catch (error) {
      answer.cancel();
      throw signal?.aborted ? signal.reason : unreachable(this.#credentials.server, error);
    }
    if (answer.status >= 400) throw statusError(statusOfAnswer(answer.status, answer.headers, text));
    return parseAnswer(text, this.#credentials.server, path);
  }

  connections(): TransportCounts {
    return this.#transport.counts();
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #send({ method, body, signal, streaming, ...call }: Call): Promise<TransportAnswer> {
    signal?.throwIfAborted();
    const { server } = this.#credentials;
    const { headers: proof, ...peer } = await this.#credentials.apply();
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT, ...call.headers };
    for (const [name, value] of Object.entries(proof ?? {})) headers[name.toLowerCase()] ??= String(value);
    let answer: TransportAnswer;
    try {
      answer = await this.#transport.exchange({ method, path: fullPath(server, call), headers, body, signal, streaming }, peer);
    } catch (error) {
      throw signal?.aborted ? signal.reason : unreachable(server, error);
    }
    if (answer.status === 401) this.#credentials.refused?.();
    return answer;
  }
}

/** A server address may carry a path of its own, as those of cluster managers do. */
function fullPath(server: URL, call: Pick<Call, 'path' | 'query'>): string {
  const prefix = server.pathname.replace(/\/$/, '');
  const query = call.query === undefined ? '' : new URLSearchParams(call.query).toString();
  return query === '' ? prefix + call.path : `${prefix}${call.path}?${query}`;
}

async function readText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string, server: URL, path: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch {
    parsed = undefined;
  }
  if (isJsonObject(parsed)) return parsed;
  throw new CrowsnestError({
    code: 'CLUSTER_UNREACHABLE',
    what: 'the answer is not JSON, so this is not an API server',
    where: `${server.host}${path}`,
    todo: "Check the cluster's server address, and any proxy between.",
  });
}
