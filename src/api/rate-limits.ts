import type { Request, RequestHandler } from 'express';
import { type Options, rateLimit } from 'express-rate-limit';
import { CrowsnestError } from '../domain/errors.ts';
import type { Authorize } from './auth.ts';

const WINDOW_MS = 60_000;
const REFUSED_PER_MINUTE = 60;

export interface RateLimits {
  everyone: RequestHandler;
  /** Authorizes; wrong tokens have a much smaller allowance, so that guessing is hopeless. */
  refused: RequestHandler[];
  /** The same small allowance for those who do not carry what a route asks for; the route itself refuses them. */
  strangers(isKnown: (request: Request) => boolean): RequestHandler;
}

/** Limits per client address over one minute; beyond them requests get RATE_LIMITED with Retry-After. */
export function rateLimits(perMinute: number, authorize: Authorize): RateLimits {
  const shared: Partial<Options> = {
    windowMs: WINDOW_MS,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    handler: (_request, _response, next) => {
      next(
        new CrowsnestError({
          code: 'RATE_LIMITED',
          what: 'Too many requests from this address',
          todo: 'Wait as Retry-After says.',
        }),
      );
    },
  };
  const refusal = (authorization: string | undefined): unknown => {
    try {
      authorize(authorization);
      return undefined;
    } catch (error) {
      return error;
    }
  };
  return {
    everyone: rateLimit({ ...shared, identifier: 'everyone', limit: perMinute }),
    refused: [
      rateLimit({
        ...shared,
        identifier: 'refused',
        limit: REFUSED_PER_MINUTE,
        skip: (request) => refusal(request.headers.authorization) === undefined,
      }),
      (request, _response, next) => next(refusal(request.headers.authorization)),
    ],
    strangers: (isKnown) => rateLimit({ ...shared, identifier: 'strangers', limit: REFUSED_PER_MINUTE, skip: isKnown }),
  };
}
