import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openKeyring } from '../../src/commands/ingest-keys.ts';
import { isCrowsnestError } from '../../src/domain/errors.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { ManualClock } from '../respond/manual-clock.ts';
import { temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const logger = createLogger('silent');
const key = (name: string, keyFile: string) => ({ name, keyFile, kinds: ['events' as const], cidrs: [] });

function open(keys: Parameters<typeof openKeyring>[0], clock = new ManualClock()) {
  return openKeyring(keys, { cluster: 'here', apiToken: 'the-token-that-reads', clock, logger });
}

test('a key rotates without a restart, and a file that is gone leaves it as it was', () => {
  const clock = new ManualClock();
  const keyFile = file('rotating', 'the-first-secret-of-it\n');
  const keyring = open([key('a', keyFile)], clock);
  const holder = (secret: string) => keyring().byToken(`Bearer ${secret}`)?.name;
  assert.equal(holder('the-first-secret-of-it'), 'a');
  assert.equal(keyring().byToken('Bearer the-first-secret-of-it')?.cluster, 'here');
  writeFileSync(keyFile, 'the-next-secret-of-it\n');
  clock.advance(10_000);
  assert.deepEqual([holder('the-first-secret-of-it'), holder('the-next-secret-of-it')], [undefined, 'a']);
  rmSync(keyFile);
  clock.advance(10_000);
  assert.equal(holder('the-next-secret-of-it'), 'a');
});

test('one secret has one right: neither the API token nor that of another key may be a key', () => {
  const bad: [string, Parameters<typeof openKeyring>[0], RegExp][] = [
    [
      'the certificate of another key',
      ['a', 'b'].map((name) => ({ name, clientCertificate: { commonName: 'x' }, kinds: ['events' as const], cidrs: [] })),
      /the key b is for the same certificate as a/,
    ],
    ['the token', [key('a', file('token', 'the-token-that-reads'))], /token of the API/],
    ['twice', [key('a', file('twice', 'one-and-the-same-secret')), key('b', file('twice', 'one-and-the-same-secret'))], /key a/],
    ['same name', [key('a', file('x', 'one-secret-or-the-other')), key('a', file('y', 'another-secret-or-not'))], /two keys a/],
    ['short', [key('a', file('short', 'too-short'))], /shorter than 16/],
    ['empty', [key('a', file('empty', '\n'))], /empty/],
    ['missing', [key('a', join(folder, 'nowhere'))], /cannot be read/],
  ];
  for (const [what, keys, message] of bad) {
    assert.throws(
      () => open(keys),
      (error: unknown) => isCrowsnestError(error) && message.test(error.message),
      what,
    );
  }
});

test('a signing secret of which nothing or little is left when it is decoded signs nothing', () => {
  const signing = (text: string) => [{ name: 'forge', hmacFile: file('forge', text), kinds: ['webhook' as const], cidrs: [] }];
  for (const text of [
    'whsec_!!!!!!!!!!!!!!!!',
    'whsec_c2hvcnQtb25l',
    `whsec_${'*'.repeat(40)}`,
    'whsec_abcdefghijklmnop qrstuvwx',
  ]) {
    assert.throws(
      () => open(signing(text)),
      (error: unknown) => isCrowsnestError(error, 'CONFIG_BAD_VALUE') && /whsec_ is not Base64/.test(error.message),
      text,
    );
  }
  const bytes = Buffer.from('sixteen or more bytes');
  assert.deepEqual(open(signing(`whsec_${bytes.toString('base64')}`))().bySigningName('forge')?.hmacSecret, bytes);
  assert.deepEqual(
    open(signing('any other text that is long'))().bySigningName('forge')?.hmacSecret,
    Buffer.from('any other text that is long'),
  );
});
