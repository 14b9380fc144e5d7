import { getCompileCacheDir } from 'node:module';
import { devNull } from 'node:os';
import type { Terminal } from './terminal.ts';

/**
 * Loads what `serve` loads on each start, which Node then keeps compiled (crowsnest.js) as this process ends. A first start that has to compile takes twice
 * the processor time, and some 20 MB for good: what takes types out of a file stays in memory.
 */
export async function runCompile(terminal: Terminal): Promise<number> {
  if (getCompileCacheDir() === undefined) {
    terminal.note('crowsnest: what is compiled cannot be kept beside the program; each start compiles it again\n');
    return 0;
  }
  await import('./serve.ts');
  const [{ askCredentials }] = await Promise.all([
    import('../kube/ask-credentials.ts'),
    import('./watch-clusters.ts'),
    import('../kube/http-kube-client.ts'),
  ]);
  // The process that reads credentials loads all that it needs to say that there are none; it has flags, and so compiled files, of its own.
  await askCredentials({ options: { kubeconfig: devNull } }).catch(() => undefined);
  return 0;
}
