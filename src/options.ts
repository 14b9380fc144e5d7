/**
 * All configuration, parsed and validated once. Each option is one row of a table in configuration/: the flag, the environment variable and the key of the
 * YAML file come from its name, so the three can never disagree. Precedence: flag, then environment, then file, then default.
 * Every refusal names the flag, the variable or the file's line, and ends the program with exit code 2 (see main.ts).
 */
import type { z } from 'zod';
import { ALERT_OPTIONS } from './configuration/alert-options.ts';
import { CLUSTER_OPTIONS } from './configuration/cluster-options.ts';
import { COMMAND_OPTIONS } from './configuration/command-options.ts';
import type { Command } from './configuration/commands.ts';
import { type ConfigFile, readConfigFile } from './configuration/config-file.ts';
import { METRICS_OPTIONS } from './configuration/metrics-options.ts';
import { environmentName, flagName, unknownKey } from './configuration/option-names.ts';
import type { OptionRow } from './configuration/option-row.ts';
import { formatDuration } from './configuration/option-values.ts';
import { PULLED_OPTIONS } from './configuration/pulled-options.ts';
import { SERVICE_OPTIONS } from './configuration/service-options.ts';
import { STORE_OPTIONS } from './configuration/store-options.ts';
import { CrowsnestError } from './domain/errors.ts';

/** Adding an option means adding a row to one of these and nothing else. */
const OPTIONS = {
  ...SERVICE_OPTIONS,
  ...CLUSTER_OPTIONS,
  ...METRICS_OPTIONS,
  ...PULLED_OPTIONS,
  ...ALERT_OPTIONS,
  ...STORE_OPTIONS,
  ...COMMAND_OPTIONS,
} as const satisfies Record<string, OptionRow>;

export type OptionKey = keyof typeof OPTIONS;
/** Every option's parsed value; those that do not belong to a command hold their defaults. */
export type Options = {
  [K in OptionKey]: (typeof OPTIONS)[K]['schema'] extends z.ZodType<infer T> ? T | (K extends 'db' ? undefined : never) : never;
};

export interface FlagSpec {
  key: OptionKey;
  /** As commander wants it: `--port <N>`. */
  flags: string;
  help: string;
  list: boolean;
}

/** The flags of one command, for commander. */
export function flagsOf(command: Command): FlagSpec[] {
  const rows = Object.entries(OPTIONS) as [OptionKey, OptionRow][];
  return rows
    .filter(([, row]) => row.fileOnly !== true && row.commands.includes(command))
    .map(([key, row]) => ({
      key,
      flags: row.value === undefined ? `--${flagName(key)}` : `--${flagName(key)} <${row.value}>`,
      help: `${row.help}${row.list === true ? ' (repeatable)' : ''}${shownDefault(row, command)}`,
      list: row.list === true,
    }));
}

/** For --help. Handed to commander as text only: a default of its own would hide the environment and the file. */
function shownDefault(row: OptionRow, command: Command): string {
  const value = row.defaults?.[command] ?? row.schema.safeParse(undefined).data;
  if (typeof value !== 'string' && typeof value !== 'number') return '';
  return ` (default ${row.value === 'DURATION' ? formatDuration(Number(value)) : value})`;
}

/**
 * Merges flags, environment and the YAML file into the options of a command.
 * Throws CONFIG_UNKNOWN_KEY, CONFIG_BAD_VALUE or CONFIG_UNREADABLE, `where` naming the flag, the variable or `file:line`.
 */
export function parseOptions(input: {
  command: Command;
  flags: Record<string, unknown>;
  environment: Record<string, string | undefined>;
  configFile?: string | undefined;
}): Options {
  const file = input.configFile === undefined ? undefined : readConfigFile(input.configFile, Object.keys(OPTIONS));
  refuseUnknownEnvironment(input.environment);
  const options: Record<string, unknown> = {};
  for (const [key, row] of Object.entries(OPTIONS) as [OptionKey, OptionRow][]) {
    const { raw, where } = rawValue(key, row, input, file);
    const parsed = (key === 'db' ? row.schema.optional() : row.schema).safeParse(raw);
    if (!parsed.success) throw badValue(where(placeOf(parsed.error)), raw, parsed.error, row);
    options[key] = parsed.data;
  }
  const result = options as Options;
  refuseTogether(result);
  if ((result.tlsCert === undefined) !== (result.tlsKey === undefined)) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'a certificate needs its key and a key its certificate',
      where: '--tls-cert, --tls-key',
      todo: 'Give both or neither.',
    });
  }
  if (result.tlsClientCa !== undefined && result.tlsCert === undefined) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'client certificates are shown on TLS connections only, and the API has no certificate',
      where: '--tls-client-ca',
      todo: 'Give --tls-cert and --tls-key too.',
    });
  }
  const certified = result.ingestKeys?.find(({ clientCertificate }) => clientCertificate !== undefined);
  if (certified !== undefined && result.tlsClientCa === undefined) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'the key is for a client certificate, and no authority is given by which one could be checked',
      where: `ingestKeys ${certified.name}`,
      todo: 'Give --tls-client-ca.',
    });
  }
  if (result.natsUrl.length > 0 && result.natsStream === undefined) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: 'a NATS server is given without the stream to consume',
      where: '--nats-url, --nats-stream',
      todo: 'Give both.',
    });
  }
  return result;
}

