/** The sorts of values that options take, each with the words that refuse what is none. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { FilterError, parseChangeFilter } from '../domain/change-filter.ts';
import { parseCoreKinds } from '../domain/core-kinds.ts';
import { parseFieldSelector, parseLabelSelector, splitSelector } from '../domain/selector.ts';
import { isTimeZone, timeOf } from '../domain/time-text.ts';

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `1h30m` → milliseconds. */
export const duration = z
  .string()
  .regex(/^(\d+(\.\d+)?(ms|s|m|h|d))+$/, 'expected a duration such as 30s, 15m or 1h30m')
  .transform((text) => {
    let ms = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
      ms += Number(amount) * DURATION_UNITS[unit as keyof typeof DURATION_UNITS];
    }
    return ms;
  });

/** 1800000 → `30m`. */
export function formatDuration(ms: number): string {
  const [unit, unitMs] = Object.entries(DURATION_UNITS).findLast(([, length]) => ms % length === 0) ?? ['ms', 1];
  return `${ms / unitMs}${unit}`;
}

const BYTE_UNITS = { MB: 1e6, GB: 1e9, TB: 1e12, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** `500MB`, `8GiB` → bytes. */
export const byteSize = z
  .string()
  .regex(/^\d+(\.\d+)?(MB|GB|TB|MiB|GiB|TiB)$/, 'expected a size such as 500MB or 8GiB')
  .transform((text) => Math.floor(Number.parseFloat(text) * BYTE_UNITS[text.replace(/^[\d.]+/, '') as keyof typeof BYTE_UNITS]));

/** An address is logged, recorded with what came from it, and linked to: no place for a password, and none of our clients would send one. */
export const httpUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), 'expected an http:// or https:// URL')
  .refine((text) => !holdsCredentials(text), 'expected a URL without credentials, which belong into a file');

function holdsCredentials(text: string): boolean {
  return URL.canParse(text) && `${new URL(text).username}${new URL(text).password}` !== '';
}

/** A value of one of several clusters, `CLUSTER=VALUE`; without a name, of the first. */
const ofCluster = (value: z.ZodType<unknown, string>, expected: string) =>
  z.string().refine((text) => restsOf(text).some((rest) => value.safeParse(rest).success), `expected ${expected}`);

/** The text, and what is behind each equals sign: which of them ends a cluster's name is known once clusters are. */
function restsOf(text: string): string[] {
  return [text, ...[...text.matchAll(/=/g)].map(({ index }) => text.slice(index + 1))];
}
export const clusterUrl = ofCluster(httpUrl, 'an http:// or https:// URL without credentials, or CLUSTER=URL');
export const natsUrl = z
  .string()
  .refine((text) => URL.canParse(text) && /^(nats|tls):$/.test(new URL(text).protocol), 'expected a nats:// or tls:// URL')
  .refine((text) => !text.includes('@'), 'credentials belong into a file, see --nats-creds-file and --nats-token-file');
const expectNumber = (issue: { code?: string }) => (issue.code === 'invalid_type' ? 'expected a number' : undefined);
/** Text and numbers only: Number() would make a zero of an empty value and a one of `true`. */
const numeric = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value);
const anyNumber = z.number({ error: expectNumber });
export const integer = (min: number, max: number) =>
  z.preprocess(numeric, anyNumber.int('expected a whole number').min(min).max(max));
export const positive = (max: number) => z.preprocess(numeric, anyNumber.positive('expected a number above 0').max(max));
export const text = z.string().min(1, 'must not be empty');
export const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0']).transform((word) => word === 'true' || word === '1'),
]);
export const cidr = z.string().refine(isNetwork, 'expected an address or a network such as 10.0.0.0/8');
export const timeZone = z.string().refine(isTimeZone, 'expected an IANA time zone such as Europe/Berlin');

/** `Kind` or `Kind.group`. */
const kindOfGroup = text.transform((written): { kind: string; group?: string } => {
  const dot = written.indexOf('.');
  return dot < 0 ? { kind: written } : { kind: written.slice(0, dot), group: written.slice(dot + 1) };
});

/** A controller as its metrics name it, and the kinds it acts on. */
export const declaredController = z.strictObject({ name: text, kinds: z.array(kindOfGroup).min(1, 'name at least one kind') });

/** A user's own rule: alerts from the first minute, whatever the model has learnt. */
export const rule = z.strictObject({
  name: text,
  group: text.optional(),
  kind: text.optional(),
  namespace: text.optional(),
  path: text.optional(),
  op: z.enum(['add', 'set', 'remove']).optional(),
  value: text.optional(),
  severity: z.enum(['info', 'warning', 'critical']).optional(),
  message: text.optional(),
});

