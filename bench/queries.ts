/**
 * Questions to a long history: how many milliseconds until they are answered, with nothing else going on and while changes are written all the time by
 * the process that answers; beside git with the first part of the same history; and how long after its start the program answers.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom, type Random } from '../src/demo/random.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import type { Store } from '../src/store/store.ts';
import { type ApiStart, measureApi } from './api-start.ts';
import { benchProgress } from './bench-progress.ts';
import { buildDatabase, fileBytes, type Milestone } from './built-database.ts';
import { askGit, type GitAnswers } from './git-questions.ts';
import { Latencies, type Latency } from './latency.ts';
import { LoadWriter } from './load-writer.ts';
import { type Question, questionsOf, wholeCluster } from './store-queries.ts';
import { ProcessorClock, type WorkClock, wallClock } from './work-clock.ts';

export interface QueriesOptions {
  changes: number;
  seed: number;
  /** Built there if it is not there yet, and left; else a file of its own that goes afterwards. */
  db?: string | undefined;
  git: boolean;
  api: boolean;
  /** Changes written a second while questions are asked. */
  writes: number;
  /** Times each question is asked, alone and under load. */
  samples: number;
  namespaces?: number;
}

export interface UnderLoad {
  /** What was really written. */
  writtenPerSecond: number;
  upkeepMaxMs: number;
  /** From when a question was due to its answer, so that waiting for a write counts. */
  questions: Record<string, Latency>;
}

export interface QueriesResult {
  changes: number;
  bytes: number;
  milestones: Milestone[];
  idle: Record<string, Latency>;
  /** One listing of the whole cluster as it was. */
  wholeCluster: { objects: number; ms: number };
  underLoad: UnderLoad;
  /** The same by the processor's clock, which other work on the machine hardly lengthens. */
  underLoadByProcessor: UnderLoad;
  git?: GitAnswers;
  api?: ApiStart;
}

const MILESTONES = [100_000, 1_000_000, 3_000_000];
const GIT_CHANGES_MAX = 100_000;
/** All questions together; more would be a load of its own. */
const QUESTIONS_PER_SECOND = 20;
const WARM_SHARE = 0.2;
const LATE_SHARE = 0.95;

