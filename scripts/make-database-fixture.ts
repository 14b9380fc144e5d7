/**
 * Makes a database as the code of a past version wrote it, for fixtures/databases: run with the sources of that version,
 *
 *   git worktree add /tmp/old COMMIT && ln -s $PWD/node_modules /tmp/old/
 *   npx node scripts/make-database-fixture.ts /tmp/old fixtures/databases/format-N.db.zst
 *
 * What is in it is a formula (`historyOf` below), so that a test knows what must come back whatever the format was.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, zstdCompressSync } from 'node:zlib';
import { FINDING, fixtureHistory } from '../test/store/fixture-history.ts';

const [tree, target] = process.argv.slice(2) as [string, string];
const { openSqliteStore } = (await import(pathToFileURL(join(resolve(tree), 'src/store/sqlite-store.ts')).href)) as {
  // Of another version, so its types are not those of this one.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  openSqliteStore: (options: object) => any;
};

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-fixture-'));
const file = join(folder, 'fixture.db');
// Small spans, so that there are sealed, merged and young records.
const store = openSqliteStore({ file, changesPerSpan: 24, spansPerMerge: 3, samplesPerRun: 12 });
for (const [i, batch] of fixtureHistory().entries()) {
  store.append(batch);
  if (i % 3 === 0) store.maintain();
}
store.commitAnalysis({ findings: [FINDING], cursors: { 'analysis.changes': '100' } });
store.saveSnapshot('model', { version: 1, seq: 100, blob: Buffer.from('what was learnt') });
store.putState('policy', 'saved');
store.close();
const bytes = readFileSync(file);
const format = bytes.readUInt32BE(60);
if (!target.endsWith(`format-${format}.db.zst`)) throw new Error(`these sources write format ${format}`);
writeFileSync(target, zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }));
rmSync(folder, { recursive: true });
process.stdout.write(`${target}: format ${format}, ${bytes.length} bytes\n`);
