/** Objects with a secret planted in each, in every place and wrapping that we know of. */
import type { Json } from '../../src/domain/json.ts';
import type { Random } from './random.ts';
import { privateKeyDer, privateKeyPem, TOKENS, URLS } from './tokens.ts';

export interface Planted {
  what: string;
  value: Json;
  /** None of these may be seen, nor their Base64. */
  secrets: string[];
}

const b64 = (value: string) => Buffer.from(value).toString('base64');

/** Where a token may stand under a name that says nothing. */
export const PLACES: Record<string, (text: string, r: Random) => Json> = {
  'a field': (text) => ({ spec: { setting: text } }),
  'an env entry': (text) => ({ spec: { env: [{ name: 'SETTING', value: text }] } }),
  'an argument': (text) => ({ spec: { args: ['run', `--setting=${text}`] } }),
  'a sentence': (text) => ({ status: { conditions: [{ type: 'Ready', message: `cannot reach it with ${text} today` }] } }),
  'JSON in an annotation': (text) => ({
    metadata: {
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': `${JSON.stringify({ spec: { a: text } })}\n` },
    },
  }),
  'YAML in a ConfigMap': (text) => ({ data: { 'config.yaml': `server:\n  port: 8080\n  setting: "${text}"\n` } }),
  Base64: (text) => ({ data: { blob: b64(`setting: ${text}\n`) } }),
  'Helm values': (text) => ({ spec: { values: { app: { extra: { deep: [text] } } } } }),
  'a name of a member': (text) => ({ spec: { allowed: { [text]: true } } }),
};

