/** What one command is given for one run. */
import { z } from 'zod';
import { SCOPES } from '../domain/verdict.ts';
import { ASKING } from './commands.ts';
import type { OptionRow } from './option-row.ts';
import { flag, integer, positive, text, time } from './option-values.ts';

export const COMMAND_OPTIONS = {
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
  seed: {
    schema: integer(0, 2 ** 31 - 1).default(1),
    value: 'N',
    help: 'plant other anomalies and look-alikes, elsewhere',
    commands: ['demo'],
  },
  kind: { schema: text.optional(), value: 'KIND', help: 'only objects of this kind', commands: ['at'] },
  limit: {
    schema: integer(1, 1_000_000).default(100),
    value: 'N',
    help: 'at most this many changes',
    commands: ['history', 'changes', 'review'],
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
} as const satisfies Record<string, OptionRow>;
