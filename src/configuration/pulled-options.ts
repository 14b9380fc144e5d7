/** What is fetched from elsewhere than a cluster. */
import { z } from 'zod';
import type { OptionRow } from './option-row.ts';
import { natsUrl, poll, text } from './option-values.ts';

export const PULLED_OPTIONS = {
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
} as const satisfies Record<string, OptionRow>;
