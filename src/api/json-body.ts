/** Small JSON bodies from whoever has the token of the API. A page of another site cannot send this media type without being asked first. */
import express, { type RequestHandler } from 'express';
import type { CrowsnestError } from '../domain/errors.ts';
import { RequestError } from './problem.ts';

export const JSON_BODY_BYTES_MAX = 16_384;

export function readJsonBody(): RequestHandler[] {
  const parse = express.json({ limit: JSON_BODY_BYTES_MAX, strict: true, type: 'application/json', inflate: false });
  return [
    (request, _response, next) => {
      if (request.is('application/json') === false) {
        throw new RequestError([{ in: 'header', name: 'content-type', detail: 'must be application/json' }]);
      }
      next();
    },
    (request, response, next) => {
      parse(request, response, (error?: unknown) => next(error === undefined ? undefined : unreadable(error)));
    },
  ];
}

function unreadable(cause: unknown): CrowsnestError {
  const tooLarge = (cause as { type?: string }).type === 'entity.too.large';
  const detail = tooLarge ? `is longer than ${JSON_BODY_BYTES_MAX} bytes` : 'is not a JSON object';
  return new RequestError([{ in: 'body', name: '', detail }]);
}
