/** Small JSON bodies from whoever has the token of the API. A page of another site cannot send this media type without being asked first. */
import express, { type RequestHandler } from 'express';
import type { CrowsnestError } from '../domain/errors.ts';
import { holdsHalfCharacter } from '../domain/json.ts';
import { RequestError } from './problem.ts';

export const JSON_BODY_BYTES_MAX = 16_384;

export function readJsonBody(): RequestHandler[] {
  const parse = express.json({
    ...{ limit: JSON_BODY_BYTES_MAX, strict: true, type: 'application/json', inflate: false },
    verify: (_request, _response, bytes) => refuseHalves(bytes.toString('utf8')),
  });
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

/** What people say is told to others as JSON, whose readers refuse half a character. */
function refuseHalves(json: string): void {
  if (holdsHalfCharacter(json)) throw new Error('half a character');
}

/** By body-parser's names of what it met. */
const WRONG: Record<string, string> = {
  'entity.too.large': `is longer than ${JSON_BODY_BYTES_MAX} bytes`,
  'entity.verify.failed': 'holds half a character (an escape such as \\ud83e without its other half)',
};

function unreadable(cause: unknown): CrowsnestError {
  const detail = WRONG[(cause as { type?: string }).type ?? ''] ?? 'is not a JSON object';
  return new RequestError([{ in: 'body', name: '', detail }]);
}
