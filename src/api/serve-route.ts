import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { ApiSources, Route } from './route.ts';

/** An express handler for a route: JSON, or NDJSON where the route has an export and the caller asks for it. */
export function serveRoute(route: Route, sources: ApiSources): RequestHandler {
  return async (request, response) => {
    response.set('cache-control', 'no-store');
    if (route.export !== undefined) {
      response.vary('accept');
      if (request.accepts(['application/json', 'application/x-ndjson']) === 'application/x-ndjson') {
        await sendLines(route.export.pages({ query: request.query }, sources), request, response);
        return;
      }
    }
    const body: unknown = route.body === undefined ? undefined : (request.body ?? {});
    const answer = await route.handle({ params: request.params, query: request.query, body }, sources);
    response.type(route.mediaType);
    if (route.mediaType === 'application/json') response.json(answer);
    else response.send(answer);
  };
}

/** One item per line, page by page, no faster than the caller reads; stops when the caller has gone. */
async function sendLines(pages: AsyncIterable<unknown[]>, request: Request, response: Response): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  for await (const items of pages) {
    if (gone.signal.aborted) return;
    // Set with the first page, so that a mistake in the query is still answered as a problem.
    if (!response.headersSent) response.type('application/x-ndjson');
    if (request.method === 'HEAD') break;
    // A search may look at many changes before one fits.
    if (items.length > 0) {
      const flushed = response.write(items.map((item) => `${JSON.stringify(item)}\n`).join(''));
      if (!flushed) await once(response, 'drain', { signal: gone.signal }).catch(() => {});
    }
    await nextTurn();
  }
  if (!response.headersSent) response.type('application/x-ndjson');
  response.end();
}
