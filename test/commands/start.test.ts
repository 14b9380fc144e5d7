/** What a start loads: whoever waits for the API waits for all of it. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startCrowsnest } from '../support/crowsnest-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-start-'));
after(() => rmSync(folder, { recursive: true }));

/** What is loaded when it is first needed: what takes types out (for the page), an HTTP client of Node itself (never), and packages that few need. */
const NOT_YET = /amaro|undici|node_modules.(yaml|protobufjs|cloudevents)./;

/** Of compiled files, by Node. */
const FORGOTTEN = 'what was read is forgotten';

test('a start loads nothing that can wait', async () => {
  const loaded = join(folder, 'loaded');
  const names = '[...process.moduleLoadList, ...Object.keys(nodeModule._cache), ...forgotten]';
  const told = `const nodeModule = process.getBuiltinModule('node:module'), forgotten = [];
    nodeModule.flushCompileCache = () => forgotten.push('${FORGOTTEN}');
    nodeModule.syncBuiltinESMExports();
    process.on('exit', () => process.getBuiltinModule('node:fs').writeFileSync('${loaded}', ${names}.join('\\n')))`;
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(UNREACHABLE));
  const args = ['serve', '--kubeconfig', kubeconfig, '--db', join(folder, 'crowsnest.db'), '--log-level', 'silent'];
  const start = async () => {
    const NODE_OPTIONS = `--import "data:text/javascript,${encodeURIComponent(told)}"`;
    const environment = { NODE_OPTIONS, NODE_COMPILE_CACHE: join(folder, 'compiled') };
    const crowsnest = await startCrowsnest(args, { environment });
    try {
      assert.deepEqual((await crowsnest.get<{ items: [] }>('/v1/changes?limit=1')).items, []);
    } finally {
      await crowsnest.stop();
    }
    return readFileSync(loaded, 'utf8').split('\n');
  };
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

const UNREACHABLE = {
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'none' },
  clusters: [{ name: 'none', cluster: { server: 'https://127.0.0.1:9' } }],
  users: [{ name: 'none', user: {} }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
};
