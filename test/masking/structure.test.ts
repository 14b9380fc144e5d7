/** Secrets that only the structure of a text tells; all around them stays as it is, byte for byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';
import { readYaml } from '../../src/domain/masking/yaml-reader.ts';
import { harmlessDocument, secretDocument, wordsOf } from './documents.ts';
import { createRandom } from './random.ts';

const hash = keyedHash(Buffer.alloc(32, 3));
const again = keyedHash(Buffer.alloc(32, 4));
const [S, T] = ['Hunter2xyz', 'Zebra7abc'];
const SEED = 20_261_129;
const DOCUMENTS = 400;
const MASK = /masked:[0-9a-f]{16}/g;

const maskText = (text: string, by = hash) => (mask({ data: { conf: text } }, by) as { data: { conf: string } }).data.conf;

/** A secret stands where the mask is to be. */
const texts: [string, string, ...string[]][] = [
  ['a map below', `passwords:\n  alice: ${S} # hers\n  bob: "${T}"\nport: 1\n`, S, T],
  ['a value on the next line', `password:\n  ${S}\nport: 1\n`, S],
  ['a value on two lines', `password: ${S}\n  and ${T}\nport: 1\n`, `${S}\n  and ${T}`],
  ['a list on one line', `passwords: [${S}, '${T}'] # both\nport: [1]\n`, S, T],
  ['a list alone', `passwords: [${S}, ${T}]`, S, T],
  ['a list on several lines', `{\n  passwords: [\n    "${S}", # one\n    ${T}\n  ],\n  port: 1\n}\n`, S, T],
  ['a list with comments', `passwords:\n  # first\n  - ${S} # one\n\n  # second\n  - "${T}"\nport: 1\n`, S, T],
  ['a block with a blank line', `password: |\n  ${S}\n\n  ${T}\nport: 1\n`, `${S}\n\n  ${T}`],
  ['an anchor', `"password": &p\n  ${S}\nagain: *p\n`, S],
  ['an alias', `base: &p ${S}\npassword: *p\n`, S],
  ['an entry, its value first', `env:\n- value: ${S}\n  name: DB_PASSWORD\n- {value: ${T}, name: PASSWORD}\n`, S, T],
  ['a list as the value of an entry', `- op: add\n  value: [${S}, ${T}]\n  path: /spec/passwords\n`, S, T],
  ['a map as the value of an entry', `- name: passwords\n  value:\n    alice: ${S}\n`, S],
  ['a later document', `a: b\n---\npasswords:\n  alice: ${S}\n`, S],
  ['a block of YAML', `cm: |\n  a: b\n  passwords:\n    - k: ${S}\n    - ${T}\n`, S, T],
  ['JSON that is cut off in a list', `{"x":1,"passwords":["${S}","${T}`, S, T],
  ['JSON in a sentence', `failed to apply {"passwords":["${S}","${T}"]}: no`, S, T],
  ['JSON in a sentence, its value first', `failed to apply {"value":"${S}","path":"/spec/password"}: no`, S],
  ['arguments', `args:\n  - --db-password\n  - ${S}\n`, S],
  ['arguments on one line', `args: [run, --db-password, ${S}]\n`, S],
  ['a list between templates', `{{ if .x }}\npasswords: [${S}, ${T}]\n{{ end }} x: y: z\n`, S, T],
  ['a map between templates', `{{- if .x }}\npasswords:\n  alice: ${S}\n{{- end }}\n`, S],
  ['the default of a variable', `password: \${DB_PASSWORD:-${S}}\nport: 1\n`, S],
  ['the default of a variable in a command', `run \${DB_PASSWORD:-${S}} --fast`, S],
  ['a value of Spring', `spring:\n  password: \${db.password:${S}}\n`, S],
  ['a user with a dot in a URL', `ssh://bob.x:a/${S}@host`, `a/${S}`],
  ['both @ and / in a URL', `postgres://bob:x@y/${S}@db.example.test:5432/app`, `x@y/${S}`],
  ['a password that begins as a port does', `redis://bob:123/${S}@cache/0`, `123/${S}`],
  ['lines that end as those of Windows', `passwords:\r\n  alice: ${S}\r\nport: 1\r\n`, S],
  ['the last line cut off', `passwords:\n  alice: ${S}\n  bob: "${T}`, S, T],
];
for (const [what, text, ...secrets] of texts) {
  test(`masks ${what}, and nothing around it, once and for all`, () => {
    const masked = maskText(text);
    const expected = secrets.reduce((left, secret) => left.replace(secret, () => '…'), text);
    assert.equal(masked.replaceAll(MASK, '…'), expected);
    assert.equal(maskText(masked, again), masked);
  });
}

