/**
 * A file encrypted as a whole with AES-256-GCM, in chunks, so that neither end holds it in memory. Layout, integers big endian:
 *
 *   'CROWSEAL', version 1 (1 byte), id of the key (8 bytes), salt (16 bytes), bytes of a chunk (4 bytes)
 *   chunks: ciphertext of that many bytes, the last one shorter or empty, each followed by its tag (16 bytes)
 *
 * Each file has a key of its own, derived with HKDF-SHA-256 from the store's key and the salt. A chunk's nonce is its number (11 bytes) and 1
 * for the last one, else 0 (1 byte): chunks cannot be cut off, swapped or moved to another file unnoticed. The header is authenticated too.
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { CrowsnestError } from '../../domain/errors.ts';
import { derivedKey, KEY_ID_BYTES, type KeyRing, keyFor, type StoreKey } from './store-key.ts';

const MAGIC = 'CROWSEAL';
const VERSION = 1;
const SALT_AT = MAGIC.length + 1 + KEY_ID_BYTES;
const SALT_BYTES = 16;
const HEADER_BYTES = SALT_AT + SALT_BYTES + 4;
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_BYTES_MAX = 64 * 1024 * 1024;
const TAG_BYTES = 16;
const PURPOSE = 'crowsnest sealed file';

export interface Copying {
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export async function isSealedFile(file: string): Promise<boolean> {
  await using handle = await open(file, 'r');
  const head = await readFully(handle, Buffer.alloc(MAGIC.length), 0);
  return head.toString('latin1') === MAGIC;
}

/** Writes `to`, which must not be there, and syncs it. */
export async function sealFile(from: string, to: string, key: StoreKey, copying: Copying = {}): Promise<void> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o600);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 'latin1');
  header[MAGIC.length] = VERSION;
  header.write(key.id, MAGIC.length + 1, 'hex');
  const salt = randomBytes(SALT_BYTES);
  salt.copy(header, SALT_AT);
  header.writeUInt32BE(CHUNK_BYTES, HEADER_BYTES - 4);
  await target.writeFile(header);
  const secret = derivedKey(key, salt, PURPOSE);
  const { size } = await source.stat();
  const buffer = Buffer.alloc(CHUNK_BYTES);
  for (let at = 0, number = 0, last = false; !last; number++) {
    copying.signal?.throwIfAborted();
    const chunk = await readFully(source, buffer, at);
    at += chunk.length;
    last = chunk.length < CHUNK_BYTES;
    const cipher = createCipheriv('aes-256-gcm', secret, nonceOf(number, last)).setAAD(header);
    await target.writeFile(Buffer.concat([cipher.update(chunk), cipher.final(), cipher.getAuthTag()]));
    copying.onProgress?.(at, size);
  }
  await target.sync();
}

/** The inverse. Throws STORE_KEY_WRONG or BACKUP_UNUSABLE; what was written to `to` by then is the caller's to remove. */
export async function openSealedFile(from: string, to: string, keys: KeyRing | undefined, copying: Copying = {}): Promise<void> {
  await using source = await open(from, 'r');
  const header = await readFully(source, Buffer.alloc(HEADER_BYTES), 0);
  const chunkBytes = header.length === HEADER_BYTES ? header.readUInt32BE(HEADER_BYTES - 4) : 0;
  if (header[MAGIC.length] !== VERSION || chunkBytes < 1 || chunkBytes > CHUNK_BYTES_MAX)
    throw unusable('the head of the encrypted file is cut short, damaged or of a newer crowsnest', from);
  const key = keyFor(keys, header.toString('hex', MAGIC.length + 1, SALT_AT), from);
  const secret = derivedKey(key, header.subarray(SALT_AT, SALT_AT + SALT_BYTES), PURPOSE);
  await using target = await open(to, 'wx', 0o600);
  const { size } = await source.stat();
  const buffer = Buffer.alloc(chunkBytes + TAG_BYTES);
  for (let at = HEADER_BYTES, number = 0, last = false; !last; number++) {
    copying.signal?.throwIfAborted();
    const sealed = await readFully(source, buffer, at);
    at += sealed.length;
    last = sealed.length < buffer.length;
    const chunk = openChunk(sealed, { secret, header, number, last });
    if (chunk === undefined) throw unusable(`the encrypted file is damaged or cut short around byte ${at - sealed.length}`, from);
    await target.writeFile(chunk);
    copying.onProgress?.(at, size);
  }
  await target.sync();
}

function openChunk(
  sealed: Buffer,
  { secret, header, number, last }: { secret: KeyObject; header: Buffer; number: number; last: boolean },
): Buffer | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const cipher = createDecipheriv('aes-256-gcm', secret, nonceOf(number, last)).setAAD(header);
  cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]);
  } catch {
    return undefined;
  }
}

function nonceOf(number: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 3);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

/** What the file holds at a place: the buffer's length of it, less at its end. */
async function readFully(handle: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

export function unusable(what: string, where: string, cause?: unknown): CrowsnestError {
  const todo = 'Use another backup; the database was left as it is';
  return new CrowsnestError({ code: 'BACKUP_UNUSABLE', what, where, todo, cause });
}
