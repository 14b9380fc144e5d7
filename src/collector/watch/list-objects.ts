import type { Clock } from '../../domain/clock.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { statusError, statusOfAnswer } from '../../kube/kube-status.ts';
import { guardedChunks, readBody } from './guarded-stream.ts';
import { ListSplitter } from './list-splitter.ts';

const OBJECT_BYTES_MAX = 3 * 1024 * 1024;
const SILENCE_MS = 30_000;

/**
 * Gives each object of a list to `take` as it comes, so that a list of any length needs the memory of one object. The list is what the API
 * server has in its cache, which costs it least and may be moments old. Rejects with KubeStatusError when refused.
 */
export async function listObjects(
  options: { client: KubeClient; clock: Clock; signal: AbortSignal },
  path: string,
  take: (object: JsonObject) => void,
): Promise<void> {
  const { client, clock, signal } = options;
  const stream = await client.stream(path, { query: { resourceVersion: '0' }, signal });
  const guard = { clock, signal, idleMs: () => SILENCE_MS };
  if (stream.status !== 200) {
    const body = await readBody(stream, { ...guard, bytesMax: 64 * 1024 });
    throw statusError(statusOfAnswer(stream.status, stream.headers, body));
  }
  const splitter = new ListSplitter(OBJECT_BYTES_MAX);
  const handler = {
    piece(bytes: Buffer) {
      const object = parse(bytes);
      if (object !== undefined) take(object);
    },
    oversized() {},
  };
  for await (const chunk of guardedChunks(stream, guard)) splitter.push(chunk, handler);
  splitter.end();
}

function parse(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
