#!/usr/bin/env node
/**
 * argv, environment and signals in; exit code out: 0 done, 1 failed, 2 wrong usage or configuration. A command's code is loaded when it is asked
 * for, so that --help is quick and a replay never loads the Kubernetes client.
 */
import { readFileSync } from 'node:fs';
import { Command as Program } from 'commander';
import type { Terminal } from './commands/terminal.ts';
import { CrowsnestError, type ErrorCode, isCrowsnestError } from './domain/errors.ts';
import { type Command, flagsOf, type Options, parseOptions } from './options.ts';

const USAGE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_UNKNOWN_KEY',
  'CONFIG_BAD_VALUE',
  'CONFIG_UNREADABLE',
  'RULE_INVALID',
]);
const VERSION = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // A second signal means now.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error(name));
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
  .configureHelp({ showGlobalOptions: true, sortOptions: false })
  .showHelpAfterError('(--help shows the options)')
  .exitOverride();

addCommand('serve', 'watch a cluster, serve the API and the page', '', async (options) =>
  (await import('./commands/serve.ts')).runServe(options, terminal),
);
addCommand('demo', 'play four weeks of a made-up cluster and look for what was planted in it', '', async (options) =>
  (await import('./commands/demo.ts')).runDemo(options, terminal),
);
addCommand('replay', 'play a recorded change stream through the same pipeline', '<file>', async (options, file) =>
  (await import('./commands/replay.ts')).runReplay(options, file, terminal),
);
addCommand(
  'record',
  'write a live cluster’s changes to a stream file (.ndjson, .ndjson.gz or .ndjson.zst)',
  '<file>',
  async (options, file) => (await import('./commands/record.ts')).runRecord(options, file, terminal),
);
addCommand('backtest', 'what would have been flagged in a recorded stream; nothing is sent', '<file>', async (options, file) =>
  (await import('./commands/backtest.ts')).runBacktest(options, file, terminal),
);

function addCommand(
  name: Command,
  description: string,
  argument: '' | '<file>',
  run: (options: Options, file: string) => Promise<number>,
): void {
  const command = program
    .command(name)
    .description(description)
    .exitOverride()
    .option('--config <FILE>', 'YAML file with options by their camelCase names (or CROWSNEST_CONFIG)');
  if (argument !== '') command.argument(argument, 'recorded stream: NDJSON, plain, gzip or zstd');
  for (const flag of flagsOf(name)) {
    if (flag.list)
      command.option(flag.flags, flag.help, (value: string, earlier: string[] | undefined) => [...(earlier ?? []), value]);
    else command.option(flag.flags, flag.help);
  }
  command.action(async (...args: unknown[]) => {
    const file = argument === '' ? '' : String(args[0]);
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
  if (isCommanderExit(error)) return error.exitCode === 0 ? 0 : 2;
  if (isCrowsnestError(error)) {
    process.stderr.write(`crowsnest: ${error.message}\n`);
    return USAGE_ERRORS.has(error.code) ? 2 : 1;
  }
  const internal = new CrowsnestError({
    code: 'INTERNAL',
    what: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
  process.stderr.write(`crowsnest: ${internal.message}\n`);
  return 1;
}

/** commander reports usage errors and --help by throwing; it has printed already. */
function isCommanderExit(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.') && 'exitCode' in error;
}
