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
import { holdFiles } from './held-files.ts';
import { Latencies, type Latency } from './latency.ts';
import { LoadWriter } from './load-writer.ts';
import { type Question, questionsOf, wholeCluster } from './store-queries.ts';
import { warmFiles } from './warm-files.ts';
import { ProcessorClock, unqueuedClock, type WorkClock, wallClock } from './work-clock.ts';

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
  /** Read from end to end before the first question; git's repository likewise. */
  warmedBytes: number;
  /** Of the database, kept in memory by a process beside; 0 where that could not be done. */
  heldBytes: number;
  milestones: Milestone[];
  idle: Record<string, Latency>;
  /** The states of the cluster as it was, one page after the other; broken off when that takes long. */
  wholeCluster: { objects: number; ms: number; cpuMs: number };
  underLoad: UnderLoad;
  /** The same by the processor's clock, which other work on the machine hardly lengthens. */
  underLoadByProcessor: UnderLoad;
  /** And by the clock, less waiting for processors that others had. */
  underLoadUnqueued: UnderLoad;
  git?: GitAnswers;
  api?: ApiStart;
}

const MILESTONES = [100_000, 1_000_000, 3_000_000];
const GIT_CHANGES_MAX = 100_000;
/** At most so often, and no more of the time than this is for answers: more would be a load of its own. */
const QUESTIONS_PER_SECOND = 20;
const BUSY_SHARE = 0.25;
/** Slow ones are asked no longer than that, but so often at least. */
const MS_PER_QUESTION = 20_000;
const SAMPLES_MIN = 20;
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
    const warmedBytes = told('read once, so that it is warm', warmFiles(file, `${file}-wal`));
    await using held = await holdFiles(file);
    const random = createRandom('questions');
    const store = openSqliteStore({ file, checkpointMsMax: 20 });
    let asked: Pick<QueriesResult, 'idle' | 'wholeCluster' | 'underLoad' | 'underLoadByProcessor' | 'underLoadUnqueued' | 'git'>;
    try {
      const questions = questionsOf(store, random);
      const idle = told('idle', askIdle(questions, options.samples));
      const whole = told('whole cluster', timedCluster(store));
      const load = { ...options, random, idle };
      const processor = told(
        'under load, by the processor',
        await askUnderLoad(store, questions, { ...load, clock: new ProcessorClock() }),
      );
      const wall = told('under load', await askUnderLoad(store, questions, { ...load, clock: wallClock }));
      const unqueued = told(
        'under load, less the queue',
        await askUnderLoad(store, questions, { ...load, clock: unqueuedClock }),
      );
      asked = { idle, wholeCluster: whole, underLoad: wall, underLoadByProcessor: processor, underLoadUnqueued: unqueued };
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
    return { changes, bytes, warmedBytes, heldBytes: held.bytes, milestones, ...asked, ...(api === undefined ? {} : { api }) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export function queriesText(result: QueriesResult): string {
  const { idle, underLoad, underLoadByProcessor, underLoadUnqueued, git, api, milestones } = result;
  const sizes = milestones.map((each) => `${each.changes} changes: ${each.bytes} bytes, ${each.bytesPerChange} a change\n`);
  const row = (...cells: string[]) => `${cells.map((cell) => cell.padEnd(22)).join('')}\n`;
  const ms = (latency: Latency | undefined) => (latency === undefined ? '' : `${latency.p50Ms} / ${latency.p99Ms}`);
  const ofGit = git === undefined ? '' : `git, ${git.changes} changes`;
  const head = row(
    'p50 / p99 in ms',
    'idle',
    'less the queue',
    'of the processor',
    `${underLoad.writtenPerSecond} writes/s`,
    'less the queue',
    'of the processor',
    ofGit,
  );
  const rows = Object.entries(idle).map(([name, one]) => {
    const alone = [ms(one), `${one.unqueuedP50Ms} / ${one.unqueuedP99Ms}`, `${one.cpuP50Ms} / ${one.cpuP99Ms}`];
    const loaded = [underLoad, underLoadUnqueued, underLoadByProcessor].map(({ questions }) => ms(questions[name]));
    return row(name, ...alone, ...loaded, ms(git?.questions[name]));
  });
  const start = api === undefined ? '' : `the API answers ${api.answersAfterMs.join(', ')} ms after the start\n`;
  return [
    ...sizes,
    `${result.warmedBytes} bytes were read once before the first question, ${result.heldBytes} of them kept in memory\n`,
    head,
    ...rows,
    `whole cluster: ${result.wholeCluster.objects} objects in ${result.wholeCluster.ms} ms, ${result.wholeCluster.cpuMs} of the processor\n`,
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
    const endMs = performance.now() + MS_PER_QUESTION;
    for (let n = 0; n < samples && (n < SAMPLES_MIN || performance.now() < endMs); n++) latencies.time(ask);
    answered[name] = latencies.told();
    progress.update(i + 1, questions.length);
  }
  progress.stop();
  return answered;
}

/** As it was shortly before the end, when all of it was there. */
function timedCluster(store: Store): QueriesResult['wholeCluster'] {
  const newest = store.changes({ limit: 1 }).items[0];
  const atMs = store.change(Math.ceil((newest?.seq ?? 1) * LATE_SHARE))?.observedMs ?? 0;
  const cpu = process.cpuUsage();
  const fromMs = performance.now();
  const objects = wholeCluster(store, atMs, MS_PER_QUESTION);
  const ms = Math.round(performance.now() - fromMs);
  const { user, system } = process.cpuUsage(cpu);
  return { objects, ms, cpuMs: Math.round((user + system) / 1000) };
}

interface Load extends Pick<QueriesOptions, 'writes' | 'samples'> {
  random: Random;
  clock: WorkClock;
  /** How long they take alone, which says how often they can be asked. */
  idle: Record<string, Latency>;
}

async function askUnderLoad(store: Store, questions: readonly Question[], load: Load): Promise<UnderLoad> {
  const { writes, random, clock } = load;
  const progress = benchProgress('asking while writing', 'questions');
  const writer = new LoadWriter(store, random, { perSecond: writes, clock });
  const fromMs = clock.nowMs();
  const answered: Record<string, Latency> = {};
  for (const [i, question] of questions.entries()) {
    answered[question.name] = await askWhileWriting(question, writer, load);
    progress.update(i + 1, questions.length);
  }
  progress.stop();
  const seconds = (clock.nowMs() - fromMs) / 1000;
  const writtenPerSecond = Math.round(writer.written / seconds);
  return { writtenPerSecond, upkeepMaxMs: Math.round(writer.upkeepMaxMs), questions: answered };
}

/** Asks at fixed times, whether or not the answer before is there: who comes while something else is done waits, and that counts. */
async function askWhileWriting({ name, ask }: Question, writer: LoadWriter, { clock, samples, idle }: Load): Promise<Latency> {
  const latencies = new Latencies();
  const aloneMs = idle[name]?.cpuP50Ms ?? 0;
  const everyMs = Math.max(1_000 / QUESTIONS_PER_SECOND, aloneMs / BUSY_SHARE);
  const fromMs = clock.nowMs();
  for (let asked = 0; asked < samples && (asked < SAMPLES_MIN || clock.nowMs() < fromMs + MS_PER_QUESTION); ) {
    writer.turn();
    const dueMs = fromMs + asked * everyMs;
    if (clock.nowMs() >= dueMs) {
      ask();
      latencies.add(clock.nowMs() - dueMs);
      asked += 1;
    }
    await clock.idleUntil(Math.min(writer.nextMs, fromMs + asked * everyMs));
  }
  return latencies.told();
}
