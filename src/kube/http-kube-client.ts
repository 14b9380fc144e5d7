/**
 * The KubeClient over HTTP/1.1. Each request takes its credentials afresh; TLS members are part of an agent's key for a socket, so a
 * rotated certificate opens new connections by itself. Streams have an agent without a cap, because a watch holds its socket for
 * minutes and a capped pool would leave the rest waiting without an error; small requests share a few kept-alive sockets.
 */
import http, { type IncomingMessage } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import { CrowsnestError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { type ConnectOptions, type Credentials, loadCredentials } from './credentials.ts';
import { type KubeClient, type KubeRequest, KubeStatusError, type KubeStream } from './kube-client.ts';
import { statusError, statusOfAnswer } from './kube-status.ts';
import { unreachable } from './unreachable.ts';

export interface HttpKubeClientOptions {
  /** How long to wait for an answer to begin. */
  answerTimeoutMs?: number;
  /** Largest body of a small request. */
  bodyBytesMax?: number;
}

const USER_AGENT = 'crowsnest';
/** Bytes a stream may hold unread: larger reads make larger batches, and this is also what a flooded watch costs in memory. */
const STREAM_BUFFER_BYTES = 256 * 1024;
const SOCKETS_SMALL_MAX = 6;

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
  readonly #answerTimeoutMs: number;
  readonly #bodyBytesMax: number;
  readonly #transport: typeof http | typeof https;
  readonly #smallAgent: http.Agent;
  readonly #streamAgent: http.Agent;

  constructor(credentials: Credentials, limits: HttpKubeClientOptions) {
    this.cluster = credentials.cluster;
    this.#credentials = credentials;
    this.#answerTimeoutMs = limits.answerTimeoutMs ?? 60_000;
    this.#bodyBytesMax = limits.bodyBytesMax ?? 64 * 1024 * 1024;
    this.#transport = credentials.server.protocol === 'http:' ? http : https;
    this.#smallAgent = new this.#transport.Agent({ keepAlive: true, maxSockets: SOCKETS_SMALL_MAX });
    this.#streamAgent = new this.#transport.Agent({ keepAlive: true, maxFreeSockets: 8 });
  }

  async stream(
    path: string,
    options: { query?: Record<string, string>; headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<KubeStream> {
    const { query, headers, signal } = options;
    const answer = await this.#send({ method: 'GET', path, query, headers: { ...headers }, signal, streaming: true });
    // Whoever reads the body sees its error; a stream that is torn down unread must not end the process.
    answer.on('error', () => {});
    return {
      status: answer.statusCode ?? 0,
      headers: answer.headers,
      body: answer as AsyncIterable<Buffer>,
      cancel: () => answer.destroy(),
    };
  }

  async request(method: string, path: string, options: KubeRequest = {}): Promise<JsonObject> {
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json' };
    if (options.body !== undefined) headers['content-type'] = options.contentType ?? 'application/json';
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const answer = await this.#send({
      method,
      path,
      query: options.query,
      headers,
      body,
      signal: options.signal,
      streaming: false,
    });
    const status = answer.statusCode ?? 0;
    let text: string;
    try {
      text = await readText(answer, this.#bodyBytesMax);
    } catch (error) {
      throw options.signal?.aborted ? options.signal.reason : unreachable(this.#credentials.server, error);
    }
    if (status >= 400) throw statusError(statusOfAnswer(status, answer.headers, text));
    return parseAnswer(text, this.#credentials.server, path);
  }

  async close(): Promise<void> {
    this.#smallAgent.destroy();
    this.#streamAgent.destroy();
  }

  async #send(call: Call): Promise<IncomingMessage> {
    call.signal?.throwIfAborted();
    const { server } = this.#credentials;
    const base = await this.#credentials.apply();
    const headers: Record<string, string> = { accept: 'application/json', 'user-agent': USER_AGENT, ...call.headers };
    if (call.body !== undefined) headers['content-length'] = String(Buffer.byteLength(call.body));
    const options: RequestOptions & { highWaterMark?: number } = {
      agent: call.streaming ? this.#streamAgent : this.#smallAgent,
      ...base,
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port === '' ? undefined : server.port,
      method: call.method,
      path: fullPath(server, call),
      headers: { ...(base.headers as Record<string, string>), ...headers },
      signal: call.signal,
    };
    if (call.streaming) options.highWaterMark = STREAM_BUFFER_BYTES;
    return this.#exchange(options, call);
  }

  #exchange(options: RequestOptions, call: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = this.#transport.request(options);
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${this.#answerTimeoutMs / 1000} s`));
      }, this.#answerTimeoutMs);
      request.once('socket', (socket) => {
        // The kernel notices a peer that is gone for good; a watch alone may have nothing to say for minutes.
        socket.setKeepAlive(true, 30_000);
      });
      request.once('response', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(call.signal?.aborted ? call.signal.reason : unreachable(this.#credentials.server, error));
      });
      request.end(call.body);
    });
  }
}

/** A server address may carry a path of its own, as those of cluster managers do. */
function fullPath(server: URL, call: Call): string {
  const prefix = server.pathname.replace(/\/$/, '');
  const query = call.query === undefined ? '' : new URLSearchParams(call.query).toString();
  return query === '' ? prefix + call.path : `${prefix}${call.path}?${query}`;
}

async function readText(answer: IncomingMessage, bytesMax: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new Error(`the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string, server: URL, path: string): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
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