const pointer = z.string().regex(/^(\/([^~/]|~[01])*)*$/, 'expected a JSON pointer such as /data/items');
/** A list without a watch, see docs/ingest.md. */
export const poll = z.strictObject({
  name: z.string().regex(/^[\w.-]{1,100}$/, 'expected letters, digits, dots, dashes and underscores'),
  url: httpUrl,
  interval: duration.prefault('1m').refine((ms) => ms >= 1_000, 'expected 1s or more'),
  items: pointer.default(''),
  key: z.union([pointer.transform((one) => [one]), z.array(pointer).min(1).max(8)]),
  namespace: pointer.optional(),
  apiVersion: text,
  kind: text,
  cluster: text.optional(),
  tokenFile: text.optional(),
});

/** Who may push, see docs/ingest.md. */
export const ingestKey = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,100}$/, 'expected letters, digits, dots, dashes and underscores'),
    keyFile: text.optional(),
    hmacFile: text.optional(),
    clientCertificate: z
      .strictObject({
        commonName: text.optional(),
        san: z
          .string()
          .regex(/^(DNS|URI|email|IP):./, 'expected DNS:…, URI:…, email:… or IP:…')
          .optional(),
      })
      .refine(({ commonName, san }) => commonName !== undefined || san !== undefined, 'expected commonName or san')
      .optional(),
    kinds: z.array(z.enum(['events', 'audit', 'admission', 'webhook'])).min(1, 'expected at least one kind'),
    cidrs: z.array(cidr).default([]),
    cluster: text.optional(),
  })
  .refine(
    (key) => key.keyFile !== undefined || key.clientCertificate !== undefined || key.kinds.every((kind) => kind === 'webhook'),
    'keyFile is missing, or clientCertificate',
  )
  .refine((key) => key.hmacFile !== undefined || !key.kinds.includes('webhook'), 'hmacFile is missing, which signs webhooks');

/** `event`, `annotate=Kind` (also `annotate=Kind.group`), several kinds separated by commas, or `canary=NAMESPACE`. */
export const allow = z
  .string()
  .regex(
    /^(event|admission-webhook|annotate=[A-Za-z0-9.,-]+|canary=[a-z0-9]([a-z0-9-]*[a-z0-9])?)$/,
    'expected `event`, `annotate=Kind[,Kind.group]`, `canary=NAMESPACE` or `admission-webhook`',
  );

/** Text that a parser takes; what the parser says is wrong with it is what the user reads. */
const parsedBy = (parse: (value: string) => unknown) =>
  text.superRefine((value, context) => {
    try {
      parse(value);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
    }
  });
export const labelSelector = parsedBy((value) => parseLabelSelector(splitSelector(value).selector));
export const fieldSelector = parsedBy((value) => parseFieldSelector(splitSelector(value).selector));
export const coreKind = parsedBy((value) => parseCoreKinds([value]));
export const namespaceName = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected the name of a namespace');
export const subject = z
  .string()
  .regex(
    /^(serviceaccount:[a-z0-9-]+\/[a-z0-9.-]+|user:\S+|group:\S+)$/,
    'expected serviceaccount:NAMESPACE/NAME, user:NAME or group:NAME',
  );

/** A filter as `GET /v1/changes?q=` takes it; ages in it count back from when it is used. */
export const changeFilter = z.string().superRefine((value, context) => {
  try {
    parseChangeFilter(value, 0);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
  }
});

/** RFC 3339 → milliseconds. */
export const time = z
  .string()
  .refine((value) => timeOf(value) !== undefined, 'expected a time such as 2026-01-05T08:00:00Z')
  .transform((value) => Number(timeOf(value)));

/** `0.0.0.0:9443` or `[::]:9443`. */
export const listenAddress = ofCluster(
  z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:=\s]+):\d{1,5}$/),
  'ADDRESS:PORT, such as 0.0.0.0:9443, or CLUSTER=ADDRESS:PORT',
);
/** `crowsnest/crowsnest` or `crowsnest/crowsnest:443`. */
export const serviceReference = ofCluster(
  z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}\/[a-z0-9][a-z0-9.-]{0,252}(:\d{1,5})?$/),
  'NAMESPACE/NAME or NAMESPACE/NAME:PORT, or one of these behind CLUSTER=',
);
export const httpsUrl = ofCluster(
  httpUrl.refine((url) => url.startsWith('https:')),
  'an https:// URL without credentials, as API servers ask over TLS only, or CLUSTER=URL',
);

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const most = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
}
