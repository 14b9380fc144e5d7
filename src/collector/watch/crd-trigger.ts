import type { Clock } from '../../domain/clock.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { backOffMs } from './back-off.ts';
import { guardedChunks } from './guarded-stream.ts';

export const CRDS_PATH = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
/** Metadata is all that is needed, and CRDs are large. */
const ACCEPT = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
const WATCH_SECONDS = 300;
/** Without the right to watch CRDs, discovery by the clock has to do; the right may still be granted later. */
const REFUSED_MS = 60_000;

/**
 * Calls `onChange` whenever CRDs come, change or go, until the signal aborts. It only says that something happened: what, is for
 * discovery to tell. Each connection begins with all CRDs, so nothing is missed in between.
 */
export async function watchCrds(options: {
  client: KubeClient;
  clock: Clock;
  signal: AbortSignal;
  random: () => number;
  onChange: () => void;
}): Promise<void> {
  const { client, clock, signal, random, onChange } = options;
  let failures = 0;
  while (!signal.aborted) {
    let delayMs = 0;
    try {
      const query = { watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '0', timeoutSeconds: String(WATCH_SECONDS) };
      const stream = await client.stream(CRDS_PATH, { query, headers: { accept: ACCEPT }, signal });
      if (stream.status === 200) {
        for await (const _ of guardedChunks(stream, { clock, signal, idleMs: () => (WATCH_SECONDS + 30) * 1000 })) {
          failures = 0;
          onChange();
        }
        failures += 1;
      } else {
        stream.cancel();
        delayMs = REFUSED_MS;
      }
    } catch {
      // The reflectors report what is wrong with the connection; this is only a trigger.
      failures += 1;
    }
    if (delayMs === 0) delayMs = backOffMs(failures, { baseMs: 500, msMax: 30_000, random });
    await clock.sleep(delayMs, signal).catch(() => {});
  }
}
