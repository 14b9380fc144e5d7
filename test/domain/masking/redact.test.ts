import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../../src/domain/json.ts';
import { keyedHash } from '../../../src/domain/masking/masking-key.ts';
import { isSecretName, mask } from '../../../src/domain/masking/redact.ts';

const hash = keyedHash(Buffer.from('a key for tests'));

// Split so that no scanner of this repository takes them for live credentials.
const AWS = ['AKIA', 'IOSFODNN7', 'EXAMPLE'].join('');
const GITHUB = ['ghp', '_', 'a1B2c3D4e5'.repeat(4)].join('');
const JWT = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0In0', 'c2lnbmF0dXJlLWhlcmU'].join('.');
const PEM = ['-----BEGIN RSA ', 'PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA ', 'PRIVATE KEY-----'].join('');

const secrets: [string, Json, string][] = [
  ['a password field', { spec: { adminPassword: 'hunter2hunter2' } }, 'hunter2hunter2'],
  ['a token in snake case', { spec: { api_token: 'zzz-123-zzz' } }, 'zzz-123-zzz'],
  ['an env entry', { env: [{ name: 'DB_PASSWORD', value: 'correct horse' }] }, 'correct horse'],
  ['a parameter by key', { params: [{ key: 'clientSecret', value: 'battery staple' }] }, 'battery staple'],
  ['credentials in a URL', { url: 'postgres://app:s3cr3tpw@db.example.test/app' }, 's3cr3tpw'],
  ['a cloud key inside text', { note: `use ${AWS} please` }, AWS],
  ['a forge token', { args: [`--x=${GITHUB}`] }, GITHUB],
  ['a JWT', { header: `Bearer ${JWT}` }, JWT],
  ['a private key', { tls: { pem: PEM } }, 'MIIEow'],
  ['a list under a secret name', { tokens: ['first-zebra', 'second-zebra'] }, 'second-zebra'],
  ['embedded YAML', { values: 'auth:\n  password: opensesame\n  user: bob\n' }, 'opensesame'],
  ['last-applied-configuration', { annotations: { x: JSON.stringify({ spec: { password: 'in-json-text' } }) } }, 'in-json-text'],
  [
    'last-applied-configuration, by every name that counts in an object',
    { annotations: { x: `${JSON.stringify({ env: [{ name: 'S3_ACCESS_KEY', value: 'in-an-entry' }] })}\n` } },
    'in-an-entry',
  ],
  ['credentials in last-applied-configuration', { x: JSON.stringify({ credentials: 'in-a-member' }) }, 'in-a-member'],
  ['the argument after a flag', { args: ['--verbose', '--db-password', 'next-in-line'] }, 'next-in-line'],
  ['a value beside its name', { adminPassword: { value: 'inline-value' } }, 'inline-value'],
  ['a short name', { auth: { user: 'bob', pass: 'short-named' } }, 'short-named'],
  ['a webhook', { webhookUrl: 'https://chat.example.test/hook/abc' }, 'hook/abc'],
  ['a header', { headers: [{ name: 'Authorization', value: ['Bearer ', 'a1B2c3D4e5'.repeat(3)].join('') }] }, 'a1B2c3D4e5'],
  ['a private key in Base64', { 'tls.key': Buffer.from(PEM).toString('base64') }, 'LS0tLS1CRUdJTiBSU0Eg'],
  ['data of a Secret', { apiVersion: 'v1', kind: 'Secret', data: { anything: 'c2VjcmV0' } }, 'c2VjcmV0'],
];
for (const [what, value, secret] of secrets) {
  test(`masks ${what}`, () => {
    const masked = JSON.stringify(mask(value, hash));
    assert.ok(JSON.stringify(value).includes(secret) || what.startsWith('a private'), 'the case holds its secret');
    assert.ok(!masked.includes(secret), masked);
    assert.match(masked, /masked:[0-9a-f]{16}/);
  });
}

