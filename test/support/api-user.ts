/** One user's way of talking to an API server: their token, their client's name, one connection kept open. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { RealApiServer } from './real-apiserver.ts';

export interface ApiAnswer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the API server answers
  body: any;
}

export interface ApiUser {
  /** Does not reject on 4xx and 5xx: what a refusal means is for the caller to say. */
  call(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiAnswer>;
  /** Lines of a watch, until the server or `close` ends it. */
  watch(path: string): AsyncIterable<string>;
  close(): void;
}

const ANSWER_TIMEOUT_MS = 30_000;

export const MERGE_PATCH = 'application/merge-patch+json';
export const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
export const APPLY_PATCH = 'application/apply-patch+yaml';

/** `user` is a key of the server's users; `userAgent` is what the audit log shows of the client. */
export function apiUser(server: RealApiServer, user: string, userAgent: string): ApiUser {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(server.caFile) });
  const headers = { authorization: `Bearer ${server.token(user)}`, 'user-agent': userAgent, accept: 'application/json' };
  return {
    call: (method, path, body, contentType = 'application/json') =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? '' : JSON.stringify(body);
        const sent = { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
        const asked = request(`${server.url}${path}`, { method, agent, headers: sent, timeout: ANSWER_TIMEOUT_MS }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('error', reject);
          answer.on('end', () => {
            const got = Buffer.concat(chunks).toString();
            resolve({ status: answer.statusCode ?? 0, body: got.startsWith('{') ? JSON.parse(got) : got });
          });
        });
        asked.on('timeout', () => asked.destroy(new Error(`${method} ${path} was not answered`)));
        asked.on('error', reject);
        asked.end(text);
      }),
    async *watch(path) {
      const answer = await new Promise<AsyncIterable<Buffer>>((resolve, reject) => {
        request(`${server.url}${path}`, { agent, headers }, resolve).on('error', reject).end();
      });
      let rest = '';
      for await (const chunk of answer) {
        const lines = (rest + chunk.toString()).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    },
    close: () => agent.destroy(),
  };
}
