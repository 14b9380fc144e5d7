/**
 * What the network adds on labelled streams: trained in its thread on the first part of each, asked about the rest, and set beside the ensemble:
 * alone, and with the say it would have.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../../src/domain/change.ts';
import { isMachine } from '../../src/model/features.ts';
import { Pairs } from '../../src/model/neural/pairs.ts';
import { newShadow, weigh, withNetwork } from '../../src/model/neural/shadow.ts';
import type { TrainingFigures } from '../../src/model/neural/training.ts';
import { feedOf } from '../../src/pipeline/neural/followed-change.ts';
import { createNeuralWorker } from '../../src/pipeline/neural/neural-worker.ts';
import { readLabelledStream } from '../quality/labelled-stream.ts';
import { recordedChanges } from '../quality/recorded.ts';
import { runModel } from '../quality/run.ts';
import {
  averagePrecision,
  BUDGETS,
  costsAtOneThreshold,
  costsOf,
  type Found,
  type Judged,
  recallAt,
  standingOf,
} from '../quality/score.ts';

export interface NeuralRow {
  name: string;
  /** Macro recall at each budget. */
  recall: number[];
  ap: number;
  oneThresholdAt10: number;
}

export interface NeuralQuality {
  streams: string[];
  incidents: number;
  ordinary: number;
  rows: NeuralRow[];
  trainings: ({ stream: string; seconds: number; backend: string } & TrainingFigures)[];
}

export interface NeuralBenchOptions {
  data: string;
  streams: readonly string[];
  backend: 'auto' | 'wasm' | 'native';
  note: (text: string) => void;
}

const SEED = 1;

type Surprises = readonly (number | undefined)[];

export async function measureNeural({ data, streams, backend, note }: NeuralBenchOptions): Promise<NeuralQuality> {
  for (const name of streams)
    if (!existsSync(join(data, `${name}.injected.jsonl.zst`)))
      throw new Error(`there is no ${name}.injected.jsonl.zst in ${data}`);
  const judged = new Map<string, Judged[]>();
  const trainings: NeuralQuality['trainings'] = [];
  let ordinary = 0;
  for (const name of streams) {
    note(`reading and judging ${name}`);
    const stream = await readLabelledStream(data, name);
    const changes = await recordedChanges(join(data, `${name}.injected.jsonl.zst`));
    ordinary += stream.ordinary;
    const feed = feedOf({ changesAfter: (seq, limit) => after(changes, seq, limit), findings: () => ({ items: [] }) }, 'UTC');
    const followed = feed.changes(0, changes.length);
    const lesson = followed.flatMap(({ vector, observedMs }) =>
      vector !== undefined && observedMs <= stream.cutMs ? [vector] : [],
    );
    note(`training on ${lesson.length} changes of ${name}`);
    const worker = createNeuralWorker({ backend, source: feed });
    const beganMs = performance.now();
    const through = changes.findLast(({ observedMs }) => observedMs <= stream.cutMs)?.seq ?? 0;
    const range = { after: 0, through, without: [], scoreMax: Number.POSITIVE_INFINITY };
    const trained = await worker.train({ ...range, seed: SEED, atLeast: 1, onProgress: () => {} });
    if (trained === undefined) throw new Error(`${name} holds nothing to learn from`);
    const seconds = (performance.now() - beganMs) / 1000;
    trainings.push({ stream: name, seconds, backend: trained.backend, ...trained.figures });
    const network = { name, weights: trained.weights };
    const seen = await worker.read({ after: 0, limit: changes.length, network });
    await worker.close();
    const byNetwork = seen.map(({ found }) => found?.surprise);
    const pairs = new Pairs();
    for (const vector of lesson) pairs.learn(vector);
    const byPairs = followed.map(({ vector }) => (vector === undefined ? undefined : pairs.surprise(vector)));
    const findings = runModel(changes).findings;
    const add = (row: string, found: readonly Found[]) => {
      judged.set(row, [...(judged.get(row) ?? []), { stream, standing: standingOf(stream, found) }]);
    };
    add('crowsnest', findings);
    for (const [who, surprises] of [
      ['network', byNetwork],
      ['pairs', byPairs],
    ] as const) {
      const bits = bitsOf(changes, surprises, findings);
      add(`crowsnest with ${who}`, combined(changes, bits, findings));
      add(
        `${who} alone`,
        changes.map((change, i) => foundOf(change, bits[i] ?? 0)),
      );
    }
  }
  const rows = [...judged].map(([name, each]): NeuralRow => {
    const costs = costsOf(each);
    return {
      name,
      recall: BUDGETS.map((budget) => recallAt(costs, budget).macro),
      ap: averagePrecision(costs, ordinary),
      oneThresholdAt10: recallAt(costsAtOneThreshold(each), 10).macro,
    };
  });
  const incidents = (judged.get('crowsnest') ?? []).reduce((sum, { stream }) => sum + stream.incidents.length, 0);
  return { streams: [...streams], incidents, ordinary, rows, trainings };
}

