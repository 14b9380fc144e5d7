/** What a running service listens on, logs and lets in. */
import { z } from 'zod';
import { ASKING, COMMANDS, DB, JUDGING, RUNNING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import { cidr, httpUrl, ingestKey, integer, text } from './option-values.ts';

export const SERVICE_OPTIONS = {
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
  tlsClientCa: {
    schema: text.optional(),
    value: 'FILE',
    help: 'authorities (PEM) of the client certificates that ingest keys name as clientCertificate',
    commands: ['serve'],
  },
  tokenFile: {
    schema: text.optional(),
    value: 'FILE',
    help: 'file with the bearer token of the API; a service without one generates and prints it',
    commands: [...RUNNING, ...ASKING, 'record'],
  },
  verdictsFrom: {
    schema: httpUrl.optional(),
    value: 'URL',
    help: 'the running crowsnest whose verdicts are recorded too; its token by --token-file or CROWSNEST_TOKEN',
    commands: ['record'],
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
  logLevel: {
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    value: 'LEVEL',
    help: 'debug, info, warn, error or silent',
    commands: COMMANDS,
  },
  ingestKeys: {
    schema: z.array(ingestKey).default([]),
    help: 'keys that may push to /v1/ingest: name, keyFile or hmacFile, clientCertificate, kinds, cidrs, cluster',
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
} as const satisfies Record<string, OptionRow>;
