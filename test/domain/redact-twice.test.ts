/** A recording is masked by its recorder and again, under another key, by whoever replays it: the second time must change nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';

const [first, second] = [keyedHash(Buffer.alloc(32, 1)), keyedHash(Buffer.alloc(32, 2))];

// In pieces where a scanner of this repository could take them for live credentials.
const word = fc.constantFrom(
  ...['password', 'token', 'apiKey', 'secret', 'auth', 'name', 'value', 'key', 'kind', 'data', 'env', 'valueFrom', 'url'],
  ...['Secret', 'v1', 'apiVersion', 'true', '', '{{ x }}', '$(X)', '--password', '--token', 'Bearer abcdef123456'],
  ...[
    'path',
    'authorization',
    'credentials',
    'user',
    'passwords',
    'text',
    '/spec/password',
    'Basic abc',
    '-a',
    'redis-cli',
    '$Se9',
  ],
  ...['<password>x y 9</password>', 'password: &p opensesame\n', 'a://b:c/d@e', 'https://a.b/ r:pw@tcp(h)', 'sshpass -p pw9 x'],
  ...['https://user:pw@host/x', 'password=hunter2 and token: abc', 'auth:\n  password: opensesame\n'],
  ...['{"password":"x y z 123"}', '[{"name":"PASSWORD","value":"q w"}]', '{"a":"{\\"token\\":\\"inner secret\\"}"}'],
  ...[['AKIA', 'IOSFODNN7', 'EXAMPLE'].join(''), ['ghp', '_', 'a1B2c3D4e5'.repeat(4)].join('')],
);
const json = fc.letrec<{ any: Json }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 5 },
    word,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(word, tie('any'), { maxKeys: 4 }),
  ),
})).any;

test('what is masked stays as it is when it is masked again under another key', () => {
  fc.assert(
    fc.property(json, (value) => {
      const once = mask(value, first);
      assert.deepEqual(mask(once, second), once);
    }),
    { numRuns: 2_000, examples: [[{ password: { password: 1_000, true: ' ' } }]] },
  );
});
