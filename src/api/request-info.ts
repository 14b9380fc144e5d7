import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

/** What is known about a request beside its content. */
export interface RequestInfo {
  requestId: string;
  /** The route's path with its parameters in braces: bounded, so fit for metrics and logs. */
  route: string;
}

const REQUEST_ID = /^[\w.:-]{1,128}$/;
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

/** Takes up the caller's request id and trace context, or makes an id, and echoes both. */
export function annotateRequest(request: Request, response: Response, next: NextFunction): void {
  const given = request.get('x-request-id') ?? '';
  const info: RequestInfo = { requestId: REQUEST_ID.test(given) ? given : randomUUID(), route: 'other' };
  response.locals.info = info;
  response.set('x-request-id', info.requestId);
  const traceparent = request.get('traceparent');
  if (traceparent !== undefined && TRACEPARENT.test(traceparent)) response.set('traceparent', traceparent);
  next();
}

export function infoOf(response: Response): RequestInfo {
  return response.locals.info as RequestInfo;
}
