/**
 * A source for what has no watch: asks an HTTP address for a JSON list again and again, and tells how it differs from what is recorded. Objects get
 * what an API server would give them: a uid per life, and a resourceVersion that is a keyed hash of the content.
 *
 * A deletion is believed only of a list that came whole and could be read to its last item. What was recorded comes from the store, so a restart goes on
 * where it was, and an answer that nothing changed (304) is asked for only with the tag of a list that is recorded.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import type { Observation } from '../../domain/change.ts';
import type { Clock } from '../../domain/clock.ts';
import { CrowsnestError } from '../../domain/errors.ts';
import { canonicalJson } from '../../domain/json.ts';
import type { KeyedHash } from '../../domain/masking/redact.ts';
import { type KubeObject, parseApiVersion } from '../../domain/object-ref.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Sink } from '../source.ts';
import { jittered } from '../watch/back-off.ts';
import { gone, type KnownHead, type KnownObjects } from '../watch/list-comparison.ts';
import type { IngestMetrics } from './ingest-metrics.ts';
import { keyOf, type PolledItem, type PolledList, type PollMapping, readPolledList } from './polled-list.ts';
import { type PulledSource, Reach } from './pulled-source.ts';
import { rejectsOfFaults } from './push-receiver.ts';

export interface Poll extends PollMapping {
  name: string;
  url: string;
  intervalMs: number;
  cluster: string;
  /** Bearer token, read at each poll. */
  tokenFile?: string | undefined;
}

export interface PollerOptions {
  poll: Poll;
  known: Pick<KnownObjects, 'heads'>;
  cursors: { cursor(name: string): string | undefined };
  hash: KeyedHash;
  clock: Clock;
  logger: Logger;
  metrics: IngestMetrics;
  random?: () => number;
}

const BODY_BYTES_MAX = 32 * 1024 * 1024;
const ANSWER_MS_MAX = 30_000;
const BATCH_MAX = 256;
const REJECTS_MAX = 20;
const JITTER = 0.1;
/** Marks a resourceVersion as made here: objects of the same kind that came another way are none of ours. */
const MADE_HERE = 'poll-';

/** What a server wants to hear again to say that nothing changed. */
interface Validators {
  etag?: string;
  lastModified?: string;
}

export class Poller implements PulledSource {
  readonly name: string;
  readonly #options: PollerOptions;
  readonly #cursorName: string;
  readonly #reach: Reach;
  #faultsTold = '';

  constructor(options: PollerOptions) {
    this.#options = options;
    this.name = `poll ${options.poll.name}`;
    this.#cursorName = `poll/${options.poll.name}`;
    this.#reach = new Reach(options.poll.cluster, this.name, options.clock.nowMs());
  }

  reach() {
    return this.#reach.current();
  }

