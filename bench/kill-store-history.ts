/** The history that kill-store writes: change `n` is a formula, so that after a kill everything that must be there is known. */
import type { JsonObject } from '../src/domain/json.ts';
import type { KubeObject } from '../src/domain/object-ref.ts';
import type { NewChange } from '../src/store/store.ts';
import { newChange, state } from '../test/store/new-changes.ts';

/** Two keys, for a database that changes between them. */
export const KILL_KEYS = ['11'.repeat(32), '22'.repeat(32)];
const OBJECTS = 7;
const HOUR_MS = 3_600_000;
/** With a change of each object every hour, days pass quickly. */
export const RETENTION = { keepChangesMs: 48 * HOUR_MS, keepCheckpointsMs: 240 * HOUR_MS };

export function killedState(n: number, weight: number): KubeObject {
  const filler: JsonObject =
    weight === 1
      ? {}
      : { filler: Array.from({ length: weight }, (_, i) => ({ name: `part-${i}`, value: `${(n * 7919 + i) % 100_003}` })) };
  return state(`k${n % OBJECTS}`, String(n), { n, text: `revision ${n}`, ...filler });
}

export function killedChange(n: number, weight: number): NewChange {
  // That there is a state before is all that the store takes of it.
  const before = n > OBJECTS ? killedState(n - OBJECTS, 1) : undefined;
  return newChange(before === undefined ? 'ADDED' : 'MODIFIED', killedState(n, weight), {
    before,
    observedMs: (n * HOUR_MS) / OBJECTS,
  });
}
