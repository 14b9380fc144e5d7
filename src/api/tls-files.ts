/** The API's certificate and key, and the authorities of its clients' certificates: read at the start, and taken up again when the files change. */

import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:https';
import { createSecureContext, type SecureContextOptions, type TlsOptions } from 'node:tls';
import type { Clock } from '../domain/clock.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** Authorities; clients are asked for a certificate where there are any, and need none but for keys that name one. */
  clientCaFile?: string | undefined;
}

const REREAD_MS = 10_000;

/** Throws CONFIG_UNREADABLE for a file that cannot be read, CONFIG_BAD_VALUE for one that cannot be used. */
export function readTls({ certFile, keyFile, clientCaFile }: TlsFiles): TlsOptions {
  const pair: SecureContextOptions = { cert: read(certFile), key: read(keyFile) };
  const fault = faultOf(pair);
  if (fault !== undefined) {
    throw new CrowsnestError({
      code: 'CONFIG_BAD_VALUE',
      what: `TLS cannot be served with this certificate and key: ${fault.what}`,
      where: `--tls-cert ${certFile}, --tls-key ${keyFile}`,
      todo: 'Give a certificate and the private key it was made with, both PEM, the key without a passphrase',
      cause: fault.cause,
    });
  }
  if (clientCaFile === undefined) return pair;
  // Whoever shows none, or a wrong one, is told so in words; only pushes need one. A session taken up again would not be checked again.
  const asking = { requestCert: true, rejectUnauthorized: false, secureOptions: constants.SSL_OP_NO_TICKET };
  return { ...pair, ...asking, ca: readAuthorities(clientCaFile) };
}

function readAuthorities(file: string): Buffer {
  const ca = read(file);
  const fault = ca.includes('-----BEGIN CERTIFICATE-----')
    ? faultOf({ ca })
    : { what: 'there is no certificate in it', cause: undefined };
  if (fault === undefined) return ca;
  throw new CrowsnestError({
    code: 'CONFIG_BAD_VALUE',
    what: `certificates of clients cannot be checked with this file: ${fault.what}`,
    where: `--tls-client-ca ${file}`,
    todo: 'Give certificates of authorities, PEM',
    cause: fault.cause,
  });
}

export interface FollowOptions {
  /** What is served at the start. */
  served: TlsOptions;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  onChanged: () => void;
}

/** Until the signal: what changed serves the next connections. Those at rest are closed, so that no certificate outlives its authority. */
export async function followTls(
  server: Server,
  files: TlsFiles,
  { served, clock, logger, signal, onChanged }: FollowOptions,
): Promise<void> {
  let known = textOf(served);
  let failing = '';
  while (!signal.aborted) {
    await clock.sleep(REREAD_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const now = readTls(files);
      failing = '';
      if (textOf(now) === known) continue;
      server.setSecureContext(now);
      known = textOf(now);
      onChanged();
      logger.info('the TLS files of the API changed and are used from now on');
    } catch (error) {
      if (!isCrowsnestError(error)) throw error;
      // A pair that is replaced one file after the other does not fit for a moment.
      if (failing !== error.what) logger.warn({ code: error.code, where: error.where }, `TLS goes on as it was: ${error.what}`);
      failing = error.what;
    }
  }
}

function textOf({ cert, key, ca }: TlsOptions): string {
  return [cert, key, ca].map(String).join('\n');
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const todo = 'Check the path and its permissions';
    throw new CrowsnestError({ code: 'CONFIG_UNREADABLE', what: 'The TLS file cannot be read', where: file, todo, cause });
  }
}

function faultOf(context: SecureContextOptions): { what: string; cause: unknown } | undefined {
  try {
    createSecureContext(context);
    return undefined;
  } catch (cause) {
    return { what: (cause as Error).message.split('::').at(-1) ?? '', cause };
  }
}
