/** A thread that computes for minutes and that nobody waits for. */
import { getPriority, setPriority } from 'node:os';

const STEPS = 10;
const LOWEST = 19;

/**
 * Puts the thread it is called in behind the others of the machine: where processors are scarce, about a tenth of what another thread gets. Linux
 * keeps a priority for each thread; elsewhere the whole process would be put back, so nothing is done.
 */
export function yieldToOthers(): void {
  if (process.platform !== 'linux') return;
  setPriority(Math.min(LOWEST, getPriority() + STEPS));
}
