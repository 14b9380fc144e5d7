/** A database of so many made-up changes, written by the store itself as the pipeline does: in batches, sealed and merged between them. */
import { existsSync, statSync } from 'node:fs';
import { openSqliteStore, type SqliteStore } from '../src/store/sqlite-store.ts';
import { benchProgress } from './bench-progress.ts';
import { SyntheticCluster } from './synthetic-cluster.ts';

export interface BuildOptions {
  file: string;
  changes: number;
  seed: number;
  /** Changes at which its size is taken on the way. */
  milestones?: readonly number[];
  namespaces?: number;
}

export interface Milestone {
  changes: number;
  bytes: number;
  bytesPerChange: number;
  /** Of the work since the milestone before. */
  seconds: number;
}

export interface Built {
  milestones: Milestone[];
  /** It was there already. */
  reused: boolean;
}

const BATCH = 500;
/** Says in the file itself what it is, so that a bench never mistakes another database for its own. */
const MADE = 'bench/made';

/** Builds `file`, or takes it as it is when it was built so before. Throws when something else is there. */
export function buildDatabase({ file, changes, seed, milestones = [], namespaces }: BuildOptions): Built {
  const exists = existsSync(file);
  const store = openSqliteStore({ file });
  try {
    if (exists) return { milestones: madeBefore(store, { file, changes, seed }), reused: true };
    const cluster = new SyntheticCluster({ seed, ...(namespaces === undefined ? {} : { namespaces }) });
    const progress = benchProgress('building', 'changes');
    const reached: Milestone[] = [];
    const due = [...new Set([...milestones.filter((each) => each < changes), changes])].sort((a, b) => a - b);
    let fromMs = performance.now();
    for (let done = 0; done < changes; ) {
      const next = Math.min(BATCH, (due[0] ?? changes) - done);
      done += next;
      store.append({ changes: Array.from({ length: next }, () => cluster.next()), cursors: { bench: String(done) } });
      store.maintain();
      progress.update(done, changes);
      if (done !== due[0]) continue;
      due.shift();
      const { bytes } = store.counts();
      const seconds = Math.round((performance.now() - fromMs) / 1000);
      reached.push({ changes: done, bytes, bytesPerChange: Number((bytes / done).toFixed(1)), seconds });
      process.stderr.write(`${done} changes, ${bytes} bytes, ${Number((bytes / done).toFixed(1))} a change, ${seconds} s\n`);
      fromMs = performance.now();
    }
    progress.stop();
    store.putState(MADE, JSON.stringify({ seed, changes, milestones: reached }));
    return { milestones: reached, reused: false };
  } finally {
    store.close();
  }
}

function madeBefore(store: SqliteStore, { file, changes, seed }: BuildOptions): Milestone[] {
  const made = JSON.parse(store.getState(MADE) ?? '{}') as { seed?: number; changes?: number; milestones?: Milestone[] };
  if (made.seed === seed && made.changes === changes) return made.milestones ?? [];
  throw new Error(`${file} is there and is not a history of ${changes} changes by seed ${seed}: remove it, or name another --db`);
}

export function fileBytes(file: string): number {
  return ['', '-wal'].reduce((sum, end) => sum + (statSync(`${file}${end}`, { throwIfNoEntry: false })?.size ?? 0), 0);
}
