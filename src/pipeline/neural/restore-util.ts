import util from 'node:util';

/** Node 23 took out two functions that tfjs-node calls while it loads. */
export function restoreUtil(): void {
  const old = util as unknown as Record<string, unknown>;
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}