/** Bits as the shadow of a running service has them, one for each change. */
function bitsOf(changes: readonly Change[], surprises: Surprises, findings: readonly Found[]): number[] {
  const shadow = newShadow();
  const scores = new Map(findings.map(({ resourceVersion, score }) => [resourceVersion, score]));
  return changes.map((change, i) => {
    const surprise = surprises[i];
    if (surprise === undefined) return 0;
    const { ref, seq, observedMs: atMs, resourceVersion, type } = change;
    const object = `${ref.group}/${ref.kind} ${ref.namespace}/${ref.name}`;
    const who = { machine: isMachine(change.actor.name), born: type === 'ADDED' };
    return weigh(shadow, { seq, atMs, object, ...who, surprise, score: scores.get(resourceVersion) ?? 0 });
  });
}

/** The findings of the ensemble, each change with the network's say, wherever that makes it worth ranking. */
function combined(changes: readonly Change[], bits: readonly number[], findings: readonly Found[]): Found[] {
  const scores = new Map(findings.map(({ resourceVersion, score }) => [resourceVersion, score]));
  const raised = changes.flatMap((change, i) => {
    const before = scores.get(change.resourceVersion) ?? 0;
    const score = withNetwork(before, bits[i] ?? 0);
    return score >= 1 && score > before ? [foundOf(change, score)] : [];
  });
  return [...findings, ...raised];
}

function foundOf({ observedMs: atMs, resourceVersion }: Change, score: number): Found {
  return { score, atMs, resourceVersion };
}

export function neuralText({ streams, incidents, ordinary, rows, trainings }: NeuralQuality): string {
  const share = (value: number) => value.toFixed(2).replace(/^0/, '');
  const lines = [
    `${incidents} incidents, ${ordinary} ordinary changes judged, streams ${streams.join(', ')}`,
    `${'macro recall at'.padEnd(26)}${BUDGETS.map((budget) => `${budget} per 1,000`.padStart(14)).join('')}      AP  one threshold at 10`,
  ];
  for (const { name, recall, ap, oneThresholdAt10 } of rows)
    lines.push(
      `${name.padEnd(26)}${recall.map((value) => share(value).padStart(14)).join('')}    ${ap.toFixed(3).replace(/^0/, '')}  ${share(oneThresholdAt10)}`,
    );
  for (const { stream, trainedOn, seconds, backend, loss, toldByNetwork, toldByPairs, planted } of trainings)
    lines.push(
      `${stream}: ${trainedOn} changes in ${seconds.toFixed(1)} s (${backend}), loss ${loss.toFixed(4)}; of ${planted} made-up combinations told at one in 100: network ${share(toldByNetwork)}, pairs ${share(toldByPairs)}`,
    );
  return `${lines.join('\n')}\n`;
}

function after(changes: readonly Change[], seq: number, limit: number): Change[] {
  const from = changes.findIndex((change) => change.seq > seq);
  return from < 0 ? [] : changes.slice(from, from + limit);
}