/** Where a word that looks like nothing is told a secret by what stands beside it. */
const NAMED: Record<string, (secret: string, r: Random) => Json> = {
  password: (s) => ({ spec: { password: s } }),
  adminPassword: (s) => ({ spec: { auth: { adminPassword: s } } }),
  DB_PASSWORD: (s) => ({ spec: { env: [{ name: 'DB_PASSWORD', value: s }] } }),
  'a parameter by key': (s) => ({ spec: { parameters: [{ key: 'clientSecret', value: s }] } }),
  'the default of a parameter': (s) => ({ spec: { params: [{ name: 'registry-password', default: s }] } }),
  'token in snake case': (s) => ({ spec: { api_token: s } }),
  passphrase: (s) => ({ spec: { key: { passphrase: s } } }),
  'api key': (s) => ({ spec: { datadog: { apiKey: s } } }),
  'secret access key': (s) => ({ spec: { s3: { secretAccessKey: s } } }),
  'secret key of a bucket': (s) => ({ spec: { s3: { secretKey: s } } }),
  'client secret': (s) => ({ spec: { oidc: { clientSecret: s } } }),
  'cookie secret': (s) => ({ spec: { proxy: { cookieSecret: s } } }),
  'connection string': (s) => ({ spec: { connectionString: s } }),
  credentials: (s) => ({ spec: { credentials: s } }),
  'encryption key': (s) => ({ spec: { encryptionKey: s } }),
  'pre-shared key': (s) => ({ spec: { vpn: { preSharedKey: s } } }),
  'a list of passwords': (s) => ({ spec: { passwords: ['one-more-word', s] } }),
  'a map of passwords': (s) => ({ spec: { users: { passwords: { alice: s, bob: `${s}x` } } } }),
  'an inline value': (s) => ({ spec: { adminPassword: { value: s } } }),
  'pass of auth': (s) => ({ spec: { smtp: { auth: { user: 'bob', pass: s } } } }),
  'a flag and its argument': (s) => ({ spec: { args: ['--db-password', s] } }),
  'a flag with its argument': (s) => ({ spec: { args: [`--db-password=${s}`] } }),
  'a command': (s) => ({ spec: { command: ['sh', '-c', `mysqldump --user root --password ${s} shop > dump`] } }),
  'a command of MySQL': (s) => ({ spec: { command: `mysql -uroot -p${s} shop` } }),
  'curl -u': (s) => ({ spec: { command: `curl -u admin:${s} https://api.example.test/` } }),
  'curl -u in a list': (s) => ({ spec: { command: ['curl', '-u', `admin:${s}`] } }),
  'a script': (s) => ({ spec: { script: `#!/bin/sh\nset -e\nexport API_TOKEN=${s}\nrun --fast\n` } }),
  'a script with quotes': (s) => ({ spec: { script: `export PASSWORD="${s}"; run` } }),
  'a name at the end of the item before': (s) => ({ spec: { args: ['password:', s] } }),
  'Bearer in the item before': (s) => ({ spec: { args: ['Authorization: Bearer', `${s}${s}`] } }),
  'a header': (s) => ({ spec: { headers: { note: `Authorization: Bearer ${s}${s}${s}` } } }),
  'a header of an API key': (s) => ({ spec: { note: `X-Api-Key: ${s}` } }),
  'YAML in a string': (s) => ({ data: { conf: `db:\n  host: db\n  password: ${s}\n  port: 5432\n` } }),
  'YAML with quotes': (s) => ({ data: { conf: `db:\n  password: '${s} and more'\n  port: 5432\n` } }),
  'YAML of several words': (s) => ({ data: { conf: `db:\n  password: correct horse ${s}\n  port: 5432\n` } }),
  'a block of YAML': (s) => ({ data: { conf: `db:\n  password: |\n    ${s}\n  port: 5432\n` } }),
  'a list of YAML': (s) => ({ data: { conf: `passwords:\n  - ${s}\n  - other-word\nport: 1\n` } }),
  'an env entry in YAML': (s) => ({
    data: { conf: `env:\n  - name: DB_PASSWORD\n    value: ${s}\n  - name: A\n    value: b\n` },
  }),
  'a manifest of a Secret in YAML': (s) => ({
    data: { manifest: `apiVersion: v1\nkind: Secret\nmetadata:\n  name: x\nstringData:\n  anything: ${s}\n` },
  }),
  'a manifest of a Secret in JSON': (s) => ({
    data: { manifest: JSON.stringify({ apiVersion: 'v1', kind: 'Secret', stringData: { anything: s } }) },
  }),
  'a Secret within': (s) => ({ spec: { template: { apiVersion: 'v1', kind: 'Secret', data: { anything: b64(s) } } } }),
  'stringData of a template': (s) => ({ spec: { secretTemplate: { stringData: { anything: s } } } }),
  properties: (s) => ({ data: { 'app.properties': `spring.datasource.username=app\nspring.datasource.password=${s}\n` } }),
  'an INI file': (s) => ({ data: { conf: `[database]\nuser = app\npassword = ${s}\n` } }),
  'a .env file': (s) => ({ data: { '.env': `A=1\nSECRET_KEY='${s}'\nB=2` } }),
  'a .netrc': (s) => ({ data: { note: `machine git.example.test login bob password ${s}` } }),
  'TOML with blanks': (s) => ({ data: { conf: `[auth]\n  api_key   =   "${s}"\n` } }),
  'cut off JSON': (s) => ({ status: { message: `{"user":"bob","password":"${s}","more":...` } }),
  'JSON in JSON': (s) => ({ data: { a: JSON.stringify({ b: JSON.stringify({ password: s }) }) } }),
  'JSON in Base64': (s) => ({ data: { a: b64(JSON.stringify({ db: { password: s } })) } }),
  'Base64 in Base64': (s) => ({ data: { a: b64(`x: ${b64(`password: ${s}\n`)}`) } }),
  'env in JSON that is cut off': (s) => ({ note: `[{"name":"DB_PASSWORD","value":"${s}"},{"name":` }),
  'a kubeconfig': (s) => ({
    spec: { kubeconfig: `apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    token: ${s}\n` },
  }),
  'a kubeconfig in Base64': (s) => ({
    spec: { kubeconfig: b64(`apiVersion: v1\nkind: Config\nusers:\n- name: admin\n  user:\n    password: ${s}\n`) },
  }),
  '.dockerconfigjson': (s) => ({
    data: { '.dockerconfigjson': JSON.stringify({ auths: { 'registry.example.test': { auth: b64(`bob:${s}`) } } }) },
  }),
  '.dockerconfigjson in Base64': (s) => ({
    data: { '.dockerconfigjson': b64(JSON.stringify({ auths: { 'registry.example.test': { auth: b64(`bob:${s}`) } } })) },
  }),
  'basic credentials': (s) => ({ spec: { note: `Authorization: Basic ${b64(`bob:${s}`)}` } }),
  'a number': () => ({ spec: { password: 83_746_152 } }),
  'a query of a URL': (s) => ({ spec: { url: `https://api.example.test/v1?user=bob&token=${s}&x=1` } }),
};

