/** A thread that computes for minutes and that nobody waits for. */
import { setPriority } from 'node:os';

const LOWEST = 19;

/**
 * Puts the thread it is called in behind all others of the machine: where processors are scarce, a sixtieth of what another thread gets. Linux
 * keeps a priority for each thread; elsewhere the whole process would be put back, so nothing is done.
 */
export function yieldToOthers(): void {
  if (process.platform === 'linux') setPriority(LOWEST);
}
