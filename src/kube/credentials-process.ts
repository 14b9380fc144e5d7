/**
 * A process of a second's life: it loads client-node, answers one question about credentials and ends, so that the process that ingests
 * does not carry the package's memory. Started by src/kube/ask-credentials.ts; ends at once when whoever asked is gone.
 */
import './lean-client-node.ts';
import { CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { CredentialsQuestion, CredentialsReply } from './credentials-exchange.ts';

/** This process leads a group, which a plugin that it runs belongs to. */
const goneBefore = () => process.kill(-process.pid, 'SIGKILL');

process.once('disconnect', goneBefore);
process.once('message', (question) => void answer(question as CredentialsQuestion));

async function answer(question: CredentialsQuestion): Promise<void> {
  let reply: CredentialsReply;
  try {
    // Not before the hooks of lean-client-node are in place, which a static import would be.
    const { answerFor } = await import('./kubeconfig.ts');
    reply = { answer: await answerFor(question) };
  } catch (error) {
    const known = isCrowsnestError(error) ? error : new CrowsnestError({ code: 'INTERNAL', what: String(error) });
    const { code, what, where, todo } = known;
    reply = { error: { code, what, where, todo } };
  }
  process.send?.(reply, () => {
    process.off('disconnect', goneBefore);
    // A plugin's leftovers or a kept-alive socket must not keep this process.
    process.disconnect?.();
    process.kill(process.pid, 'SIGTERM');
  });
}
