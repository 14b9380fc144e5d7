/**
 * Reads the schemas of a cluster's kinds before their first object is recorded, and again when they change: what a schema calls a password
 * must be masked from the start. A cluster that does not tell its schemas is watched all the same, masked by name and shape.
 */
import type { Clock } from '../../domain/clock.ts';
import type { SchemaBook } from '../../domain/schema-book.ts';
import { kindKey, type ResourceKind } from '../../kube/discovery.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { documentName, type OpenApiIndex, readOpenApiDocument, readOpenApiIndex } from '../../kube/openapi.ts';
import type { Logger } from '../../telemetry/logger.ts';

export interface KindSchemas {
  /** Resolves once the kind's schema is known, or it is clear or has become likely that it will not be. Never rejects. */
  ready(kind: ResourceKind, signal: AbortSignal): Promise<void>;
  /** Looks whether schemas of kinds that were asked for have changed. Never rejects. */
  refresh(signal: AbortSignal): Promise<void>;
}

export interface KindSchemasOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
  book: SchemaBook;
  /** How long a kind is held back for its schema. Default 5 s: a new CRD's is published within a second or so. */
  waitMs?: number;
}

const LOOK_AGAIN_MS = 250;
/** Documents read at the same time: the large ones take megabytes. */
const AT_ONCE = 4;

export function createKindSchemas(options: KindSchemasOptions): KindSchemas {
  return new ClusterSchemas(options);
}

interface Wanted extends Pick<ResourceKind, 'group' | 'version'> {
  kinds: Set<string>;
  /** The address that was read last. */
  read: string | undefined;
  /** Kinds that it described. */
  told: ReadonlySet<string>;
}

class ClusterSchemas implements KindSchemas {
  readonly #options: KindSchemasOptions;
  /** By the name of the document. */
  readonly #wanted = new Map<string, Wanted>();
  #look: Promise<boolean> | undefined;
  /** Kinds that were said to have none. */
  readonly #missed = new Set<string>();

  constructor(options: KindSchemasOptions) {
    this.#options = options;
  }

  async ready(kind: ResourceKind, signal: AbortSignal): Promise<void> {
    const wanted = this.#want(kind);
    const isLate = await this.#withinWait(signal, async (stillWaits) => {
      while (stillWaits() && !wanted.told.has(kind.kind)) {
        if (!(await this.#lookOnce(signal)) || wanted.told.has(kind.kind)) return;
        await this.#options.clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
      }
    });
    if (!isLate || signal.aborted || this.#missed.has(kindKey(kind))) return;
    this.#missed.add(kindKey(kind));
    const { group, version } = kind;
    this.#options.logger.warn({ group, version, kind: kind.kind }, 'the API server does not tell the schema of a kind');
  }

  async refresh(signal: AbortSignal): Promise<void> {
    if (this.#wanted.size > 0) await this.#withinWait(signal, () => this.#lookOnce(signal));
  }

  /** A server that is slow to answer holds nobody back for longer. True when the time ran out. */
  async #withinWait(signal: AbortSignal, work: (stillWaits: () => boolean) => Promise<unknown>): Promise<boolean> {
    const { clock, waitMs = 5_000 } = this.#options;
    const done = new AbortController();
    let waits = true;
    const late = clock.sleep(waitMs, AbortSignal.any([signal, done.signal])).then(
      () => true,
      () => !done.signal.aborted,
    );
    const isLate = await Promise.race([work(() => waits && !signal.aborted).then(() => false), late]);
    waits = false;
    done.abort();
    return isLate;
  }

  #want({ group, version, kind }: ResourceKind): Wanted {
    const name = documentName({ group, version });
    const wanted = this.#wanted.get(name) ?? { group, version, kinds: new Set(), read: undefined, told: new Set() };
    wanted.kinds.add(kind);
    this.#wanted.set(name, wanted);
    return wanted;
  }

  /** False where there is nothing to be learnt by looking again soon. One look at a time, shared by all who wait. */
  async #lookOnce(signal: AbortSignal): Promise<boolean> {
    this.#look ??= this.#readAll(signal).finally(() => {
      this.#look = undefined;
    });
    return this.#look;
  }

  async #readAll(signal: AbortSignal): Promise<boolean> {
    const { client, logger } = this.#options;
    try {
      const index = await readOpenApiIndex(client, signal);
      if (index === undefined) return false;
      const changed = [...this.#wanted].filter(([name, { read }]) => index.has(name) && index.get(name) !== read);
      await Promise.all(Array.from({ length: AT_ONCE }, () => this.#readEach(changed, index, signal)));
      return true;
    } catch (error) {
      if (!signal.aborted) logger.debug({ reason: error instanceof Error ? error.message : String(error) }, 'no schemas');
      return false;
    }
  }

  /** The document of an aggregated API may fail alone. */
  async #readEach(left: [string, Wanted][], index: OpenApiIndex, signal: AbortSignal): Promise<void> {
    const { client, book, logger } = this.#options;
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [name, wanted] = next;
      const address = index.get(name) as string;
      try {
        const schemas = await readOpenApiDocument(client, address, wanted, signal);
        for (const [kind, schema] of schemas)
          if (wanted.kinds.has(kind)) book.learn(client.cluster, { group: wanted.group, kind }, schema);
        wanted.read = address;
        wanted.told = new Set(schemas.keys());
      } catch (error) {
        signal.throwIfAborted();
        logger.debug({ document: name, reason: error instanceof Error ? error.message : String(error) }, 'no schemas of a group');
      }
    }
  }
}
