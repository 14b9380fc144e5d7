/** Whether a CRD is there, asked with no more than the right to watch CRDs. */
import type { Clock } from '../../domain/clock.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { CRDS_PATH } from './crd-trigger.ts';
import { guardedChunks, StaleStreamError } from './guarded-stream.ts';
import { LineSplitter } from './line-splitter.ts';
import { METADATA_ACCEPT } from './read-mode.ts';

const LINE_BYTES_MAX = 1024 * 1024;
const SILENCE_MS = 10_000;
const UNLISTED_SILENCE_MS = 3_000;

/**
 * True if there is a CRD of this name (`plural.group`), false if there is none; undefined where it may not be asked, as CRDs may not be
 * watched or there is no such thing. The answer is that of the server's storage, not of a cache that is still being filled. Rejects when
 * there is no answer: a server that is too busy, or that begins or ends, says nothing of the CRD.
 */
export async function isCrdThere(name: string, asking: Asking): Promise<boolean | undefined> {
  const there = await askOnce(name, asking, {
    ...{ sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: 'true' },
    timeoutSeconds: '10',
  });
  if (there !== 'unsupported') return there;
  // Without streaming lists nothing says that all is told. What is there comes at once, and then nothing for longer than the watch is silent.
  const found = await askOnce(name, { silenceMs: UNLISTED_SILENCE_MS, ...asking }, { timeoutSeconds: '300' });
  if (found === 'unsupported') throw new Error('a watch of CRDs is refused');
  return found;
}

interface Asking {
  client: Pick<KubeClient, 'stream'>;
  clock: Clock;
  signal: AbortSignal;
  /** How long the server may say nothing. Default 10 s, or 3 s where silence is the answer. */
  silenceMs?: number;
}

async function askOnce(
  name: string,
  { client, clock, signal, silenceMs = SILENCE_MS }: Asking,
  how: Record<string, string>,
): Promise<boolean | undefined | 'unsupported'> {
  const isStreamingList = how.sendInitialEvents !== undefined;
  const query = { watch: 'true', fieldSelector: `metadata.name=${name}`, ...how };
  const stream = await client.stream(CRDS_PATH, { query, headers: { accept: METADATA_ACCEPT }, signal });
  if (stream.status !== 200) {
    stream.cancel();
    if (REFUSED.has(stream.status)) return undefined;
    if (isStreamingList && UNSUPPORTED.has(stream.status)) return 'unsupported';
    throw new Error(`the API server answers ${stream.status}`);
  }
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  const seen: Seen[] = [];
  const handler = { piece: (bytes: Buffer) => void seen.push(seenIn(bytes, name)), oversized() {} };
  try {
    for await (const chunk of guardedChunks(stream, { clock, signal, idleMs: () => silenceMs })) {
      splitter.push(chunk, handler);
      const answer = seen.find((each) => each !== 'nothing');
      if (answer === 'there' || answer === 'end') return answer === 'there';
      // An etcd that cannot tell how far it is (before 3.4.25) shows in the stream only.
      if (answer === 'error' && isStreamingList) return 'unsupported';
      if (answer === 'error') throw new Error('the API server answers with an error');
    }
  } catch (error) {
    if (error instanceof StaleStreamError && !isStreamingList) return false;
    throw error;
  }
  throw new Error('the API server ended the watch before it said');
}

/** CRDs may not be watched, or there are none in this API. */
const REFUSED: ReadonlySet<number> = new Set([403, 404, 405]);
/** What a server says that does no streaming lists. */
const UNSUPPORTED: ReadonlySet<number> = new Set([400, 422]);

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
