/** The quality bench: recall by incident on labelled streams, ablation, calibration on clean ones, yardsticks and cost. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Change } from '../../src/domain/change.ts';
import { WEIGHTS } from '../../src/model/tails/combine.ts';
import { type Counted, countCalls, ratiosOf } from './calibration.ts';
import { type LabelledStream, readLabelledStream } from './labelled-stream.ts';
import { recordedChanges } from './recorded.ts';
import { runModel } from './run.ts';
import { averagePrecision, BUDGETS, type Cost, costsAtOneThreshold, costsOf, type Found, recallAt, standingOf } from './score.ts';
import { TRIVIAL } from './trivial.ts';

const DRAWS = 1_000;
const NOT_ON_CHANGES = new Set(['status-loop', 'user-rule']);

export interface Row {
  name: string;
  /** Macro recall at each budget, with 95 % intervals over incidents within classes. */
  recall: number[];
  low: number[];
  high: number[];
  ap: number;
  oneThresholdAt10: number;
}

export interface Quality {
  streams: string[];
  incidents: number;
  ordinary: number;
  rows: Row[];
  byClass: { class: string; incidents: number; recall: number[] }[];
  ablation: { without: string; recall: number[]; ap: number }[];
  calibration: ReturnType<typeof ratiosOf>;
  microsecondsPerChange: { median: number; p99: number };
  snapshotBytes: number[];
}

export interface QualityOptions {
  data: string;
  streams: readonly string[];
  ablation: boolean;
  note: (text: string) => void;
}

/** Throws where a stream of that name is not in the folder. */
export async function measureQuality({ data, streams, ablation, note }: QualityOptions): Promise<Quality> {
  for (const name of streams) {
    if (!existsSync(join(data, `${name}.injected.jsonl.zst`)))
      throw new Error(`there is no ${name}.injected.jsonl.zst in ${data}`);
  }
  const labelled: { stream: LabelledStream; changes: Change[] }[] = [];
  for (const name of streams) {
    note(`reading ${name}`);
    const stream = await readLabelledStream(data, name);
    labelled.push({ stream, changes: await recordedChanges(join(data, `${name}.injected.jsonl.zst`)) });
  }
  const judgedBy = (judge: (changes: readonly Change[]) => Found[]) =>
    labelled.map(({ stream, changes }) => ({ stream, standing: standingOf(stream, judge(changes)) }));
  const ordinary = labelled.reduce((sum, { stream }) => sum + stream.ordinary, 0);
  const rowOf = (name: string, judged: ReturnType<typeof judgedBy>): Row => {
    const costs = costsOf(judged);
    const oneThresholdAt10 = recallAt(costsAtOneThreshold(judged), 10).macro;
    return { name, ...recalls(costs), ap: averagePrecision(costs, ordinary), oneThresholdAt10 };
  };

  note('judging');
  const runs = labelled.map(({ changes }) => runModel(changes));
  const judged = labelled.map(({ stream }, i) => ({ stream, standing: standingOf(stream, runs[i]?.findings ?? []) }));
  const costs = costsOf(judged);
  const rows = [rowOf('crowsnest', judged)];
  for (const [name, judge] of Object.entries(TRIVIAL)) rows.push(rowOf(name, judgedBy(judge)));

  const without: Quality['ablation'] = [];
  for (const detector of ablation ? Object.keys(WEIGHTS).filter((name) => !NOT_ON_CHANGES.has(name)) : []) {
    note(`without ${detector}`);
    const weights = { ...WEIGHTS, [detector]: 0 };
    const ablated = costsOf(judgedBy((changes) => runModel(changes, weights).findings));
    without.push({
      without: detector,
      recall: BUDGETS.map((budget) => recallAt(ablated, budget).macro),
      ap: averagePrecision(ablated, ordinary),
    });
  }
  const spent = Float64Array.from(runs.flatMap((run) => [...run.costs])).sort();
  return {
    streams: [...streams],
    incidents: costs.length,
    ordinary,
    rows,
    byClass: classesOf(costs),
    ablation: without,
    calibration: ratiosOf(await countClean(data, streams, note)),
    microsecondsPerChange: { median: spent[spent.length >> 1] ?? 0, p99: spent[Math.floor(spent.length * 0.99)] ?? 0 },
    snapshotBytes: runs.map((run) => run.snapshotBytes),
  };
}

