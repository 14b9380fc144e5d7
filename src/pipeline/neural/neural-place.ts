/** How far the network has followed the changes, and what it said of them: one row, so that a restart goes on where it was. */
import { deserialize, serialize } from 'node:v8';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Place } from '../../model/neural/schedule.ts';
import { newShadow, type ShadowState } from '../../model/neural/shadow.ts';
import type { Store } from '../../store/store.ts';

const ROW = 'neural/place';
const FORMAT = 1;

export interface NeuralPlace {
  /** The last change followed. */
  seq: number;
  /** Where the last network was trained, or the first change. */
  last: (Place & { trainedOn: number }) | undefined;
  shadow: ShadowState;
  /** Whether findings of the network are stored: decided where one is trained. */
  promoted: boolean;
}

export function loadPlace(store: Pick<Store, 'loadSnapshot'>): NeuralPlace {
  const row = store.loadSnapshot(ROW);
  // One of another version is not guessed at: the record is followed again from its beginning, without a training twice.
  if (row === undefined || row.version !== FORMAT) return { seq: 0, last: undefined, shadow: newShadow(), promoted: false };
  return deserialize(zstdDecompressSync(row.blob)) as NeuralPlace;
}

export function savePlace(store: Pick<Store, 'saveSnapshot'>, place: NeuralPlace): void {
  store.saveSnapshot(ROW, { version: FORMAT, seq: place.seq, blob: zstdCompressSync(serialize(place)) });
}
