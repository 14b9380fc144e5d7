import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordingMaskingKey } from '../src/secrets.ts';

test('a recording always has the same masking key, and no other has it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'crowsnest-secrets-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const keyOf = async (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return Buffer.from(await recordingMaskingKey(join(folder, name))).toString('hex');
  };
  const key = await keyOf('one', 'a recording');
  assert.match(key, /^[0-9a-f]{64}$/);
  assert.equal(await keyOf('copy', 'a recording'), key);
  assert.notEqual(await keyOf('other', 'a recordinG'), key);
});

test('what is no file gets a key of chance', async () => {
  const [one, other] = [await recordingMaskingKey('/dev/null'), await recordingMaskingKey('/dev/null')];
  assert.equal(one.length, 32);
  assert.notDeepEqual(one, other);
});