async function countClean(data: string, streams: readonly string[], note: (text: string) => void): Promise<Counted> {
  const counted: Counted = [];
  for (const name of streams) {
    const file = join(data, `${name}.jsonl.zst`);
    if (!existsSync(file)) continue;
    note(`calibration on ${name}`);
    countCalls(await recordedChanges(file), counted);
  }
  return counted;
}

function classesOf(costs: readonly Cost[]): Quality['byClass'] {
  const at = BUDGETS.map((budget) => recallAt(costs, budget).byClass);
  return [...(at[0]?.keys() ?? [])].map((name) => ({
    class: name,
    incidents: costs.filter((cost) => cost.class === name).length,
    recall: at.map((byClass) => byClass.get(name) ?? 0),
  }));
}

function recalls(costs: readonly Cost[]): Pick<Row, 'recall' | 'low' | 'high'> {
  const recall = BUDGETS.map((budget) => recallAt(costs, budget).macro);
  const classes = [...Map.groupBy(costs, (cost) => cost.class).values()];
  const draws = BUDGETS.map(() => new Float64Array(DRAWS));
  let state = 1;
  for (let draw = 0; draw < DRAWS; draw++) {
    const sample = classes.flatMap((members) =>
      members.map(() => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return members[Math.floor((state / 2 ** 32) * members.length)] as Cost;
      }),
    );
    BUDGETS.forEach((budget, i) => {
      (draws[i] as Float64Array)[draw] = recallAt(sample, budget).macro;
    });
  }
  const quantile = (values: Float64Array, share: number) => values.sort()[Math.round(share * (DRAWS - 1))] as number;
  return { recall, low: draws.map((values) => quantile(values, 0.025)), high: draws.map((values) => quantile(values, 0.975)) };
}

export function qualityText(result: Quality): string {
  const share = (value: number) => value.toFixed(2).replace(/^0/, '');
  const head = `${result.incidents} incidents, ${result.ordinary} ordinary changes judged, streams ${result.streams.join(', ')}`;
  const lines = [
    head,
    `${'macro recall at'.padEnd(20)}${BUDGETS.map((budget) => `${budget} per 1,000`.padStart(17)).join('')}      AP  one threshold at 10`,
  ];
  for (const { name, recall, low, high, ap, oneThresholdAt10 } of result.rows) {
    const cells = recall.map((value, i) => `${share(value)} (${share(low[i] ?? 0)}-${share(high[i] ?? 0)})`.padStart(17));
    lines.push(`${name.padEnd(20)}${cells.join('')}    ${ap.toFixed(3).replace(/^0/, '')}  ${share(oneThresholdAt10)}`);
  }
  for (const { class: name, incidents, recall } of result.byClass)
    lines.push(`${`  ${name} (${incidents})`.padEnd(26)}${recall.map((value) => share(value).padStart(8)).join('')}`);
  const whole = result.rows[0];
  if (whole !== undefined && result.ablation.length > 0) {
    const signed = (value: number) => `${value < 0 ? '-' : '+'}${share(Math.abs(value))}`;
    lines.push('without one detector, change of recall and of AP');
    for (const { without, recall, ap } of result.ablation) {
      const cells = recall.map((value, i) => signed(value - (whole.recall[i] ?? 0)).padStart(8));
      lines.push(`${`  ${without}`.padEnd(26)}${cells.join('')}  ${signed(ap - whole.ap)}`);
    }
  }
  lines.push(
    'clean streams: observed over nominal at once in 100, in 1,000 (95 % interval, episodes), and the share of visits in which it speaks',
  );
  for (const { detector, spoke, ratios } of result.calibration) {
    const cells = ratios.map(({ ratio, low, high, told }) =>
      `${ratio.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)}, ${told})`.padStart(26),
    );
    lines.push(`${`  ${detector}`.padEnd(22)}${cells.join('')}${spoke.toFixed(4).padStart(10)}`);
  }
  const { median, p99 } = result.microsecondsPerChange;
  lines.push(
    `${median.toFixed(0)} µs per change at the median, ${p99.toFixed(0)} at 99 %; snapshots of ${result.snapshotBytes.join(', ')} bytes`,
  );
  return `${lines.join('\n')}\n`;
}
