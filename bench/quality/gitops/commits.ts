/** The main line of a bare Git repository: what each commit did to its files, when, and by whom. */
import { execFileSync } from 'node:child_process';
import { runGit } from '../../git-history.ts';
import { hashOf } from './documents.ts';

const OUTPUT_BYTES_MAX = 2 ** 31 - 1;
const HEAD = '\u0001';
const MACHINE = /\[bot\]|\bbot\b|-bot\b|bot@|renovate|fluxcd|\bflux\b|github-actions|automation|jenkins|\bci\b/i;

export interface Commit {
  id: string;
  atMs: number;
  /** `user:<hash>`, `bot:<hash>` or `bot:renovate`. */
  actor: string;
  files: FileChange[];
}

export interface FileChange {
  path: string;
  /** What it holds now; undefined where it is gone. */
  blob: string | undefined;
}

/** Oldest first, by first parents only; a merge is by the author of what it merged. Throws where the folder is no repository. */
export function commitsOf(folder: string): Commit[] {
  const authors = new Map<string, string>();
  for (const line of text(runGit(folder, 'log', '--format=%H%x09%an <%ae>', 'HEAD', '--')).split('\n')) {
    const [id, author] = line.split('\t');
    if (id !== undefined && author !== undefined) authors.set(id, author);
  }
  const format = `--format=${HEAD}%H %ct %P`;
  const diff = ['--raw', '--no-abbrev', '--no-renames', '--diff-merges=first-parent'];
  const log = text(
    runGit(folder, '-c', 'core.quotePath=off', 'log', '--first-parent', '--reverse', ...diff, format, 'HEAD', '--'),
  );
  return log
    .split(HEAD)
    .slice(1)
    .map((part) => {
      const [head, ...rest] = part.split('\n') as [string, ...string[]];
      const [id, seconds, , merged] = head.split(' ') as [string, string, string?, string?];
      const actor = actorOf(authors.get(merged ?? id) ?? authors.get(id) ?? '');
      return { id, atMs: Number(seconds) * 1000, actor, files: rest.flatMap(fileOf) };
    });
}

/** `:<mode> <mode> <blob> <blob> <letter>\t<path>`; only plain files count. */
function fileOf(line: string): FileChange[] {
  const [fields, path] = line.split('\t');
  const [, mode, , blob] = (fields ?? '').split(' ');
  if (path === undefined || blob === undefined) return [];
  return [{ path, blob: mode?.startsWith('100') === true ? blob : undefined }];
}

function actorOf(author: string): string {
  if (/renovate/i.test(author)) return 'bot:renovate';
  const mail = (/<(.*)>$/.exec(author)?.[1] ?? author).toLowerCase();
  return MACHINE.test(author) ? `bot:${hashOf(mail, 6)}` : `user:${hashOf(mail, 8)}`;
}

/** The texts of blobs, by their names. */
export function readBlobs(folder: string, blobs: readonly string[]): Map<string, string> {
  const input = blobs.join('\n');
  const options = { cwd: folder, input, maxBuffer: OUTPUT_BYTES_MAX };
  const bytes = execFileSync('git', ['--git-dir=.', 'cat-file', '--batch'], options);
  const texts = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const lineEnd = bytes.indexOf(10, at);
    const [blob, type, size] = text(bytes.subarray(at, lineEnd)).split(' ') as [string, string, string?];
    at = lineEnd + 1;
    // A file that the repository's copy lacks is a line without a size.
    if (size === undefined) continue;
    if (type === 'blob') texts.set(blob, text(bytes.subarray(at, at + Number(size))));
    at += Number(size) + 1;
  }
  return texts;
}

function text(bytes: Buffer): string {
  return bytes.toString('utf8');
}
