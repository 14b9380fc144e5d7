import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking-key.ts';
import { isSecretName, mask } from '../../src/domain/redact.ts';

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
  ['a list under a secret name', { tokens: ['first-secret', 'second-secret'] }, 'second-secret'],
  ['embedded YAML', { values: 'auth:\n  password: opensesame\n  user: bob\n' }, 'opensesame'],
  ['last-applied-configuration', { annotations: { x: JSON.stringify({ spec: { password: 'in-json-text' } }) } }, 'in-json-text'],
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
