/** What the ingest process and its short-lived credentials process say to each other. Crosses an IPC channel, so plain data only. */
import type { ErrorCode } from '../domain/errors.ts';
import type { ConnectOptions } from './connect-options.ts';

export interface CredentialsQuestion {
  options: ConnectOptions;
  /** What an auth provider kept in memory, such as a refresh token that is good for one use: `carried` of the last answer. */
  carried?: Record<string, string> | undefined;
}

export interface CredentialsAnswer {
  place: ClusterPlace;
  /** Missing when the configuration is fine and the credentials could not be had; `failure` then says why. */
  material?: CredentialMaterial;
  failure?: PlainError;
}

export interface ClusterPlace {
  cluster: string;
  /** The context's name, so that later questions mean the same one whatever the file's current one is by then. */
  context: string;
  server: string;
  /** The way leads through it; it may hold a password. */
  proxyUrl?: string | undefined;
  /** What was read: a change of one is a reason to ask again. */
  files: string[];
}

export interface CredentialMaterial {
  headers: Record<string, string>;
  tls: TlsMaterial;
  /** A bearer token that lives in a file and is to be read from there at each request. */
  tokenFile?: string;
  /** When the first of token and certificate ends, if that can be told. */
  expiresMs?: number;
  carried?: Record<string, string>;
}

export interface TlsMaterial {
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

/** A CrowsnestError as data. */
export interface PlainError {
  code: ErrorCode;
  what: string;
  where?: string | undefined;
  todo?: string | undefined;
}

/** One to each question, in their order. */
export type CredentialsReply = { answer: CredentialsAnswer } | { error: PlainError };
