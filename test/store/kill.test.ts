import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-kill-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const APPENDER = fileURLToPath(new URL('./appender.ts', import.meta.url));

it('loses nothing committed to kill -9, and its cursor says exactly what is there', async () => {
  const file = join(folder, 'killed.db');
  let reached = 0;
  for (let round = 0; round < 5; round++) {
    const acknowledged = await appendUntilKilled(file, reached + 40 + round * 23);
    using store = openSqliteStore({ file, changesPerSpan: 16, spansPerMerge: 3, changesPerLargeSpan: 96 });
    const cursor = Number(store.cursor('w'));
    assert.ok(cursor >= acknowledged, `acknowledged ${acknowledged}, found ${cursor}`);
    assert.equal(store.counts().changes, cursor);
    assert.equal(store.samplesAfter(0, 1e6).samples.length, cursor / 5);
    const changes = store.changesAfter(0, 1e6);
    assert.deepEqual(
      changes.map(({ seq }) => seq),
      Array.from({ length: cursor }, (_, i) => i + 1),
      'none lost, none twice',
    );
    for (const { seq, state } of changes) assert.deepEqual(state.spec, { n: seq, text: `revision ${seq}` });
    const objects = store.objects({ limit: 100 }).items;
    assert.equal(
      objects.reduce((sum, object) => sum + object.changes, 0),
      cursor,
      'head rows the process had not written are derived',
    );
    for (const { ref, seq } of objects) assert.deepEqual(store.head(ref)?.state.spec, { n: seq, text: `revision ${seq}` });
    store.append({ changes: [], cursors: { probe: 'written' } });
    reached = cursor;
  }
});

/** Resolves with the last position the process said it had committed by the time it was killed. */
async function appendUntilKilled(file: string, atLeast: number): Promise<number> {
  const child = spawn(process.execPath, [APPENDER, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) acknowledged = Number(line);
    if (acknowledged >= atLeast) child.kill('SIGKILL');
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  assert.equal(signal, 'SIGKILL', 'the process ended by itself');
  return acknowledged;
}
