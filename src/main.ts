/**
 * The program, once the process is as it is to be (crowsnest.js): argv, environment and signals in; exit code out: 0 done, 1 failed, 2 wrong usage or configuration. A command's code is loaded when it is asked
 * for, so that --help is quick and a replay never loads the Kubernetes client.
 */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Command as Program } from 'commander';
import { printable } from './commands/printable.ts';
import type { Terminal } from './commands/terminal.ts';
import type { Command } from './configuration/commands.ts';
import { CrowsnestError, type ErrorCode, isCrowsnestError } from './domain/errors.ts';
import { flagsOf, type Options, parseOptions } from './options.ts';

const USAGE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_UNKNOWN_KEY',
  'CONFIG_BAD_VALUE',
  'CONFIG_UNREADABLE',
  'LISTEN_UNSAFE',
  'RULE_INVALID',
  'REQUEST_INVALID',
]);
/** Codes of commander for what a person got wrong on the command line. */
const UNKNOWN_USAGE: ReadonlySet<string> = new Set(['commander.unknownOption', 'commander.unknownCommand']);
const HELP_AFTER = `
crowsnest COMMAND --help lists a command's options. Every option is a flag (--alert-hold), an environment variable
(CROWSNEST_ALERT_HOLD, lists separated by spaces) and a key of the YAML file (alertHold), in this order of precedence.
`;
const VERSION = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

// A service holds little for long and makes much that is short-lived: its memory is better kept near what it holds than left to grow to
// several times that. Read by V8 at each collection. `serve` says it at its beginning (crowsnest.js), so that nothing changes here.
setFlagsFromString('--heap-growing-percent=40');

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A second signal means now.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error(name));
  });
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `| head` has seen enough; the work itself goes on to its end.
    if (error.code === 'EPIPE') return;
    process.once('exit', () => {
      process.exitCode = 1;
    });
    if (stream === process.stdout) process.stderr.write(`crowsnest: ${unwritableResult(error).message}\n`);
  });
}

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  note: (text) => void process.stderr.write(text),
  isInteractive: process.stderr.isTTY === true,
  version: VERSION,
  token: process.env.CROWSNEST_TOKEN,
  signal: stopping.signal,
};

const program = new Program('crowsnest')
  .description(
    'The look-out for Kubernetes custom resources: records every change, learns what is usual, raises few and true alerts.',
  )
  .version(VERSION)
  .configureHelp({ sortOptions: false })
  .addHelpText('after', HELP_AFTER)
  // What is wrong with the usage is said once, in the form of all errors; see exitCodeOf.
  .configureOutput({ outputError: () => {} })
  .exitOverride();

const RECORDED = 'recorded stream: NDJSON, plain, gzip or zstd';
addCommand('serve', 'watch one or several clusters, serve the API and the page', undefined, async (options) =>
  (await import('./commands/serve.ts')).runServe(options, terminal),
);
addCommand('demo', 'play four weeks of a made-up cluster and look for what was planted in it', undefined, async (options) =>
  (await import('./commands/demo.ts')).runDemo(options, terminal),
);
addCommand('replay', 'play a recorded change stream through the same pipeline', RECORDED, async (options, file) =>
  (await import('./commands/replay.ts')).runReplay(options, file, terminal),
);
addCommand(
  'record',
  'write a live cluster’s changes to a stream file, until stopped',
  'the file to write: NDJSON; .gz and .zst compress; a recording that is there already is gone on with',
  async (options, file) => (await import('./commands/record.ts')).runRecord(options, file, terminal),
);
addCommand(
  'backtest',
  'what would have been flagged and paged, by week and detector, in a recorded stream or a database; nothing is sent',
  { optional: `${RECORDED}; without one, what the database holds` },
  async (options, file) => (await import('./commands/backtest.ts')).runBacktest(options, file, terminal),
);

addCommand(
  'rbac',
  'print the least roles for this cluster and these options, for kubectl apply -f -',
  undefined,
  async (options) => (await import('./commands/rbac.ts')).runRbac(options, terminal),
);

addCommand(
  'compile',
  'compile all that serve loads, so that its first start is as quick and as small as the others; done by npm ci',
  undefined,
  async () => (await import('./commands/compile.ts')).runCompile(terminal),
);

