/**
 * The HTTPS server that an API server asks about every write: it notes who writes what and allows all of it, whatever comes. What it
 * promises: an answer of `allowed` to everything that can be answered, without waiting for anything outside this thread; bounded memory
 * (size of a body, of all bodies together, connections); a client that sends slowly is cut off and holds up nobody.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../domain/clock.ts';
import type { Claim } from '../../domain/who/claim.ts';
import { readAdmissionReview } from './admission-review.ts';
import { type AdmissionResult, type AdmissionShared, LatencyWindow } from './admission-shared.ts';
import { readJson } from './audit-event.ts';

export interface AdmissionServerOptions {
  cluster: string;
  tls: { key: string; cert: string };
  /** The path that only the registered webhook knows: reviews from elsewhere are allowed and not believed. */
  path: string;
  shared: AdmissionShared;
  clock: Clock;
  /** Hands a claim on; returns false when there is no place for it. Called before the answer, so that the claim is there before the change. */
  post: (claim: Claim) => boolean;
  /** An object may have 1.5 MB, and a review holds it twice. */
  bodyBytesMax?: number;
  /** All bodies being read at once. */
  bytesInFlightMax?: number;
  /** From the first byte of a request to its last. */
  requestTimeoutMs?: number;
  /** Over which latencies are told. */
  windowMs?: number;
}

const CONNECTIONS_MAX = 512;
const TIMES_EVERY_MS = 1_000;
const DELAY_RESOLUTION_MS = 5;
/** `request.uid` comes first in what API servers send, so the answer to a review that cannot be read can name it nearly always. */
const UID = /"request"\s*:\s*\{\s*"uid"\s*:\s*"([A-Za-z0-9._-]{1,128})"/;
const UID_WITHIN_BYTES = 4_096;

export function createAdmissionServer(options: AdmissionServerOptions): Server {
  const { shared, requestTimeoutMs = 2_000, windowMs = 60_000 } = options;
  const latencies = new LatencyWindow(windowMs);
  const bodies = { bytes: 0 };
  const server = createServer(
    {
      ...options.tls,
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(500, requestTimeoutMs),
      handshakeTimeout: requestTimeoutMs,
      keepAliveTimeout: 90_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      readBody(request, options, bodies)
        .then((body) => {
          // From the last byte of the review: how long somebody takes to send it is not for us to answer for.
          const startMs = performance.now();
          if (isOurs(request, options))
            response.once('finish', () => latencies.add(performance.now(), performance.now() - startMs));
          answer(response, review(request, body, options));
        })
        .catch(() => request.destroy());
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  // A client that hangs up, speaks plain HTTP or is too slow is nobody's concern.
  server.on('clientError', (_, socket) => socket.destroy());
  server.on('tlsClientError', () => {});
  // What waits until this thread gets to it is not seen by the above.
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const timer = setInterval(() => {
    const delayMs = Math.max(0, delay.percentile(99) / 1e6 - DELAY_RESOLUTION_MS);
    shared.setTimes({ ...latencies.read(performance.now()), delayMs });
    if (performance.now() - delayedMs > windowMs) {
      delayedMs = performance.now();
      delay.reset();
    }
  }, TIMES_EVERY_MS);
  let delayedMs = performance.now();
  server.once('close', () => {
    clearInterval(timer);
    delay.disable();
  });
  return server;
}

interface Body {
  bytes: Buffer;
  /** Why it is not whole. */
  cut: 'too-large' | 'overload' | undefined;
}

/** The body, or its beginning when it is too large or there are too many. Rejects when the client goes. */
function readBody(request: IncomingMessage, options: AdmissionServerOptions, all: { bytes: number }): Promise<Body> {
  const { bodyBytesMax = 8 * 1024 * 1024, bytesInFlightMax = 48 * 1024 * 1024 } = options;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let cut: Body['cut'];
    const done = () => {
      all.bytes -= size;
      size = 0;
    };
    request.on('data', (chunk: Buffer) => {
      if (cut !== undefined) return;
      if (size + chunk.length > bodyBytesMax) cut = 'too-large';
      else if (all.bytes + chunk.length > bytesInFlightMax) cut = 'overload';
      if (cut !== undefined) {
        // The rest is read and dropped: an answer before the end of the body would be lost on some clients.
        const [first] = chunks;
        chunks.splice(0, chunks.length, ...(first === undefined ? [] : [Buffer.from(first.subarray(0, UID_WITHIN_BYTES))]));
        done();
        return;
      }
      chunks.push(chunk);
      size += chunk.length;
      all.bytes += chunk.length;
    });
    request.on('end', () => {
      done();
      resolve({ bytes: Buffer.concat(chunks), cut });
    });
    request.on('close', () => {
      done();
      reject(new Error('the client went'));
    });
    request.on('error', reject);
  });
}

/** Notes what there is to note; returns the uid to answer to. Never throws. */
function review(request: IncomingMessage, { bytes, cut }: Body, options: AdmissionServerOptions): string {
  const { shared, cluster, clock, post } = options;
  const scanned = () => UID.exec(bytes.toString('latin1', 0, UID_WITHIN_BYTES))?.[1] ?? '';
  const counted = (result: AdmissionResult, uid: string): string => {
    shared.count(result);
    return uid;
  };
  if (cut !== undefined) return counted(cut, scanned());
  if (!isOurs(request, options)) return counted('foreign', scanned());
  try {
    const reading = readAdmissionReview(readJson(bytes), cluster, clock.nowMs());
    const uid = reading.uid === '' ? scanned() : reading.uid;
    if (reading.type !== 'claim') return counted(reading.type, uid);
    return counted(post(reading.claim) ? 'claim' : 'dropped', uid);
  } catch {
    // So deep that reading it fails; the write goes on all the same.
    return counted('invalid', scanned());
  }
}

function answer(response: ServerResponse, uid: string): void {
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

function isOurs(request: IncomingMessage, { path }: AdmissionServerOptions): boolean {
  // The API server adds `?timeout=1s`.
  return request.method === 'POST' && request.url?.split('?', 1)[0] === path;
}
