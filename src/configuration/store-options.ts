/** What is kept, how long and how safely. */
import { z } from 'zod';
import { DB, RUNNING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import { byteSize, changeFilter, duration, flag, text, time } from './option-values.ts';

export const STORE_OPTIONS = {
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
  fullText: {
    schema: flag.default(false),
    help: 'index the words of values from now on, for text: in filters',
    commands: RUNNING,
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
    value: 'FILTER',
    list: true,
    blanks: true,
    help: "only changes that fit, such as 'kind:Kafka path:spec.* actor:alice* after:7d' (docs/queries.md); of several, all must",
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
} as const satisfies Record<string, OptionRow>;
