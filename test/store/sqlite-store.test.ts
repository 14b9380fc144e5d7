import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { checkStore } from '../contract/check-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-store-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = () => join(folder, `${files++}.db`);

checkStore('SqliteStore in memory', () => openSqliteStore({ file: ':memory:' }));
checkStore('SqliteStore on a file', () => openSqliteStore({ file: file() }));
checkStore('SqliteStore with tiny blocks and caches', () =>
  openSqliteStore({
    file: file(),
    ...{ changesPerSpan: 3, spansPerMerge: 2, bytesPerBlock: 200, cacheBytes: 2_000, stepsMax: 4 },
    ...{ headCacheBytes: 0, walkCacheBytes: 0, entriesMax: 2, samplesPerRun: 3 },
  }),
);
