/**
 * Reads the schemas of a cluster's kinds before their first object is recorded, and again when they change: what a schema calls a password
 * must be masked from the start. A cluster that does not tell its schemas is watched all the same, masked by name and shape.
 */
import type { Clock } from '../domain/clock.ts';
import type { SchemaBook } from '../domain/schema-book.ts';
import { kindKey, type ResourceKind } from '../kube/discovery.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import { documentName, type OpenApiIndex, readOpenApiDocument, readOpenApiIndex } from '../kube/openapi.ts';
import type { Logger } from '../telemetry/logger.ts';

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
  #told = new Set<string>();

  constructor(options: KindSchemasOptions) {
    this.#options = options;
  }

  async ready(kind: ResourceKind, signal: AbortSignal): Promise<void> {
    const { clock, waitMs = 5_000, logger } = this.#options;
    const wanted = this.#want(kind);
    const endMs = clock.nowMs() + waitMs;
    while (!signal.aborted && !wanted.told.has(kind.kind)) {
      if (!(await this.#lookOnce(signal))) return;
      if (wanted.told.has(kind.kind) || signal.aborted) return;
      if (clock.nowMs() >= endMs) {
        if (this.#told.has(kindKey(kind))) return;
        this.#told.add(kindKey(kind));
        const { group, version } = kind;
        logger.warn({ group, version, kind: kind.kind }, 'the API server does not tell the schema of a kind');
        return;
      }
      await clock.sleep(LOOK_AGAIN_MS, signal).catch(() => {});
    }
  }

  async refresh(signal: AbortSignal): Promise<void> {
    if (this.#wanted.size > 0) await this.#lookOnce(signal);
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

  async #readEach(left: [string, Wanted][], index: OpenApiIndex, signal: AbortSignal): Promise<void> {
    const { client, book } = this.#options;
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [name, wanted] = next;
      const address = index.get(name) as string;
      const schemas = await readOpenApiDocument(client, address, wanted, signal);
      for (const [kind, schema] of schemas)
        if (wanted.kinds.has(kind)) book.learn(client.cluster, { group: wanted.group, kind }, schema);
      wanted.read = address;
      wanted.told = new Set(schemas.keys());
    }
  }
}
