/**
 * What the chaos test needs on both sides of the API server: a collector with the real store behind it, and a writer that keeps a ledger
 * of everything the server accepted.
 */

import type { KindCoverage } from '../../src/collector/source.ts';
import { type ClusterSource, createClusterSource } from '../../src/collector/watch/cluster-source.ts';
import type { Change } from '../../src/domain/change.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { connectKube } from '../../src/kube/http-kube-client.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { createIdleAnalysis } from '../../src/pipeline/idle-analysis.ts';
import { createIngest } from '../../src/pipeline/ingest.ts';
import { createPipeline } from '../../src/pipeline/pipeline.ts';
import { type CoverageAlerts, createCoverageAlerts } from '../../src/respond/coverage-alerts.ts';
import { gapSpots } from '../../src/respond/gap-spots.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { until } from '../support/until.ts';
import { SILENT_LOGGER } from './memory-record.ts';

export const GROUP = 'chaos.test';
/** A dead connection is found within two seconds instead of 30, and the watch takes no longer than that for silence. */
const LIVENESS = { tickMs: 500, everyTicks: 1, deadTicks: 3 };

export interface Collector {
  readonly store: SqliteStore;
  readonly source: ClusterSource;
  readonly alerts: CoverageAlerts;
  coverage(kind: string): KindCoverage | undefined;
  changes(): Change[];
  stop(): Promise<void>;
}

/** Starts collecting into `store`, which outlives it. */
export async function startCollector(store: SqliteStore, kubeconfig: string): Promise<Collector> {
  const client = await connectKube({ kubeconfig, cluster: 'real' }, { liveness: LIVENESS });
  const stop = new AbortController();
  const common = { clock: systemClock, logger: SILENT_LOGGER };
  const alerts = createCoverageAlerts({ ...common, store, externalUrl: () => 'http://page' });
  const pipeline = createPipeline({
    ...{ ...common, store, signal: stop.signal, analysis: createIdleAnalysis(createModel({})), react: () => {} },
    ingest: createIngest({ store, hash: keyedHash(Buffer.from('chaos')) }),
    onGaps(gaps) {
      for (const spot of gapSpots(gaps)) alerts.report(spot);
    },
  });
  const known = {
    heads: (group: string, kind: string, namespace?: string) => store.heads('real', group, kind, namespace),
    head: (ref: Parameters<SqliteStore['head']>[0]) => store.head(ref),
  };
  // All the while lists are made beside the watches: whatever happens, they must find nothing missed.
  const reflector = { timing: { consistencyMs: 2_000 } };
  const selection = { include: [`*.${GROUP}`] };
  const source = createClusterSource({ ...common, client, known, cursors: store, selection, reflector });
  const running = source.run((batch) => pipeline.sink(batch), stop.signal);
  return {
    ...{ store, source, alerts },
    coverage: (kind) => source.coverage().find((row) => row.kind === kind),
    changes: () => allChanges(store),
    async stop() {
      stop.abort();
      await running;
      await client.close();
    },
  };
}

export function openStore(): SqliteStore {
  return openSqliteStore({ file: ':memory:' });
}

function allChanges(store: SqliteStore): Change[] {
  const changes: Change[] = [];
  for (;;) {
    const page = store.changesAfter(changes.at(-1)?.seq ?? 0, 1_000);
    changes.push(...page);
    if (page.length < 1_000) return changes;
  }
}

interface Written {
  name: string;
  /** Nobody was there to be told, and the server has forgotten. */
  untold: boolean;
}

