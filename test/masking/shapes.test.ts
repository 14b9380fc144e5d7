/** Passwords told by how they are written or nested, what only looks like a template, and public things that look random. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Json } from '../../src/domain/json.ts';
import { keyedHash } from '../../src/domain/masking/masking-key.ts';
import { mask } from '../../src/domain/masking/redact.ts';

const hash = keyedHash(Buffer.alloc(32, 3));
const again = keyedHash(Buffer.alloc(32, 4));
const S = 'Hunter2xyz';

const text = (conf: string): Json => ({ data: { conf } });
const secrets: [string, Json, string][] = [
  ['a DSN beside a URL', text(`docs at https://x.example.test/ dsn root:${S}@tcp(db:3306)/app`), S],
  ['a password with a slash in a URL', text('postgres://bob:Hunter2/xyz@db/app'), 'xyz@'],
  ['a password with a hash in a URL', text('postgres://bob:Hunter2#xyz@db/app'), 'xyz@'],
  ['an element of XML', text(`<user>bob</user><password>${S}</password>`), S],
  ['an element of XML with attributes', text(`<conf>\n <db-password kind="x"><![CDATA[${S}]]></db-password>\n</conf>`), S],
  ['an anchor of YAML', text(`password: &p ${S}\nagain: *p\n`), S],
  ['an anchor of YAML before a block', text(`password: &p |\n  ${S}\nport: 1\n`), S],
  ['an entry of a JSON patch', { spec: { patches: [{ op: 'replace', path: '/spec/password', value: S }] } }, S],
  ['a number of a JSON patch', { spec: { patches: [{ op: 'replace', path: '/spec/password', value: 83_746_152 }] } }, '83746152'],
  ['a JSON patch in YAML', text(`- op: replace\n  path: /spec/password\n  value: ${S}\n`), S],
  ['an entry by path', { spec: { set: [{ path: 'db.password', value: S }] } }, S],
  ['an entry by path that has a name too', { spec: { set: [{ name: 'one', path: 'db.password', value: S }] } }, S],
  ['sshpass -p', text(`sshpass -p ${S} ssh root@host`), S],
  ['sshpass -p without a blank', text(`sshpass -p${S} ssh root@host`), S],
  ['redis-cli -a', text(`redis-cli -h x -a '${S}' ping`), S],
  ['redis-cli -a in a list', { spec: { command: ['redis-cli', '-h', 'x', '-a', S, 'ping'] } }, S],
  ['sshpass -p in a list', { spec: { command: ['/usr/bin/sshpass', '-p', S, 'ssh'] } }, S],
  ['a header that is short', { spec: { headers: [{ name: 'Authorization', value: `Basic ${S}` }] } }, S],
  ['a header that is short, by its name', { spec: { headers: { authorization: `Bearer ${S}` } } }, S],
  ['a header in YAML', text(`- name: Authorization\n  value: Basic ${S}\n`), S],
  ['passwords by users', { spec: { passwords: { users: { alice: S } } } }, S],
  ['a list under a password', { spec: { password: [{ text: S }] } }, S],
  ['requirepass in a redis.conf', text(`maxmemory 100mb\nrequirepass ${S}\n`), S],
  ['masterauth in a redis.conf', text(`maxmemory 100mb\nmasterauth "${S}"\n`), S],
  ['auth-pass of a sentinel', text(`sentinel auth-pass mymaster ${S}`), S],
  ['a quoted password of mysql', text(`mysql -h db -u root -p'${S}' -e "select 1"`), S],
  ['a doubly quoted password of mysqldump', text(`mysqldump -uroot -p"${S}" db`), S],
  ['mysqldump in a list', { spec: { args: ['mysqldump', '-uroot', `-p${S}`, 'db'] } }, S],
  ['sshpass in a list without a blank', { spec: { args: ['sshpass', `-p${S}`, 'ssh'] } }, S],
  ['sshpass in a list behind another flag', { spec: { args: ['sshpass', '-v', '-p', S, 'ssh', '-p', '2222'] } }, S],
  ['a setting of Hadoop', text(`<property>\n <name>fs.s3a.secret.key</name>\n <value>${S}</value>\n</property>`), S],
  ['a JSON patch that adds to a list', { spec: { patches: [{ op: 'add', path: '/spec/passwords/-', value: S }] } }, S],
  ['a JSON patch of an item', { spec: { patches: [{ op: 'replace', path: '/spec/passwords/0', value: S }] } }, S],
  ['a JSON patch of an item in YAML', text(`- op: replace\n  path: /spec/passwords/0\n  value: ${S}\n`), S],
  ['a tag of YAML', text(`password: !!str ${S}`), S],
  ['a login after -u', { spec: { args: ['curl', '-u', `bob:${S}`] } }, S],
  ['a token after -u', { spec: { args: ['curl', '-u', 'AKIAIOSFODNN7EXAMPLE'] } }, 'AKIAIOSFODNN7EXAMPLE'],
  ['a pair under auth', { spec: { auth: `pw=${S}` } }, S],
  ['a password of a URL with two at signs', text('https://u:a:Hunter2/xyz@d@h'), 'Hunter2'],
  ['a map with a switch', { spec: { adminPassword: { plaintext: S, encrypted: false } } }, S],
  ['a map with nothing', { spec: { passwords: { alice: S, bob: null } } }, S],
  ['a map with a number', { spec: { passwords: { alice: S, minLength: 8 } } }, S],
  ['a password beside what tells of it', { spec: { passwords: [{ user: 'alice', text: S, version: '3' }] } }, S],
  ['credentials by user and key', { spec: { credentials: { user: 'bob', key: S } } }, S],
  ...['$Secret9pw', '`secret9pw', '<pw9Secret!>', '${abc}x9secret}', '$(abc)x9secret', '{{ a }}x9secret'].map(
    (password): [string, Json, string] => [`no template: ${password}`, { spec: { password } }, '9'],
  ),
];
for (const [what, value, secret] of secrets) {
  test(`masks ${what}, once and for all`, () => {
    assert.ok(JSON.stringify(value).includes(secret), 'the case holds its secret');
    const once = mask(value, hash);
    assert.ok(
      !JSON.stringify(once)
        .replaceAll(/masked:[0-9a-f]{16}/g, '')
        .includes(secret),
      JSON.stringify(once),
    );
    assert.deepEqual(mask(once, again), once);
  });
}

const digest = (algorithm: string) => createHash(algorithm).update('x').digest('base64');
const WIREGUARD = digest('sha256');
const CID = `Qm${'YwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPBdG'}`;
const PUBLIC = {
  'an id of IPFS': CID,
  'an id of IPFS in Base32': 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
  'a recipient of age': 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  'a KSUID': '0ujtsYcgvSTl8PAuAdqWYSMnLOv',
  'a public key of minisign': 'RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3',
};
const readable: [string, Json][] = [
  ...Object.entries(PUBLIC).flatMap(([what, id]): [string, Json][] => [
    [what, { status: { setting: id } }],
    [`${what} in a message`, { status: { conditions: [{ message: `stored artifact ${id} ok` }] } }],
  ]),
  ['a digest in Base64 behind its name', { message: `digest ${WIREGUARD} and md5 ${digest('md5')}, checksum: "${WIREGUARD}"` }],
  ['a public key of WireGuard in its file', text(`[Peer]\nPublicKey = ${WIREGUARD}\nAllowedIPs = 10.0.0.0/8\n`)],
  ['a public key of WireGuard by its name', { spec: { peerKey: WIREGUARD, pubKey: WIREGUARD, peer: WIREGUARD } }],
  ['ports and at signs in URLs', text('https://host:8080/@scope/pkg@1.2.3 oci://localhost:5000/a@sha256:00 http://[::1]:80/@x')],
  ['ports in lists of hosts', text('mongodb://a:27017,b:27017/db?owner=me@example.test http://h:${PORT}/a@b')],
  ['a JSON patch of something else', { patches: [{ op: 'replace', path: '/spec/passwordPolicy', value: 'strict' }] }],
  ['items of a volume', { items: [{ key: 'password', path: 'password' }] }],
  ['elements that say nothing', text('<conf><user>bob</user><tokenTtl>10m</tokenTtl><passwordFile>x.pw</passwordFile></conf>')],
  ['flags that are short for something else', text('ls -a things; ssh -p 2222 host; redis-cli -p 6379; cp -a from to')],
  ['flags of other programs', { command: ['ssh', '-p', '2222', 'host', '-a', 'things'] }],
  ['a port of what sshpass runs', text('sshpass -f /run/pw ssh -p 2222 me@host; sshpass -e ssh -p 2222 host')],
  ['a port of what sshpass runs, in a list', { args: ['sshpass', '-e', 'ssh', '-p', '2222', 'host'] }],
  ['a flag of the next command', text('redis-cli -h x info && grep -a foo_bar /x')],
  ['a flag of the next command, in a list', { args: ['redis-cli', 'info', '&&', 'grep', '-a', 'foo_bar'] }],
  [
    'a repository by its path',
    text('ssh://gitlab.example.test:group/repo.git@main git::ssh://git.example.test:org/repo.git//mod?ref=v1@x'),
  ],
  ['a port to be filled in', text('http://localhost:PORT/users/@me')],
  ['links of Markdown', text('[Dashboard](http://grafana:3000)/[@oncall](https://x.example.test)')],
  [
    'prose of authorization',
    { a: { authorization: 'Basic authentication is required' }, b: { authorization: 'Bearer token required' } },
  ],
  ['what tells of passwords', { status: { passwords: [{ user: 'alice', lastRotated: '2026-01-01T00:00:00Z', state: 'Done' }] } }],
  ['versions of passwords', { status: { passwords: { alice: { version: '3', updated: '2026-01-01T00:00:00Z' } } } }],
  ['a password of a Secret', { spec: { passwords: [{ username: 'alice', existingSecret: 'x' }] } }],
  ['mail about a password', { spec: { resetPassword: { email: { subject: 'Reset it', body: 'Click here' } } } }],
  ['requirements of a password', { spec: { password: { requirements: { pattern: '^.{8,}$', min: 8 } } } }],
  ['settings of authorization', { spec: { authorization: 'simple', headers: [{ name: 'Authorization', value: 'none' }] } }],
  ['references under passwords', { spec: { passwords: { users: { secretName: 'x', key: 'y' } } } }],
  ['references in lists under passwords', { spec: { password: [{ valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }] } }],
  ['references under credentials', { spec: { credentials: { user: 'bob', name: 'x', key: 'token' } } }],
  ['a schema of a password', { properties: { password: { type: 'object', properties: { min: { type: 'integer' } } } } }],
  ...[
    '$PASSWORD_1',
    '$dbPassword',
    '${A}-${B}',
    '${A:-${B}}',
    '$(cat /run/x)',
    '`cat /run/x9`',
    '`IFS=x9',
    '<your-password>',
    '<REDACTED_1>',
  ].map((password): [string, Json] => [`the template ${password}`, { spec: { password } }]),
  ...['<path:kv/data/app1#key2>', '<Key=<vault:app>', '<set in vault 1>', '{{ .Values.a }}', '{{ a | b64enc }}', '(${A})'].map(
    (password): [string, Json] => [`the template ${password}`, { spec: { password } }],
  ),
];
for (const [what, value] of readable) {
  test(`leaves ${what} readable`, () => assert.deepEqual(mask(value, hash), value));
}

test('a bare word of 32 bytes in Base64 may be a key, and is masked where nothing says that it is public', () => {
  assert.match(JSON.stringify(mask({ spec: { setting: WIREGUARD, privateKey: WIREGUARD } }, hash)), /"masked:.*"masked:/);
  assert.match(mask(`[Interface]\nPrivateKey = ${WIREGUARD}\n`, hash), /masked:/);
});

for (const [what, value] of [
  ['templates within a template that does not end', { password: `\${${'${a}'.repeat(10_000)}` }],
  ['a placeholder of blanks that does not end', { password: `<${' '.repeat(1_000_000)}` }],
  ['closing tags that do not end', { note: '</'.repeat(500_000) }],
  ['elements that do not end', { note: `${'<password>'.repeat(50_000)}x</password` }],
  ['URLs without an end', { note: `${'a://b:c/'.repeat(50_000)} @` }],
  ['short flags in a list', { args: Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? '80' : '-p')) }],
  ['flags of sshpass', { note: 'sshpass -f x -v '.repeat(20_000) }],
  ['settings of Hadoop that do not end', { note: `${'<name>a.password</name> <value>'.repeat(20_000)}</value` }],
  ['lines of a redis.conf', { note: `${`${' '.repeat(39)}requirepass `.repeat(20_000)}\npassword:` }],
  ['paths of repositories', { note: `ssh://${'a.'.repeat(90)}b:${'c/'.repeat(140)}@ `.repeat(200) }],
  ['flags of redis-cli', { note: `redis-cli${' -a'.repeat(100_000)}` }],
] as [string, Json][]) {
  test(`takes no longer than its length for ${what}`, () => {
    const begun = process.cpuUsage().user;
    mask(value, hash);
    assert.ok(process.cpuUsage().user - begun < 5_000_000);
  });
}
