import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Command } from '../src/configuration/commands.ts';
import { environmentName, flagName } from '../src/configuration/option-names.ts';
import { isCrowsnestError } from '../src/domain/errors.ts';
import { flagsOf, parseOptions } from '../src/options.ts';

const folder = mkdtempSync(join(tmpdir(), 'crowsnest-options-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function yaml(text: string | Buffer): string {
  files += 1;
  const file = join(folder, `${files}.yaml`);
  writeFileSync(file, text);
  return file;
}
const parse = (input: {
  command?: Command;
  flags?: Record<string, unknown>;
  environment?: Record<string, string>;
  file?: string | Buffer;
}) =>
  parseOptions({
    command: input.command ?? 'serve',
    flags: input.flags ?? {},
    environment: input.environment ?? {},
    configFile: input.file === undefined ? undefined : yaml(input.file),
  });

test('defaults are safe: loopback, nothing written to the cluster, five pages a week', () => {
  const options = parse({});
  assert.equal(options.host, '127.0.0.1');
  assert.deepEqual(options.allow, []);
  assert.equal(options.pagesPerWeek, 5);
  assert.equal(options.alertHold, 30 * 60_000);
});

test('a flag beats the environment, which beats the file', () => {
  const file = 'port: 1001\ncluster: from-file\nalertHold: 1h30m\nalertmanager: http://one.example.test:9093\n';
  const options = parse({
    flags: { port: '1003' },
    environment: { CROWSNEST_PORT: '1002', CROWSNEST_CLUSTER: 'from-env' },
    file,
  });
  assert.equal(options.port, 1003);
  assert.equal(options.cluster, 'from-env');
  assert.equal(options.alertHold, 90 * 60_000);
  assert.deepEqual(options.alertmanager, ['http://one.example.test:9093']);
});

const refused: [string, Parameters<typeof parse>[0], string, RegExp][] = [
  ['a port out of range', { flags: { port: '99999' } }, 'CONFIG_BAD_VALUE', /--port/],
  ['a word for a number', { flags: { port: 'http' } }, 'CONFIG_BAD_VALUE', /"http".*expected a number.*--port/],
  [
    'a variable that is no option',
    { environment: { CROWSNEST_PROT: '1' } },
    'CONFIG_UNKNOWN_KEY',
    /CROWSNEST_PROT.*CROWSNEST_PORT/,
  ],
  ['a bad variable', { environment: { CROWSNEST_ALERT_HOLD: '5 minutes' } }, 'CONFIG_BAD_VALUE', /CROWSNEST_ALERT_HOLD/],
  [
    'an unknown key, by its line',
    { file: 'port: 1\n\nalertmanagr: http://x\n' },
    'CONFIG_UNKNOWN_KEY',
    /\.yaml:3.*alertmanager\?/,
  ],
  ['a bad value, by its line', { file: 'db: x.db\nport: many\n' }, 'CONFIG_BAD_VALUE', /\.yaml:2/],
  ['an unknown key inside a rule', { file: 'rules:\n  - name: a\n    kidn: b\n' }, 'CONFIG_BAD_VALUE', /kidn.*\.yaml:3/],
  ['an empty number', { flags: { port: '' } }, 'CONFIG_BAD_VALUE', /--port/],
  ['a key without its value', { file: 'db: x.db\nport:\n' }, 'CONFIG_BAD_VALUE', /\.yaml:2/],
  ['YAML that does not parse', { file: 'port: 1\n  bad: [\n' }, 'CONFIG_BAD_VALUE', /\.yaml:\d/],
  ['a key given twice', { file: 'port: 1\nport: 2\n' }, 'CONFIG_BAD_VALUE', /\.yaml:2/],
  ['a list for a mapping', { file: '- port\n' }, 'CONFIG_BAD_VALUE', /\.yaml:1/],
  [
    'an Alertmanager that is no URL',
    { flags: { alertmanager: ['http://good.example.test', 'localhost:9093'] } },
    'CONFIG_BAD_VALUE',
    /localhost:9093.*--alertmanager/,
  ],
  ['a time zone nobody knows', { flags: { timeZone: 'Mars/Olympus' } }, 'CONFIG_BAD_VALUE', /--time-zone/],
  ['a certificate without its key', { flags: { tlsCert: 'x.pem' } }, 'CONFIG_BAD_VALUE', /--tls-cert/],
  [
    'an ingest key for nothing',
    { file: 'ingestKeys:\n  - name: a\n    keyFile: k\n    kinds: []\n' },
    'CONFIG_BAD_VALUE',
    /\.yaml:4/,
  ],
  [
    'an ingest key from no network',
    { file: 'ingestKeys:\n  - name: a\n    keyFile: k\n    kinds: [events]\n    cidrs: [10.0.0.0/33]\n' },
    'CONFIG_BAD_VALUE',
    /network.*\.yaml:5/,
  ],
  [
    'a signing key without its secret',
    { file: 'ingestKeys:\n  - name: a\n    keyFile: k\n    kinds: [webhook]\n' },
    'CONFIG_BAD_VALUE',
    /hmacFile/,
  ],
  [
    'a key without its file',
    { file: 'ingestKeys:\n  - name: a\n    hmacFile: k\n    kinds: [events, webhook]\n' },
    'CONFIG_BAD_VALUE',
    /keyFile/,
  ],
  [
    'a poll that points nowhere',
    { file: 'polls:\n  - {name: a, url: "http://x", key: id, apiVersion: v1, kind: T}\n' },
    'CONFIG_BAD_VALUE',
    /\.yaml:2/,
  ],
  ['client authorities without TLS', { flags: { tlsClientCa: 'ca.pem' } }, 'CONFIG_BAD_VALUE', /--tls-client-ca/],
  [
    'a key for a certificate that nobody could check',
    { file: 'ingestKeys:\n  - name: a\n    clientCertificate: {commonName: x}\n    kinds: [events]\n' },
    'CONFIG_BAD_VALUE',
    /ingestKeys a/,
  ],
  [
    'a key for any certificate',
    { file: 'ingestKeys:\n  - name: a\n    clientCertificate: {}\n    kinds: [events]\n' },
    'CONFIG_BAD_VALUE',
    /expected commonName or san/,
  ],
  [
    'an alternative name of no sort',
    { file: 'ingestKeys:\n  - name: a\n    clientCertificate: {san: forge.example}\n    kinds: [events]\n' },
    'CONFIG_BAD_VALUE',
    /expected DNS:/,
  ],
  ['a NATS server without its stream', { flags: { natsUrl: ['nats://x:4222'] } }, 'CONFIG_BAD_VALUE', /--nats-stream/],
  ['credentials in the URL of NATS', { flags: { natsUrl: ['nats://u:p@x:4222'], natsStream: 's' } }, 'CONFIG_BAD_VALUE', /file/],
  ['a proxy that is no network', { flags: { trustedProxy: ['localhost'] } }, 'CONFIG_BAD_VALUE', /--trusted-proxy/],
  ['a short name that is near to nothing', { file: 'foo: 1\n' }, 'CONFIG_UNKNOWN_KEY', /foo .*See --help/],
  ['a short variable that is near to nothing', { environment: { CROWSNEST_FOO: '1' } }, 'CONFIG_UNKNOWN_KEY', /See --help/],
  ['a short name, with the nearest one', { file: 'prot: 1\n' }, 'CONFIG_UNKNOWN_KEY', /Did you mean port/],
  ['a file that is not UTF-8', { file: Buffer.from('cluster: caf\xe9\n', 'latin1') }, 'CONFIG_BAD_VALUE', /UTF-8.*\.yaml/],
  ['a day that does not exist', { command: 'db export', flags: { from: '2026-02-31' } }, 'CONFIG_BAD_VALUE', /--from/],
  ['a write that is not known', { flags: { allow: ['delete'] } }, 'CONFIG_BAD_VALUE', /--allow/],
];
for (const [what, input, code, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parse(input),
      (error: unknown) => isCrowsnestError(error) && error.code === code && message.test(error.message.replaceAll('\n', ' ')),
    );
  });
}

