/**
 * Encrypts single values of the database, AES-256-GCM: the states of objects while young and in blocks, findings and the model's snapshot.
 * A sealed value is a blob: 0x01 and 'CROW', id of the key (8 bytes), nonce (12 bytes, random), ciphertext, tag (16 bytes). Values from before
 * encryption was switched on stay readable as they are: zstd frames and texts begin otherwise.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import { StateRow } from '../pack/state-row.ts';
import { corruptRecord } from '../store-errors.ts';
import { derivedKey, KEY_ID_BYTES, type KeyRing, keyFor } from './store-key.ts';

const MAGIC = Buffer.from('\x01CROW', 'latin1');
const NONCE_AT = MAGIC.length + KEY_ID_BYTES;
const NONCE_BYTES = 12;
const DATA_AT = NONCE_AT + NONCE_BYTES;
const TAG_BYTES = 16;
const PURPOSE = 'crowsnest values';

export interface ValueSeal {
  /** Id of the key that seals; undefined where nothing is sealed. */
  readonly keyId: string | undefined;
  /** The value as it is to be stored: sealed where there is a key. */
  seal(plain: Buffer): Buffer;
  /** What was sealed, or the value itself where it is not sealed. Throws STORE_KEY_WRONG, or STORE_CORRUPT where it is damaged. */
  open(stored: Buffer): Buffer;
}

export function isSealed(stored: Buffer | string): stored is Buffer {
  return typeof stored !== 'string' && stored.length >= DATA_AT + TAG_BYTES && stored.subarray(0, MAGIC.length).equals(MAGIC);
}

/** The id of the key that sealed a value. */
export function sealedWith(stored: Buffer): string {
  return stored.toString('hex', MAGIC.length, NONCE_AT);
}

/** `where` is the database; without keys values are stored as they are, and sealed ones cannot be opened. */
export function createValueSeal(keys: KeyRing | undefined, where: string): ValueSeal {
  const derived = new Map<string, ReturnType<typeof derivedKey>>();
  const secretOf = (id: string) => {
    let secret = derived.get(id);
    if (secret === undefined) {
      secret = derivedKey(keyFor(keys, id, where), new Uint8Array(0), PURPOSE);
      derived.set(id, secret);
    }
    return secret;
  };
  const newest = keys?.newest.id;
  return {
    keyId: newest,
    seal(plain) {
      if (newest === undefined) return plain;
      const nonce = randomBytes(NONCE_BYTES);
      const head = Buffer.concat([MAGIC, Buffer.from(newest, 'hex')]);
      const cipher = createCipheriv('aes-256-gcm', secretOf(newest), nonce).setAAD(head);
      return Buffer.concat([head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(stored) {
      if (!isSealed(stored)) return stored;
      const secret = secretOf(sealedWith(stored));
      const cipher = createDecipheriv('aes-256-gcm', secret, stored.subarray(NONCE_AT, DATA_AT)).setAAD(
        stored.subarray(0, NONCE_AT),
      );
      cipher.setAuthTag(stored.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([cipher.update(stored.subarray(DATA_AT, -TAG_BYTES)), cipher.final()]);
      } catch (error) {
        throw corruptRecord('an encrypted value is damaged', where, error);
      }
    },
  };
}

/** In `small_state`: a JSON list of the ids of all keys that values of this database are sealed with. */
export const SEALED_WITH = 'store/sealed-with';

/**
 * Says which keys a database needs, and refuses to go on without one of them (STORE_KEY_WRONG): a store that is opened without its key would
 * go on in plain text.
 */
export function claimKeys(db: Database.Database, keys: KeyRing | undefined, where: string): void {
  const inUse = keysInUse(db);
  for (const id of inUse) keyFor(keys, id, where);
  if (keys === undefined) return;
  // What is deleted or replaced is overwritten, so that no plain text stays in free pages.
  db.pragma('secure_delete = ON');
  if (!inUse.includes(keys.newest.id) && !db.readonly) putKeysInUse(db, [...inUse, keys.newest.id]);
}

export function keysInUse(db: Database.Database): string[] {
  const stored = new StateRow(db, SEALED_WITH).get();
  return stored === undefined ? [] : (JSON.parse(stored) as string[]);
}

export function putKeysInUse(db: Database.Database, ids: readonly string[]): void {
  new StateRow(db, SEALED_WITH).put(JSON.stringify(ids));
}
