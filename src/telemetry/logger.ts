import { type Logger as PinoLogger, pino } from 'pino';

/** Structured logs on stderr, so that stdout stays free for results. Objects are named by reference, never logged whole. */
export type Logger = Pick<PinoLogger, 'debug' | 'info' | 'warn' | 'error'>;

/** The same log, with fields that each line of one part carries. */
export function withFields(logger: Logger, fields: Record<string, string>): Logger {
  return 'child' in logger ? (logger as PinoLogger).child(fields) : logger;
}

export function createLogger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Logger {
  return pino(
    { level, base: null, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    pino.destination({ dest: 2, sync: true }),
  );
}
