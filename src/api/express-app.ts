/**
 * The HTTP rim: security headers, request ids, rate limits, authentication, the table of routes, the page, problems. What an
 * answer contains is decided in routes/; what it looks like in schemas.ts.
 *
 * Open to anyone who can connect: the page's files, /livez, /readyz, /openapi.json. POST /v1/ingest/… needs an ingest key, everything else the token
 * when one is set.
 */
import { parse } from 'node:querystring';
import express, { type Express, type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import helmet from 'helmet';
import { CrowsnestError } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { ActivityLog } from './activity.ts';
import { createAuthorize } from './auth.ts';
import type { ConnectionBound } from './connection-bound.ts';
import { HttpMetrics } from './http-metrics.ts';
import { readJsonBody } from './json-body.ts';
import { isLocalHostHeader } from './listen-rules.ts';
import { methodOf, openApiDocument } from './openapi.ts';
import { type Asset, openPageAssets, type PageAssets } from './page-assets.ts';
import { notFound, problemOf, RequestError } from './problem.ts';
import { type RateLimits, rateLimits } from './rate-limits.ts';
import { annotateRequest, infoOf } from './request-info.ts';
import type { ApiSources, Route } from './route.ts';
import { ROUTES } from './routes/all.ts';
import { type ApiIngest, PushGate } from './serve-push.ts';
import { serveRoute } from './serve-route.ts';

export interface ApiOptions extends Omit<ApiSources, 'activity' | 'maturity' | 'receiver'> {
  maturity?: ApiSources['maturity'];
  auth: {
    /** Without one, only loopback is served and only under a local host name. */
    token?: string;
  };
  logger: Logger;
  /** Takes pushes; without it every push is refused. */
  ingest?: ApiIngest | undefined;
  /** Networks whose X-Forwarded-For is believed; nobody's by default. */
  trustedProxies?: readonly string[];
  /** Requests per minute and client address; default 1,200. Requests with a wrong token have 60. */
  requestsPerMinute?: number;
}

export function createExpressApp(options: ApiOptions & { tls: boolean; bound: ConnectionBound }): Express {
  const { auth, logger } = options;
  const sources: ApiSources = {
    ...options,
    maturity: options.maturity,
    activity: new ActivityLog(options.store),
    receiver: options.ingest?.receiver,
  };
  const page = openPageAssets();
  const gate = new PushGate(options.ingest, options.clock);
  const limits = rateLimits(options.requestsPerMinute ?? 1_200, createAuthorize(auth.token));

  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', parseQuery);
  app.set('trust proxy', [...(options.trustedProxies ?? [])]);
  app.use(
    annotateRequest,
    observeRequests(new HttpMetrics(options.registry, ROUTES), logger),
    securityHeaders(page, options.tls),
    refuseBeyond(options.bound),
  );
  if (auth.token === undefined) app.use(refuseForeignHosts);
  servePage(app, page);
  serveDocument(app, () => openApiDocument(ROUTES, options.version));
  for (const route of ROUTES) mount(app, route, limits, sources, gate);
  app.use(refuseUnknownPath);
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    sendProblem(error, request, response, logger);
  });
  return app;
}

function mount(app: Express, route: Route, limits: RateLimits, sources: ApiSources, gate: PushGate): void {
  const path = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  if (route.push === undefined) {
    const guards: RequestHandler[] = route.open ? [] : [limits.everyone, ...limits.refused];
    const body = route.body !== undefined ? readJsonBody() : route.acts ? refuseBody : [];
    app[methodOf(route)](path, nameRoute(route.path), guards, body, serveRoute(route, sources));
  } else {
    // Whoever has a key is held back by what is in flight, not by a count: an API server's audit webhook is one busy address. Who signs is known
    // only after the body was read, so there everyone is counted.
    const guard =
      route.push.signature === undefined ? limits.strangers((request) => gate.knows(route, request)) : limits.everyone;
    app.post(path, nameRoute(route.path), guard, gate.serve(route, sources));
    if (route.push.kind === 'events') app.options(path, nameRoute(route.path), guard, gate.consent(route));
  }
  const offered = methodOf(route) === 'get' ? 'GET, HEAD' : 'POST';
  app.route(path).all(nameRoute(route.path), (request, response) => {
    response.set('allow', offered);
    throw new CrowsnestError({ code: 'METHOD_NOT_ALLOWED', what: `${request.method} is not offered here; only ${offered} is` });
  });
}

