import type { SourceBatch } from '../../src/collector/source.ts';
import type { KnownHead, RecordedHead } from '../../src/collector/watch/list-comparison.ts';
import { Reflector, type ReflectorOptions } from '../../src/collector/watch/reflector.ts';
import type { ReflectorTiming } from '../../src/collector/watch/reflector-timing.ts';
import type { Observation } from '../../src/domain/change.ts';
import { type ObjectRef, refOf } from '../../src/domain/object-ref.ts';
import { createHttpKubeClient } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import type { FakeApiServer } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';

export const WIDGET = { group: 'test.dev', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true };

export function widget(name: string, size: number, namespace = 'team-a') {
  return { apiVersion: 'test.dev/v1', kind: 'Widget', metadata: { name, namespace }, spec: { size } };
}

export const SILENT_LOGGER = { debug() {}, info() {}, warn() {}, error() {} } as unknown as ReflectorOptions['logger'];

/** Waits that are seconds in life are milliseconds here. */
export const QUICK: Partial<ReflectorTiming> = { forbiddenMs: 20, backOffBaseMs: 2, backOffMsMax: 20 };

/** A store in memory: what a sink delivers becomes heads, cursors and rejects, as the pipeline would do it. */
export class MemoryRecord {
  readonly observations: Observation[] = [];
  readonly batches: SourceBatch[] = [];
  readonly rejects: NonNullable<SourceBatch['rejects']> = [];
  readonly gaps: NonNullable<SourceBatch['gaps']> = [];
  readonly cursorValues = new Map<string, string>();
  readonly #heads = new Map<string, RecordedHead>();
  /** Makes the next so many deliveries fail. */
  failNext = 0;
  /** Makes the next so many deliveries fail once they are recorded. */
  failAfterNext = 0;

  sink = async (batch: SourceBatch): Promise<void> => {
    if (this.failNext > 0) {
      this.failNext -= 1;
      throw new Error('the store is full');
    }
    this.batches.push(batch);
    this.rejects.push(...(batch.rejects ?? []));
    this.gaps.push(...(batch.gaps ?? []));
    for (const observation of batch.observations) {
      this.observations.push(observation);
      const { uid, resourceVersion, generation } = observation.object.metadata;
      const ref = refOf(observation.cluster, observation.object);
      const key = `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;
      const deleted = observation.type === 'DELETED';
      this.#heads.set(key, { ref, uid, resourceVersion, generation: generation as number | undefined, deleted });
    }
    for (const [name, value] of Object.entries(batch.cursors ?? {})) this.cursorValues.set(name, value);
    if (this.failAfterNext > 0) {
      this.failAfterNext -= 1;
      throw new Error('recorded, and then something failed');
    }
  };

  heads = (group: string, kind: string, namespace?: string): KnownHead[] =>
    [...this.#heads.values()].filter(
      ({ ref, deleted }) =>
        !deleted && ref.group === group && ref.kind === kind && (namespace === undefined || ref.namespace === namespace),
    );

  head = (ref: ObjectRef): RecordedHead | undefined => this.#heads.get(`${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`);

  cursor = (name: string): string | undefined => this.cursorValues.get(name);

  cursors = (prefix: string): Record<string, string> =>
    Object.fromEntries([...this.cursorValues].filter(([name]) => name.startsWith(prefix)));

  /** `ADDED team-a/w@12` for each observation, without the resourceVersion. */
  get story(): string[] {
    return this.observations.map(({ type, object, origin }) => {
      const { namespace, name } = object.metadata;
      const size = (object.spec as { size?: number } | undefined)?.size;
      return `${type} ${namespace}/${name}${size === undefined ? '' : `=${size}`} (${origin})`;
    });
  }

  /** Name and resourceVersion of every live object, sorted. */
  get live(): string[] {
    return [...this.#heads.values()]
      .filter(({ deleted }) => !deleted)
      .map(({ ref, uid, resourceVersion }) => `${ref.namespace}/${ref.name} ${uid} ${resourceVersion}`)
      .sort();
  }

  /** Resolves when so many observations came. */
  async until(count: number): Promise<void> {
    await until(`${count} observations`, () => this.observations.length >= count, 10_000, 2);
  }
}

export function clientOf(server: FakeApiServer, cluster = 'fake'): KubeClient {
  return createHttpKubeClient({ cluster, server: new URL(server.url), apply: async () => ({ headers: {} }) });
}

export interface RunningReflector {
  reflector: Reflector;
  stop(): Promise<void>;
}

export function runReflector(
  server: FakeApiServer,
  record: MemoryRecord,
  options: Partial<ReflectorOptions> = {},
): RunningReflector {
  const client = clientOf(server);
  const stop = new AbortController();
  const { timing, ...rest } = options;
  const reflector = new Reflector({
    client,
    kind: WIDGET,
    clock: systemClock,
    logger: SILENT_LOGGER,
    known: record,
    cursors: record,
    timing: { ...QUICK, ...timing },
    ...rest,
  });
  const running = reflector.run(record.sink, stop.signal);
  return {
    reflector,
    async stop() {
      stop.abort();
      await running;
      await client.close();
    },
  };
}
