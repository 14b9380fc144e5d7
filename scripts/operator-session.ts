/** What every recording of real operators begins with: a folder with a log of what was done when, the operators at a real API server, and a way to end early. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../src/demo/random.ts';
import { type OperatorRig, startOperatorRig } from '../test/operators/rig.ts';
import { isDeployed } from '../test/operators/work-plan.ts';
import { OPERATOR_NAMES } from './real-operators.ts';

export interface OperatorSession {
  rig: OperatorRig;
  report: (line: string) => void;
  /** Aborted by the first SIGTERM or SIGINT. */
  stopping: AbortSignal;
}

/** The caller stops the rig. `seed` decides how long each deployment takes to start. */
export async function startOperatorSession(folder: string, seed: number): Promise<OperatorSession> {
  mkdirSync(folder, { recursive: true });
  const report = (line: string) => appendFileSync(join(folder, 'progress.log'), `${new Date().toISOString()} ${line}\n`);
  const stopping = new AbortController();
  process.once('SIGTERM', () => stopping.abort());
  process.once('SIGINT', () => stopping.abort());
  const chance = createRandom(seed).fork('kubelet');
  const rig = await startOperatorRig({
    operators: OPERATOR_NAMES,
    startsIn: () => chance.int(3_000, 20_000),
    isDeployed,
    report,
    logFolder: folder,
  });
  return { rig, report, stopping: stopping.signal };
}
