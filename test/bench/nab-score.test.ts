import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { writeResult } from '../../bench/quality/nab.ts';
import { readCorpus, splitHalves } from '../../bench/quality/nab-corpus.ts';
import { alarmsOf, scoresOf } from '../../bench/quality/nab-detect.ts';
import { nabScore, PROFILES, type Profile, probationRows, tallyFile, type Windows } from '../../bench/quality/nab-score.ts';
import { SERIES } from '../../src/model/series/constants.ts';
import { CHANNELS } from '../../src/model/series/evidence.ts';

interface Case {
  rows: number;
  windows: Windows;
  detections: number[];
  hit: number;
  falseAlarms: number;
  /** By profile, in the order of PROFILES; of another scorer written from the same definition. */
  scores: [number, number, number];
}

const CASES: Case[] = [
  {
    rows: 200,
    windows: [
      [60, 79],
      [120, 149],
    ],
    detections: [10, 29, 30, 45, 65, 70, 80, 85, 100, 149, 150, 160, 199],
    hit: 2,
    falseAlarms: 8,
    scores: [60.86593918, 45.450427023, 73.91062612],
  },
  { rows: 200, windows: [[60, 79]], detections: [], hit: 0, falseAlarms: 0, scores: [0, 0, 0] },
  { rows: 200, windows: [[60, 79]], detections: [60], hit: 1, falseAlarms: 0, scores: [100, 100, 100] },
  {
    rows: 300,
    windows: [
      [20, 50],
      [51, 60],
      [200, 200],
    ],
    detections: [25, 46, 51, 61, 62, 200, 201, 203, 204],
    hit: 3,
    falseAlarms: 5,
    scores: [82.901055559, 76.003811354, 88.600703706],
  },
  {
    rows: 40_000,
    windows: [
      [740, 760],
      [30_000, 33_999],
    ],
    detections: [749, 750, 751, 759, 29_000, 33_999, 34_000, 39_999],
    hit: 2,
    falseAlarms: 3,
    scores: [66.414130662, 60.915446071, 77.609420441],
  },
];
const NAMES = Object.keys(PROFILES) as Profile[];

for (const [i, { rows, windows, detections, hit, falseAlarms, scores }] of CASES.entries()) {
  test(`case ${i + 1} comes to what another scorer makes of it`, () => {
    const tally = tallyFile(detections, rows, windows);
    assert.equal(tally.hit, hit);
    assert.equal(tally.falseAlarms, falseAlarms);
    NAMES.forEach((name, k) => {
      assert.ok(Math.abs(nabScore([tally], name) - (scores[k] as number)) < 1e-6, `${name}: ${nabScore([tally], name)}`);
    });
  });
}

test('no file is scored before its probation, and none longer than 750 rows', () => {
  assert.deepEqual([100, 4_000, 5_000, 22_000].map(probationRows), [15, 600, 750, 750]);
});

test('the halves alternate by name, whatever order the files come in', () => {
  const names = ['b/2', 'a/1', 'a/3', 'a/2', 'b/1'].map((name) => ({ name }));
  const { a, b } = splitHalves(names);
  assert.deepEqual(
    [a, b].map((half) => half.map(({ name }) => name)),
    [
      ['a/1', 'a/3', 'b/2'],
      ['a/2', 'b/1'],
    ],
  );
});

const SHARED = join(import.meta.dirname, '../../../shared');
const TOOL = join(SHARED, 'tools/nab-score.py');
const hasTool = existsSync(TOOL) && spawnSync('python3', ['-c', 'import numpy']).status === 0;

test('agrees with the other scorer on the whole corpus', { skip: hasTool ? false : 'needs ../shared and numpy' }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'crowsnest-nab-'));
  try {
    const measured = readCorpus(join(SHARED, 'data/nab')).map((file) => {
      const bits = new Float32Array(file.values.length * CHANNELS.length);
      for (let row = 150; row < file.values.length; row += 211)
        bits.fill(row % 7, row * CHANNELS.length, (row + 1) * CHANNELS.length);
      return { file, bits };
    });
    for (const each of measured) writeResult(out, each, SERIES);
    const { stdout } = await promisify(execFile)('python3', [TOOL, out, '--threshold', '0.001'], { maxBuffer: 1e8 });
    const theirs = JSON.parse(stdout) as Record<Profile, { score: number; windows_hit: number; false_detections: number }>;
    const ours = measured.map(({ file, bits }) =>
      tallyFile(alarmsOf(scoresOf(bits, SERIES.combine), file, SERIES.alarm), file.values.length, file.windows),
    );
    for (const name of NAMES) assert.ok(Math.abs(nabScore(ours, name) - theirs[name].score) < 1e-6, name);
    assert.ok(theirs.standard.windows_hit > 0 && theirs.standard.false_detections > 0);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
