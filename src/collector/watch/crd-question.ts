/** Whether a CRD is there, asked with no more than the right to watch CRDs. */
import type { Clock } from '../../domain/clock.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { CRDS_PATH } from './crd-trigger.ts';
import { guardedChunks } from './guarded-stream.ts';
import { LineSplitter } from './line-splitter.ts';
import { METADATA_ACCEPT } from './read-mode.ts';

const LINE_BYTES_MAX = 1024 * 1024;
const SILENCE_MS = 10_000;

/**
 * True if there is a CRD of this name (`plural.group`), false if there is none; undefined where the server does not say: CRDs may not be
 * watched, or it does no streaming lists. The answer is that of its storage, not of a cache that is still being filled. Rejects when there
 * is no answer at all.
 */
export async function isCrdThere(
  name: string,
  { client, clock, signal }: { client: KubeClient; clock: Clock; signal: AbortSignal },
): Promise<boolean | undefined> {
  const query = {
    ...{ watch: 'true', sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' },
    ...{ fieldSelector: `metadata.name=${name}`, timeoutSeconds: '10' },
  };
  const stream = await client.stream(CRDS_PATH, { query, headers: { accept: METADATA_ACCEPT }, signal });
  if (stream.status !== 200) {
    stream.cancel();
    return undefined;
  }
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const seen: Seen[] = [];
  const handler = { piece: (bytes: Buffer) => void seen.push(seenIn(bytes, name)), oversized() {} };
  for await (const chunk of guardedChunks(stream, { clock, signal, idleMs: () => SILENCE_MS })) {
    splitter.push(chunk, handler);
    const answer = seen.find((each) => each !== 'nothing');
    if (answer !== undefined) return answer === 'error' ? undefined : answer === 'there';
  }
  return undefined;
}

type Seen = 'there' | 'end' | 'error' | 'nothing';

function seenIn(line: Buffer, name: string): Seen {
  let event: Json | undefined;
  try {
    event = JSON.parse(line.toString('utf8')) as Json;
  } catch {
    return 'nothing';
  }
  if (!isJsonObject(event) || !isJsonObject(event.object)) return 'nothing';
  if (event.type === 'ERROR') return 'error';
  const metadata = isJsonObject(event.object.metadata) ? event.object.metadata : {};
  if (event.type === 'ADDED' && metadata.name === name) return 'there';
  const { annotations } = metadata;
  const ended = isJsonObject(annotations) && annotations['k8s.io/initial-events-end'] === 'true';
  return event.type === 'BOOKMARK' && ended ? 'end' : 'nothing';
}
