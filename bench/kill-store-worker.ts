/**
 * What the bench kill-store kills: `node kill-store-worker.ts SCENE FILE [TARGET]`. Works until it is killed, or to its end, and prints a line when
 * it is about to begin, and one for what it has committed.
 */

import { rmSync, writeSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { backUp } from '../src/store/file/backup.ts';
import { openDatabase } from '../src/store/file/database.ts';
import { rekey } from '../src/store/file/rekey.ts';
import { keyRing, storeKey } from '../src/store/seal/store-key.ts';
import { openSqliteStore, type SqliteStore } from '../src/store/sqlite-store.ts';
import { KILL_KEYS, killedChange, RETENTION } from './kill-store-history.ts';

const [scene, file, target = ''] = process.argv.slice(2) as [string, string, string?];
const say = (text: string | number) => void writeSync(1, `${text}\n`);
const APPENDED_AT_ONCE = 4;
const OPTIONS = { checkpointMsMax: 0, file, changesPerSpan: 64, spansPerMerge: 3, samplesPerRun: 50 };

say('begins');
if (scene === 'load') await appendForever(openSqliteStore(OPTIONS), 1);
else if (scene === 'retention') await appendForever(openSqliteStore({ ...OPTIONS, ...RETENTION }), 1);
else if (scene === 'vacuum') vacuumForever();
else if (scene === 'migration') openSqliteStore(OPTIONS).close();
else if (scene === 'backup') await backUpForever();
else if (scene === 'rekey') await rekeyForever();
else throw new Error(`there is no scene ${scene}`);

async function appendForever(store: SqliteStore, weight: number): Promise<void> {
  for (;;) {
    for (let i = 0; i < APPENDED_AT_ONCE; i++) append(store, weight);
    // The thread that brings the log into the file is heard.
    await setImmediate();
  }
}

function append(store: SqliteStore, weight: number): void {
  let n = Number(store.cursor('w') ?? 0);
  const changes = Array.from({ length: 5 }, () => {
    n += 1;
    return killedChange(n, weight);
  });
  store.append({
    changes,
    cursors: { w: String(n) },
    scrapes: [{ cluster: 'test', target: 't', tsMs: n, samples: [{ metric: 'n', labels: {}, value: n }] }],
  });
  say(n);
  store.maintain();
}

/** Large changes, whose pages come free when they are sealed and are given back step by step, and now and then the whole file rewritten. */
function vacuumForever(): void {
  for (;;) {
    const store = openSqliteStore(OPTIONS);
    for (let i = 0; i < 12; i++) append(store, 400);
    store.close();
    const { db, close } = openDatabase({ file });
    db.exec('VACUUM');
    close();
  }
}

async function backUpForever(): Promise<void> {
  const store = openSqliteStore(OPTIONS);
  for (let i = 0; ; i++) {
    rmSync(target, { force: true });
    for (let j = 0; j < 4; j++) append(store, 1);
    const keys = i % 2 === 0 ? undefined : keyRing([storeKey(Buffer.from(KILL_KEYS[0] as string, 'hex'))]);
    await backUp({ file, target, keys, onProgress: () => append(store, 1) });
  }
}

async function rekeyForever(): Promise<void> {
  for (let i = 0; ; i++) {
    const keys = KILL_KEYS.map((key) => storeKey(Buffer.from(key, 'hex')));
    const ring = keyRing(i % 2 === 0 ? keys : keys.toReversed());
    if (ring === undefined) throw new Error('no keys');
    await rekey({ file, keys: ring });
    const store = openSqliteStore({ ...OPTIONS, keys: ring });
    for (let j = 0; j < 4; j++) append(store, 1);
    store.close();
  }
}