export async function measureQueries(options: QueriesOptions): Promise<QueriesResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-queries-'));
  try {
    const { changes, seed, namespaces } = options;
    const file = options.db ?? join(folder, 'built.db');
    const { milestones } = buildDatabase({
      file,
      changes,
      seed,
      milestones: MILESTONES,
      ...(namespaces === undefined ? {} : { namespaces }),
    });
    const bytes = fileBytes(file);
    const random = createRandom('questions');
    const store = openSqliteStore({ file });
    let asked: Pick<QueriesResult, 'idle' | 'wholeCluster' | 'underLoad' | 'underLoadByProcessor' | 'git'>;
    try {
      const questions = questionsOf(store, random);
      const idle = told('idle', askIdle(questions, options.samples));
      const whole = told('whole cluster', timedCluster(store));
      const load = { ...options, random };
      const processor = told(
        'under load, by the processor',
        await askUnderLoad(store, questions, { ...load, clock: new ProcessorClock() }),
      );
      const wall = told('under load', await askUnderLoad(store, questions, { ...load, clock: wallClock }));
      asked = { idle, wholeCluster: whole, underLoad: wall, underLoadByProcessor: processor };
      if (options.git) {
        const repository = options.db === undefined ? join(folder, 'built.git') : `${file}.git`;
        asked.git = told(
          'git',
          await askGit(store, repository, { changes: Math.min(changes, GIT_CHANGES_MAX), samples: options.samples, random }),
        );
      }
    } finally {
      store.close();
    }
    const api = options.api ? await measureApi(file, random) : undefined;
    return { changes, bytes, milestones, ...asked, ...(api === undefined ? {} : { api }) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function queriesText(result: QueriesResult): string {
  const { idle, underLoad, underLoadByProcessor, git, api, milestones } = result;
  const sizes = milestones.map((each) => `${each.changes} changes: ${each.bytes} bytes, ${each.bytesPerChange} a change\n`);
  const row = (...cells: string[]) => `${cells.map((cell) => cell.padEnd(22)).join('')}\n`;
  const ms = (latency: Latency | undefined) => (latency === undefined ? '' : `${latency.p50Ms} / ${latency.p99Ms}`);
  const ofGit = git === undefined ? '' : `git, ${git.changes} changes`;
  const head = row(
    'p50 / p99 in ms',
    'idle',
    'of the processor',
    `${underLoad.writtenPerSecond} writes/s`,
    'of the processor',
    ofGit,
  );
  const rows = Object.entries(idle).map(([name, one]) => {
    const loaded = [ms(underLoad.questions[name]), ms(underLoadByProcessor.questions[name])];
    return row(name, ms(one), `${one.cpuP50Ms} / ${one.cpuP99Ms}`, ...loaded, ms(git?.questions[name]));
  });
  const start = api === undefined ? '' : `the API answers ${api.answersAfterMs.join(', ')} ms after the start\n`;
  return [
    ...sizes,
    head,
    ...rows,
    `whole cluster: ${result.wholeCluster.objects} objects in ${result.wholeCluster.ms} ms\n`,
    start,
  ].join('');
}

/** A long bench that is broken off has said what it knows. */
function told<T>(what: string, result: T): T {
  process.stderr.write(`${what}: ${JSON.stringify(result)}\n`);
  return result;
}

function askIdle(questions: readonly Question[], samples: number): Record<string, Latency> {
  const progress = benchProgress('asking', 'questions');
  const answered: Record<string, Latency> = {};
  for (const [i, { name, ask }] of questions.entries()) {
    for (let n = 0; n < samples * WARM_SHARE; n++) ask();
    const latencies = new Latencies();
    for (let n = 0; n < samples; n++) latencies.time(ask);
    answered[name] = latencies.told();
    progress.update(i + 1, questions.length);
  }
  progress.stop();
  return answered;
}

/** As it was shortly before the end, when all of it was there. */
function timedCluster(store: Store): { objects: number; ms: number } {
  const newest = store.changes({ limit: 1 }).items[0];
  const atMs = store.change(Math.ceil((newest?.seq ?? 1) * LATE_SHARE))?.observedMs ?? 0;
  const fromMs = performance.now();
  const objects = wholeCluster(store, atMs);
  return { objects, ms: Math.round(performance.now() - fromMs) };
}

async function askUnderLoad(
  store: Store,
  questions: readonly Question[],
  { writes, samples, random, clock }: Pick<QueriesOptions, 'writes' | 'samples'> & { random: Random; clock: WorkClock },
): Promise<UnderLoad> {
  const latencies = new Map(questions.map(({ name }) => [name, new Latencies()]));
  const progress = benchProgress('asking while writing', 'questions');
  const writer = new LoadWriter(store, random, { perSecond: writes, clock });
  const fromMs = clock.nowMs();
  const all = samples * questions.length;
  for (let asked = 0; asked < all; ) {
    writer.turn();
    const dueMs = fromMs + (asked * 1000) / QUESTIONS_PER_SECOND;
    if (clock.nowMs() >= dueMs) {
      const { name, ask } = questions[asked % questions.length] as Question;
      ask();
      latencies.get(name)?.add(clock.nowMs() - dueMs);
      asked += 1;
      progress.update(asked, all);
    }
    await clock.idleUntil(Math.min(writer.nextMs, fromMs + (asked * 1000) / QUESTIONS_PER_SECOND));
  }
  progress.stop();
  const seconds = (clock.nowMs() - fromMs) / 1000;
  return {
    writtenPerSecond: Math.round(writer.written / seconds),
    upkeepMaxMs: Math.round(writer.upkeepMaxMs),
    questions: Object.fromEntries([...latencies].map(([name, one]) => [name, one.told()])),
  };
}