/** Flat parameters, repeated ones as lists. Express would put replacement characters for bytes that are no UTF-8, and search for those. */
function parseQuery(text: string | null): Record<string, unknown> {
  if (text === null) return {};
  for (const pair of text.split('&')) {
    const name = pair.split('=', 1)[0] as string;
    try {
      decodeURIComponent(pair);
    } catch {
      throw new RequestError([{ in: 'query', name, detail: 'is not valid percent-encoded UTF-8' }]);
    }
  }
  return parse(text);
}

/** Where all that can be said is said by parameters, a body is a mistake that would otherwise go unnoticed. */
function refuseBody(request: Request, _response: Response, next: NextFunction): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers;
  if (length === '0' && encoding === undefined) {
    next();
    return;
  }
  throw new RequestError([
    { in: 'body', name: '', detail: 'is not taken here; what can be said is said by parameters of the query' },
  ]);
}

function refuseUnknownPath(request: Request, _response: Response, _next: NextFunction): void {
  throw notFound(`There is no ${request.path}`, 'GET /openapi.json lists what there is.');
}

function nameRoute(path: string): RequestHandler {
  return (_request, response, next) => {
    infoOf(response).route = path;
    next();
  };
}

function observeRequests(metrics: HttpMetrics, logger: Logger): RequestHandler {
  return (_request, response, next) => {
    const startedMs = performance.now();
    response.on('close', () => {
      const { requestId, route } = infoOf(response);
      const ms = performance.now() - startedMs;
      metrics.observe(route, response.statusCode, ms / 1000);
      logger.debug({ request_id: requestId, route, status: response.statusCode, ms: Math.round(ms) }, 'request');
    });
    next();
  };
}

function sendProblem(error: unknown, request: Request, response: Response, logger: Logger): void {
  const { requestId, route } = infoOf(response);
  const problem = problemOf(error, { path: request.path, requestId });
  if (problem.status === 500) {
    const { name, message, stack } =
      error instanceof Error ? error : { name: 'thrown', message: String(error), stack: undefined };
    logger.error({ request_id: requestId, route, name, message, stack }, 'a request failed');
  }
  if (response.headersSent) {
    // An export that broke off: cutting the connection is the only way left to say so.
    response.destroy();
    return;
  }
  if (problem.status === 401) response.set('www-authenticate', 'Bearer realm="crowsnest"');
  if (problem.status === 503) response.set('retry-after', problem.code === 'INGEST_BUSY' ? '2' : '5');
  response.status(problem.status).set('cache-control', 'no-store').type('application/problem+json').send(JSON.stringify(problem));
}

/** Whoever asks whether the service lives is told, however many ask. */
function refuseBeyond(bound: ConnectionBound): RequestHandler {
  return (request, response, next) => {
    const reached = request.path === '/livez' ? undefined : bound.beyond(request.socket);
    if (reached === undefined) return next();
    response.set('connection', 'close');
    throw new CrowsnestError({
      code: 'CONNECTIONS_FULL',
      what: `Every connection there may be${reached === 'all' ? '' : ' of this address'} has a request in work`,
      todo: 'Wait as Retry-After says, and ask over fewer connections.',
    });
  };
}

function refuseForeignHosts(request: Request, _response: Response, next: NextFunction): void {
  if (!isLocalHostHeader(request.headers.host)) {
    throw new CrowsnestError({
      code: 'HOST_REFUSED',
      what: 'Without a token only requests to localhost are answered',
      todo: 'Set a token to serve other host names.',
    });
  }
  next();
}

function securityHeaders(page: PageAssets, tls: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'", page.importMapHash],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
        // No script may turn text into markup, whatever a custom resource contains.
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: ["'none'"],
      },
    },
    strictTransportSecurity: tls ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  });
}

function servePage(app: Express, page: PageAssets): void {
  for (const path of page.paths) {
    app.get(path, nameRoute('page'), async (request, response) => {
      const file = (await page.files()).get(path) as Asset;
      response.set({ etag: file.etag, 'cache-control': 'no-cache', 'content-type': file.type });
      if (request.headers['if-none-match'] === file.etag) response.status(304).end();
      else response.send(file.body);
    });
  }
}

function serveDocument(app: Express, document: () => object): void {
  let text: string | undefined;
  app.get('/openapi.json', nameRoute('/openapi.json'), (_request, response) => {
    text ??= JSON.stringify(document());
    response.set('cache-control', 'no-store').type('application/json').send(text);
  });
}
