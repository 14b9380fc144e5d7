/** The notebook's reader, which uses none of our code, rebuilds every state of a database as our own does: what data-format.md says is enough. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { canonicalJson, type Json, parseJson } from '../../src/domain/json.ts';
import type { KubeObject } from '../../src/domain/object-ref.ts';
import { openSqliteStore } from '../../src/store/sqlite-store.ts';
import { newChange, state } from './new-changes.ts';

const NOTEBOOK = new URL('../../notebooks/the-database.ipynb', import.meta.url);

it('the notebook reads what the store wrote', () => {
  const directory = mkdtempSync(join(tmpdir(), 'crowsnest-notebook-'));
  const file = join(directory, 'crowsnest.db');
  const expected: Record<string, string> = {};
  {
    using store = openSqliteStore({ file, changesPerSpan: 16, spansPerMerge: 3, changesPerLargeSpan: 96 });
    const states = new Map<string, KubeObject>();
    for (let n = 1; n <= 150; n++) {
      const name = `k${n % 12}`;
      const before = states.get(name);
      const spec = {
        n,
        forever: 2n ** 63n - BigInt(n % 7),
        list: Array.from({ length: n % 5 }, (_, i) => ({ name: `i${i}`, at: n })),
        [`f${Math.floor(n / 12) % 3}`]: 'ü'.repeat(n % 7),
      };
      // Spans so dense are sorted by namespace, in another order than their objects came.
      const namespace = `namespace-${n % 3}`;
      const object = state(name, n % 9 === 0 ? `v${n}` : String(n), spec, { namespace, ...(n % 11 === 0 && { generation: n }) });
      states.set(name, object);
      const type = before === undefined ? 'ADDED' : 'MODIFIED';
      const [change] = store.append({ changes: [newChange(type, object, { before, observedMs: n * 1_000 })] });
      expected[String(change?.seq)] = canonicalJson(object as Json);
      if (n < 120) store.maintain();
    }
  }
  const notebook = JSON.parse(readFileSync(NOTEBOOK, 'utf8')) as { cells: { cell_type: string; source: string[] }[] };
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code').map((cell) => cell.source.join(''));
  const dump = "console.log('=====');\nfor (let seq = 1; seq <= 150; seq++) console.log(JSON.stringify(stateAfter(seq)));";
  const script = join(directory, 'cells.mts');
  writeFileSync(script, [...cells, dump].join('\n'));
  const out = execFileSync(process.execPath, ['--no-warnings', script], {
    env: { ...process.env, CROWSNEST_DB: file },
    encoding: 'utf8',
  });
  const [text, states] = out.split('=====\n') as [string, string];
  assert.match(text, /Kafka namespace-1\/k/);
  assert.match(text, /\/spec\/f1 \/spec\/f2/);
  const read = states
    .trimEnd()
    .split('\n')
    .map((line) => canonicalJson(parseJson(line)));
  assert.deepEqual(read, Object.values(expected));
});