const OBJECT = { name: 'object', is: 'KIND[.GROUP]/[NAMESPACE/]NAME, such as Kafka/streaming/orders' };
addCommand('history', 'what happened to an object, newest first', OBJECT, async (options, object) =>
  (await import('./commands/changes.ts')).runHistory(options, object, terminal),
);
addCommand('diff', 'what changed between two revisions of an object', OBJECT, async (options, object) =>
  (await import('./commands/diff.ts')).runDiff(options, object, terminal),
);
addCommand('blame', 'which change set each field of an object, who made it, and when', OBJECT, async (options, object) =>
  (await import('./commands/blame.ts')).runBlame(options, object, terminal),
);
const TIME = { name: 'time', is: 'RFC 3339, or a date, which is in UTC' };
addCommand('at', 'all objects as they were at a time, as YAML', TIME, async (options, time) =>
  (await import('./commands/at.ts')).runAt(options, time, terminal),
);
addCommand(
  'changes',
  'changes that a filter finds, newest first',
  { name: 'filter', is: 'such as "kind:Kafka path:spec.*"; see docs/queries.md' },
  async (options, filter) => (await import('./commands/changes.ts')).runChanges(options, filter, terminal),
);

program.command('model').description('what the model has learnt').exitOverride();
const SUBJECT = { name: 'subject', is: 'an object as KIND[.GROUP]/[NAMESPACE/]NAME, kind:KIND[.GROUP], or actor:NAME' };
addCommand('model explain', 'what is usual for an object, a kind or an actor, in words', SUBJECT, async (options, subject) =>
  (await import('./commands/model-explain.ts')).runModelExplain(options, subject, terminal),
);

addCommand('model versions', 'the networks that are kept, and how they compare', undefined, async (options) =>
  (await import('./commands/model-networks.ts')).runModelVersions(options, terminal),
);
addCommand('model train', 'train a network as soon as may be', undefined, async (options) =>
  (await import('./commands/model-networks.ts')).runModelTrain(options, terminal),
);
const NETWORK = { name: 'version', is: 'its number, as model versions lists it' };
addCommand(
  'model revert',
  'use an older network, or the newest again',
  { optional: 'its number; the newest unless given', called: 'version' },
  async (options, version) => (await import('./commands/model-networks.ts')).runModelRevert(options, version, terminal),
);
addCommand('model export', 'write the weights of a network to a file', NETWORK, async (options, version) =>
  (await import('./commands/model-networks.ts')).runModelExport(options, version, terminal),
);

program.command('verdict').description('what you say of findings').exitOverride();
const FINDING = { name: 'finding', is: 'its id, as links and lists have it' };
addCommand(
  'verdict expected',
  'this sort is fine: it has to be a hundred times rarer to page',
  FINDING,
  async (options, finding) =>
    (await import('./commands/verdict.ts')).runVerdict(options, { verdict: 'expected', finding }, terminal),
);
addCommand('verdict wrong', 'it was a problem: kept, not learnt, and the like pages sooner', FINDING, async (options, finding) =>
  (await import('./commands/verdict.ts')).runVerdict(options, { verdict: 'wrong', finding }, terminal),
);
addCommand('verdict list', 'all that was said, newest first', undefined, async (options) =>
  (await import('./commands/verdict.ts')).runVerdictList(options, terminal),
);
addCommand('verdict undo', 'take a verdict back', { name: 'verdict', is: 'its id, as the list has it' }, async (options, id) =>
  (await import('./commands/verdict.ts')).runVerdictUndo(options, id, terminal),
);

addCommand(
  'review',
  'findings that did not page and wait for your word, and how right the alert level is by what was said',
  undefined,
  async (options) => (await import('./commands/review.ts')).runReview(options, terminal),
);

