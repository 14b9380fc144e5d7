/**
 * What detectors work out of a change alone when they score it, kept with it until it is learnt: other changes of its visit come in between. Named by symbols,
 * so no part of a snapshot; what is not there is worked out again.
 */
import type { Artifact } from './artifacts.ts';
import type { Fact } from './detectors/fact.ts';

/** The facts that it brought about. */
export const FOUND = Symbol('found');
/** How far each of its fields jumped. */
export const JUMPS = Symbol('jumps');
/** The versions that a new object came with. */
export const BORN = Symbol('born');

/** What of its fields waits until it is learnt: see waiting-fields.ts. */
export const PUT_AWAY = Symbol('put away');

/** A fact, and the field that brought it about. */
export interface FoundFact<Field> {
  fact: Fact;
  field: Field;
}

export interface WorkedOut<Field> {
  [FOUND]?: readonly FoundFact<Field>[] | undefined;
  [JUMPS]?: readonly number[] | undefined;
  [BORN]?: readonly Artifact[] | undefined;
  [PUT_AWAY]?: readonly unknown[] | undefined;
}
