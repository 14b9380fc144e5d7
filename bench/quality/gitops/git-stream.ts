/**
 * A stream of changes to choose constants by, made of the history of a GitOps repository, by the rules and in the form of the labelled streams:
 * one row for each custom resource that a commit of the main line adds, alters or removes. What was reverted later is not marked.
 */

import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { mulberry32 } from '../../random.ts';
import { GitOpsCluster } from './cluster.ts';
import { type Commit, commitsOf, readBlobs } from './commits.ts';
import { isManifest, textOf } from './documents.ts';

const COMMITS_AT_ONCE = 500;

export interface GitStreamOptions {
  /** A bare repository. */
  git: string;
  /** `<stream>.jsonl.zst`, whose name becomes the cluster's. */
  out: string;
}

/** Throws where there is no repository. */
export function streamOfGit({ git, out }: GitStreamOptions): { commits: number; events: Record<string, number>; actors: number } {
  const cluster = basename(out).replace(/\.jsonl\.zst$/, '');
  const objects = new GitOpsCluster(mulberry32(1));
  const commits = commitsOf(git);
  const lines: string[] = [];
  const events: Record<string, number> = { ADDED: 0, MODIFIED: 0, DELETED: 0 };
  const actors = new Set<string>();
  let atMs = 0;
  for (let from = 0; from < commits.length; from += COMMITS_AT_ONCE) {
    const some = commits.slice(from, from + COMMITS_AT_ONCE);
    const texts = readBlobs(git, blobsOf(some));
    for (const commit of some) {
      // Clocks of those who commit differ; a watch tells in order.
      atMs = Math.max(atMs, commit.atMs);
      const ts = `${new Date(atMs).toISOString().slice(0, 19)}Z`;
      for (const { type, object } of objects.apply(commit, texts, ts)) {
        const row = { type, ts, cluster, actor: commit.actor, commit: commit.id.slice(0, 10), object };
        lines.push(textOf(row));
        events[type] = (events[type] ?? 0) + 1;
        actors.add(commit.actor);
      }
    }
  }
  writeFileSync(out, zstdCompressSync(`${lines.join('\n')}\n`));
  return { commits: commits.length, events, actors: actors.size };
}

function blobsOf(commits: readonly Commit[]): string[] {
  const files = commits.flatMap(({ files }) => files.filter(({ path }) => isManifest(path)));
  return [...new Set(files.flatMap(({ blob }) => blob ?? []))];
}
