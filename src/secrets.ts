import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { CrowsnestError } from './domain/errors.ts';

/**
 * The key of the masking hash. It lies beside the database, in a file of its own (mode 0600), so that neither a copy nor a backup of the
 * database carries it. A database in memory gets a key in memory.
 */
export function loadMaskingKey(databaseFile: string): Uint8Array {
  if (databaseFile === ':memory:') return randomBytes(32);
  const file = `${databaseFile}.key`;
  if (!existsSync(file)) {
    try {
      // Under its name it is whole or not there, whenever the process dies; the database's lock keeps others out.
      writeFileSync(`${file}.new`, randomBytes(32), { mode: 0o600, flush: true });
      renameSync(`${file}.new`, file);
    } catch (cause) {
      throw new CrowsnestError({
        code: 'STORE_READ_ONLY',
        what: 'the masking key cannot be written beside the database',
        where: file,
        todo: 'Make the folder writable.',
        cause,
      });
    }
  }
  const key = readKey(file);
  if (key.length !== 32) {
    throw new CrowsnestError({
      code: 'STORE_CORRUPT',
      what: `the masking key has ${key.length} bytes instead of 32`,
      where: file,
      todo: 'Restore it from a copy, or remove it to start with a new one.',
    });
  }
  return key;
}

/**
 * The key for a recording that is played and not kept: a hash of all of it, so that playing it again masks alike and comes to the same findings to
 * the letter. Who could compute it has the recording. What cannot be read twice, such as a pipe, gets a key of chance.
 */
export async function recordingMaskingKey(recording: string): Promise<Uint8Array> {
  if (statSync(recording, { throwIfNoEntry: false })?.isFile() !== true) return randomBytes(32);
  const hash = createHash('sha256').update('crowsnest masking key\n');
  await pipeline(createReadStream(recording), hash);
  return hash.digest();
}

function readKey(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (cause) {
    const todo = 'Make it readable for this user.';
    throw new CrowsnestError({ code: 'STORE_READ_ONLY', what: 'the masking key cannot be read', where: file, todo, cause });
  }
}

/** A secret from a file, without its trailing newline. */
export function readSecretFile(file: string, flag: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new CrowsnestError({
      code: 'CONFIG_UNREADABLE',
      what: 'the secret file cannot be read',
      where: `${flag} ${file}`,
      todo: 'Check the path and its permissions.',
      cause,
    });
  }
  if (text === '')
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'the secret file is empty',
      where: `${flag} ${file}`,
      todo: 'Put the secret into it.',
    });
  return text;
}

/** The namespace of the pod we run in, or undefined outside a cluster. */
export function readOwnNamespace(): string | undefined {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

export function newToken(): string {
  return randomBytes(24).toString('base64url');
}
