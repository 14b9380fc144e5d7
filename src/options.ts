/**
 * All configuration, parsed and validated once. Each option is one row of `OPTIONS`: the flag, the environment variable and the key of the
 * YAML file come from its name, so the three can never disagree. Precedence: flag, then environment, then file, then default.
 * Every refusal names the flag, the variable or the file's line, and ends the program with exit code 2 (see main.ts).
 */
import { z } from 'zod';
import { type ConfigFile, readConfigFile } from './configuration/config-file.ts';
import { environmentName, flagName, unknownKey } from './configuration/option-names.ts';
import {
  allow,
  byteSize,
  changeFilter,
  cidr,
  coreKind,
  declaredController,
  duration,
  fieldSelector,
  flag,
  formatDuration,
  httpsUrl,
  httpUrl,
  ingestKey,
  integer,
  labelSelector,
  listenAddress,
  namespaceName,
  natsUrl,
  poll,
  positive,
  rule,
  serviceReference,
  subject,
  text,
  time,
  timeZone,
} from './configuration/option-values.ts';
import { CrowsnestError } from './domain/errors.ts';
import { SCOPES } from './domain/verdict.ts';

export const COMMANDS = ['serve', 'demo', 'replay', 'record', 'backtest', 'rbac'] as const;
/** What asks a running service, over its API. */
export const ASKING_COMMANDS = ['history', 'diff', 'blame', 'at', 'changes'] as const;
/** What is asked of the model of a running service, or done with it. */
export const MODEL_COMMANDS = ['model explain', 'model versions', 'model train', 'model revert', 'model export'] as const;
/** What is said of findings, over the API. */
export const VERDICT_COMMANDS = ['verdict expected', 'verdict wrong', 'verdict list', 'verdict undo'] as const;
/** What is done to a database file, beside a running service or without one. */
export const DB_COMMANDS = ['db backup', 'db restore', 'db check', 'db export', 'db import', 'db rekey'] as const;
export type Command =
  | (typeof COMMANDS)[number]
  | (typeof ASKING_COMMANDS)[number]
  | (typeof MODEL_COMMANDS)[number]
  | (typeof VERDICT_COMMANDS)[number]
  | (typeof DB_COMMANDS)[number];
interface OptionRow {
  schema: z.ZodType;
  help: string;
  /** Placeholder in --help; absent for switches. */
  value?: string;
  list?: boolean;
  commands: readonly Command[];
  /** Only in the YAML file. */
  fileOnly?: boolean;
  /** Where one command's default differs. */
  defaults?: Partial<Record<Command, unknown>>;
}

const DB = DB_COMMANDS;
const ASKING = [...ASKING_COMMANDS, ...MODEL_COMMANDS, ...VERDICT_COMMANDS] as const;
const RUNNING = ['serve', 'demo', 'replay'] as const;
const CLUSTER = ['serve', 'record'] as const;
/** What decides which kinds are read, and so also what the printed role holds. */
const READING = ['serve', 'record', 'rbac'] as const;
const JUDGING = ['serve', 'demo', 'replay', 'backtest'] as const;