/** Writes as admin, and knows afterwards what there is to be recorded. */
export class Ledger {
  readonly #client: KubeClient;
  /** `uid@resourceVersion` of every state that the server accepted. */
  readonly #states = new Map<string, Written>();
  /** uids of objects that were deleted. */
  readonly #deleted = new Set<string>();
  /** `uid@resourceVersion` of the last state of each life. */
  readonly #last = new Map<string, string>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async apply(kind: number, name: string, size: number, options: { version?: string; blob?: string } = {}): Promise<void> {
    const { version = 'v1alpha1', blob } = options;
    const path = pathOf(kind, version);
    const body = {
      ...{ apiVersion: `${GROUP}/${version}`, kind: `K${kind}`, metadata: { name, namespace: 'default' } },
      spec: { size, ...(blob === undefined ? {} : { blob }) },
    };
    const query = { fieldManager: 'chaos', force: 'true' };
    const contentType = 'application/apply-patch+yaml';
    this.#accept(name, await this.#client.request('PATCH', `${path}/${name}`, { body, query, contentType }));
  }

  async remove(kind: number, name: string, version = 'v1alpha1'): Promise<void> {
    const path = `${pathOf(kind, version)}/${name}`;
    const { metadata } = (await this.#client.request('GET', path)) as unknown as { metadata: { uid: string } };
    await this.#client.request('DELETE', path, { body: { preconditions: { uid: metadata.uid } } });
    this.#deleted.add(metadata.uid);
  }

  /** From here on the server's history is gone: of what `during` writes only the last states and the deletions can be known. */
  async untold(during: () => Promise<void>): Promise<void> {
    const before = new Set(this.#states.keys());
    await during();
    for (const [state, written] of this.#states) if (!before.has(state)) written.untold = true;
    for (const [uid, state] of this.#last) {
      const written = this.#states.get(state);
      if (written !== undefined && !this.#deleted.has(uid)) written.untold = false;
    }
  }

  /** What is wrong with the record; empty when all is there, once, and nothing else. */
  complaints(changes: readonly Change[]): string[] {
    const complaints: string[] = [];
    const states = new Set<string>();
    const ended = new Map<string, number>();
    for (const { uid, resourceVersion, type, ref, seq } of changes) {
      const state = `${uid}@${resourceVersion}`;
      if (type === 'DELETED') ended.set(uid, (ended.get(uid) ?? 0) + 1);
      else if (states.has(state)) complaints.push(`${ref.name} ${state} is recorded twice (seq ${seq})`);
      else if (!this.#states.has(state)) complaints.push(`${ref.name} ${state} was never written (seq ${seq})`);
      else states.add(state);
    }
    for (const [state, { name, untold }] of this.#states)
      if (!untold && !states.has(state)) complaints.push(`${name} ${state} is not recorded`);
    for (const [uid, times] of ended) {
      if (!this.#deleted.has(uid)) complaints.push(`${uid} is recorded as deleted and lives`);
      if (times > 1) complaints.push(`the end of ${uid} is recorded ${times} times`);
    }
    const seen = new Set(changes.map(({ uid }) => uid));
    // Whole lives may pass unseen where history is gone.
    for (const uid of this.#deleted) if (seen.has(uid) && !ended.has(uid)) complaints.push(`the end of ${uid} is not recorded`);
    return complaints;
  }

  #accept(name: string, answer: unknown): void {
    const { uid, resourceVersion } = (answer as { metadata: { uid: string; resourceVersion: string } }).metadata;
    const state = `${uid}@${resourceVersion}`;
    this.#states.set(state, { name, untold: false });
    this.#last.set(uid, state);
  }
}

export function pathOf(kind: number, version = 'v1alpha1'): string {
  return `/apis/${GROUP}/${version}/namespaces/default/k${kind}s`;
}

/** Waits until the live objects of a kind are recorded as the server has them. */
export async function untilRecorded(collector: Collector, admin: KubeClient, kind: number, version = 'v1alpha1'): Promise<void> {
  await until(
    `K${kind} is recorded as it is`,
    async () => {
      const list = (await admin.request('GET', pathOf(kind, version))) as unknown as {
        items: { metadata: { name: string; uid: string; resourceVersion: string } }[];
      };
      const there = list.items.map(({ metadata }) => `${metadata.name} ${metadata.uid}@${metadata.resourceVersion}`);
      const known = [...collector.store.heads('real', GROUP, `K${kind}`)];
      const recorded = known.map(({ ref, uid, resourceVersion }) => `${ref.name} ${uid}@${resourceVersion}`);
      return there.sort().join() === recorded.sort().join();
    },
    30_000,
    50,
  );
}
