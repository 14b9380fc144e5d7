/**
 * The way in for what is pushed: who sends it, from where, how large, how fast and how much at once, before anyone looks at what it is. Everything
 * refused is counted by reason. The answer is sent once what was pushed is durable.
 */
import type { Request, RequestHandler, Response } from 'express';
import type { IngestMetrics } from '../collector/pushed/ingest-metrics.ts';
import type { PushReceiver } from '../collector/pushed/push-receiver.ts';
import type { Clock } from '../domain/clock.ts';
import { type CertificateOwner, isOf, type ShownCertificate, shownCertificate } from './client-certificate.ts';
import type { IngestKey, IngestKeyring } from './ingest-keys.ts';
import { parseParameters } from './parameters.ts';
import { IngestError, RequestError } from './problem.ts';
import { BODY_LIMITS, BodyBudget, type BodyLimits, receiveBody } from './pushed-body.ts';
import type { ApiSources, PushForm, Route } from './route.ts';
import { isOutlived } from './tls-generation.ts';
import { type SignatureHeaders, signatureFault } from './webhook-signature.ts';

/** What the API needs to take pushes. Without it every push is refused. */
export interface ApiIngest {
  receiver: PushReceiver;
  /** Asked for each request: keys rotate. */
  keyring: () => IngestKeyring;
  metrics: IngestMetrics;
  limits?: BodyLimits;
}

/** Longer than a sender waits, it is told to come again; what it sent is recorded all the same, and its next attempt is a repeat. */
const DURABLE_MS_MAX = 25_000;

/** A DNS expression, as the handshake names a sender. */
const ORIGIN = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;

type SignedHeaders = SignatureHeaders & Record<string, unknown>;

export class PushGate {
  readonly #ingest: ApiIngest | undefined;
  readonly #clock: Clock;
  readonly #budget: BodyBudget;

  constructor(ingest: ApiIngest | undefined, clock: Clock) {
    this.#ingest = ingest;
    this.#clock = clock;
    this.#budget = new BodyBudget(ingest?.limits ?? BODY_LIMITS, (bodies, bytes) => ingest?.metrics.inFlight(bodies, bytes));
  }

  /** For the allowance of wrong keys, which is small: whether a request carries a key of this route at all. */
  knows(route: Route, request: Request): boolean {
    return this.#senderOf(route.push!, request) !== undefined;
  }

  serve(route: Route, sources: ApiSources): RequestHandler {
    return async (request, response) => {
      response.set('cache-control', 'no-store');
      try {
        await this.#take(route, sources, request, response);
      } catch (error) {
        if (error instanceof IngestError && error.faults.length === 0) this.#ingest?.metrics.reject(error.reason);
        // Part of the body may still be on its way, and nobody will read it.
        if (!request.complete) response.set('connection', 'close');
        throw error;
      }
    };
  }

