/**
 * Keys of what is encrypted at rest, from a file: one key a line, 32 bytes in base64, `#` begins a comment. All of them open, the last one
 * seals; so a key is changed by adding a line, and an old one may go once nothing is sealed with it any more (`crowsnest db rekey`).
 * A key is named by a part of its hash, which is written beside what it sealed.
 */
import { createHash, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CrowsnestError } from '../../domain/errors.ts';

const KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;

export interface StoreKey {
  /** 16 hex digits. */
  id: string;
  secret: KeyObject;
}

export interface KeyRing {
  /** What is new is sealed with this one. */
  readonly newest: StoreKey;
  find(id: string): StoreKey | undefined;
}

/** Throws CONFIG_UNREADABLE, or CONFIG_BAD_VALUE with the line that is no key; the message never holds any of it. */
export function readKeyFile(file: string): KeyRing {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_UNREADABLE',
      what: 'the key file cannot be read',
      where: `--store-key-file ${file}`,
      todo: 'Check the path and its permissions',
      cause,
    });
  }
  const keys: StoreKey[] = [];
  text.split('\n').forEach((line, i) => {
    const encoded = line.replace(/#.*/, '').trim();
    if (encoded === '') return;
    const bytes = Buffer.from(encoded, 'base64');
    if (bytes.length !== KEY_BYTES || bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, ''))
      throw notAKey(`${file}:${i + 1}`, `the line is not ${KEY_BYTES} bytes in base64`);
    keys.push(storeKey(bytes));
  });
  return keyRing(keys) ?? raise(notAKey(file, 'the file holds no key'));
}

export function storeKey(bytes: Uint8Array): StoreKey {
  const id = createHash('sha256')
    .update('crowsnest key id\0')
    .update(bytes)
    .digest('hex')
    .slice(0, 2 * KEY_ID_BYTES);
  return { id, secret: createSecretKey(bytes) };
}

/** Undefined without a key. */
export function keyRing(keys: readonly StoreKey[]): KeyRing | undefined {
  const newest = keys.at(-1);
  return newest && { newest, find: (id) => keys.find((key) => key.id === id) };
}

/** A key for one purpose and one salt, so that no nonce is ever used twice under the same key. */
export function derivedKey(key: StoreKey, salt: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(new Uint8Array(hkdfSync('sha256', key.secret, salt, purpose, KEY_BYTES)));
}

/** The key something was sealed with. Throws STORE_KEY_WRONG where it is not at hand. */
export function keyFor(keys: KeyRing | undefined, id: string, where: string): StoreKey {
  const found = keys?.find(id);
  if (found !== undefined) return found;
  const lacking = keys === undefined ? 'and no key was given' : 'which the key file does not hold';
  throw new CrowsnestError({
    code: 'STORE_KEY_WRONG',
    what: `it is encrypted with the key ${id}, ${lacking}`,
    where,
    todo: 'Give the file that holds this key with --store-key-file; without it what it sealed cannot be read by anybody',
  });
}

function notAKey(where: string, what: string): CrowsnestError {
  const todo = 'Write a key a line, as `openssl rand -base64 32` prints it';
  return new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where: `--store-key-file ${where}`, todo });
}

function raise(error: Error): never {
  throw error;
}
