import { getCompileCacheDir } from 'node:module';
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
  await Promise.all([import('./watch-clusters.ts'), import('../kube/http-kube-client.ts')]);
  return 0;
}
