import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/telemetry/logger.ts';
import { plantedSecrets } from '../masking/positives.ts';
import { createRandom } from '../masking/random.ts';

test('secrets are masked in what is logged, in messages, fields and errors', () => {
  const lines: string[] = [];
  const logger = createLogger('debug', (line) => lines.push(line));
  const secret = 'hunter2hunter2';
  logger.warn({ password: secret, url: `https://bob:${secret}@git.example.test/` }, `cannot reach it with --token=${secret}`);
  logger.error({ err: new Error(`refused: {"password":"${secret}"}`) }, 'failed');
  logger.info({ kind: 'Kafka', reason: 'the secret was not found' }, 'watching a kind');
  assert.equal(lines.length, 3);
  for (const line of lines) assert.ok(line.endsWith('}\n') && JSON.parse(line).level > 0, line);
  assert.doesNotMatch(lines.join(''), /hunter2/);
  assert.match(lines[2] as string, /the secret was not found/);
});

test('none of the planted secrets is logged', () => {
  const lines: string[] = [];
  const logger = createLogger('debug', (line) => lines.push(line));
  const planted = plantedSecrets(createRandom(4));
  for (const { value } of planted) logger.info({ value }, `cannot take ${JSON.stringify(value).replaceAll('"', "'")}`);
  const seen = planted.filter(({ secrets }, i) => {
    const fields = JSON.stringify(JSON.parse(lines[i] as string).value);
    return secrets.some((secret) => fields.includes(secret));
  });
  assert.deepEqual(
    seen.map(({ what }) => what),
    [],
  );
});
