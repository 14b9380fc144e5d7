/** The native backend beside WebAssembly: the same weights score the same, and training from the same seed comes out the same to rounding. */
import assert from 'node:assert/strict';
import { createRequire, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { buildNativeTfjs, findNativeTfjs, missingTools } from '../../../scripts/native-tfjs.ts';
import { seededChance } from '../../../src/model/neural/seeded.ts';
import { restoreUtil } from '../../../src/pipeline/neural/restore-util.ts';

const missing = findNativeTfjs() === undefined ? missingTools() : [];
const required = process.env.CI === 'true' || process.env.CROWSNEST_REQUIRE_REAL === '1';
if (missing.length > 0 && required)
  throw new Error(`tfjs-node is required here, but cannot be built without ${missing.join(', ')}`);
const skip = missing.length > 0 && `tfjs-node is missing, and cannot be built without ${missing.join(', ')}`;

const TOLERANCE = 1e-4;

test('the same weights score the same to 1e-4 on the native backend and on WebAssembly', {
  skip,
  timeout: 900_000,
}, async (t) => {
  const native = findNativeTfjs() ?? buildNativeTfjs((line) => t.diagnostic(line));
  const own = createRequire(import.meta.url);
  // Where it was built here it brings a second copy of the library, with which nothing else of ours computes.
  const places: Record<string, string> = {
    '@tensorflow/tfjs-node': native,
    '@tensorflow/tfjs-core': own.resolve('@tensorflow/tfjs-core'),
  };
  const hooks = registerHooks({ resolve: (specifier, context, next) => next(places[specifier] ?? specifier, context) });
  restoreUtil();
  const { chooseBackend } = await import('../../../src/model/neural/backend.ts');
  const { createScorer, trainAutoencoder } = await import('../../../src/model/neural/autoencoder.ts');
  const wasmFolder = join(dirname(own.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist/');

  const chance = seededChance(5);
  const vectors = Array.from({ length: 2_000 }, () => {
    const on = new Set(Array.from({ length: 8 }, () => Math.floor(chance() ** 2 * 290)));
    const indices = Uint16Array.from([...on].sort((a, b) => a - b));
    return { indices, values: new Float32Array(indices.length).fill(1) };
  });
  assert.deepEqual(await chooseBackend({ wanted: 'auto', wasmFolder }), { backend: 'native' }, 'taken where it loads');
  const trained = trainAutoencoder({ vectors, seed: 1 });
  const scored = async (wanted: 'native' | 'wasm') => {
    assert.equal((await chooseBackend({ wanted, wasmFolder })).backend, wanted);
    const scorer = createScorer(trained.weights);
    const found = scorer.score(vectors);
    scorer.dispose();
    return found;
  };
  const [byNative, byWasm] = [await scored('native'), await scored('wasm')];
  const differences = byNative.map(({ surprise }, i) => Math.abs(surprise - (byWasm[i]?.surprise ?? Number.NaN)));
  t.diagnostic(`largest difference ${Math.max(...differences)} of ${vectors.length} changes`);
  assert.ok(differences.every((difference) => difference <= TOLERANCE));
  assert.ok(
    byNative.some(({ surprise }) => surprise > 1),
    'something is surprising, so that there is something to differ',
  );

  const again = trainAutoencoder({ vectors, seed: 1 });
  assert.ok(Math.abs(again.loss - trained.loss) < 1e-3, `trained to ${trained.loss} and ${again.loss}`);
  hooks.deregister();
});
