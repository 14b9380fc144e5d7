/** The same questions asked of git, on a repository of the first part of the same history. Each answer is a process, as it is for people. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../src/demo/random.ts';
import type { Store } from '../src/store/store.ts';
import { benchProgress } from './bench-progress.ts';
import { GitHistory, gitPath, runGit } from './git-history.ts';
import { Latencies, type Latency } from './latency.ts';
import { personName } from './synthetic-cluster.ts';
import { warmFiles } from './warm-files.ts';

export interface GitAnswers {
  changes: number;
  bytes: number;
  /** By name, beside those of bench/store-queries.ts. */
  questions: Record<string, Latency>;
}

const READ = 500;
const SUBJECTS = 60;
const WARM = 3;
const SAMPLES = 40;
/** Of what walks the whole history each time. */
const SLOW_SAMPLES = 12;
const MONTH_S = 30 * 86_400;
/** Written once the repository is complete. */
const MADE = 'made-by-bench';

/** Builds the repository of the first `changes` in `folder`, or takes the one that is there, and asks it. */
export async function askGit(
  store: Store,
  folder: string,
  { changes, samples: most, random }: { changes: number; samples: number; random: Random },
): Promise<GitAnswers> {
  const bytes = await repositoryOf(store, folder, changes);
  warmFiles(folder);
  const commits = runGit(folder, 'rev-list', '--reverse', 'main').toString().trim().split('\n');
  const lastS = Number(runGit(folder, 'log', '-1', '--format=%ct', 'main'));
  const subjects = Array.from({ length: SUBJECTS }, () => {
    const seq = random.int(1, changes);
    const change = store.change(seq);
    const commit = commits[seq - 1] as string;
    return { path: change === undefined ? '' : gitPath(change.ref), namespace: change?.ref.namespace ?? '', commit };
  });
  const subject = () => random.pick(subjects);
  const git = (...args: string[]) => runGit(folder, ...args);
  const month = `--since=${lastS - MONTH_S}`;
  const asked: [string, number, () => unknown][] = [
    ['history', SAMPLES, () => git('log', '-n', '100', '--format=%H %an %ct', 'main', '--', subject().path)],
    ['diff', SAMPLES, () => git('diff', subject().commit, 'main', '--', subject().path)],
    ['blame', SAMPLES, () => git('blame', subject().commit, '--', subject().path)],
    ['atObject', SAMPLES, () => show(git, subject())],
    ['atNamespace', SAMPLES, () => git('archive', '--format=tar', subject().commit, `:(glob)*/${subject().namespace}/*`)],
    [
      'path',
      SLOW_SAMPLES,
      () => git('log', '-n', '100', '--format=%H %an', month, '-G"replicas":', 'main', '--', 'Kafka.kafka.strimzi.io'),
    ],
    [
      'actor',
      SLOW_SAMPLES,
      () => git('log', '-n', '100', '--format=%H %ct', `--author=${personName(random.int(0, 149))}`, 'main'),
    ],
  ];
  const progress = benchProgress('asking git', 'questions');
  const questions: GitAnswers['questions'] = {};
  for (const [i, [name, samples, ask]] of asked.entries()) {
    const latencies = new Latencies();
    for (let n = 0; n < WARM; n++) quietly(ask);
    for (let n = 0; n < Math.min(samples, most); n++) latencies.timeWall(() => quietly(ask));
    questions[name] = latencies.told();
    progress.update(i + 1, asked.length);
  }
  progress.stop();
  return { changes, bytes, questions };
}

function show(git: (...args: string[]) => Buffer, { commit, path }: { commit: string; path: string }): unknown {
  return git('show', `${commit}:${path}`);
}

/** A file that is not there at a commit is an answer too. */
function quietly(ask: () => unknown): void {
  try {
    ask();
  } catch (error) {
    if ((error as { status?: number }).status === undefined) throw error;
  }
}

async function repositoryOf(store: Store, folder: string, changes: number): Promise<number> {
  const made = join(folder, MADE);
  if (existsSync(made)) return Number(readFileSync(made, 'utf8'));
  rmSync(folder, { recursive: true, force: true });
  const history = new GitHistory(folder);
  const progress = benchProgress('writing the git repository', 'changes');
  for (let seq = 0; seq < changes; ) {
    const page = store.changesAfter(seq, Math.min(READ, changes - seq));
    for (const change of page) await history.add(change);
    seq = page.at(-1)?.seq ?? changes;
    progress.update(seq, changes);
  }
  await history.finish();
  progress.stop();
  // What git does by itself from time to time. The aggressive way makes it smaller and slower to read.
  history.run('gc', '--quiet', '--prune=now');
  // Bloom filters of changed paths, which make `git log -- file` as quick as it gets.
  history.run('commit-graph', 'write', '--reachable', '--changed-paths');
  const bytes = history.bytes();
  writeFileSync(made, String(bytes));
  return bytes;
}
