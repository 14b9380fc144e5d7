import type { Clock } from '../../domain/clock.ts';
import type { KubeStream } from '../../kube/kube-client.ts';

/** The peer has said nothing for longer than it may: the connection is taken for half-open and torn down. */
export class StaleStreamError extends Error {
  constructor(idleMs: number) {
    super(`nothing came for ${Math.round(idleMs / 1000)} s, so the connection is taken for dead`);
    this.name = 'StaleStreamError';
  }
}

export interface GuardOptions {
  clock: Clock;
  signal: AbortSignal;
  /** How long the peer may be silent; asked again at each check, as the limit tightens once bookmarks are seen. */
  idleMs: () => number;
}

const CHECKS = 4;

/**
 * The chunks of a stream, with a watchdog: silence is counted only while somebody waits for the next chunk, so a slow store is never
 * mistaken for a dead peer, and by the ticks of a timer, so a step of the wall clock changes nothing. Fires between 1 and 1.5 times idleMs.
 * Leaving the loop tears the connection down.
 */
export async function* guardedChunks(stream: KubeStream, options: GuardOptions): AsyncGenerator<Buffer> {
  const over = new AbortController();
  const guard = { waiting: false, quietMs: 0, stale: false };
  const watchdog = watchOver(stream, guard, options, AbortSignal.any([over.signal, options.signal]));
  try {
    const chunks = stream.body[Symbol.asyncIterator]();
    for (;;) {
      guard.waiting = true;
      const next = await chunks.next();
      guard.waiting = false;
      guard.quietMs = 0;
      if (next.done) break;
      yield next.value;
    }
    if (guard.stale) throw new StaleStreamError(options.idleMs());
  } catch (error) {
    throw guard.stale ? new StaleStreamError(options.idleMs()) : error;
  } finally {
    over.abort();
    stream.cancel();
    await watchdog;
  }
}

async function watchOver(
  stream: KubeStream,
  guard: { waiting: boolean; quietMs: number; stale: boolean },
  options: GuardOptions,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (let tickMs = 0; guard.quietMs < options.idleMs() + tickMs; ) {
      tickMs = Math.ceil(options.idleMs() / CHECKS);
      await options.clock.sleep(tickMs, signal);
      // Something may have come in the middle of the tick, hence the one tick more in the condition.
      guard.quietMs = guard.waiting ? guard.quietMs + tickMs : 0;
    }
    guard.stale = true;
    stream.cancel();
  } catch (error) {
    // The sleep ends this way whenever the stream is over first.
    if (!signal.aborted) throw error;
  }
}

/** The text of a small answer, at most `bytesMax` of it. */
export async function readBody(stream: KubeStream, options: GuardOptions & { bytesMax: number }): Promise<string> {
  return (await readBytes(stream, options)).toString('utf8');
}

/** An answer, at most `bytesMax` of it. */
export async function readBytes(stream: KubeStream, options: GuardOptions & { bytesMax: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of guardedChunks(stream, options)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= options.bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, options.bytesMax);
}
