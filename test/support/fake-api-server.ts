/**
 * An API server in memory for tests: a real HTTP server with discovery, CRUD, paged and streaming lists, watches with bookmarks and
 * resourceVersions that behave as etcd's do, and faults on request. It knows nothing of schemas, defaulting or RBAC beyond the
 * switch `faults.forbid`. All state is here, so a test can say exactly what the client should have seen.
 *
 *   const api = await startFakeApiServer({ kinds: [WIDGET] });
 *   api.apply({ apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { namespace: 'a', name: 'w' }, spec: { size: 1 } });
 *   …  connectKube({ kubeconfig: file with api.kubeconfig() })  …
 *   await api.close();
 */
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { discoveryAnswer } from './fake-discovery.ts';
import { FakeFaults } from './fake-faults.ts';
import { type FakeBackup, type FakeKind, type FakeObject, FakeObjects, HttpProblem, type WatchRecord } from './fake-objects.ts';

export type { FakeKind, FakeObject } from './fake-objects.ts';

export interface FakeApiServerOptions {
  kinds: FakeKind[];
  /** When given, requests need this bearer token. */
  token?: string;
  /** How streaming lists are answered: as a new server does, refused by HTTP 400, or as with etcd 3.4 by an in-stream ERROR. */
  streamingLists?: 'served' | 'refused' | 'etcd34';
  /** False: /apis answers APIGroupList only, as servers before 1.26. */
  aggregatedDiscovery?: boolean;
  port?: number;
  /** What a watch from a resourceVersion of the future gets: an error, or silence until then, as from a real server's watch cache. */
  future?: 'refused' | 'silent';
  /** Honour a watch's timeoutSeconds by ending it after this many milliseconds per second asked for; default 1000, 0 never ends it. */
  watchSecondMs?: number;
}

export interface FakeRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: http.IncomingHttpHeaders;
  /** Filled in when the answer begins. */
  status: number;
}

export interface FakeWrite {
  method: string;
  path: string;
  query: Record<string, string>;
  contentType: string;
  body: FakeObject;
}

interface OpenWatch {
  kind: FakeKind;
  namespace: string | undefined;
  /** Only what is newer is told. */
  since: number;
  response: ServerResponse;
  stalled: boolean;
  /** Ends the watch after its timeoutSeconds. */
  timer: NodeJS.Timeout | undefined;
}

export interface FakeApiServer {
  url: string;
  objects: FakeObjects;
  /** Every request, in order of arrival. */
  requests: FakeRequest[];
  /** Every POST, PATCH, PUT and DELETE that succeeded. */
  writes: FakeWrite[];
  faults: FakeFaults;
  /** Creates or replaces an object and tells the watches; returns it as stored. An apply that changes nothing makes no event. */
  apply(object: FakeObject, options?: { manager?: string }): FakeObject;
  /** Deletes an object and tells the watches. */
  remove(ref: { kind: string; namespace?: string; name: string }): void;
  addKind(kind: FakeKind): void;
  removeKind(plural: string): void;
  /** Forgets the history: watches from before now get 410. */
  compact(): void;
  backup(): FakeBackup;
  /** Sets storage and resourceVersions back to a backup; every connection is cut, as the server restarts with it. */
  restore(backup: FakeBackup): void;
  /** Sends a bookmark on all open watches, or those of one plural. */
  bookmark(plural?: string): void;
  /** Ends open watches in the orderly way, as at their timeout. */
  endWatches(plural?: string): void;
  openWatches(plural?: string): number;
  /** Resolves once `condition` holds; it is asked after each request and each write to a watch, and every 5 ms. */
  until(condition: () => boolean, what?: string): Promise<void>;
  /** A kubeconfig for this server as YAML. */
  kubeconfig(): string;
  close(): Promise<void>;
}

export async function startFakeApiServer(options: FakeApiServerOptions): Promise<FakeApiServer> {
  const server = new FakeServer(options);
  await server.listen(options.port ?? 0);
  return server;
}

class FakeServer implements FakeApiServer {
  url = '';
  readonly objects: FakeObjects;
  readonly requests: FakeRequest[] = [];
  readonly writes: FakeWrite[] = [];
  readonly faults: FakeFaults;
  readonly #options: FakeApiServerOptions;
  readonly #server: http.Server;
  readonly #watches = new Set<OpenWatch>();
  readonly #sockets = new Set<Socket>();

