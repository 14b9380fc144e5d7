/** A few weeks of a made-up cluster as a stream, recorded and judged the way the program does it, in as many lives as a test wants. */
import { StreamBatcher } from '../../src/collector/recording/stream-batch.ts';
import type { StreamEntry } from '../../src/collector/recording/stream-format.ts';
import type { SourceBatch } from '../../src/collector/source.ts';
import { generateScenario } from '../../src/demo/scenario.ts';
import type { Finding } from '../../src/domain/finding.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { createModel } from '../../src/model/ensemble.ts';
import { type Analysis, createAnalysis } from '../../src/pipeline/analyze.ts';
import { createIngest, type Ingest } from '../../src/pipeline/ingest.ts';
import { createPolicy } from '../../src/respond/policy.ts';
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite-store.ts';

const KINDS = new Set(['HelmRelease', 'KafkaUser', 'InferenceService', 'ModelRoute']);
/** With seed 11 the second gets slow. */
const TARGETS = new Set(['kserve-controller', 'ai-gateway']);
/** From here on users of Kafka are left alone, so that silences are among the findings. */
const QUIET_FROM_MS = Date.parse('2026-05-27T00:00:00Z');

/** Some operators' objects and two controllers' pages of metrics, in batches as a replay takes them. */
export function shortStream(seed: number): SourceBatch[] {
  const batcher = new StreamBatcher(40);
  const batches: SourceBatch[] = [];
  for (const entry of generateScenario(seed).entries) {
    if (!isChosen(entry)) continue;
    if (batcher.mustTakeBefore(entry) || batcher.full) batches.push(batcher.take({}));
    batcher.add(entry);
  }
  if (!batcher.empty) batches.push(batcher.take({}));
  return batches;
}

function isChosen(entry: StreamEntry): boolean {
  if ('scrape' in entry) return TARGETS.has(entry.scrape.target);
  if (!('observation' in entry)) return false;
  const { kind = '' } = entry.observation.object;
  return KINDS.has(kind) && !(kind === 'KafkaUser' && entry.observation.observedMs > QUIET_FROM_MS);
}

/** The program's second hop on a file, from one start to the next. */
export interface Life {
  store: SqliteStore;
  ingest: Ingest;
  analysis: Analysis;
  /** Ends it as a kill would: what was not committed is gone. */
  end(): void;
}

export function live(file: string, seen: Finding[] = [], pagesPerWeek = 5): Life {
  const store = openSqliteStore({ file });
  return {
    store,
    ingest: createIngest({ store, hash: keyedHash(Buffer.from('k')) }),
    analysis: createAnalysis({
      store,
      createModel: (snapshot) => createModel({}, snapshot),
      createPolicy: (saved) => createPolicy({ pagesPerWeek }, saved),
      consequences: () => ({ alerts: [], effects: [] }),
      onFinding: (finding) => seen.push(finding),
    }),
    end: () => store.close(),
  };
}
