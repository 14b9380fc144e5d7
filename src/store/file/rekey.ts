/**
 * Encrypts with the newest key whatever is in plain text or sealed with an older one: in small batches, each a transaction, so that it can be
 * stopped and begun again at any time. Until it is through, the database needs the old keys too.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { COMPRESSION_LEVEL as FINDING_LEVEL } from '../findings/findings.ts';
import { compress } from '../pack/block-codec.ts';
import type { Copying } from '../seal/sealed-file.ts';
import type { KeyRing } from '../seal/store-key.ts';
import { claimKeys, createValueSeal, isSealed, putKeysInUse, sealedWith, type ValueSeal } from '../seal/value-seal.ts';
import { storeError } from '../store-errors.ts';
import { openDatabase } from './database.ts';

const ROWS_PER_BATCH = 32;
/** Tables whose `data` is sealed, by their row id. */
const TABLES = ['block', 'young_record', 'finding', 'finding_young', 'finding_block', 'verdict', 'snapshot'] as const;

/** There while plain text may linger in parts of pages that hold nothing any more; a run that ends early leaves clearing them to the next. */
const LINGERS = 'store/rekey-lingers';

/** Returns how many values were sealed anew. Throws STORE_KEY_WRONG where the file lacks a key that is in use. */
export async function rekey(options: Copying & { file: string; keys: KeyRing }): Promise<number> {
  const { file, keys } = options;
  const { db, close } = openDatabase({ file, create: false, synchronous: 'full' });
  try {
    claimKeys(db, keys, file);
    const seal = createValueSeal(keys, file);
    dropWords(db);
    const counts = TABLES.map(
      (table) => db.prepare<[], number>(`SELECT count(*) FROM ${table} WHERE typeof(data) <> 'integer'`).pluck().get() ?? 0,
    );
    const total = counts.reduce((sum, count) => sum + count, 0);
    let sealed = 0;
    let done = 0;
    for (const table of TABLES) {
      for (const batch of batchesOf(db, table, seal)) {
        options.signal?.throwIfAborted();
        sealed += batch.sealed;
        done += batch.rows;
        options.onProgress?.(done, total);
        await turn();
      }
    }
    putKeysInUse(db, [keys.newest.id]);
    const lingers = db.prepare<[string], number>('SELECT 1 FROM small_state WHERE key = ?').pluck().get(LINGERS) !== undefined;
    if (lingers) db.exec('VACUUM');
    db.pragma('wal_checkpoint(TRUNCATE)');
    if (lingers) db.prepare('DELETE FROM small_state WHERE key = ?').run(LINGERS);
    return sealed;
  } catch (error) {
    throw storeError(error, file);
  } finally {
    close();
  }
}

/** The index of words holds in clear what is to be encrypted, and cannot be searched encrypted. */
function dropWords(db: Database.Database): void {
  if (db.prepare<[], number>("SELECT 1 FROM sqlite_schema WHERE name = 'value_text'").pluck().get() === undefined) return;
  db.transaction(() => {
    db.exec('DROP TABLE value_text');
    remember(db);
  }).immediate();
}

/** Together with the first plain text that goes. */
function remember(db: Database.Database): void {
  db.prepare('INSERT OR REPLACE INTO small_state (key, value) VALUES (?, 1)').run(LINGERS);
}

function* batchesOf(
  db: Database.Database,
  table: (typeof TABLES)[number],
  seal: ValueSeal,
): Generator<{ rows: number; sealed: number }> {
  // A number is a place elsewhere.
  const page = db.prepare<[number, number], { id: number; data: Buffer | string }>(
    `SELECT rowid AS id, data FROM ${table} WHERE rowid > ? AND typeof(data) <> 'integer' ORDER BY rowid LIMIT ?`,
  );
  const put = db.prepare<[Buffer, number]>(`UPDATE ${table} SET data = ? WHERE rowid = ?`);
  for (let after = Number.MIN_SAFE_INTEGER; ; ) {
    const rows = page.all(after, ROWS_PER_BATCH);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = last.id;
    const due = rows.filter(({ data }) => !isSealed(data) || sealedWith(data) !== seal.keyId);
    db.transaction(() => {
      for (const { id, data } of due) put.run(seal.seal(plainOf(table, data, seal)), id);
      if (due.length > 0) remember(db);
    }).immediate();
    yield { rows: rows.length, sealed: due.length };
  }
}

/** Of a finding always the compressed form, which is what is sealed. */
function plainOf(table: (typeof TABLES)[number], data: Buffer | string, seal: ValueSeal): Buffer {
  if (typeof data !== 'string') return seal.open(data);
  const text = Buffer.from(data, 'utf8');
  return table === 'finding' ? compress(text, FINDING_LEVEL) : text;
}
