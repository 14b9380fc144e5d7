/** Writes the fixtures that are made by the demo's generator: `npm run fixtures`. Never edit them by hand. */
import { mkdir, writeFile } from 'node:fs/promises';
import { constants, zstdCompressSync } from 'node:zlib';
import { formatEntry } from '../src/collector/recording/stream-format.ts';
import { generateScenario } from '../src/demo/scenario.ts';

const SEED = 1;
const folder = new URL('../fixtures/demo/', import.meta.url);

const { entries, planted, lookAlikes } = generateScenario(SEED);
const stream = Buffer.from(`${entries.map(formatEntry).join('\n')}\n`);
// Level 12 over 16 MiB packs these lines better, and 50 times faster, than the highest levels do.
const params = {
  [constants.ZSTD_c_compressionLevel]: 12,
  [constants.ZSTD_c_windowLog]: 24,
  [constants.ZSTD_c_checksumFlag]: 1,
};
await mkdir(folder, { recursive: true });
await writeFile(new URL(`seed-${SEED}.ndjson.zst`, folder), zstdCompressSync(stream, { params }));
await writeFile(
  new URL(`seed-${SEED}.planted.json`, folder),
  `${JSON.stringify({ seed: SEED, planted, lookAlikes }, null, 1)}\n`,
);