const values: [string, Json][] = [
  ['a list as the value of an entry', [{ name: 'passwords', value: [S, T] }]],
  ['a map as the value of an entry', [{ name: 'passwords', value: { alice: S } }]],
  ['a value beside a name under passwords', { passwords: [{ name: 'alice', value: S }] }],
  ['a value beside a name under a user', { passwords: { alice: { name: 'x', value: S } } }],
  ['a list of values under a password', { password: { value: [S, T] } }],
  [
    'pairs',
    [
      ['user', 'bob'],
      ['password', S],
    ],
  ],
  [
    'pairs of headers',
    [
      ['Accept', '*/*'],
      ['Authorization', `Basic ${S}`],
    ],
  ],
  ['a list of Authorization', { Authorization: [`Basic ${S}`] }],
  ['a list beside Authorization', [{ name: 'Authorization', value: [`Bearer ${S}`] }]],
  ['a list of API keys', [{ name: 'X-Api-Key', value: [S] }]],
  ['cookies', { headers: { Cookie: `sid=${S}; theme=dark`, 'Set-Cookie': [`sid=${S}; Path=/`] } }],
  ['an entry of a cookie', [{ name: 'Cookie', value: `sid=${S}` }]],
  ['a default', { password: `\${X:-${S}}` }],
  ['numbers among passwords', { passwords: [83_746_152, S] }],
];
for (const [what, value] of values) {
  test(`masks ${what} in an object, once and for all`, () => {
    const once = mask({ spec: { of: value } }, hash);
    assert.doesNotMatch(JSON.stringify(once), new RegExp(`${S}|${T}|83746152`));
    assert.deepEqual(mask(once, again), once);
  });
}

const readable: [string, Json][] = [
  ['labels of forms', { passwordText: 'Enter it', password_text: 'Your new password', tokenText: 'Paste the token here.' }],
  ['labels of forms in YAML', 'form:\n  passwordText: Enter it\n  tokenText: Paste the token here\n'],
  [
    'names of fields in pairs',
    {
      columns: [
        ['token', 'password'],
        ['user', 'name'],
      ],
    },
  ],
  ['a name of a cookie', { cookie: 'SESSION', sessionCookie: { name: 'SESSION', path: '/' } }],
  ['a cookie to be filled in', { 'Set-Cookie': 'route=.%{ID}e; path=/', Cookie: 'sid=${SID}' }],
  ['defaults that are none', { password: '${X:?must be set}', pass: '${X:0:8}', token: '${A:-${B}}' }],
  ['YAML of references', 'passwords:\n  valueFrom:\n    secretKeyRef:\n      name: x\n      key: password\n'],
  ['a sentence with a colon', 'Login failed. The password:\n  it has to be set by its user\n'],
  ['log lines', 'Error: token:\n  expected one of [a, b]\nretrying: yes: soon\n'],
  ['a schema in YAML', 'properties:\n  password:\n    type: string\n    minLength: 8\n    description: What to use\n'],
  ['hosts of URLs', 'nats://a.b:4222, x@y postgres://db:5432/app redis://cache:6379/0 ssh://git.foo.bar:org/repo.git@main'],
];
for (const [what, value] of readable) {
  test(`leaves ${what} readable`, () => assert.deepEqual(mask({ spec: { of: value } }, hash), { spec: { of: value } }));
}

