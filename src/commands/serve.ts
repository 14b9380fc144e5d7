import type { Options } from '../options.ts';
import { refuseAdmissionMisfits } from './admission-settings.ts';
import { connectClusters } from './clusters.ts';
import type { Terminal } from './terminal.ts';

/**
 * Watches one or several clusters and speaks up about them, until stopped. What reads the kubeconfig is a process that takes as long as loading the rest
 * does here, so it is begun first.
 */
export async function runServe(options: Options, terminal: Terminal): Promise<number> {
  refuseAdmissionMisfits(options);
  const connecting = connectClusters(options);
  // Its failure is for whoever waits for it, which is not yet.
  connecting.catch(() => undefined);
  const { watchClusters } = await import('./watch-clusters.ts');
  return watchClusters(connecting, { options, terminal });
}