  constructor(options: FakeApiServerOptions) {
    this.#options = options;
    this.objects = new FakeObjects(options.kinds);
    this.objects.onEvent = (record) => this.#tellWatches(record);
    this.faults = new FakeFaults({
      watches: (plural) => [...this.#watches].filter((watch) => plural === undefined || watch.kind.plural === plural),
      cutAll: () => {
        for (const socket of this.#sockets) socket.destroy();
      },
    });
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      if (this.faults.isDown) socket.destroy();
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  async listen(port: number): Promise<void> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  apply(object: FakeObject, options: { manager?: string } = {}): FakeObject {
    return this.objects.put(object, options.manager);
  }

  remove(ref: { kind: string; namespace?: string; name: string }): void {
    this.objects.delete(this.objects.kindNamed(ref.kind), ref.namespace ?? '', ref.name);
  }

  addKind(kind: FakeKind): void {
    this.objects.addKind(kind);
  }

  removeKind(plural: string): void {
    this.objects.removeKind(plural);
    this.endWatches(plural);
  }

  compact(): void {
    this.objects.compact();
  }

  backup(): FakeBackup {
    return this.objects.backup();
  }

  restore(backup: FakeBackup): void {
    this.objects.restore(backup);
    for (const socket of this.#sockets) socket.destroy();
  }

  bookmark(plural?: string): void {
    for (const watch of this.faults.watchesOf(plural)) this.#writeBookmark(watch as OpenWatch, false);
  }

  endWatches(plural?: string): void {
    for (const watch of [...this.#watches]) if (plural === undefined || watch.kind.plural === plural) watch.response.end();
  }

  openWatches(plural?: string): number {
    return [...this.#watches].filter((watch) => plural === undefined || watch.kind.plural === plural).length;
  }

  async until(condition: () => boolean, what = 'a condition of the fake API server'): Promise<void> {
    const giveUpMs = performance.now() + 10_000;
    while (!condition()) {
      if (performance.now() > giveUpMs) throw new Error(`waited 10 s in vain for ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  kubeconfig(): string {
    const user = this.#options.token === undefined ? {} : { token: this.#options.token };
    // JSON is YAML.
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'fake',
      clusters: [{ name: 'fake', cluster: { server: this.url } }],
      users: [{ name: 'fake-user', user }],
      contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake-user' } }],
    });
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) clearTimeout(watch.timer);
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const record: FakeRequest = {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: request.headers,
      status: 0,
    };
    this.requests.push(record);
    response.on('error', () => {});
    try {
      const answer = await this.#answer(record, request, response);
      if (answer === undefined) return;
      record.status = answer.status;
      sendJson(response, answer.status, answer.body);
    } catch (error) {
      const problem = error instanceof HttpProblem ? error : new HttpProblem(500, 'InternalError', String(error));
      record.status = problem.status;
      sendJson(response, problem.status, problem.body(), problem.headers);
    }
  }

  /** undefined: the response is streamed and already under way. */
  async #answer(
    record: FakeRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<{ status: number; body: unknown } | undefined> {
    const { path } = record;
    if (this.#options.token !== undefined && record.headers.authorization !== `Bearer ${this.#options.token}`) {
      throw new HttpProblem(401, 'Unauthorized', 'Unauthorized');
    }
    if (this.faults.hangs(path)) return undefined;
    if (path === '/version') return ok({ major: '1', minor: '36', gitVersion: 'v1.36.0' });
    if (path === '/healthz' || path === '/readyz' || path === '/livez') return ok({ status: 'ok' });
    const aggregated =
      this.#options.aggregatedDiscovery !== false && (record.headers.accept ?? '').includes('APIGroupDiscoveryList');
    this.faults.failIfAsked(path, undefined);
    const discovery = discoveryAnswer(path, { kinds: this.objects.kinds, aggregated, failed: this.faults.failedGroups });
    if (discovery !== undefined) return ok(discovery);

    const target = this.objects.target(path);
    this.faults.failIfAsked(path, target.kind.plural, record.query.watch === undefined ? 'list' : 'watch');
    if (record.method !== 'GET') return ok(await this.#write(record, request, target));
    if (target.name !== undefined) return ok(this.objects.get(target.kind, target.namespace ?? '', target.name));
    if (record.query.watch === 'true' || record.query.watch === '1') {
      record.status = 200;
      this.#openWatch(record, response, target.kind, target.namespace);
      return undefined;
    }
    const accept = record.headers.accept ?? '';
    if (accept.includes('as=PartialObjectMetadata;'))
      throw new HttpProblem(406, 'NotAcceptable', 'you requested PartialObjectMetadata, but the requested object is a list');
    const page = this.objects.list(
      target.kind,
      target.namespace,
      record.query,
      record.query.continue !== undefined && this.faults.takeExpiredContinue(),
    );
    if (accept.includes('as=PartialObjectMetadataList;')) keepMetadata(page);
    this.faults.rawListItems(target.kind.plural, page);
    return { status: 200, body: page };
  }

  async #write(record: FakeRequest, request: IncomingMessage, target: ReturnType<FakeObjects['target']>): Promise<FakeObject> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const contentType = (record.headers['content-type'] ?? 'application/json').split(';')[0] as string;
    const manager = record.query.fieldManager ?? (record.headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
    const write = { method: record.method, path: record.path, query: record.query, contentType, body: parseBody(text) };
    const answer = this.objects.write(target, { ...write, manager });
    this.writes.push(write);
    return answer;
  }

  #openWatch(record: FakeRequest, response: ServerResponse, kind: FakeKind, namespace: string | undefined): void {
    const { query } = record;
    const streamingList = query.sendInitialEvents === 'true';
    if (streamingList && this.#options.streamingLists === 'refused') {
      throw new HttpProblem(
        400,
        'BadRequest',
        'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
      );
    }
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const since = streamingList ? undefined : Number(query.resourceVersion ?? '0');
    const watch: OpenWatch = { kind, namespace, since: 0, response, stalled: false, timer: undefined };
    if (streamingList && this.#options.streamingLists === 'etcd34') {
      this.#writeError(watch, new HttpProblem(500, 'InternalError', 'etcd client: RequestWatchProgress is disabled'));
      return;
    }
    if (since !== undefined && since > 0 && since < this.objects.compactedAt) {
      this.#writeError(
        watch,
        new HttpProblem(410, 'Expired', `too old resource version: ${since} (${this.objects.compactedAt})`),
      );
      return;
    }
    const future = since !== undefined && since > this.objects.resourceVersion;
    if (future) watch.since = since;
    if (future && this.#options.future !== 'silent') {
      const message = `Too large resource version: ${since}, current: ${this.objects.resourceVersion}`;
      this.#writeError(watch, new HttpProblem(504, 'Timeout', message));
      return;
    }
    this.#watches.add(watch);
    response.once('close', () => {
      clearTimeout(watch.timer);
      this.#watches.delete(watch);
    });
    const records = since === undefined || since === 0 ? this.objects.initialEvents(kind) : this.objects.eventsSince(kind, since);
    for (const event of records) this.#writeEvent(watch, event);
    if (streamingList) this.#writeBookmark(watch, true);
    const secondMs = this.#options.watchSecondMs ?? 1000;
    if (query.timeoutSeconds !== undefined && secondMs > 0) {
      watch.timer = setTimeout(() => {
        if (!watch.stalled) response.end();
      }, Number(query.timeoutSeconds) * secondMs);
      watch.timer.unref();
    }
  }

  #tellWatches(record: WatchRecord): void {
    for (const watch of [...this.#watches]) this.#writeEvent(watch, record);
  }

  #writeEvent(watch: OpenWatch, record: WatchRecord): void {
    if (
      watch.stalled ||
      record.resourceVersion <= watch.since ||
      watch.kind.plural !== record.kind.plural ||
      watch.kind.group !== record.kind.group
    )
      return;
    if (watch.namespace !== undefined && record.object.metadata.namespace !== watch.namespace) return;
    const object = { ...record.object, apiVersion: `${watch.kind.group}/${watch.kind.version}` };
    const line = `${JSON.stringify({ type: record.type, object })}\n`;
    if (this.faults.takeSwallow(watch.kind.plural)) return;
    if (this.faults.takeCut(watch.kind.plural)) {
      watch.response.write(line.slice(0, Math.floor(line.length / 2)), () => watch.response.destroy());
      this.#watches.delete(watch);
      watch.stalled = true;
      return;
    }
    watch.response.write(line);
  }

  #writeBookmark(watch: OpenWatch, initialEventsEnd: boolean): void {
    if (watch.stalled || this.objects.resourceVersion <= watch.since) return;
    const metadata: Record<string, unknown> = { resourceVersion: String(this.objects.resourceVersion) };
    if (initialEventsEnd) metadata.annotations = { 'k8s.io/initial-events-end': 'true' };
    const { kind } = watch;
    const object = { apiVersion: `${kind.group}/${kind.version}`, kind: kind.kind, metadata };
    watch.response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  }

  #writeError(watch: OpenWatch, problem: HttpProblem): void {
    watch.response.end(`${JSON.stringify({ type: 'ERROR', object: problem.body() })}\n`);
  }
}

/** As a server answers who asks for metadata: the items say of themselves neither what they are nor what they hold. */
function keepMetadata(page: FakeObject): void {
  Object.assign(page, { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList' });
  page.items = page.items.map(({ metadata }: FakeObject) => ({ metadata }));
}

function ok(body: unknown): { status: number; body: unknown } {
  return { status: 200, body };
}

function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

function parseBody(text: string): FakeObject {
  try {
    return JSON.parse(text === '' ? '{}' : text) as FakeObject;
  } catch {
    throw new HttpProblem(400, 'BadRequest', 'the body is not JSON; this fake reads apply patches as JSON, which is YAML too');
  }
}
