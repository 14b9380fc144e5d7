/** What a start loads: whoever waits for the API waits for all of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCrowsnest } from '../support/crowsnest-process.ts';
import { crowsnest } from './run-crowsnest.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-start-'));
after(() => rmSync(folder, { recursive: true }));

/** What is loaded when it is first needed: what takes types out (for the page), an HTTP client of Node itself (never), and packages that few need. */
const NOT_YET = /amaro|undici|node_modules.(yaml|protobufjs|cloudevents)./;

/** Of compiled files, by Node. */
const FORGOTTEN = 'what was read is forgotten';

/** The files and parts of Node that a start loads which finds compiled what is in a folder. */
async function loadedWith(compiled: string): Promise<string[]> {
  const loaded = join(folder, 'loaded');
  const names = '[...process.moduleLoadList, ...Object.keys(nodeModule._cache), ...forgotten]';
  const told = `const nodeModule = process.getBuiltinModule('node:module'), forgotten = [];
    nodeModule.flushCompileCache = () => forgotten.push('${FORGOTTEN}');
    nodeModule.syncBuiltinESMExports();
    process.on('exit', () => process.getBuiltinModule('node:fs').writeFileSync('${loaded}', ${names}.join('\\n')))`;
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(UNREACHABLE));
  const args = ['serve', '--kubeconfig', kubeconfig, '--db', join(folder, 'crowsnest.db'), '--log-level', 'silent'];
  const NODE_OPTIONS = `--import "data:text/javascript,${encodeURIComponent(told)}"`;
  const running = await startCrowsnest(args, { environment: { NODE_OPTIONS, NODE_COMPILE_CACHE: compiled } });
  try {
    assert.deepEqual((await running.get<{ items: [] }>('/v1/changes?limit=1')).items, []);
  } finally {
    await running.stop();
  }
  return readFileSync(loaded, 'utf8').split('\n');
}

test('a start loads nothing that can wait', async () => {
  const start = () => loadedWith(join(folder, 'compiled'));
  // The first one compiles everything, and keeps it until it is written with what is compiled on the way.
  assert.ok(!(await start()).includes(FORGOTTEN));
  const modules = await start();
  assert.ok(modules.includes(FORGOTTEN), 'what was read of compiled files takes 8 MB');
  for (const known of [/^NativeModule http$/, /node_modules.express.lib/])
    assert.ok(
      modules.some((name) => known.test(name)),
      String(known),
    );
  assert.deepEqual(
    modules.filter((name) => NOT_YET.test(name)),
    [],
  );
});

test('the first start after `compile` finds everything compiled', async () => {
  const compiled = join(folder, 'compiled-before');
  const { code, err } = await crowsnest(['compile'], { environment: { NODE_COMPILE_CACHE: compiled } });
  assert.deepEqual({ code, err }, { code: 0, err: '' });
  const before = compiledPlain(compiled);
  const modules = await loadedWith(compiled);
  const added = compiledPlain(compiled).filter((file) => !before.includes(file));
  // What this test has each process import is compiled once.
  assert.ok(added.length <= 1, `the process that reads credentials compiled ${added.length} files`);
  assert.deepEqual(
    modules.filter((name) => NOT_YET.test(name)),
    [],
  );
  assert.ok(modules.includes(FORGOTTEN));
});

/** What is compiled for a process without flags, as the one that reads credentials: files for other flags, the many of serve, lie in a folder of their own. */
function compiledPlain(compiled: string): string[] {
  const sets = readdirSync(compiled).map((set) => readdirSync(join(compiled, set)).sort());
  assert.equal(sets.length, 2);
  return sets.sort((a, b) => a.length - b.length)[0] ?? [];
}

const UNREACHABLE = {
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'none' },
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:9' } }],
  users: [{ name: 'none', user: {} }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
};
