import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { it } from 'node:test';
import { zstdDecompressSync } from 'node:zlib';
import { formatEntry } from '../../src/collector/recording/stream-format.ts';
import { generateScenario } from '../../src/demo/scenario.ts';

const folder = new URL('../../fixtures/demo/', import.meta.url);

it('the generator still makes the fixture (else run `npm run fixtures`)', () => {
  const { entries, planted, lookAlikes } = generateScenario(1);
  const made = createHash('sha256');
  for (const entry of entries) made.update(`${formatEntry(entry)}\n`);
  const kept = createHash('sha256').update(zstdDecompressSync(readFileSync(new URL('seed-1.ndjson.zst', folder))));
  assert.equal(made.digest('hex'), kept.digest('hex'));
  assert.deepEqual(
    JSON.parse(readFileSync(new URL('seed-1.planted.json', folder), 'utf8')),
    JSON.parse(JSON.stringify({ seed: 1, planted, lookAlikes })),
  );
});

it('the fixture stays small', () => {
  assert.ok(statSync(new URL('seed-1.ndjson.zst', folder)).size < 1_500_000);
});
