import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ASKING_COMMANDS, COMMANDS } from '../../src/configuration/commands.ts';
import { flagsOf } from '../../src/options.ts';
import { crowsnest, line, listening, start, temporaryFolder } from './run-crowsnest.ts';

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const file = (name: string, text: string) => {
  writeFileSync(at(name), text);
  return at(name);
};
const recording = file('recording.ndjson', `${[1, 2, 3].map((revision) => line(revision)).join('\n')}\n`);

describe('help', { concurrency: 2 }, () => {
  it('lists the commands', async () => {
    const { code, out, err } = await crowsnest(['--help']);
    assert.equal(code, 0);
    assert.equal(err, '');
    for (const command of [...COMMANDS, ...ASKING_COMMANDS]) assert.match(out, new RegExp(`^  ${command} `, 'm'));
    assert.match(out, /environment variable/);
  });

  for (const command of [...COMMANDS, ...ASKING_COMMANDS]) {
    it(`of ${command} lists each of its flags with what it is for`, async () => {
      const { code, out, err } = await crowsnest([command, '--help']);
      assert.equal(code, 0);
      assert.equal(err, '');
      for (const { flags } of flagsOf(command)) assert.match(out, new RegExp(`^  ${flags}\\s+\\S`, 'm'));
      assert.ok(
        out.split('\n').every((row) => row.length <= 80),
        'fits a terminal of 80 columns',
      );
      if (command === 'serve') assert.match(out, /--alert-hold[^-]*\(default\s+30m\)/);
      if (command === 'demo') assert.match(out, /--pages-per-week[^-]*\(default\s+20\)/);
    });
  }

  it('names what a command takes', async () => {
    const { out } = await crowsnest(['--help']);
    for (const usage of [
      'history [options] <object>',
      'at [options] <time>',
      'changes [options] <filter>',
      'replay [options] <file>',
    ])
      assert.ok(out.includes(`  ${usage} `), usage);
  });

  it('is given to who asks for nothing, as wrong usage', async () => {
    const { code, err } = await crowsnest([]);
    assert.equal(code, 2);
    assert.match(err, /Usage: crowsnest/);
  });
});

