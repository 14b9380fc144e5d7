import { existsSync } from 'node:fs';
import { CrowsnestError } from '../domain/errors.ts';
import type { Options } from '../options.ts';
import { backUp, restore } from '../store/file/backup.ts';
import { rekey } from '../store/file/rekey.ts';
import { readKeyFile } from '../store/seal/store-key.ts';
import { createProgress, type Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** The database of the `db` commands, where `serve` has it. */
export function databaseOf(options: Options): string {
  return options.db ?? 'crowsnest.db';
}

export function keysOf(options: Options) {
  return options.storeKeyFile === undefined ? undefined : readKeyFile(options.storeKeyFile);
}

/** Copies the database as of this instant; whoever writes it goes on. */
export async function runBackup(options: Options, target: string, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  const keys = keysOf(options);
  const facts = await withProgress(createProgress(terminal, 'backing up', 'pages'), (onProgress) =>
    backUp({ file, target, keys, onProgress, signal: terminal.signal }),
  );
  const how = keys === undefined ? 'not encrypted' : `encrypted with the key ${keys.newest.id}`;
  terminal.out(`${target}: ${facts.changes} changes, ${facts.bytes} bytes, ${how}\n`);
  if (existsSync(`${file}.key`))
    terminal.note(`crowsnest: the masking key is not in it; keep a copy of ${file}.key apart from the backups\n`);
  return 0;
}

export async function runRestore(options: Options, backup: string, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  const facts = await withProgress(createProgress(terminal, 'restoring', 'bytes'), (onProgress) =>
    restore({ backup, file, replace: options.replace, keys: keysOf(options), onProgress, signal: terminal.signal }),
  );
  terminal.out(`${file}: ${facts.changes} changes, ${facts.bytes} bytes\n`);
  if (!existsSync(`${file}.key`))
    terminal.note(
      `crowsnest: there is no ${file}.key; put the masking key back before serve makes a new one, or each masked value will show as changed once\n`,
    );
  return 0;
}

/** Encrypts with the newest key what is not encrypted with it yet. */
export async function runRekey(options: Options, terminal: Terminal): Promise<number> {
  const file = databaseOf(options);
  if (options.storeKeyFile === undefined)
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'there is no key to encrypt with',
      where: '--store-key-file',
      todo: 'Give the file with the old and the new key',
    });
  const keys = readKeyFile(options.storeKeyFile);
  const sealed = await withProgress(createProgress(terminal, 'encrypting', 'values'), (onProgress) =>
    rekey({ file, keys, onProgress, signal: terminal.signal }),
  );
  terminal.out(`${file}: ${sealed} values newly encrypted, all with the key ${keys.newest.id}\n`);
  return 0;
}

export async function withProgress<T>(progress: Progress, work: (onProgress: Progress['update']) => Promise<T>): Promise<T> {
  try {
    return await work((done, total) => progress.update(done, total));
  } finally {
    progress.stop();
  }
}