/** Options that fit alone and not beside each other. */
function refuseTogether(options: Options): void {
  const refuse = (what: string, where: string, todo: string): never => {
    throw new CrowsnestError({ code: 'CONFIG_BAD_VALUE', what, where, todo });
  };
  if (options.namespace.length > 0 && options.excludeNamespace.length > 0)
    refuse('either some namespaces are watched or all but some', '--namespace, --exclude-namespace', 'Give one of the two.');
  if (options.fullText && options.storeKeyFile !== undefined)
    refuse(
      'an index of words would keep in clear what the key encrypts',
      '--full-text, --store-key-file',
      'Give one of the two.',
    );
  if (options.cluster !== undefined && options.context.length > 1)
    refuse('one name does not fit several clusters', '--cluster', 'Name each: --context CONTEXT=CLUSTER.');
}

function rawValue(
  key: OptionKey,
  row: OptionRow,
  input: { command: Command; flags: Record<string, unknown>; environment: Record<string, string | undefined> },
  file: ConfigFile | undefined,
): { raw: unknown; where: (inside: PropertyKey[]) => string } {
  if (input.flags[key] !== undefined) return { raw: input.flags[key], where: () => `--${flagName(key)}` };
  const name = environmentName(key);
  const variable = input.environment[name];
  if (variable !== undefined && row.fileOnly !== true) return { raw: fromEnvironment(variable, row), where: () => name };
  if (file !== undefined && Object.hasOwn(file.values, key)) {
    const value = file.values[key];
    const wrapped = row.list === true && !Array.isArray(value) ? [value] : value;
    return {
      raw: typeof wrapped === 'number' && row.value === 'DURATION' ? String(wrapped) : wrapped,
      where: (inside) => `${file.path}:${file.lineOf([key, ...inside])}`,
    };
  }
  return { raw: row.defaults?.[input.command], where: () => `--${flagName(key)}` };
}

function fromEnvironment(variable: string, row: OptionRow): string | string[] {
  if (row.list !== true) return variable;
  return row.blanks === true ? [variable] : variable.split(/\s+/).filter(Boolean);
}

/** CROWSNEST_CONFIG names the file itself; TOKEN is the API's token by environment. Any other CROWSNEST_ variable must be an option. */
function refuseUnknownEnvironment(environment: Record<string, string | undefined>): void {
  const variables = Object.keys(OPTIONS).map(environmentName);
  const known = new Set(['CROWSNEST_CONFIG', 'CROWSNEST_TOKEN', 'CROWSNEST_REQUIRE_REAL', ...variables]);
  for (const name of Object.keys(environment)) {
    if (name.startsWith('CROWSNEST_') && !known.has(name)) throw unknownKey(name, name, variables);
  }
}

/** The path to what is wrong in a value; for a key that should not be there, to the key itself. */
function placeOf(error: z.ZodError): PropertyKey[] {
  const issue = error.issues[0];
  if (issue === undefined) return [];
  return issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
}

function badValue(where: string, raw: unknown, error: z.ZodError, row: OptionRow): CrowsnestError {
  const issue = error.issues[0];
  const [place, ...below] = issue?.path ?? [];
  const inside = below.length === 0 ? '' : ` of ${below.join('.')}`;
  const shown = Array.isArray(raw) ? raw[Number(place ?? 0)] : raw;
  const value =
    typeof shown === 'object'
      ? ''
      : ` ${row.value === 'URL' ? withoutCredentials(JSON.stringify(shown)) : JSON.stringify(shown)}`;
  return new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `the value${value}${inside} does not fit: ${issue?.message ?? 'invalid'}`,
    where,
    todo: `This option is: ${row.help}.`,
  });
}

/** An error ends in logs and tickets. */
function withoutCredentials(shown: string): string {
  return shown.replace(/^(".*?:\/\/|").*@/, '$1…@');
}
