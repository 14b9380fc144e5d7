/**
 * One shared bearer token, compared in constant time. It travels in the Authorization header only: never in a query, where it
 * would end up in logs and histories. The page takes it from the URL's fragment, which browsers do not send.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { CrowsnestError } from '../domain/errors.ts';

export const TOKEN_LENGTH_MIN = 16;

export type Authorize = (authorization: string | undefined) => void;

/** Throws UNAUTHENTICATED unless the header carries the token; with no token configured everything passes. */
export function createAuthorize(token: string | undefined): Authorize {
  if (token === undefined) return () => {};
  const expected = digest(token);
  return (authorization) => {
    const given = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    // Digests have one length, so that neither the length nor a shared beginning shows in the time taken.
    if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
    throw new CrowsnestError({
      code: 'UNAUTHENTICATED',
      what: given === undefined ? 'No bearer token was sent' : 'The bearer token is not the one this service was started with',
      todo: 'Send it as Authorization: Bearer <token>',
    });
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