  /**
   * The handshake by which a CloudEvents sender asks whether it may deliver here (HTTP 1.1 Web Hooks for Event Delivery, abuse protection). Only
   * who holds a key for this route is told so, or anyone could point a third party's sender at us.
   */
  consent(route: Route): RequestHandler {
    return (request, response) => {
      const origin = request.headers['webhook-request-origin'];
      if (typeof origin !== 'string' || !ORIGIN.test(origin)) {
        throw new RequestError([{ in: 'header', name: 'webhook-request-origin', detail: 'is missing or no DNS name' }]);
      }
      this.#admit(route.push!, request);
      response.set({ allow: 'POST', 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' }).status(200).end();
    };
  }

  async #take(route: Route, sources: ApiSources, request: Request, response: Response): Promise<void> {
    const push = route.push!;
    const key = this.#admit(push, request);
    const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
    if (!Object.hasOwn(push.bodies, mediaType)) {
      const todo = `Taken are ${Object.keys(push.bodies).join(', ')}.`;
      throw new IngestError('INGEST_UNSUPPORTED', 'media-type', 'The body has none of the media types taken here', todo);
    }
    if (sources.store.readOnly) throw new IngestError('INGEST_BUSY', 'busy', 'The database takes no writes at the moment');
    const signed = push.signature === undefined ? undefined : parseHeaders(push.signature, request);
    // A signature can be checked only with the whole body.
    const share = this.#budget.open({ stranger: push.signature !== undefined });
    let recording: Promise<unknown> | undefined;
    try {
      const body = await receiveBody(request, push.bytesMax, share, this.#budget.limits, this.#clock);
      if (signed !== undefined) this.#checkSignature(signed, body, key);
      const headers = singleHeaders(request);
      recording = route.handle({ params: request.params, query: request.query, pushed: { key, headers, body } }, sources);
      response.status(200).json(await this.#inTime(recording));
    } finally {
      if (recording === undefined) share.release();
      // The memory is free when the work is done, not when its sender was put off.
      else void recording.catch(() => {}).finally(() => share.release());
    }
  }

  #admit(push: PushForm, request: Request): IngestKey {
    const key = this.#senderOf(push, request);
    if (key === undefined || this.#ingest === undefined) {
      const off = this.#ingest === undefined;
      const what = off ? 'Nothing can be pushed: no ingest key is configured' : 'The request carries no valid ingest key';
      const todo = off
        ? 'Configure ingestKeys.'
        : 'Send it as Authorization: Bearer <key>, sign with a key of this name, or show the certificate of a key.';
      throw new IngestError('UNAUTHENTICATED', 'key', what, todo);
    }
    if (!key.kinds.includes(push.kind)) {
      throw new IngestError('INGEST_FORBIDDEN', 'kind', `The key is not for ${push.kind}`, 'Add it to the kinds of the key.');
    }
    const fault = key.certificate === undefined ? undefined : certificateFault(key.certificate, this.#shownBy(request));
    if (fault !== undefined) {
      const todo = 'Show the certificate that the key names as clientCertificate, made by an authority of --tls-client-ca.';
      throw new IngestError('INGEST_FORBIDDEN', 'certificate', fault, todo);
    }
    if (!this.#ingest.keyring().mayComeFrom(key, request.ip)) {
      throw new IngestError('INGEST_FORBIDDEN', 'address', 'The key may not be used from this address', 'Add it to its cidrs.');
    }
    return key;
  }

  #senderOf(push: PushForm, request: Request): IngestKey | undefined {
    const keyring = this.#ingest?.keyring();
    if (push.signature !== undefined) return keyring?.bySigningName(String(request.params.name));
    const { authorization } = request.headers;
    return authorization === undefined ? keyring?.byCertificate(this.#shownBy(request)) : keyring?.byToken(authorization);
  }

  #shownBy(request: Request): ShownCertificate | undefined {
    return isOutlived(request) ? undefined : shownCertificate(request, this.#clock.nowMs());
  }

  #checkSignature(headers: SignatureHeaders, body: Buffer, key: IngestKey): void {
    const fault = signatureFault(headers, body, key.hmacSecret!, this.#clock.nowMs());
    if (fault === undefined) return;
    throw new IngestError('INGEST_SIGNATURE', fault.reason, fault.what, 'Check the secret and the clock of the sender.');
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const deadline = this.#clock.sleep(DURABLE_MS_MAX, done.signal).then(
      () => {
        throw new IngestError(
          'INGEST_BUSY',
          'busy',
          'It could not be made durable in time',
          'Send it again; a repeat is recognised.',
        );
      },
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([work, deadline]);
    } finally {
      done.abort();
    }
  }
}

/** Words without a name out of the certificate: whoever made it chose that. */
function certificateFault(owner: CertificateOwner, shown: ShownCertificate | undefined): string | undefined {
  if (shown === undefined) return 'The key is used with a client certificate, and the connection shows none';
  if (shown.fault !== undefined) return `The client certificate proves nothing here: ${shown.fault}`;
  return isOf(owner, shown) ? undefined : 'The client certificate is not that of this key';
}

function parseHeaders(schema: NonNullable<PushForm['signature']>, request: Request): SignedHeaders {
  const named = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, request.headers[name]]));
  try {
    return parseParameters(schema, named, 'header') as SignedHeaders;
  } catch (error) {
    throw new IngestError(
      'INGEST_SIGNATURE',
      'signature',
      (error as { what?: string }).what ?? 'The signature headers are missing',
    );
  }
}

/** Node joins most repeated headers; of those that come as lists none is ours. */
function singleHeaders(request: Request): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? undefined : value]),
  );
}
