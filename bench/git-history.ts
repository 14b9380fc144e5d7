/**
 * The same history as people would keep it in git: one commit for each change by who made it, when it was made, and one file for each object, as
 * JSON with sorted members, a line each. Written by `git fast-import`; nothing of the user's own configuration has a say.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Change } from '../src/domain/change.ts';
import { isJsonObject, type Json } from '../src/domain/json.ts';
import type { ObjectRef } from '../src/domain/object-ref.ts';

export type Committed = Pick<Change, 'ref' | 'type' | 'observedMs' | 'actor' | 'state'>;

const BRANCH = 'refs/heads/main';

export class GitHistory {
  readonly folder: string;
  readonly #import: ChildProcessByStdio<Writable, null, null>;
  readonly #ended: Promise<unknown[]>;

  /** `folder` becomes a bare repository; it must not exist or be empty. */
  constructor(folder: string) {
    this.folder = folder;
    // Without a template there are no sample hooks, which would count as git's bytes.
    execFileSync('git', ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', folder], { env: gitEnvironment() });
    const stdio: ['pipe', 'ignore', 'inherit'] = ['pipe', 'ignore', 'inherit'];
    this.#import = spawn('git', ['fast-import', '--quiet', '--date-format=raw'], { cwd: folder, env: gitEnvironment(), stdio });
    this.#ended = once(this.#import, 'exit');
  }

  /** Resolves when git has room for more. */
  async add(change: Committed): Promise<void> {
    if (!this.#import.stdin.write(commitOf(change))) await Promise.race([once(this.#import.stdin, 'drain'), this.#ended]);
  }

  /** Resolves once all of it is in packs. Throws when git could not take it. */
  async finish(): Promise<void> {
    this.#import.stdin.end();
    const [code] = await this.#ended;
    if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  }

  run(...args: string[]): Buffer {
    return runGit(this.folder, ...args);
  }

  /** All files of the repository. */
  bytes(): number {
    const files = readdirSync(this.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
  }
}

/** What git answers, run in a bare repository. Throws with `status` when it fails. */
export function runGit(folder: string, ...args: string[]): Buffer {
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return execFileSync('git', args, { cwd: folder, env: gitEnvironment(), maxBuffer: 1 << 30, stdio });
}

/** Where an object's file lies. */
export function gitPath({ group, kind, namespace, name }: ObjectRef): string {
  const folder = group === '' ? kind : `${kind}.${group}`;
  return [folder, namespace === '' ? '_' : namespace, `${name}.json`].map((part) => part.replaceAll('/', '%2F')).join('/');
}

/** One commit in the language of fast-import. */
export function commitOf({ ref, type, observedMs, actor, state }: Committed): string {
  const who = actor.name.replace(/[<>\n]/g, '_').trim();
  const head = `commit ${BRANCH}\ncommitter ${who} <> ${Math.floor(observedMs / 1000)} +0000\ndata 0\n`;
  if (type === 'DELETED') return `${head}D ${gitPath(ref)}\n\n`;
  const text = `${JSON.stringify(sorted(state), undefined, 2)}\n`;
  return `${head}M 100644 inline ${gitPath(ref)}\ndata ${Buffer.byteLength(text)}\n${text}\n`;
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] as Json)]),
  );
}

function gitEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1', GIT_DIR: '.', GIT_TERMINAL_PROMPT: '0' };
}
