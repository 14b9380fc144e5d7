/**
 * SIGKILL at random instants while the store is written, upgraded, thinned by retention, backed up, vacuumed or encrypted anew. After each kill:
 * is everything there that was said to be committed, is no cursor ahead of it, and is the database whole?
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { zstdDecompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { restore } from '../src/store/file/backup.ts';
import { checkDatabase } from '../src/store/file/check.ts';
import { newestFormat } from '../src/store/file/database.ts';
import { keyRing, storeKey } from '../src/store/seal/store-key.ts';
import { openSqliteStore } from '../src/store/sqlite-store.ts';
import { FIXTURE_CHANGES } from '../test/store/fixture-history.ts';
import { KILL_KEYS } from './kill-store-history.ts';
import { mulberry32 } from './random.ts';

export const SCENES = ['load', 'retention', 'migration', 'backup', 'vacuum', 'rekey'] as const;
export type Scene = (typeof SCENES)[number];

export interface KillStoreResult {
  kills: number;
  seed: number;
  /** Kills of each scene, and how many of them came before the process was through with what it was doing. */
  scenes: Record<Scene, { kills: number; interrupted: number }>;
  /** Said to be committed in all, over all kills. */
  acknowledged: number;
  /** Of them not there after the kill. */
  lost: number;
  cursorsAhead: number;
  /** Databases of which the check said anything. */
  damaged: number;
  /** What was wrong, at most some of it. */
  faults: string[];
  seconds: number;
}

const WORKER = fileURLToPath(new URL('./kill-store-worker.ts', import.meta.url));
const FIXTURES = new URL('../fixtures/databases/', import.meta.url);
/** A database is begun anew after so many kills, as checking it takes as long as it is. */
const KILLS_OF_A_FILE = 8;
/** Of what goes on until it is killed. */
const KILL_WITHIN_MS = 1_500;
const CHANGES_TO_MIGRATE = 40_000;
const FAULTS_MAX = 20;
const KEYS = keyRing(KILL_KEYS.map((key) => storeKey(Buffer.from(key, 'hex'))));

export async function killStore({
  kills,
  seed,
  onKill = () => {},
}: {
  kills: number;
  seed: number;
  onKill?: (done: number) => void;
}): Promise<KillStoreResult> {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-kill-store-'));
  const random = mulberry32(seed);
  const startMs = performance.now();
  const scenes = Object.fromEntries(SCENES.map((scene) => [scene, { kills: 0, interrupted: 0 }])) as KillStoreResult['scenes'];
  const result: KillStoreResult = {
    kills,
    seed,
    scenes,
    acknowledged: 0,
    lost: 0,
    cursorsAhead: 0,
    damaged: 0,
    faults: [],
    seconds: 0,
  };
  const files = new Map<Scene, Kept>();
  try {
    for (let i = 0; i < kills; i++) {
      const scene = SCENES[i % SCENES.length] as Scene;
      const kept = files.get(scene);
      const reuse = kept !== undefined && kept.kills < KILLS_OF_A_FILE && scene !== 'migration';
      const at = reuse ? kept : { file: join(folder, `${scene}-${i}.db`), kills: 0, cursor: 0, changes: 0 };
      files.set(scene, at);
      at.kills += 1;
      scenes[scene].kills += 1;
      // An upgrade is over by itself, so a copy goes through it first: the kill is to fall within the time that takes here and now.
      let withinMs = KILL_WITHIN_MS;
      if (scene === 'migration') {
        at.changes = writeOldDatabase(at.file, 1 + Math.floor(random() * (newestFormat() - 1)));
        withinMs = await upgradeMs(at.file);
      }
      if (scene === 'rekey' && at.kills === 1) openSqliteStore({ file: at.file }).close();
      const killed = await killAt(scene, at.file, random() * withinMs);
      if (killed.interrupted) scenes[scene].interrupted += 1;
      const target = `${at.file}.backup`;
      const faults = [
        ...(await examine(scene, at, killed.acknowledged, result)),
        ...(existsSync(target) ? await examineBackup(target) : []),
      ];
      if (faults.length > 0) result.damaged += 1;
      result.faults.push(
        ...faults.slice(0, FAULTS_MAX - result.faults.length).map((fault) => `kill ${i + 1}, ${scene}: ${fault}`),
      );
      onKill(i + 1);
    }
    return { ...result, seconds: Math.round((performance.now() - startMs) / 1000) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Kept {
  file: string;
  kills: number;
  cursor: number;
  /** Of an old database that is upgraded. */
  changes: number;
}

/** How long a copy of an old database takes to be upgraded, from the worker's first word to its end. */
async function upgradeMs(file: string): Promise<number> {
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  const { child, closed } = startWorker('migration', copy);
  await once(child.stdout, 'data');
  const startMs = performance.now();
  const [code] = (await closed) as [number | null];
  if (code !== 0) throw new Error(`an upgrade that nobody killed ended with ${code}`);
  return performance.now() - startMs;
}

function startWorker(scene: Scene, file: string) {
  const child = spawn(process.execPath, [WORKER, scene, file, `${file}.backup`], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, closed: once(child, 'close') };
}

/** Runs a scene and kills it so long after it began; what it said to have committed by then. */
async function killAt(scene: Scene, file: string, afterMs: number): Promise<{ acknowledged: number; interrupted: boolean }> {
  const { child, closed } = startWorker(scene, file);
  let acknowledged = 0;
  const lines = createInterface({ input: child.stdout });
  const begun = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'begins') resolve();
      else acknowledged = Number(line);
    });
  });
  await Promise.race([begun, closed]);
  await Promise.race([delay(afterMs), closed]);
  child.kill('SIGKILL');
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  // An upgrade may be over before the kill; everything else goes on for ever.
  const interrupted = scene === 'migration' ? readFileSync(file).readUInt32BE(60) < newestFormat() : signal === 'SIGKILL';
  if (scene !== 'migration' && signal !== 'SIGKILL') throw new Error(`the scene ${scene} ended by itself`);
  return { acknowledged, interrupted };
}