const readable: [string, Json][] = [
  ['a digest', { image: `registry.example.test/app@sha256:${'0123456789abcdef'.repeat(4)}` }],
  ['a commit', { revision: 'main@sha1:8d3c9d7e0f5b4a6c8e2d1f0a9b8c7d6e5f4a3b2c' }],
  ['a UUID', { uid: '7d444840-9dc0-11d1-b245-5ffdce74fad2' }],
  [
    'a reference to a Secret',
    { secretName: 'db-credentials', passwordSecretRef: { name: 'db', key: 'password' }, tokenSecretRef: { name: 'x' } },
  ],
  ['a flag and what is no secret of it', { args: ['--token-file', '/var/run/token', '--token', '--verbose'] }],
  ['a reference beside a name', { password: { valueFrom: { secretKeyRef: { name: 'db', key: 'pw' } } } }],
  ['a certificate in Base64', { caBundle: Buffer.from('-----BEGIN CERTIFICATE-----\nMIIB').toString('base64') }],
  ['a certificate', { caBundle: '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----' }],
  ['switches and limits', { automountServiceAccountToken: 'false', tokenTTL: '10m', maxTokens: 4096, tokenLimit: '100k' }],
  ['a template', { password: '${DB_PASSWORD}' }],
  ['an ordinary URL', { url: 'https://github.com/example/app.git' }],
  ['a name with secret in it', { name: 'external-secrets', kind: 'SecretStore' }],
];
for (const [what, value] of readable) {
  test(`leaves ${what} readable, and shares it`, () => assert.equal(mask(value, hash), value));
}

test('equal secrets have equal masks, others do not, and masking twice changes nothing', () => {
  const one = mask({ a: { password: 'same-secret' }, b: { password: 'same-secret' }, c: { password: 'other-secret' } }, hash);
  assert.equal(one.a.password, one.b.password);
  assert.notEqual(one.a.password, one.c.password);
  assert.deepEqual(mask(one, hash), one);
  assert.notEqual(mask({ password: 'same-secret' }, keyedHash(Buffer.from('other key'))).password, one.a.password);
});

for (const [what, text] of [
  ['a text of one letter', 'a'.repeat(1_000_000)],
  ['a text of dashes', '-'.repeat(1_000_000)],
  ['a telling word again and again', 'secret'.repeat(150_000)],
  ['telling words with dashes', '-secret'.repeat(150_000)],
  ['a text of blanks', ' '.repeat(1_000_000)],
  ['names of entries one in the other', 'key='.repeat(250_000)],
  ['braces that nothing closes, behind what is telling', `password=${'{'.repeat(1_000_000)}`],
  ['blanks in the middle of what is telling', `password: x${' '.repeat(1_000_000)}y`],
  ['blanks where a password is due', `login a password ${' '.repeat(1_000_000)}`],
  ['what is to be filled in, in a manifest', `kind: Secret\ndata:\n  a: ${'<key='.repeat(200_000)}`],
] as const) {
  test(`takes no longer than its length for ${what}`, () => {
    const begun = performance.now();
    mask({ note: `${text} token` }, hash);
    // What this guards against took an hour.
    assert.ok(performance.now() - begun < 5_000);
  });
}

test('masks as a whole what is nested too deep for recursion, in objects and in text', () => {
  const deep = (inner: string) => `${'{"a":'.repeat(9_000)}${inner}${'}'.repeat(9_000)}`;
  const one = mask({ spec: JSON.parse(deep('"buried-secret"')) as Json }, hash);
  assert.doesNotMatch(JSON.stringify(one), /buried/);
  assert.match(JSON.stringify(one), /masked:[0-9a-f]{16}/);
  assert.notDeepEqual(mask({ spec: JSON.parse(deep('"another"')) as Json }, hash), one);
  assert.deepEqual(mask(one, hash), one);
  const text = mask({ note: `${'['.repeat(100_000)}"token"${']'.repeat(100_000)}` }, hash);
  assert.match(text.note, /masked:[0-9a-f]{16}/);
});

test('does not modify its input', () => {
  const input = { spec: { password: 'hunter2hunter2' } };
  mask(input, hash);
  assert.equal(input.spec.password, 'hunter2hunter2');
});

test('reads camelCase and separators as words', () => {
  for (const name of ['password', 'adminPassword', 'API_KEY', 'client-secret', 'accessKey', 'privateKey', 'authToken'])
    assert.ok(isSecretName(name), name);
  for (const name of ['secretName', 'tokenPath', 'passwordPolicy', 'keyring', 'monkey', 'tokenizer', 'secretRef'])
    assert.ok(!isSecretName(name), name);
});