  blindSpot() {
    return this.#reach.blindSpot();
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const { poll, clock, logger, metrics, random = Math.random } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#pollOnce(sink, signal);
        metrics.polled(poll.name, true, clock.nowMs());
        this.#reach.reached(clock.nowMs());
      } catch (error) {
        if (signal.aborted) return;
        metrics.polled(poll.name, false, clock.nowMs());
        const { code, what } = asPollError(error, poll);
        this.#reach.failed(what, clock.nowMs());
        logger.warn({ poll: poll.name, code }, what);
      }
      await clock.sleep(jittered(poll.intervalMs, JITTER, random), signal).catch(() => {});
    }
  }

  async #pollOnce(sink: Sink, signal: AbortSignal): Promise<void> {
    const saved = this.#options.cursors.cursor(this.#cursorName);
    const answer = await fetchList(this.#options.poll, readValidators(saved), signal);
    if (answer === 'unchanged') return;
    const list = readPolledList(answer.body, this.#options.poll);
    await this.#deliver(list, sink, { first: saved === undefined, validators: answer.validators });
    if (list.items.length === 0 && !list.complete) throw new Error(list.faults[0]?.what ?? 'the list cannot be read');
  }

  async #deliver(list: PolledList, sink: Sink, { first, validators }: { first: boolean; validators: Validators }): Promise<void> {
    const { poll, known, clock } = this.#options;
    const observedMs = clock.nowMs();
    const { group } = parseApiVersion(poll.apiVersion);
    const left = new Map<string, KnownHead>();
    for (const head of known.heads(group, poll.kind))
      if (head.resourceVersion.startsWith(MADE_HERE)) left.set(keyOf(head.ref), head);
    const observations: Observation[] = [];
    // What the very first list shows was there before anyone looked.
    const origin = first ? 'list' : 'relist';
    for (const item of list.items) {
      const key = keyOf(item);
      const head = left.get(key);
      left.delete(key);
      const object = this.#objectOf(item, head?.uid ?? newUid(poll, key, observedMs));
      if (head?.resourceVersion === object.metadata.resourceVersion) continue;
      observations.push({ cluster: poll.cluster, type: head === undefined ? 'ADDED' : 'MODIFIED', object, observedMs, origin });
    }
    if (list.complete) for (const head of left.values()) observations.push({ cluster: poll.cluster, observedMs, ...gone(head) });
    for (let from = 0; from < observations.length; from += BATCH_MAX) {
      await sink({ observations: observations.slice(from, from + BATCH_MAX) });
    }
    // The tag comes last and only with a whole list: it stands for everything before it.
    const cursors = list.complete ? { [this.#cursorName]: JSON.stringify(validators) } : undefined;
    const rejects = this.#newFaults(list, observedMs);
    if (rejects.length > 0 || cursors !== undefined) await sink({ observations: [], rejects, ...(cursors && { cursors }) });
  }

  #objectOf({ namespace, name, content }: PolledItem, uid: string): KubeObject {
    const { apiVersion, kind } = this.#options.poll;
    // Keyed, as whoever reads the record could otherwise try out what a masked value may have been.
    const resourceVersion = `${MADE_HERE}${this.#options.hash(canonicalJson(content))}`;
    const metadata: KubeObject['metadata'] = { name, uid, resourceVersion };
    if (namespace !== '') metadata.namespace = namespace;
    return { apiVersion, kind, metadata, spec: content };
  }

  /** A broken item is broken at each poll: counted each time, kept once. */
  #newFaults({ faults }: PolledList, observedMs: number) {
    const { poll, metrics } = this.#options;
    for (const { reason } of faults) metrics.reject(reason);
    const told = JSON.stringify(faults.slice(0, REJECTS_MAX));
    if (told === this.#faultsTold) return [];
    this.#faultsTold = told;
    return rejectsOfFaults(faults.slice(0, REJECTS_MAX), `poll ${poll.name}`, poll.cluster, observedMs);
  }
}

async function fetchList(
  poll: Poll,
  { etag, lastModified }: Validators,
  signal: AbortSignal,
): Promise<'unchanged' | { body: Buffer; validators: Validators }> {
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'crowsnest' };
  if (etag !== undefined) headers['if-none-match'] = etag;
  if (lastModified !== undefined) headers['if-modified-since'] = lastModified;
  if (poll.tokenFile !== undefined) headers.authorization = `Bearer ${(await readFile(poll.tokenFile, 'utf8')).trim()}`;
  const late = AbortSignal.timeout(ANSWER_MS_MAX);
  const answer = await request(poll.url, { headers, signal: AbortSignal.any([signal, late]) });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) throw new Error(`the answer is larger than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  if (answer.statusCode === 304 && (etag ?? lastModified) !== undefined) return 'unchanged';
  if (answer.statusCode !== 200) throw new Error(`the server answers ${answer.statusCode}`);
  return { body: Buffer.concat(chunks, length), validators: validatorsOf(answer.headers) };
}

function validatorsOf(headers: Record<string, string | string[] | undefined>): Validators {
  const { etag, 'last-modified': lastModified } = headers;
  return {
    ...(typeof etag === 'string' ? { etag } : {}),
    ...(typeof lastModified === 'string' ? { lastModified } : {}),
  };
}

function readValidators(saved: string | undefined): Validators {
  return saved === undefined ? {} : (JSON.parse(saved) as Validators);
}

/** One per life: a key that comes back after it was gone is another object, as with an API server. */
function newUid({ name, cluster }: Poll, key: string, firstMs: number): string {
  const hex = createHash('sha256')
    .update(JSON.stringify([cluster, name, key, firstMs]))
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function asPollError(error: unknown, poll: Poll): CrowsnestError {
  const reason = error instanceof Error ? error.message || String((error as NodeJS.ErrnoException).code) : String(error);
  return new CrowsnestError({
    code: 'POLL_FAILED',
    what: `the list ${poll.name} cannot be polled: ${reason}`,
    where: new URL(poll.url).origin,
    todo: 'Check the address, the token and the pointers; it is tried again by itself.',
    cause: error,
  });
}
