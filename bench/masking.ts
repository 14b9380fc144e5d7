/**
 * What masking does to streams of objects: how many of their texts it masks, and why, and what that costs. Distinct by kind, field and value, as
 * one that stands unchanged for a year says as much as one that is seen once.
 */
import { readFileSync } from 'node:fs';
import { cpuUsage } from 'node:process';
import { zstdDecompressSync } from 'node:zlib';
import type { Json, JsonObject } from '../src/domain/json.ts';
import { keyedHash } from '../src/domain/masking/masking-key.ts';
import { mask } from '../src/domain/masking/redact.ts';

export interface MaskingResult {
  objects: number;
  /** Distinct texts. */
  values: number;
  masked: number;
  byReason: Record<string, number>;
  /** Most often first. */
  places: { kind: string; path: string; reason: string; values: number }[];
  /** Of CPU, for one object. */
  microsPerObject: number;
  bytesPerObject: number;
}

/** `show` is given each distinct value that is masked. */
export function measureMasking(files: readonly string[], show: (line: string) => void = () => {}): MaskingResult {
  const hash = keyedHash(Buffer.alloc(32, 7));
  const seen = new Set<string>();
  const places = new Map<string, number>();
  const byReason: Record<string, number> = {};
  const objects: JsonObject[] = [];
  let [masked, bytes] = [0, 0];
  for (const file of files) {
    for (const object of objectsIn(file)) {
      objects.push(object);
      bytes += JSON.stringify(object).length;
      const kind = String(object.kind);
      const found = new Map<string, string>();
      const copy = mask(object, hash, { found: (path, reason) => found.set(path, reason) });
      visit(object, copy, '', (path, before, after) => {
        const key = `${kind}\n${path}\n${before}`;
        if (seen.has(key)) return;
        seen.add(key);
        if (before === after) return;
        masked++;
        const reason = found.get(path) ?? 'unknown';
        byReason[reason] = (byReason[reason] ?? 0) + 1;
        const place = `${kind}\n${path}\n${reason}`;
        places.set(place, (places.get(place) ?? 0) + 1);
        show(`${reason}\t${kind}${path}\t${JSON.stringify(before).slice(0, 300)}\t${JSON.stringify(after).slice(0, 300)}`);
      });
    }
  }
  return {
    objects: objects.length,
    values: seen.size,
    masked,
    byReason,
    places: [...places]
      .map(([key, values]) => {
        const [kind = '', path = '', reason = ''] = key.split('\n');
        return { kind, path, reason, values };
      })
      .sort((a, b) => b.values - a.values)
      .slice(0, 50),
    microsPerObject: costOf(objects, hash),
    bytesPerObject: Math.round(bytes / objects.length),
  };
}

function objectsIn(file: string): JsonObject[] {
  const data = readFileSync(file);
  const text = (file.endsWith('.zst') ? zstdDecompressSync(data) : data).toString();
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as JsonObject).object).filter((object) => object !== undefined) as JsonObject[];
}

function costOf(objects: readonly JsonObject[], hash: (secret: string) => string): number {
  const costs = Array.from({ length: 3 }, () => {
    const begun = cpuUsage();
    for (const object of objects) mask(object, hash);
    const { user, system } = cpuUsage(begun);
    return (user + system) / objects.length;
  });
  return Math.round(Math.min(...costs) * 100) / 100;
}

/** Every text of both, side by side; names of members do not change here. */
function visit(before: Json, after: Json, path: string, each: (path: string, before: string, after: Json) => void): void {
  if (typeof before === 'string') each(path, before, after);
  else if (Array.isArray(before)) {
    for (const [i, item] of before.entries()) visit(item, (after as Json[])[i] as Json, `${path}/[*]`, each);
  } else if (typeof before === 'object' && before !== null)
    for (const [key, member] of Object.entries(before)) {
      const segment = key.replaceAll('~', '~0').replaceAll('/', '~1');
      visit(member, (after as JsonObject)[key] as Json, `${path}/${segment}`, each);
    }
}
