/** A diff of lines as `diff -u` writes it, which every tool and every person can read. Pure. */
import { commonSequence } from './sequence-match.ts';

const CONTEXT = 3;

export interface UnifiedDiffInput {
  /** Whole text, lines ended by \n. */
  before: string;
  after: string;
  beforeName: string;
  afterName: string;
}

/** '' for equal texts. */
export function unifiedDiff({ before, after, beforeName, afterName }: UnifiedDiffInput): string {
  const [old, now] = [linesOf(before), linesOf(after)];
  const out: string[] = [];
  for (const hunk of hunksOf(editsOf(old, now))) {
    const count = (kinds: string) => hunk.filter(({ mark }) => kinds.includes(mark)).length;
    const first = hunk[0] as Edit;
    out.push(`@@ -${span(first.i, count(' -'))} +${span(first.j, count(' +'))} @@`);
    for (const { mark, line } of hunk) out.push(mark + line);
  }
  return out.length === 0 ? '' : `--- ${beforeName}\n+++ ${afterName}\n${out.join('\n')}\n`;
}

interface Edit {
  mark: ' ' | '-' | '+';
  line: string;
  /** Where it stands before and after, or would. */
  i: number;
  j: number;
}

function editsOf(old: readonly string[], now: readonly string[]): Edit[] {
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  for (const [nextI, nextJ] of [...commonSequence(old, now), [old.length, now.length] as const]) {
    for (; i < nextI; i++) edits.push({ mark: '-', line: old[i] as string, i, j });
    for (; j < nextJ; j++) edits.push({ mark: '+', line: now[j] as string, i, j });
    if (i < old.length) edits.push({ mark: ' ', line: old[i] as string, i, j });
    i += 1;
    j += 1;
  }
  return edits;
}

/** Changed lines with `CONTEXT` lines around them; what lies closer together than that is one hunk. */
function hunksOf(edits: readonly Edit[]): Edit[][] {
  const hunks: { from: number; to: number }[] = [];
  for (const [n, { mark }] of edits.entries()) {
    if (mark === ' ') continue;
    const last = hunks.at(-1);
    if (last !== undefined && n - CONTEXT <= last.to) last.to = n + CONTEXT + 1;
    else hunks.push({ from: Math.max(0, n - CONTEXT), to: n + CONTEXT + 1 });
  }
  return hunks.map(({ from, to }) => edits.slice(from, to));
}

/** `first,count`, where a count of one is left out and an empty span names the line before it. */
function span(start: number, count: number): string {
  if (count === 1) return String(start + 1);
  return `${count === 0 ? start : start + 1},${count}`;
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
