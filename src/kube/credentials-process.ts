/**
 * A process of a second's life: it loads client-node, answers what it is asked about credentials and ends, so that the process that ingests
 * does not carry the package's memory. Started by src/kube/ask-credentials.ts; ends at once when whoever asked is gone.
 */
import './lean-client-node.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { CredentialsQuestion, CredentialsReply } from './credentials-exchange.ts';

/** This process leads a group, which a plugin that it runs belongs to. */
const goneBefore = () => process.kill(-process.pid, 'SIGKILL');

process.once('disconnect', goneBefore);
process.once('message', (questions) => void answerAll(questions as CredentialsQuestion[]));

async function answerAll(questions: CredentialsQuestion[]): Promise<void> {
  const replies = await Promise.all(questions.map(answer));
  process.send?.(replies, () => {
    process.off('disconnect', goneBefore);
    // A plugin's leftovers or a kept-alive socket must not keep this process.
    process.disconnect?.();
    process.kill(process.pid, 'SIGTERM');
  });
}

async function answer(question: CredentialsQuestion): Promise<CredentialsReply> {
  try {
    // Not before the hooks of lean-client-node are in place, which a static import would be.
    const { answerFor } = await import('./kubeconfig.ts');
    return { answer: await answerFor(question) };
  } catch (error) {
    const known = isCrowsnestError(error) ? error : new CrowsnestError({ code: 'INTERNAL', what: String(error) });
    const { code, what, where, todo } = known;
    return { error: { code, what, where, todo } };
  }
}
