/** Names by which a word that looks like nothing is a secret, and names that sound alike and stay readable. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';

const hash = keyedHash(Buffer.alloc(32, 3));
const SECRET = 'Hunter2xyz';

const PUT: Record<string, (name: string, value: string) => Json> = {
  'a field': (name, value) => ({ spec: { conf: { [name]: value } } }),
  'an env entry': (name, value) => ({ spec: { env: [{ name, value }] } }),
  'a script': (name, value) => ({ spec: { script: `set -e\n${name}=${value} run --fast\n` } }),
  'YAML in a text': (name, value) => ({ data: { conf: `host: db\n${name}: ${value}\nport: 1\n` } }),
  'JSON that is cut off': (name, value) => ({ note: `{"host": "db", "${name}": "${value}", "x": [1,` }),
};

const TELLING = {
  'words run together':
    'PGPASSWORD pgpassword ROOTPASSWORD DBPASSWORD adminpassword userpassword dbpasswd rootpwd authtoken AUTHTOKEN accesstoken ACCESSTOKEN bearertoken jwtsecret SSHPASS storepass keypass requirepass myapikey',
  'a word after the telling one':
    'SECRET_KEY_BASE secretKeyBase PASSWORD_1 password2 passwd1 DB_PASS2 DB_PASSWORD_PROD DB_PASSWORD_QA POSTGRES_PASSWORD_OLD passwordBase64 password_b64 passwordPlain passwordPlainText passwordValue secretValue secretString secretText TOKEN_VALUE API_KEY_V2 sharedSecretBase64 token-1',
  'a word that tells':
    'bindPW bindpw rootPw LDAP_BIND_PW ADMIN_PW erlangCookie RABBITMQ_ERLANG_COOKIE unsealKey VAULT_UNSEAL_KEY JWT_KEY SESSION_KEY COOKIE_KEY AZURE_STORAGE_KEY REDISCLI_AUTH GITHUB_PAT',
};
for (const [what, names] of Object.entries(TELLING)) {
  for (const [place, put] of Object.entries(PUT)) {
    test(`${what}, in ${place}, tells a secret`, () => {
      const seen = names.split(' ').filter((name) => JSON.stringify(mask(put(name, SECRET), hash)).includes(SECRET));
      assert.deepEqual(seen, []);
    });
  }
}

const HARMLESS =
  'passwordSecretRef tokenTTL maxTokens maxTokensPerRequest secretName secretNamespace keyRef passwordPolicy PASSWORD_MIN_LENGTH passwordFile PASSWORD_FILE_OLD passwordKey tokenKey PASSWORD_HASH_ALGORITHM tokenUrl TOKEN_URL_PROD compass bypass nextPageToken2Kind imagePullSecretName1 publicKey2 pin1 GPIO_PIN_2 tokenizer passenger secretStoreRef secretsProvider storageKey cookieName sessionName key1 spat compat tokenIssuer2 passwordResetUrl tokens_count';
for (const [place, put] of Object.entries(PUT)) {
  test(`names that sound alike, in ${place}, stay readable`, () => {
    const masked = HARMLESS.split(' ').filter((name) => JSON.stringify(mask(put(name, 'password'), hash)).includes('masked:'));
    assert.deepEqual(masked, []);
  });
}

test('names of many digits take no longer than others', () => {
  const begun = process.cpuUsage().user;
  for (const name of [
    `${'1'.repeat(26)}x`,
    `${'1'.repeat(110)}:z`,
    '2026112909300012345678901234-abc',
    `token${'-1'.repeat(50)}x`,
  ])
    mask({ data: { [name]: 'v' } }, hash);
  assert.ok(process.cpuUsage().user - begun < 1_000_000);
  assert.ok(!JSON.stringify(mask({ data: { [`password_${'1'.repeat(60)}`]: SECRET } }, hash)).includes(SECRET));
});
