/** The demo over many seeds: how many of the eight planted incidents are found, how many alerts are false. The numbers do not depend on the machine. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const MAIN = fileURLToPath(new URL('../src/crowsnest.js', import.meta.url));

export interface SeedResult {
  seed: number;
  changes: number;
  planted: number;
  found: number;
  false: number;
  missed: string[];
}

export interface SeedsResult {
  seeds: SeedResult[];
  medianFound: number;
  medianFalse: number;
}

export async function demoOverSeeds(from: number, to: number, onSeed: (result: SeedResult) => void): Promise<SeedsResult> {
  const seeds: SeedResult[] = [];
  for (let seed = from; seed <= to; seed++) {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, 'demo', '--once', '--json', '--seed', String(seed)], {
      maxBuffer: 1 << 26,
    });
    const report = JSON.parse(stdout) as {
      changes: number;
      planted: number;
      found: number;
      false: number;
      missed?: { planted: string }[];
    };
    const result = {
      seed,
      changes: report.changes,
      planted: report.planted,
      found: report.found,
      false: report.false,
      missed: (report.missed ?? []).map((one) => one.planted),
    };
    seeds.push(result);
    onSeed(result);
  }
  return { seeds, medianFound: median(seeds.map((one) => one.found)), medianFalse: median(seeds.map((one) => one.false)) };
}

/** The lower of the two middle values of an even number, so that a median of 7 means half of the seeds reach 7. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}
