import type { FieldDiff } from '../domain/diff/field-diff.ts';
import type { Json } from '../domain/json.ts';
import { cutText } from './cut-text.ts';

const VALUE_BYTES_MAX = 80;
const PATH_BYTES_MAX = 160;

/**
 * A few lines for a notification, at most `bytesMax`: `~ /spec/replicas: 3 → 30`, `+ path: value`, `- path: value`, fields named in
 * `flagged` first, and how many more there are. The full diff is behind the alert's link.
 */
export function shortDiff(diff: readonly FieldDiff[], flagged: ReadonlySet<string>, bytesMax = 1_000): string {
  const isFlagged = (entry: FieldDiff): boolean => flagged.has(entry.path) || flagged.has(entry.generic);
  const ordered = [...diff.filter(isFlagged), ...diff.filter((entry) => !isFlagged(entry))];
  const lines: string[] = [];
  let bytes = 0;
  for (const entry of ordered) {
    const line = lineOf(entry);
    const left = ordered.length - lines.length;
    const more = `… and ${left} more`;
    bytes += Buffer.byteLength(line) + 1;
    // Room for the closing line is kept until the last entry.
    if (bytes + (left > 1 ? Buffer.byteLength(more) : 0) > bytesMax) {
      lines.push(more);
      break;
    }
    lines.push(line);
  }
  return lines.join('\n');
}

function lineOf(entry: FieldDiff): string {
  const path = cutText(entry.path, PATH_BYTES_MAX);
  if (entry.op === 'add') return `+ ${path}: ${valueText(entry.new)}`;
  if (entry.op === 'remove') return `- ${path}: ${valueText(entry.old)}`;
  return `~ ${path}: ${valueText(entry.old)} → ${valueText(entry.new)}`;
}

function valueText(value: Json | undefined): string {
  const text = typeof value === 'string' ? value.replaceAll(/\s+/g, ' ') : JSON.stringify(value ?? null);
  return cutText(text, VALUE_BYTES_MAX);
}