/** What a person types, what it ends with, what it says. */
const REFUSED: [string, string[], number, RegExp, Record<string, string>?][] = [
  ['an unknown command', ['sevre'], 2, /CONFIG_UNKNOWN_KEY: unknown command 'sevre' .*serve/],
  ['an unknown flag, with the nearest one', ['serve', '--prot', '1'], 2, /CONFIG_UNKNOWN_KEY: .*'--prot'.*--port/],
  ['a flag of another command', ['backtest', recording, '--port', '1'], 2, /CONFIG_UNKNOWN_KEY: .*'--port'/],
  ['an empty number', ['serve', '--port', ''], 2, /CONFIG_BAD_VALUE: .*expected a number \(--port\)/],
  [
    'a label selector that is none',
    ['serve', '--label-selector', 'team in (a'],
    2,
    /CONFIG_BAD_VALUE: .*"team in \(a".*bracket.*--label-selector/,
  ],
  [
    'a field selector that is none',
    ['rbac', '--field-selector', 'Kafka.*: name'],
    2,
    /CONFIG_BAD_VALUE: .*"name" is not FIELD=VALUE/,
  ],
  [
    'Secrets, whatever they are called',
    ['serve', '--core-kinds', 'Secrets'],
    2,
    /CONFIG_BAD_VALUE: .*refused: whoever may list Secrets/,
  ],
  ['some namespaces and all but some', ['serve', '--namespace', 'a', '--exclude-namespace', 'b'], 2, /CONFIG_BAD_VALUE: either/],
  [
    'one name for two clusters',
    ['serve', '--context', 'a', '--context', 'b', '--cluster', 'c'],
    2,
    /CONFIG_BAD_VALUE: .*CONTEXT=CLUSTER/,
  ],
  ['a write there is none of', ['serve', '--allow', 'canary=No'], 2, /CONFIG_BAD_VALUE: .*canary=NAMESPACE/],
  ['a missing file argument', ['replay'], 2, /CONFIG_BAD_VALUE: missing required argument 'file'/],
  ['an unknown variable', ['serve'], 2, /CONFIG_UNKNOWN_KEY: .*CROWSNEST_PROT.*CROWSNEST_PORT/, { CROWSNEST_PROT: '1' }],
  [
    'an unknown YAML key, by its line',
    ['serve', '--config', file('unknown.yaml', 'db: x.db\n\nalertmanagr: http://127.0.0.1:9093\n')],
    2,
    /CONFIG_UNKNOWN_KEY: there is no option alertmanagr \(\S*unknown\.yaml:3\)\. Did you mean alertmanager\?/,
  ],
  [
    'an unknown key in a rule, by its line',
    ['serve', '--config', file('rule.yaml', 'rules:\n  - name: one\n  - name: two\n    kidn: Kafka\n')],
    2,
    /CONFIG_BAD_VALUE: .*kidn.*rule\.yaml:4/,
  ],
  [
    'a rule that does not compile',
    ['backtest', recording, '--config', file('regex.yaml', 'rules:\n  - name: broken\n    value: "("\n')],
    2,
    /RULE_INVALID: .*"broken"/,
  ],
  ['a configuration file that is not there', ['serve', '--config', at('none.yaml')], 2, /CONFIG_UNREADABLE: .*none\.yaml/],
  [
    'to listen beyond loopback without TLS',
    ['replay', recording, '--host', '0.0.0.0', '--port', '0'],
    2,
    /LISTEN_UNSAFE: .*without TLS \(0\.0\.0\.0\)/,
  ],
  ['a token that is too short', ['replay', recording, '--port', '0'], 2, /LISTEN_UNSAFE: .*shorter/, { CROWSNEST_TOKEN: 'x' }],
  [
    'an unwritable findings file, before it plays',
    ['backtest', recording, '--findings', at('nowhere/findings')],
    1,
    /STREAM_UNWRITABLE: the findings file cannot be written \(--findings \S*nowhere\/findings\)\. Check/,
  ],
  [
    'findings over the recording',
    ['backtest', recording, '--findings', recording],
    2,
    /CONFIG_BAD_VALUE: the findings would overwrite/,
  ],
  [
    'findings where the key of the database would lie',
    ['backtest', recording, '--db', at('keyed.db'), '--findings', at('keyed.db.key')],
    2,
    /CONFIG_BAD_VALUE: the findings would overwrite \S*keyed\.db\.key/,
  ],
  ['a database in no folder', ['backtest', recording, '--db', at('nowhere/x.db')], 1, /NOT_FOUND: .*nowhere\/x\.db/],
];

describe('refuses', { concurrency: 2 }, () => {
  for (const [what, args, expected, message, environment = {}] of REFUSED) {
    it(what, async () => {
      const { code, out, err } = await crowsnest(args, { environment });
      assert.match(err, message);
      assert.equal(code, expected, err);
      assert.equal(out, '', 'stdout is for results');
      assert.doesNotMatch(err, /\n\s+at /, 'no stack trace');
      assert.match(err, /^crowsnest: [A-Z_]+: .+\. \S.+$/m, 'code, what and what to do');
    });
  }

  it('a port that is taken, by its number', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port } = taken.address() as AddressInfo;
      const { code, err } = await crowsnest(['replay', recording, '--port', String(port)]);
      assert.equal(code, 1);
      assert.match(err, new RegExp(`LISTEN_FAILED: .*in use.*127\\.0\\.0\\.1:${port}.*--port`));
    } finally {
      taken.close();
    }
  });

  it('nothing that would leave the recording changed', () => {
    assert.equal(readFileSync(recording, 'utf8').split('\n').length, 4);
  });
});