test('a missing file is said with its path', () => {
  assert.throws(
    () => parseOptions({ command: 'serve', flags: {}, environment: {}, configFile: join(folder, 'none.yaml') }),
    (error: unknown) => isCrowsnestError(error, 'CONFIG_UNREADABLE') && error.message.includes('none.yaml'),
  );
});

test('flags, variables and keys come from one name', () => {
  assert.equal(flagName('alertmanagerTokenFile'), 'alertmanager-token-file');
  assert.equal(environmentName('alertmanagerTokenFile'), 'CROWSNEST_ALERTMANAGER_TOKEN_FILE');
  for (const command of ['serve', 'demo', 'replay'] as const) {
    const keys = flagsOf(command).map((flag) => flag.key);
    for (const key of ['port', 'db', 'alertmanager'] as const) assert.ok(keys.includes(key), `${command} takes --${key}`);
  }
});

test('an address with a password is refused wherever one is taken, and the refusal does not repeat the password', () => {
  const given: [Command, string][] = [
    ...(['alertmanager', 'metricsTarget', 'prometheusUrl', 'externalUrl'] as const).map((key): [Command, string] => [
      'serve',
      key,
    ]),
    ['history', 'server'],
  ];
  for (const [command, key] of given) {
    for (const url of [
      'http://bob:hunter2hunter2@127.0.0.1:9',
      'https://hunter2hunter2@127.0.0.1',
      'http://a:hunter2@hunter2@b',
      'bob:hunter2@b',
    ]) {
      for (const input of [
        { flags: { [key]: key === 'alertmanager' || key === 'metricsTarget' ? [url] : url } },
        { file: `${key}: ${url}\n` },
      ]) {
        assert.throws(
          () => parse({ command, ...input }),
          (error) => {
            assert.ok(isCrowsnestError(error, 'CONFIG_BAD_VALUE'), `${key} ${url}`);
            assert.doesNotMatch(error.message, /hunter2/);
            return true;
          },
        );
      }
    }
  }
  assert.throws(
    () => parse({ flags: { natsUrl: ['nats://bob:hunter2hunter2@127.0.0.1'], natsStream: 's' } }),
    /"nats:\/\/…@127\.0\.0\.1"/,
  );
  assert.throws(() => parse({ flags: { alertmanager: ['ftp://am.example.test'] } }), /"ftp:\/\/am\.example\.test"/);
});
