/** Secrets that are planted are never seen again: not as they are, not in Base64. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';
import { PLACES, plantedSecrets } from './positives.ts';
import { createRandom } from './random.ts';
import { RANDOM_TOKENS } from './tokens.ts';

const hash = keyedHash(Buffer.alloc(32, 3));
const SEED = 20_261_127;

test('none of the planted secrets is seen', () => {
  const planted = plantedSecrets(createRandom(SEED));
  const missed = planted.filter(({ value, secrets }) => {
    const text = JSON.stringify(mask(value, hash));
    return secrets.some((secret) => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, -4)));
  });
  assert.ok(planted.length > 300, `only ${planted.length}`);
  assert.deepEqual(
    missed.map(({ what, value }) => `${what}: ${JSON.stringify(mask(value, hash)).slice(0, 300)}`),
    [],
  );
});

test('each case holds what it says, or its canary would show nothing', () => {
  for (const { what, value, secrets } of plantedSecrets(createRandom(SEED))) {
    const text = JSON.stringify(value);
    assert.ok(
      /base64|dockerconfig|basic|Secret within/i.test(what) ||
        secrets.every((s) => text.includes(JSON.stringify(s).slice(1, -1))),
      what,
    );
  }
});

test('what is masked is told by place and reason, never by value', () => {
  for (const { what, value, secrets } of plantedSecrets(createRandom(SEED))) {
    const told: string[] = [];
    mask(value, hash, { found: (path, reason) => told.push(path, reason) });
    assert.ok(told.length > 0 || secrets.length === 0, what);
    assert.ok(!secrets.some((secret) => told.join('\n').includes(secret)), what);
  }
});

for (const [what, make] of Object.entries(RANDOM_TOKENS)) {
  test(`knows most of ${what} for a secret though nothing names it`, () => {
    const r = createRandom(SEED);
    let [found, all] = [0, 0];
    for (let n = 0; n < 500; n++) {
      const token = make(r);
      const put = PLACES[n % 2 === 0 ? 'a field' : 'YAML in a ConfigMap'] as (text: string) => Json;
      all++;
      if (!JSON.stringify(mask(put(token), hash)).includes(token)) found++;
    }
    // The shorter the text and the smaller the alphabet, the more of it look like words and numbers.
    assert.ok(found / all >= (what.startsWith('base36') || what.endsWith('24') ? 0.9 : 0.95), `${found} of ${all}`);
  });
}
