/** Receives the body of a push: bounded in size, in time, and in what all of them hold together. */
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../domain/clock.ts';
import { IngestError } from './problem.ts';

export interface BodyLimits {
  /** Bodies received or recorded at once. */
  bodiesMax: number;
  /** Bytes of them all together. */
  bytesMax: number;
  /** For one body to arrive: a sender that trickles must not hold its place. */
  receiveMsMax: number;
}
export const BODY_LIMITS: BodyLimits = { bodiesMax: 64, bytesMax: 128 * 1024 * 1024, receiveMsMax: 20_000 };

/** What bodies hold from their first byte until they are durable. */
export class BodyBudget {
  readonly limits: BodyLimits;
  readonly #observe: (bodies: number, bytes: number) => void;
  #all: Held = { bodies: 0, bytes: 0 };
  #strangers: Held = { bodies: 0, bytes: 0 };

  constructor(limits: BodyLimits, observe: (bodies: number, bytes: number) => void) {
    this.limits = limits;
    this.#observe = observe;
  }

  /** Throws busy when there is no place. Of a stranger nothing is known before the whole body is there: strangers share half of the room, or they could hold all of it. */
  open({ stranger }: { stranger: boolean }): BodyShare {
    const { bodiesMax, bytesMax } = this.limits;
    const counts = stranger ? [this.#all, this.#strangers] : [this.#all];
    const within = (more: Held) =>
      counts.every((held) => {
        const share = held === this.#strangers ? 2 : 1;
        return held.bodies + more.bodies <= bodiesMax / share && held.bytes + more.bytes <= bytesMax / share;
      });
    const add = (more: Held) => {
      for (const held of counts) {
        held.bodies += more.bodies;
        held.bytes += more.bytes;
      }
      this.#observe(this.#all.bodies, this.#all.bytes);
    };
    if (!within({ bodies: 1, bytes: 0 })) throw busy();
    let bytes = 0;
    let open = true;
    add({ bodies: 1, bytes: 0 });
    return {
      grow: (more) => {
        if (!open || !within({ bodies: 0, bytes: more })) throw busy();
        bytes += more;
        add({ bodies: 0, bytes: more });
      },
      release: () => {
        if (!open) return;
        open = false;
        add({ bodies: -1, bytes: -bytes });
      },
    };
  }
}

interface Held {
  bodies: number;
  bytes: number;
}

export interface BodyShare {
  /** Throws busy when all bodies together would hold too much, or this one was given up. */
  grow(bytes: number): void;
  release(): void;
}

function busy(): IngestError {
  return new IngestError('INGEST_BUSY', 'busy', 'Too much is being pushed at once', 'Send it again as Retry-After says.');
}

export async function receiveBody(
  request: IncomingMessage,
  bytesMax: number,
  share: BodyShare,
  limits: BodyLimits,
  clock: Clock,
) {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new IngestError(
      'INGEST_UNSUPPORTED',
      'media-type',
      'Compressed bodies are not taken',
      'Send it without Content-Encoding.',
    );
  }
  const tooLarge = () =>
    new IngestError('INGEST_TOO_LARGE', 'size', `The body is larger than ${bytesMax} bytes`, 'Send it in several smaller ones.');
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
  const late = new AbortController();
  const chunks: Buffer[] = [];
  let length = 0;
  const receive = async () => {
    // Not destroyed when we stop reading: the sender is to get our answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge();
      share.grow(chunk.length);
      chunks.push(chunk);
    }
  };
  const deadline = clock.sleep(limits.receiveMsMax, late.signal).then(
    () => {
      throw new IngestError('INGEST_SLOW', 'slow', `The body did not arrive within ${limits.receiveMsMax / 1000} s`);
    },
    () => {},
  );
  try {
    await Promise.race([receive(), deadline]);
  } catch (error) {
    if (error instanceof IngestError) throw error;
    throw new IngestError('INGEST_SLOW', 'slow', 'The connection broke off before the body was whole');
  } finally {
    late.abort();
  }
  return Buffer.concat(chunks, length);
}