/** Adding an option means adding a row here and nothing else. */
const OPTIONS = {
  db: {
    schema: text,
    value: 'FILE',
    help: 'database file; without it serve, db and a backtest of no recording take ./crowsnest.db, the others keep everything in memory',
    commands: [...JUDGING, ...DB],
  },
  port: {
    schema: integer(0, 65535).default(8686),
    value: 'N',
    help: 'port of the API and the page; 0 takes any free one',
    commands: RUNNING,
  },
  host: {
    schema: text.default('127.0.0.1'),
    value: 'ADDRESS',
    help: 'address to listen on; beyond loopback only with TLS and a token',
    commands: RUNNING,
  },
  tlsCert: { schema: text.optional(), value: 'FILE', help: 'certificate (PEM) of the API', commands: RUNNING },
  tlsKey: { schema: text.optional(), value: 'FILE', help: 'private key (PEM) of the API', commands: RUNNING },
  tokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with the bearer token of the API; a service without one generates and prints it',
    commands: [...RUNNING, ...ASKING],
  },
  server: {
    schema: httpUrl.default('http://127.0.0.1:8686'),
    value: 'URL',
    help: 'the running crowsnest to ask; its token by --token-file or CROWSNEST_TOKEN',
    commands: ASKING,
  },
  externalUrl: {
    schema: httpUrl.optional(),
    value: 'URL',
    help: 'how people reach the page; used in links of alerts',
    commands: RUNNING,
  },
  alertmanager: {
    schema: z.array(httpUrl).default([]),
    value: 'URL',
    list: true,
    help: 'Alertmanager to push to; repeat for every peer',
    commands: RUNNING,
  },
  alertmanagerTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for Alertmanager',
    commands: RUNNING,
  },
  alertHold: {
    schema: duration.prefault('30m'),
    value: 'DURATION',
    help: 'how long an alert fires after the last event of its episode',
    commands: RUNNING,
  },
  consistencyRelist: {
    schema: z.union([z.literal(['off', '0', 0]).transform(() => 0), duration]).prefault('6h'),
    value: 'DURATION',
    help: 'how often all objects of a kind are listed beside its watch, to find what the watch did not tell; off for never',
    commands: ['serve'],
  },
  coverageGrace: {
    schema: duration.prefault('2m'),
    value: 'DURATION',
    help: 'how long a kind may be stale, broken or forbidden after being watched before that is an alert',
    commands: ['serve'],
  },
  pagesPerWeek: {
    schema: positive(1000).default(5),
    value: 'N',
    help: 'budget: alerts per week and cluster',
    commands: JUDGING,
    // The demo crams eight incidents into one week.
    defaults: { demo: 20 },
  },
  allow: {
    schema: z.array(allow).default([]),
    value: 'WRITE',
    list: true,
    help: 'let Crowsnest write to the cluster: event, annotate=Kind,…, canary=NAMESPACE, admission-webhook; nothing by default',
    commands: ['serve', 'rbac'],
  },
  cluster: {
    schema: text.optional(),
    value: 'NAME',
    help: 'name of the cluster in records and alerts',
    commands: [...COMMANDS, ...ASKING],
  },
  kubeconfig: {
    schema: text.optional(),
    value: 'FILE',
    help: 'kubeconfig; else KUBECONFIG, ~/.kube/config or the pod’s service account',
    commands: READING,
  },
  context: {
    schema: z.array(text).default([]),
    value: 'NAME',
    list: true,
    help: 'context of the kubeconfig, also NAME=CLUSTER to call its cluster so; serve and record watch several side by side',
    commands: READING,
  },
  namespace: {
    schema: z.array(namespaceName).default([]),
    value: 'NAME',
    list: true,
    help: 'watch these namespaces only (needs no ClusterRole); of at: show them only',
    commands: [...READING, 'at'],
  },
  excludeNamespace: {
    schema: z.array(namespaceName).default([]),
    value: 'NAME',
    list: true,
    help: 'watch all namespaces but these',
    commands: READING,
  },
  include: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'watch only these kinds: group, Kind.group or plural.group, * for anything; also brings in what is left out as of low value',
    commands: READING,
  },
  exclude: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'leave these kinds out: group, Kind.group or plural.group, * for anything',
    commands: READING,
  },
  coreKinds: {
    schema: z.array(coreKind).default([]),
    value: 'KIND',
    list: true,
    help: 'watch these kinds of Kubernetes itself too: deployments.apps, *.rbac.authorization.k8s.io, services, …; Secrets never',
    commands: READING,
  },
  metadataOnly: {
    schema: z.array(text).default([]),
    value: 'KIND',
    list: true,
    help: 'read only the metadata of these kinds: group, Kind.group or plural.group, * for anything',
    commands: READING,
  },
  labelSelector: {
    schema: z.array(labelSelector).default([]),
    value: 'SELECTOR',
    list: true,
    help: 'follow only objects whose labels fit, of all kinds or of those named: team=a, "Kafka.*: tier in (gold, silver)"',
    commands: READING,
  },
  fieldSelector: {
    schema: z.array(fieldSelector).default([]),
    value: 'SELECTOR',
    list: true,
    help: 'follow only objects whose fields fit; custom kinds know metadata.name, metadata.namespace and what their CRD lists',
    commands: READING,
  },
  expect: {
    schema: z
      .array(z.string().regex(/^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/, 'expected plural.group, such as kafkas.kafka.strimzi.io'))
      .default([]),
    value: 'KIND',
    list: true,
    help: 'print rights also for a kind that is not served yet: plural.group',
    commands: ['rbac'],
  },
  roleName: {
    schema: z
      .string()
      .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, 'expected the name of a role')
      .default('crowsnest-least'),
    value: 'NAME',
    help: 'name of the printed roles, before -reader and -writer',
    commands: ['rbac'],
  },
  subject: {
    schema: subject.default('serviceaccount:crowsnest/crowsnest'),
    value: 'WHO',
    help: 'whom the printed role is bound to: serviceaccount:NAMESPACE/NAME, user:NAME or group:NAME',
    commands: ['rbac'],
  },
  auditLog: {
    schema: z.array(text).default([]),
    value: 'FILE',
    list: true,
    help: 'audit log of the API server to follow across rotation, to tell who wrote',
    commands: CLUSTER,
  },
  admission: {
    schema: listenAddress.optional(),
    value: 'ADDRESS:PORT',
    help: 'be asked by the API server before each write, to tell who writes; needs --allow admission-webhook and one of the next two',
    commands: ['serve', 'rbac'],
  },
  admissionService: {
    schema: serviceReference.optional(),
    value: 'SERVICE',
    help: 'the Service by which the API server reaches --admission: NAMESPACE/NAME or NAMESPACE/NAME:PORT',
    commands: ['serve'],
  },
  admissionUrl: {
    schema: httpsUrl.optional(),
    value: 'URL',
    help: 'the https:// URL by which the API server reaches --admission, where it is not in the cluster',
    commands: ['serve'],
  },
  admissionStatus: {
    schema: flag.default(false),
    help: 'be asked about writes to /status too, which come often',
    commands: ['serve'],
  },
  metricsTarget: {
    schema: z.array(httpUrl).default([]),
    value: 'URL',
    list: true,
    help: 'a controller’s /metrics page to scrape',
    commands: READING,
  },
  metricsTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for metrics pages, best of an account that may read nothing else; sent over HTTPS only',
    commands: CLUSTER,
  },
  metricsCaFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'authority (PEM) of metrics targets whose own cannot be read; else the system’s',
    commands: CLUSTER,
  },
  metricsDiscovery: {
    schema: z.array(z.enum(['service-monitor', 'pod-monitor', 'annotations'])).default([]),
    value: 'WAY',
    list: true,
    help: 'find metrics pages in the cluster: service-monitor, pod-monitor, annotations; none by default, as each needs further rights',
    commands: READING,
  },
  metricsTokenNamespace: {
    schema: z.array(text).default([]),
    value: 'NAME',
    list: true,
    help: 'namespaces whose discovered HTTPS pages may be sent the metrics token (or over a checked certificate our own); none by default',
    commands: CLUSTER,
  },
  prometheusUrl: {
    schema: httpUrl.optional(),
    value: 'URL',
    help: 'a Prometheus that has the controllers’ metrics already, asked for them instead of the pages',
    commands: CLUSTER,
  },
  prometheusTokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with a bearer token for it; sent over HTTPS only',
    commands: CLUSTER,
  },
  prometheusCaFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'authority (PEM) that signs its certificate',
    commands: CLUSTER,
  },
  prometheusMatch: {
    schema: text.optional(),
    value: 'MATCHERS',
    help: 'only series that meet these matchers, such as cluster="prod", of a Prometheus of several clusters',
    commands: CLUSTER,
  },
  prometheusBackfill: {
    schema: duration.prefault('1h'),
    value: 'DURATION',
    help: 'how far back it is asked for samples after downtime, and at the first start',
    commands: CLUSTER,
  },
  scrapeInterval: { schema: duration.prefault('30s'), value: 'DURATION', help: 'how often to scrape', commands: CLUSTER },
  kubeEvents: {
    schema: z.enum(['auto', 'off']).default('auto'),
    value: 'MODE',
    help: 'Kubernetes Events of watched objects beside their changes: auto keeps them where the role allows, off never asks',
    commands: ['serve', 'record', 'rbac'],
  },
  timeZone: {
    schema: timeZone.optional(),
    value: 'ZONE',
    help: 'time zone of the cluster’s people, for habits by the hour (default UTC, or what a recording says of itself)',
    commands: [...JUDGING, 'record'],
  },
  model: {
    schema: z.enum(['on', 'off']).default('on'),
    value: 'WORD',
    help: 'off records and judges nothing; what was recorded is judged once it is on again',
    commands: ['serve', 'replay'],
  },
  neural: {
    schema: z.enum(['off', 'shadow', 'auto']).default('shadow'),
    value: 'WORD',
    help: 'a network trained nightly in a thread of its own: shadow only compares it, auto lets it speak once it has earned it, see docs/detectors.md',
    commands: ['serve'],
  },
  neuralBackend: {
    schema: z.enum(['auto', 'wasm', 'native']).default('auto'),
    value: 'WORD',
    help: 'what the network is computed with: auto takes native where @tensorflow/tfjs-node loads, else wasm',
    commands: ['serve'],
  },
  out: { schema: text.optional(), value: 'FILE', help: 'the file to write', commands: ['model export'] },
  speed: {
    schema: positive(Number.MAX_VALUE).optional(),
    value: 'N',
    help: 'play N seconds of the stream per second; as fast as possible unless given',
    commands: ['replay'],
  },
  findings: {
    schema: text.optional(),
    value: 'FILE',
    help: 'write every ranked finding as an NDJSON line',
    commands: ['replay', 'backtest'],
  },
  once: { schema: flag.default(false), help: 'exit after the result instead of serving the page', commands: ['demo', 'replay'] },
  json: {
    schema: flag.default(false),
    help: 'print the result as JSON, one line each',
    commands: ['demo', 'replay', 'backtest', ...ASKING, 'db check'],
  },
  fullText: {
    schema: flag.default(false),
    help: 'index the words of values from now on, for text: in filters',
    commands: RUNNING,
  },
  kind: { schema: text.optional(), value: 'KIND', help: 'only objects of this kind', commands: ['at'] },
  limit: {
    schema: integer(1, 1_000_000).default(100),
    value: 'N',
    help: 'at most this many changes',
    commands: ['history', 'changes'],
  },
  revisions: {
    schema: z
      .string()
      .regex(/^[^.\s]\S*$/, 'expected A..B, A.. or B')
      .optional(),
    value: 'A..B',
    help: 'what to compare, by change number or time; A.. is up to the newest, B alone is with the one before; default the newest',
    commands: ['diff'],
  },
  revision: {
    schema: text.optional(),
    value: 'REVISION',
    help: 'which revision, by change number or time; default the newest',
    commands: ['blame'],
  },
  scope: {
    schema: z.enum(SCOPES).optional(),
    value: 'SCOPE',
    help: `how far the verdict reaches: ${SCOPES.join(', ')}; this object unless given`,
    commands: ['verdict expected', 'verdict wrong'],
  },
  expires: {
    schema: time.optional(),
    value: 'TIME',
    help: 'until when it stands, in event time; 90 days unless given',
    commands: ['verdict expected', 'verdict wrong'],
  },
  why: {
    schema: text.optional(),
    value: 'TEXT',
    help: 'a reason, for whoever reads it later',
    commands: ['verdict expected', 'verdict wrong'],
  },
  by: {
    schema: text.optional(),
    value: 'NAME',
    help: 'who says so; your user name unless given',
    commands: ['verdict expected', 'verdict wrong', 'verdict undo'],
  },
  preview: {
    schema: flag.default(false),
    help: 'only say what it would have done in the last 30 days',
    commands: ['verdict expected', 'verdict wrong'],
  },
  seed: {
    schema: integer(0, 2 ** 31 - 1).default(1),
    value: 'N',
    help: 'plant other anomalies and look-alikes, elsewhere',
    commands: ['demo'],
  },
  durability: {
    schema: z.enum(['power-loss', 'process-crash']).default('power-loss'),
    value: 'LEVEL',
    help: 'what a commit survives: power-loss or process-crash (faster)',
    commands: RUNNING,
  },
  keepChanges: {
    schema: duration.prefault('400d'),
    value: 'DURATION',
    help: 'how long every change is kept; of older ones the last of each object and day',
    commands: ['serve'],
  },
  keepCheckpoints: {
    schema: duration.prefault('1200d'),
    value: 'DURATION',
    help: 'how long the last change of each object and day is kept; of older ones only how many there were, and what alerts rest on',
    commands: ['serve'],
  },
  keepSamples: {
    schema: duration.prefault('30d'),
    value: 'DURATION',
    help: "how long samples of controllers' metrics are kept as they were scraped",
    commands: ['serve'],
  },
  keepSamplesFine: {
    schema: duration.prefault('180d'),
    value: 'DURATION',
    help: 'how long what samples come to in every five minutes is kept',
    commands: ['serve'],
  },
  keepSamplesCoarse: {
    schema: duration.prefault('1200d'),
    value: 'DURATION',
    help: 'how long what samples come to in every hour is kept',
    commands: ['serve'],
  },
  dbMaxBytes: {
    schema: byteSize.optional(),
    value: 'SIZE',
    help: 'cap on the size of the database; from 90 % of it on, the oldest changes go early (default: no cap)',
    commands: ['serve'],
  },
  storeKeyFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'keys of encrypted states and backups, one a line (32 bytes in base64); the last one encrypts',
    commands: [...RUNNING, 'backtest', ...DB],
  },
  replace: {
    schema: flag.default(false),
    help: 'put the backup in the place of the database, which is kept as FILE.replaced',
    commands: ['db restore'],
  },
  format: {
    schema: z.enum(['ndjson', 'csv']).optional(),
    value: 'FORMAT',
    help: 'ndjson (whole changes, which db import reads) or csv (a table of them); by default as FILE ends, else ndjson',
    commands: ['db export'],
  },
  filter: {
    schema: z.array(changeFilter).default([]),
    value: 'FIELD=VALUE',
    list: true,
    help: 'only changes that fit: cluster, group, kind, namespace, name, actor, type or path',
    commands: ['db export'],
  },
  from: {
    schema: time.optional(),
    value: 'TIME',
    help: 'only changes observed then or later (RFC 3339)',
    commands: ['db export'],
  },
  to: {
    schema: time.optional(),
    value: 'TIME',
    help: 'only changes observed before or then (RFC 3339)',
    commands: ['db export'],
  },
  logLevel: {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    value: 'LEVEL',
    help: 'debug, info, warn, error or silent',
    commands: COMMANDS,
  },
  ingestKeys: {
    schema: z.array(ingestKey).default([]),
    help: 'keys that may push to /v1/ingest: name, keyFile or hmacFile, kinds, cidrs, cluster',
    commands: ['serve'],
    fileOnly: true,
  },
  trustedProxy: {
    schema: z.array(cidr).default([]),
    value: 'CIDR',
    list: true,
    help: 'network whose X-Forwarded-For is believed when a client’s address is looked at',
    commands: RUNNING,
  },
  polls: {
    schema: z.array(poll).default([]),
    help: 'JSON lists to poll: name, url, interval, items, key, namespace, apiVersion, kind, cluster, tokenFile',
    commands: ['serve'],
    fileOnly: true,
  },
  natsUrl: {
    schema: z.array(natsUrl).default([]),
    value: 'URL',
    list: true,
    help: 'NATS server to take changes from: nats://host:port or tls://host:port',
    commands: ['serve'],
  },
  natsStream: { schema: text.optional(), value: 'NAME', help: 'JetStream stream to consume', commands: ['serve'] },
  natsConsumer: {
    schema: z
      .string()
      .regex(/^[\w-]{1,100}$/, 'expected letters, digits, dashes and underscores')
      .default('crowsnest'),
    value: 'NAME',
    help: 'durable consumer; made if it is not there',
    commands: ['serve'],
  },
  natsCluster: {
    schema: text.optional(),
    value: 'NAME',
    help: 'cluster the messages are of; * lets each message name its own; this cluster unless given',
    commands: ['serve'],
  },
  natsCredsFile: { schema: text.optional(), value: 'FILE', help: 'NATS credentials file (JWT and seed)', commands: ['serve'] },
  natsNkeyFile: { schema: text.optional(), value: 'FILE', help: 'file with an NKey seed for NATS', commands: ['serve'] },
  natsTokenFile: { schema: text.optional(), value: 'FILE', help: 'file with a token for NATS', commands: ['serve'] },
  natsTlsCa: { schema: text.optional(), value: 'FILE', help: 'CA certificates (PEM) of the NATS servers', commands: ['serve'] },
  natsTlsCert: { schema: text.optional(), value: 'FILE', help: 'client certificate (PEM) for NATS', commands: ['serve'] },
  natsTlsKey: { schema: text.optional(), value: 'FILE', help: 'private key (PEM) of that certificate', commands: ['serve'] },
  controllers: {
    schema: z.array(declaredController).default([]),
    help: 'which kinds a controller acts on, where that is not learnt right',
    commands: JUDGING,
    fileOnly: true,
  },
  rules: { schema: z.array(rule).default([]), help: 'rules of your own', commands: JUDGING, fileOnly: true },
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
  if (variable !== undefined && row.fileOnly !== true)
    return { raw: row.list === true ? variable.split(/\s+/).filter(Boolean) : variable, where: () => name };
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
  const value = typeof shown === 'object' ? '' : ` ${JSON.stringify(shown)}`;
  return new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `the value${value}${inside} does not fit: ${issue?.message ?? 'invalid'}`,
    where,
    todo: `This option is: ${row.help}.`,
  });
}
