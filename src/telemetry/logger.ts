import { randomBytes } from 'node:crypto';
import { type Logger as PinoLogger, pino } from 'pino';
import { keyedHash } from '../domain/masking/masking-key.ts';
import { mask } from '../domain/masking/redact.ts';

/** Structured logs on stderr, so that stdout stays free for results. Objects are named by reference, never logged whole. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** The same log, with fields that each line of one part carries. */
export function withFields(logger: Logger, fields: Record<string, string>): Logger {
  return 'child' in logger ? (logger as PinoLogger).child(fields) : logger;
}

/** `write` takes the lines instead of stderr. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent', write?: (line: string) => void): Logger {
  // Of this process alone: a log is nothing to compare by.
  const hash = keyedHash(randomBytes(32));
  // Errors quote what others wrote. A line is JSON and is masked as such.
  const streamWrite = (line: string) => `${mask(line, hash).trimEnd()}\n`;
  return pino(
    { level, hooks: { streamWrite }, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    write === undefined ? pino.destination({ dest: 2, sync: true }) : { write },
  );
}