program.command('db').description('back up, restore, check, repair, export and import a database').exitOverride();
const COPY = 'the backup to write; must not be there yet';
const EXPORTED = 'an export or a recorded stream: NDJSON, plain, gzip or zstd';
addCommand('db backup', 'copy the database as of now, also while serve writes it', COPY, async (options, file) =>
  (await import('./commands/db-backup.ts')).runBackup(options, file, terminal),
);
addCommand('db restore', 'put a backup in place; never over a database in use', 'the backup', async (options, file) =>
  (await import('./commands/db-backup.ts')).runRestore(options, file, terminal),
);
addCommand('db check', 'look whether the database is whole; changes nothing, also while serve runs', undefined, async (options) =>
  (await import('./commands/db-check.ts')).runCheck(options, terminal),
);
addCommand(
  'db repair',
  'make anew what is damaged and follows from the rest; nobody else may use the database',
  undefined,
  async (options) => (await import('./commands/db-check.ts')).runRepair(options, terminal),
);
addCommand(
  'db export',
  'write changes as NDJSON or CSV',
  { optional: 'the file to write; standard output unless given' },
  async (options, file) => (await import('./commands/db-export.ts')).runExport(options, file, terminal),
);
addCommand('db import', 'record the changes of an export that are not there yet', EXPORTED, async (options, file) =>
  (await import('./commands/db-import.ts')).runImport(options, file, terminal),
);
addCommand('db rekey', 'encrypt with the newest key what is not; nobody else may use the database', undefined, async (options) =>
  (await import('./commands/db-backup.ts')).runRekey(options, terminal),
);

function addCommand(
  name: Command,
  description: string,
  /** What the argument is, a file unless named; without it the command takes none. */
  argument: string | { optional: string; called?: string } | { name: string; is: string } | undefined,
  run: (options: Options, file: string) => Promise<number>,
): void {
  const [word = name, below] = name.split(' ');
  const parent = below === undefined ? program : program.commands.find((one) => one.name() === word);
  const command = (parent ?? program)
    .command(below ?? word)
    .description(description)
    .exitOverride()
    .option('--config <FILE>', 'YAML file with options by their camelCase names (or CROWSNEST_CONFIG)');
  if (typeof argument === 'string') command.argument('<file>', argument);
  else if (argument !== undefined && 'name' in argument) command.argument(`<${argument.name}>`, argument.is);
  else if (argument !== undefined) command.argument(`[${argument.called ?? 'file'}]`, argument.optional);
  for (const flag of flagsOf(name)) {
    if (flag.list)
      command.option(flag.flags, flag.help, (value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
    else command.option(flag.flags, flag.help);
  }
  command.action(async (...args: unknown[]) => {
    const file = argument === undefined || args[0] === undefined ? '' : String(args[0]);
    const { config, ...flags } = command.opts<Record<string, unknown> & { config?: string }>();
    const options = parseOptions({
      command: name,
      flags,
      environment: process.env,
      configFile: config ?? process.env.CROWSNEST_CONFIG,
    });
    process.exitCode = await run(options, file);
  });
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  if (isCommanderExit(error)) {
    // Help and version are printed already.
    if (error.exitCode === 0) return 0;
    if (error.code !== 'commander.help') process.stderr.write(`crowsnest: ${usageError(error).message}\n`);
    return 2;
  }
  if (isCrowsnestError(error)) {
    process.stderr.write(`crowsnest: ${printable(error.message)}\n`);
    return USAGE_ERRORS.has(error.code) ? 2 : 1;
  }
  const internal = new CrowsnestError({
    code: 'INTERNAL',
    what: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.stderr.write(`crowsnest: ${internal.message}\n`);
  return 1;
}

/** commander reports usage errors and --help by throwing. */
function isCommanderExit(error: unknown): error is Error & { code: string; exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.') && 'exitCode' in error;
}

function unwritableResult(error: NodeJS.ErrnoException): CrowsnestError {
  const what = `the result cannot be written (${error.code ?? error.message})`;
  return new CrowsnestError({ code: 'STREAM_UNWRITABLE', what, where: 'stdout', todo: 'Free space, or send it elsewhere.' });
}

function usageError(error: Error & { code: string }): CrowsnestError {
  const [what, hint] = error.message.replace(/^error: /, '').split('\n');
  return new CrowsnestError({
    code: UNKNOWN_USAGE.has(error.code) ? 'CONFIG_UNKNOWN_KEY' : 'CONFIG_BAD_VALUE',
    what: String(what).replace(/\.$/, ''),
    where: 'command line',
    todo: `${hint === undefined ? '' : `${hint.replace(/^\((.*)\)$/, '$1')} `}--help shows what there is.`,
  });
}
