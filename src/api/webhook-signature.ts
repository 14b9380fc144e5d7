/**
 * Signatures of webhooks as the Standard Webhooks specification has them: `webhook-signature` is a list of `v1,<Base64 of HMAC-SHA-256>` over
 * `<webhook-id>.<webhook-timestamp>.<body>`. The timestamp bounds for how long a request is worth replaying; within that time the id, which is
 * signed too, is remembered, so a replay is a repeat. Pure.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const TOLERANCE_S = 300;

export interface SignatureHeaders {
  'webhook-id': string;
  'webhook-timestamp': string;
  'webhook-signature': string;
}

/** What is wrong with a signed request, or undefined. The signature is looked at first: a forged request learns nothing about our clock. */
export function signatureFault(
  headers: SignatureHeaders,
  body: Buffer,
  secret: Buffer,
  nowMs: number,
): { reason: 'signature' | 'stale'; what: string } | undefined {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body).digest();
  let matches = false;
  // A sender that is changing its secret signs with both.
  for (const signature of signatures.split(' ').slice(0, 8)) {
    const given = signature.startsWith('v1,') ? Buffer.from(signature.slice(3), 'base64') : Buffer.alloc(0);
    if (given.length === expected.length && timingSafeEqual(given, expected)) matches = true;
  }
  if (!matches) return { reason: 'signature', what: 'The signature does not fit the body' };
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Number(timestamp) - nowMs / 1000) > TOLERANCE_S) {
    return { reason: 'stale', what: `The timestamp is more than ${TOLERANCE_S} s away from the time here` };
  }
  return undefined;
}

const HANDED_OUT = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** As many as any other secret must have characters. */
const SECRET_BYTES_MIN = 16;

/**
 * `whsec_<Base64>` as such secrets are handed out, or any other text as it stands. Undefined for one of which too little is left: what is no
 * Base64 decodes to a few bytes or to none, and with a key of none anybody can sign.
 */
export function signingSecret(text: string): Buffer | undefined {
  if (!text.startsWith(HANDED_OUT)) return Buffer.from(text);
  const encoded = text.slice(HANDED_OUT.length);
  const secret = Buffer.from(encoded, 'base64');
  return BASE64.test(encoded) && secret.length >= SECRET_BYTES_MIN ? secret : undefined;
}
