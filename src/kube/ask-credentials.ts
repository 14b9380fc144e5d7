import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CrowsnestError } from '../domain/errors.ts';
import type { CredentialsAnswer, CredentialsQuestion, CredentialsReply } from './credentials-exchange.ts';

/** An exec plugin may ask a slow identity provider; one that waits for a person is of no use to a service. */
const ANSWER_TIMEOUT_MS = 60_000;
/** The extension is that of this file, which may have been compiled. */
const PROGRAM = fileURLToPath(new URL(`./credentials-process${extname(fileURLToPath(import.meta.url))}`, import.meta.url));

/** Asks a process of its own. Throws KUBECONFIG_INVALID, or CLUSTER_UNAUTHORIZED when it gives no answer. */
export async function askCredentials(question: CredentialsQuestion, timeoutMs?: number): Promise<CredentialsAnswer> {
  const [answer] = await askAllCredentials([question], timeoutMs);
  return answer as CredentialsAnswer;
}

/** Asks one process about several clusters, and throws what is wrong with the first of them of which something is. */
export async function askAllCredentials(
  questions: readonly CredentialsQuestion[],
  timeoutMs = ANSWER_TIMEOUT_MS,
): Promise<CredentialsAnswer[]> {
  return (await askProcess(questions, timeoutMs)).map((reply) => {
    if ('error' in reply) throw new CrowsnestError(withoutUndefined(reply.error));
    return reply.answer;
  });
}

function askProcess(questions: readonly CredentialsQuestion[], timeoutMs: number): Promise<CredentialsReply[]> {
  return new Promise((resolve, reject) => {
    const child = fork(PROGRAM, {
      // The flags of this process, such as a profiler's, are not for that one.
      execArgv: [],
      // Certificates are Buffers, which JSON would turn into lists of numbers.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      // A group of its own, so that a plugin that hangs can be ended with it.
      detached: true,
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      reject(noAnswer(`gave no answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    child.once('message', (message) => {
      clearTimeout(timer);
      resolve(message as CredentialsReply[]);
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(noAnswer(`cannot be started: ${error.message}`));
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      // After an answer this says nothing any more.
      reject(noAnswer(`ended with ${signal ?? code} before it answered`));
    });
    child.send([...questions], (error) => {
      if (error !== null) reject(noAnswer(`cannot be asked: ${error.message}`));
    });
  });
}

function noAnswer(what: string): CrowsnestError {
  return new CrowsnestError({
    code: 'CLUSTER_UNAUTHORIZED',
    what: `the process that reads the cluster's credentials ${what}`,
    todo: 'Check the exec plugin of the kubeconfig user, and that there is memory for a process of 80 MB.',
  });
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
