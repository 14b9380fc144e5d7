/** A thread that computes for minutes. */
import { setPriority } from 'node:os';

const LOWEST = 19;

/**
 * Puts the thread it is called in behind all others of its container: where processors are scarce, a sixtieth of what another thread gets. Linux keeps a
 * priority for each thread; elsewhere the whole process would be put back, so nothing is done. Where it is not allowed the thread works as others do.
 */
export function yieldToOthers(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(LOWEST);
  } catch {
    // Less considerate, and just as right.
  }
}
