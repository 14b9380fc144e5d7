/**
 * "Warm" means that what is asked for is in memory already, as it is for a file that is read all day. Some machines are given memory only as long as they
 * use it: there, pages that were read once are gone a minute later, and what is measured is the disk. So they are held, by a process beside, where
 * there is a Python to do it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';

export interface HeldFiles extends AsyncDisposable {
  /** 0 where nothing could be held. */
  bytes: number;
}

const HOLDER = new URL('./hold-in-memory.py', import.meta.url).pathname;

/** Reads files into memory and keeps them there, as long as they are now. */
export async function holdFiles(...files: readonly string[]): Promise<HeldFiles> {
  const holder = spawn('python3', [HOLDER, ...files.filter(existsSync)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    holder.once('error', () => resolve());
    holder.once('exit', () => resolve());
  });
  const said = new Promise<string>((resolve) => holder.stdout.once('data', (line: Buffer) => resolve(line.toString())));
  const bytes = Number(await Promise.race([said, ended.then(() => '0')]));
  if (bytes === 0) process.stderr.write(`not held in memory: ${(await text(holder.stderr)).trim() || 'there is no python3'}\n`);
  return {
    bytes,
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}