async function examine(scene: Scene, at: Kept, acknowledged: number, result: KillStoreResult): Promise<string[]> {
  const { file } = at;
  const keys = scene === 'rekey' ? KEYS : undefined;
  {
    using store = openSqliteStore({ file, keys });
    const cursor = scene === 'migration' ? at.changes : Number(store.cursor('w') ?? 0);
    const { changes } = store.counts();
    const least = Math.max(acknowledged, at.cursor, at.changes);
    result.acknowledged += Math.max(0, acknowledged - at.cursor);
    result.lost += Math.max(0, least - changes);
    result.cursorsAhead += Math.max(0, cursor - changes);
    at.cursor = cursor;
    // And it goes on.
    store.append({ changes: [], cursors: { probe: String(performance.now()) } });
    if (scene !== 'migration') {
      const wrong = wrongStates(store, cursor);
      if (wrong !== undefined) return [wrong];
    }
  }
  return (await checkDatabase({ file, keys })).problems.map(
    ({ area, what, where, count }) => `${area}: ${what} (${count}) ${where}`,
  );
}

/** Whether the newest changes say what they were written to say; the check has looked at all that are there. */
function wrongStates(store: ReturnType<typeof openSqliteStore>, cursor: number): string | undefined {
  for (let n = Math.max(1, cursor - 500); n <= cursor; n++) {
    const spec = store.change(n)?.state.spec as { n: number; text: string } | undefined;
    // Retention may have let go of it.
    if (spec !== undefined && (spec.n !== n || spec.text !== `revision ${n}`))
      return `change ${n} holds ${JSON.stringify(spec).slice(0, 100)}`;
  }
  return undefined;
}

/** What has the name of a backup is one. */
async function examineBackup(target: string): Promise<string[]> {
  const file = `${target}.restored`;
  try {
    await restore({ backup: target, file, keys: KEYS });
    const { problems } = await checkDatabase({ file });
    return problems.map(({ area, what, where }) => `backup: ${area}: ${what} ${where}`);
  } catch (error) {
    return [`backup: ${(error as Error).message}`];
  } finally {
    for (const side of ['', '-wal', '-shm', '.lock']) rmSync(file + side, { force: true });
  }
}

/** A stored database of a past format with many more changes, so that upgrading it takes long enough to be killed in. */
function writeOldDatabase(file: string, format: number): number {
  writeFileSync(file, zstdDecompressSync(readFileSync(new URL(`format-${format}.db.zst`, FIXTURES))));
  // From format 6 on the changes of an object are chained, which copies of rows could not be.
  if (format >= 6) return FIXTURE_CHANGES;
  const db = new Database(file);
  // Each of the newest objects' changes in turn, which left its state as it was.
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${CHANGES_TO_MIGRATE - FIXTURE_CHANGES})
    INSERT INTO change (life_id, flags, observed_ms, rv, generation, actor_set_id, pathset_id)
    SELECT c.life_id, 1, 2000000000000 + i, 100000 + i, 1, c.actor_set_id, c.pathset_id
    FROM n JOIN change c ON c.seq = ${FIXTURE_CHANGES} - i % 5`);
  db.exec(`UPDATE tally SET total = ${CHANGES_TO_MIGRATE} WHERE name = 'changes'`);
  db.close();
  return CHANGES_TO_MIGRATE;
}
