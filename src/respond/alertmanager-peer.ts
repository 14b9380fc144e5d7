/** One Alertmanager over HTTP: a post and what its answer means. Knows nothing of schedules. */
import { readFile } from 'node:fs/promises';
import type { Pool } from 'undici';
import type { AlertRecord } from '../store/store.ts';

/** Credentials by file, read at each request so that a rotated secret is taken up. */
export interface AlertmanagerAuth {
  bearerTokenFile?: string;
  basic?: { username: string; passwordFile: string };
}

/** An alert as the v2 API takes it. */
export interface PostableAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  startsAt: string;
  endsAt: string;
  generatorURL: string;
}

export type PostResult =
  | { type: 'accepted' }
  /** At least one alert of the post is invalid; the valid ones were taken. */
  | { type: 'invalid'; message: string }
  /** Nothing can be said about the alerts: ask again later. */
  | { type: 'unavailable'; message: string };

export interface AlertmanagerPeer {
  /** For logs: scheme, host and port, no credentials. */
  readonly name: string;
  post(alerts: readonly PostableAlert[], signal: AbortSignal): Promise<PostResult>;
  close(): Promise<void>;
}

const MESSAGE_CHARS_MAX = 300;
/** Below Alertmanager's and common proxies' idle limits, so that a kept connection is rarely one they have closed. */
const KEEP_ALIVE_MS = 50_000;

export function createAlertmanagerPeer(options: {
  url: string;
  auth?: AlertmanagerAuth | undefined;
  timeoutMs: number;
}): AlertmanagerPeer {
  const url = new URL(options.url);
  const path = `${url.pathname.replace(/\/$/, '')}/api/v2/alerts`;
  const limits = { headersTimeout: options.timeoutMs, bodyTimeout: options.timeoutMs, connect: { timeout: options.timeoutMs } };
  let pool: Promise<Pool> | undefined;
  /** The HTTP client is loaded with the first alert. */
  const opened = () =>
    import('undici').then(({ Pool }) => new Pool(url.origin, { connections: 2, keepAliveTimeout: KEEP_ALIVE_MS, ...limits }));

  async function attempt(body: string, signal: AbortSignal): Promise<PostResult> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    const authorization = await authorizationOf(options.auth);
    if (authorization !== undefined) headers.authorization = authorization;
    pool ??= opened();
    const answer = await (await pool).request({ method: 'POST', path, headers, body, signal });
    const text = await answer.body.text();
    if (answer.statusCode >= 200 && answer.statusCode < 300) return { type: 'accepted' };
    const message = `${answer.statusCode} ${text.trim().slice(0, MESSAGE_CHARS_MAX)}`.trim();
    // 413 speaks about this post alone, too: smaller ones may pass.
    return answer.statusCode === 400 || answer.statusCode === 413
      ? { type: 'invalid', message }
      : { type: 'unavailable', message };
  }

  return {
    name: url.origin,
    async post(alerts, signal) {
      const body = JSON.stringify(alerts);
      const attemptOnce = (): Promise<PostResult> => attempt(body, signal).catch(unavailable);
      const first = await attemptOnce();
      // A kept connection that the other side has closed meanwhile fails at once; posts may be repeated, so a second try is free of harm.
      return first.type === 'unavailable' && first.message.startsWith('UND_ERR_SOCKET') && !signal.aborted
        ? attemptOnce()
        : first;
    },
    close: async () => (await pool)?.destroy(),
  };
}

function unavailable(error: unknown): PostResult {
  if (!(error instanceof Error)) return { type: 'unavailable', message: String(error) };
  const code = (error as NodeJS.ErrnoException).code;
  return { type: 'unavailable', message: code === undefined ? error.message : `${code} ${error.message}` };
}

async function authorizationOf(auth: AlertmanagerAuth | undefined): Promise<string | undefined> {
  if (auth?.bearerTokenFile !== undefined) return `Bearer ${(await readFile(auth.bearerTokenFile, 'utf8')).trim()}`;
  if (auth?.basic === undefined) return undefined;
  const password = (await readFile(auth.basic.passwordFile, 'utf8')).replace(/\r?\n$/, '');
  return `Basic ${Buffer.from(`${auth.basic.username}:${password}`).toString('base64')}`;
}

/** While it fires, an alert says it will go on for a few resends more: if we die, Alertmanager resolves it by itself. */
export function postableOf(alert: AlertRecord, nowMs: number, firingMs: number): PostableAlert {
  const endsMs = alert.endsMs > nowMs ? nowMs + firingMs : alert.endsMs;
  return {
    labels: alert.labels,
    annotations: alert.annotations,
    startsAt: new Date(Math.min(alert.startsMs, endsMs)).toISOString(),
    endsAt: new Date(endsMs).toISOString(),
    generatorURL: alert.generatorURL,
  };
}