test('no secret survives in random documents, and masking them again changes nothing', () => {
  let words = 0;
  for (let seed = SEED; seed < SEED + DOCUMENTS; seed++) {
    const { text, style, secrets } = secretDocument(createRandom(seed));
    const masked = maskText(text);
    const planted = wordsOf(secrets);
    words += planted.length;
    const left = masked.replaceAll(MASK, '');
    assert.deepEqual(
      planted.filter((word) => left.includes(word)),
      [],
      `seed ${seed}, ${style}\n${text}`,
    );
    assert.equal(maskText(masked, again), masked, `seed ${seed}`);
  }
  assert.ok(words > 10 * DOCUMENTS, `only ${words}`);
});

test('harmless random documents come back byte for byte', () => {
  for (let seed = SEED; seed < SEED + DOCUMENTS; seed++) {
    const { text } = harmlessDocument(createRandom(seed));
    assert.equal(maskText(text), text, `seed ${seed}`);
  }
});

test('reads what the YAML package reads, where it stands', () => {
  for (let seed = SEED; seed < SEED + DOCUMENTS; seed++) {
    const { text, style } = harmlessDocument(createRandom(seed));
    const contents = parseAllDocuments(text)[0]?.contents;
    assert.deepEqual(readYaml(text)[0]?.value, written(contents, text), `seed ${seed}, ${style}\n${text}`);
  }
});

/** The value of a node, its texts as they are written: with escapes and folds, without quotes. */
function written(node: unknown, text: string): Json {
  if (isSeq(node)) return node.items.map((item) => written(item, text));
  // Names that are sentences are not read.
  const name = (key: unknown) => (/\s/.test(String(key)) ? '' : String(key));
  if (isMap(node)) return Object.fromEntries(node.items.map(({ key, value }) => [name(key), written(value, text)]));
  if (!isScalar(node) || node.range == null || typeof node.value !== 'string')
    return isScalar(node) ? (node.value as Json) : null;
  const source = text.slice(node.range[0], node.range[1]);
  if (node.type === 'PLAIN') return source.trim();
  return node.type?.startsWith('QUOTE') ? source.slice(1, -1) : source.slice(source.indexOf('\n')).trim();
}

/** No longer than what is read by its structure; and what a fourth of it makes is too much to be collected while young, which makes 25 kB cheaper than 200 by more than their lengths. */
const LONG = 200_000;
for (const unit of [
  '[',
  '{a: ',
  '"',
  "'a' ",
  '- ',
  'a: ',
  '\n',
  'password: [',
  'password: ["a", ',
  'password:\n',
  '---\npassword: "\n',
  '---\n[a\n',
  'a: |\n  b\n',
  'a: &x\n  ',
  '{"a":',
  '[["password",',
  '# a\n',
  '\\"password\\": [\\"a',
  '&a ',
  '? a\n',
  'a: *b\n',
  '{{ a }}\n',
  '${PASSWORD:-',
  'postgres://a:b@c/',
  '-pass',
  'Cookie: a=b\n',
]) {
  test(`takes time that grows as the text does: ${JSON.stringify(unit)}`, () => {
    const text = (length: number) => `password:\n${unit.repeat(Math.ceil(length / unit.length))}`;
    const cost = (length: number) => {
      const texts = [text(length), `${text(length)}\npassword: [x]}\n`];
      const costs = Array.from({ length: 3 }, () => {
        const begun = process.cpuUsage().user;
        for (const each of texts) maskText(each);
        return process.cpuUsage().user - begun;
      });
      return Math.min(...costs);
    };
    cost(LONG / 4);
    const [short, long] = [cost(LONG / 4), cost(LONG)];
    // Twice what is in proportion, and what clocks are worth; in square it would be sixteen times as long.
    assert.ok(long < 8 * short + 40_000, `${short} and ${long} µs`);
  });
}
