/**
 * What an object that was there before holds waits with its visit to be learnt, and nobody looks at it meanwhile: of a first list up to a thousand objects of
 * some 50 fields each, 10 kB an object. Until then only what a field cannot be made from again is kept, an eighth of it; one event's fields at a time are made
 * once more when it is learnt. A snapshot has them all, as if nothing had been put away.
 */
import type { Json } from '../domain/json.ts';
import { type ChangeEvent, type Field, fieldOf, TEXT_MAX } from './features.ts';
import type { PathBook, PathNames } from './path-names.ts';
import { PUT_AWAY } from './worked-out.ts';

const NO_FIELDS: Field[] = [];
const PLACES = 3;

/** For each field either itself, or its names, its path where that is not the generic one, and its value: three places each. */
type PutAway = readonly (Field | PathNames | Json | undefined)[];

/** Takes the fields of an imported event away until `takeBack`. */
export function putAway(event: ChangeEvent, paths: PathBook): void {
  const { kind, fields } = event;
  if (fields.length === 0) return;
  const kept: (Field | PathNames | Json | undefined)[] = new Array(fields.length * PLACES);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i] as Field;
    const { path, generic, next } = field;
    const canBeMade = isMadeFromNext(field);
    kept[PLACES * i] = canBeMade ? paths.of(kind, generic) : field;
    kept[PLACES * i + 1] = canBeMade && path !== generic ? path : undefined;
    kept[PLACES * i + 2] = canBeMade ? next : undefined;
  }
  event[PUT_AWAY] = kept;
  event.fields = NO_FIELDS;
}

/** Makes the fields that were put away; nothing where none were. */
export function takeBack(event: ChangeEvent): void {
  const kept = event[PUT_AWAY] as PutAway | undefined;
  if (kept === undefined) return;
  event[PUT_AWAY] = undefined;
  // Without room for holes, which a snapshot would write another way.
  const fields: Field[] = [];
  for (let i = 0; i < kept.length; i += PLACES) {
    const first = kept[i] as Field | PathNames;
    const path = (kept[i + 1] as string | undefined) ?? first.generic;
    fields.push('op' in first ? first : fieldOf('add', path, first, undefined, kept[i + 2] as Json));
  }
  event.fields = fields;
}

/** Lets go of the fields of an event that was learnt. */
export function letGo(event: ChangeEvent): void {
  event.fields = NO_FIELDS;
}

/** False where the value may have been shortened, which its tokens were not made from: to TEXT_MAX, or one more where no character was cut in two. */
function isMadeFromNext({ op, next }: Field): boolean {
  return op === 'add' && (typeof next !== 'string' || next.length < TEXT_MAX);
}
