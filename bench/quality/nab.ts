/** The series detector on the Numenta Anomaly Benchmark: what it finds with the product's constants, and with constants of half the files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SERIES } from '../../src/model/series/constants.ts';
import { type Choice, choose, chooseLevel, type Measured, tallies } from './nab-choice.ts';
import { type NabFile, readCorpus, splitHalves } from './nab-corpus.ts';
import { alarmsOf, bitsOfFile, scoresOf } from './nab-detect.ts';
import { nabScore, PROFILES, type Profile } from './nab-score.ts';

type Scores = Record<Profile, number> & { hit: number; windows: number; falseAlarms: number };

export interface NabResult {
  files: number;
  rows: number;
  microsecondsPerRow: number;
  constants: Choice;
  all: Scores;
  a: Scores;
  b: Scores;
  /** Only the level chosen on a half, for each profile by its own prices, as the benchmark chooses a threshold: a level higher up also changes what is at rest. */
  level: Record<Profile, { onA: LevelOnHalf; onB: LevelOnHalf; meanOnOtherHalf: number }>;
  chosen?: { draws: number; seed: number; onA: OnHalf; onB: OnHalf; meanOnOtherHalf: Record<Profile, number> };
}

/** Scores by the prices that the level was chosen at. */
interface LevelOnHalf {
  level: number;
  ownHalf: number;
  otherHalf: number;
}

interface OnHalf {
  constants: Choice;
  ownHalf: Scores;
  otherHalf: Scores;
}

export interface NabOptions {
  data: string;
  out: string;
  /** Another level than the product's, for what is written. */
  level?: number | undefined;
  choose?: number | undefined;
  seed: number;
  onProgress: (text: string) => void;
}

export function measureNab(options: NabOptions): NabResult {
  const files = readCorpus(options.data);
  const startedMs = performance.now();
  const measured = files.map((file, i): Measured => {
    options.onProgress(`${i + 1} of ${files.length}: ${file.name}`);
    return { file, bits: bitsOfFile(file, SERIES.evidence) };
  });
  const tookMs = performance.now() - startedMs;
  const rows = files.reduce((sum, { values }) => sum + values.length, 0);
  const constants: Choice = { combine: SERIES.combine, alarm: { ...SERIES.alarm, level: options.level ?? SERIES.alarm.level } };
  for (const each of measured) writeResult(options.out, each, constants);
  const { a, b } = halvesOf(measured);
  const level = Object.fromEntries(
    profiles().map((profile) => [profile, levelsOf(profile, { a, b }, constants)]),
  ) as NabResult['level'];
  const shipped = {
    files: files.length,
    rows,
    microsecondsPerRow: rounded((1000 * tookMs) / rows),
    constants,
    all: scored(measured, constants),
    a: scored(a, constants),
    b: scored(b, constants),
    level,
  };
  if (options.choose === undefined) return shipped;
  const on = (name: string, own: Measured[], other: Measured[]): OnHalf => {
    const onDraw = (draw: number, best: number) => {
      if (draw % 10 === 0) options.onProgress(`half ${name}: draw ${draw} of ${options.choose}, best ${best.toFixed(1)}`);
    };
    const choice = choose(own, { draws: options.choose as number, seed: options.seed, onDraw });
    return { constants: choice, ownHalf: scored(own, choice), otherHalf: scored(other, choice) };
  };
  return { ...shipped, chosen: { draws: options.choose, seed: options.seed, ...bothWays(on('A', a, b), on('B', b, a)) } };
}

function levelsOf(profile: Profile, { a, b }: Record<'a' | 'b', Measured[]>, constants: Choice): NabResult['level'][Profile] {
  const on = (own: Measured[], other: Measured[]): LevelOnHalf => {
    const level = chooseLevel(own, constants, profile);
    const choice = { ...constants, alarm: { ...constants.alarm, level } };
    return { level, ownHalf: scored(own, choice)[profile], otherHalf: scored(other, choice)[profile] };
  };
  const [onA, onB] = [on(a, b), on(b, a)];
  return { onA, onB, meanOnOtherHalf: rounded((onA.otherHalf + onB.otherHalf) / 2) };
}

function bothWays(onA: OnHalf, onB: OnHalf): { onA: OnHalf; onB: OnHalf; meanOnOtherHalf: Record<Profile, number> } {
  const mean = (profile: Profile) => rounded((onA.otherHalf[profile] + onB.otherHalf[profile]) / 2);
  const meanOnOtherHalf = Object.fromEntries(profiles().map((name) => [name, mean(name)])) as Record<Profile, number>;
  return { onA, onB, meanOnOtherHalf };
}

function halvesOf(measured: readonly Measured[]): { a: Measured[]; b: Measured[] } {
  const named = splitHalves(measured.map((each) => ({ name: each.file.name, each })));
  return { a: named.a.map(({ each }) => each), b: named.b.map(({ each }) => each) };
}

function scored(measured: readonly Measured[], choice: Choice): Scores {
  const found = tallies(measured, choice);
  const sum = (of: (tally: (typeof found)[number]) => number) => found.reduce((total, tally) => total + of(tally), 0);
  return {
    ...(Object.fromEntries(profiles().map((name) => [name, rounded(nabScore(found, name))])) as Record<Profile, number>),
    hit: sum(({ hit }) => hit),
    windows: sum(({ windows }) => windows),
    falseAlarms: sum(({ falseAlarms }) => falseAlarms),
  };
}

/** The score of a row that is an alarm, 0 of any other: what a person would be told, and nothing else. */
export function writeResult(out: string, { file, bits }: Measured, { combine, alarm }: Choice): void {
  const scores = scoresOf(bits, combine);
  const told = new Set(alarmsOf(scores, file, alarm));
  const lines = [...file.values].map(
    (value, row) => `${stampOf(file, row)},${value},${told.has(row) ? scores[row]?.toFixed(4) : 0}`,
  );
  const path = join(out, file.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `timestamp,value,anomaly_score\n${lines.join('\n')}\n`);
}

function stampOf(file: NabFile, row: number): string {
  return file.stamps[row] as string;
}

function profiles(): Profile[] {
  return Object.keys(PROFILES) as Profile[];
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