export function plantedSecrets(r: Random): Planted[] {
  const planted: Planted[] = [];
  for (const [shape, make] of Object.entries(TOKENS)) {
    for (const [place, put] of Object.entries(PLACES)) {
      const token = make(r);
      planted.push({ what: `${shape} in ${place}`, value: put(token, r), secrets: [secretOf(token)] });
    }
  }
  for (const [place, put] of Object.entries(NAMED)) {
    for (const secret of [`${r.text('lower', 6)}${r.number(90) + 10}`, r.text('hex', 32), r.text('base62', 12)]) {
      const secrets = place === 'a number' ? ['83746152'] : [secret];
      planted.push({ what: `${secret.length} letters as ${place}`, value: put(secret, r), secrets });
    }
  }
  for (const [what, make] of Object.entries(URLS)) {
    for (const [place, put] of Object.entries(PLACES).filter(([name]) => name !== 'a name of a member')) {
      const [text, secret] = make(r);
      planted.push({ what: `${what} in ${place}`, value: put(text, r), secrets: [secret] });
    }
  }
  return [...planted, ...keys(r)];
}

function keys(r: Random): Planted[] {
  const planted: Planted[] = [];
  for (const type of ['pkcs8', 'sec1'] as const) {
    const pem = privateKeyPem(type);
    const lines = pem.trim().split('\n');
    const secrets = lines.slice(1, -1);
    planted.push(
      { what: `a private key (${type})`, value: { spec: { pem } }, secrets },
      { what: `a private key in Base64 (${type})`, value: { spec: { pem: b64(pem) } }, secrets: [b64(pem)] },
      { what: `a private key among its lines (${type})`, value: { spec: { lines } }, secrets },
      {
        what: `a private key in YAML (${type})`,
        value: { d: { c: `tls:\n  key: |\n${lines.map((l) => `    ${l}\n`).join('')}` } },
        secrets,
      },
      { what: `a private key in JSON (${type})`, value: { d: { c: JSON.stringify({ tls: { k: pem } }) } }, secrets },
      { what: `a private key cut off (${type})`, value: { note: pem.slice(0, 120) }, secrets: [secrets[0]?.slice(0, 60) ?? ''] },
    );
  }
  const der = privateKeyDer();
  planted.push({ what: 'a private key in DER', value: { spec: { der } }, secrets: [der] });
  const key = b64(privateKeyPem());
  const kubeconfig = `users:\n- name: a\n  user:\n    client-key-data: ${key}\n    client-certificate-data: ${b64('x'.repeat(20))}\n`;
  planted.push({ what: 'the key of a kubeconfig', value: { spec: { conf: kubeconfig } }, secrets: [key] });
  planted.push({ what: 'a name of a label', value: { metadata: { labels: { [TOKENS.JWT?.(r) ?? '']: 'x' } } }, secrets: [] });
  return planted;
}

/** Of a webhook, what is after the last slash. */
function secretOf(token: string): string {
  return token.startsWith('https://') ? (token.split('/').at(-1) as string) : token;
}