describe('what a mistake must not cost', { concurrency: 2 }, () => {
  for (const [what, stream] of [
    ['a mistyped recording', at('mistyped.ndjson')],
    ['a file that is no recording', file('no-stream.txt', 'nothing\n')],
  ] as const) {
    it(`${what} leaves the findings of the last`, async () => {
      const findings = file(`kept-${what.replaceAll(' ', '-')}.ndjson`, '{"ts":"earlier"}\n');
      const { code, err } = await crowsnest(['backtest', stream, '--findings', findings]);
      assert.equal(code, 1);
      assert.match(err, /STREAM_UNREADABLE/);
      assert.equal(readFileSync(findings, 'utf8'), '{"ts":"earlier"}\n');
    });
  }

  it('findings do not replace what is none', async () => {
    const other = file('other.db', 'SQLite format 3\0');
    const { code, err } = await crowsnest(['backtest', recording, '--findings', other]);
    assert.equal(code, 2);
    assert.match(err, /CONFIG_BAD_VALUE: the file holds something else than findings .*other\.db/);
    assert.equal(readFileSync(other, 'utf8'), 'SQLite format 3\0');
  });

  it('a finished play leaves nothing of them', async () => {
    const findings = file('replaced.ndjson', `${'{"ts":"earlier"}\n'.repeat(1000)}`);
    const { code } = await crowsnest(['backtest', recording, '--findings', findings]);
    assert.equal(code, 0);
    const lines = readFileSync(findings, 'utf8').trimEnd().split('\n');
    assert.ok(lines.length > 0 && lines.every((text) => 'score' in JSON.parse(text)), 'every line is a finding');
  });

  it('a full disk under the findings is said as such', { skip: !existsSync('/dev/full') }, async () => {
    const { code, err } = await crowsnest(['backtest', recording, '--findings', '/dev/full']);
    assert.equal(code, 1);
    assert.match(err, /STREAM_UNWRITABLE: .*ENOSPC.*--findings \/dev\/full.*Free space/);
  });

  it('a mistyped kubeconfig leaves no database behind', async () => {
    const empty = temporaryFolder();
    const { code, err } = await crowsnest(['serve', '--kubeconfig', 'nowhere.yaml'], { cwd: empty });
    assert.equal(code, 1);
    assert.match(err, /KUBECONFIG_INVALID: .*\(nowhere\.yaml\)\. Check/);
    assert.deepEqual(readdirSync(empty), []);
  });

  it('a full disk under the result is said as such', { skip: !existsSync('/dev/full') }, async () => {
    const full = openSync('/dev/full', 'w');
    try {
      const { code, err } = await start(['backtest', recording], { stdout: full }).ended;
      assert.match(err, /STREAM_UNWRITABLE: the result cannot be written \(ENOSPC\) \(stdout\)\. Free space/);
      assert.equal(code, 1);
    } finally {
      closeSync(full);
    }
  });

  it('a reader that goes away, as head does, ends the program without a complaint', async () => {
    const running = start(['backtest', recording]);
    running.child.stdout?.destroy();
    const { code, err } = await running.ended;
    assert.doesNotMatch(err, /EPIPE|\n\s+at /);
    assert.equal(code, 0);
  });
});

describe('the address of the page', { concurrency: 2 }, () => {
  const printed = async (environment: Record<string, string | undefined>): Promise<string> => {
    const running = start(['replay', recording, '--port', '0'], { environment });
    await listening(running);
    const { err } = await running.end();
    return /page and API: (\S+)/.exec(err)?.[1] ?? '';
  };

  it('has a token in it that was made up', async () =>
    assert.match(await printed({ CROWSNEST_TOKEN: undefined }), /#token=\S{20,}$/));
  it('has none in it that was given, so that no log holds it', async () => assert.match(await printed({}), /:\d+$/));
});
