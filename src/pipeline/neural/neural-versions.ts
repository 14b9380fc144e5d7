/**
 * The networks that were trained, as rows of the store: what each rests on in one small row, its weights in another. Both are as sealed as
 * the store is. A network's number is never given twice.
 */
import type { NeuralVersion } from '../../model/neural/neural-view.ts';
import type { Store } from '../../store/store.ts';

/** Networks that are kept; the oldest goes when another one comes, but not the one that was gone back to. */
export const VERSIONS_KEPT = 10;
const INDEX = 'neural/autoencoder';
const FORMAT = 1;

interface Index {
  next: number;
  /** Gone back to by hand: used in place of the newest until a later training is asked for. */
  pinned?: number;
  versions: NeuralVersion[];
}

type Rows = Pick<Store, 'getState' | 'putState' | 'saveSnapshot' | 'loadSnapshot'>;

export class NeuralVersions {
  readonly #store: Rows;

  constructor(store: Rows) {
    this.#store = store;
  }

  /** Oldest first. */
  list(): readonly NeuralVersion[] {
    return this.#index().versions;
  }

  /** The one in use. */
  current(): NeuralVersion | undefined {
    const { pinned, versions } = this.#index();
    return versions.find(({ id }) => id === pinned) ?? versions.at(-1);
  }

  get pinned(): number | undefined {
    return this.#index().pinned;
  }

  /** Goes back to a network, or with undefined to the newest. False where there is no such network. */
  pin(id: number | undefined): boolean {
    const index = this.#index();
    if (id !== undefined && !index.versions.some((version) => version.id === id)) return false;
    const { pinned: _, ...rest } = index;
    this.#put(id === undefined ? rest : { ...rest, pinned: id });
    return true;
  }

  /** Weights first: a kill in between leaves the index as it was. */
  add(made: Omit<NeuralVersion, 'id' | 'slot' | 'bytes'>, weights: Uint8Array): NeuralVersion {
    const index = this.#index();
    let kept = index.versions;
    if (kept.length >= VERSIONS_KEPT) {
      const oldest = kept.find(({ id }) => id !== index.pinned);
      kept = kept.filter((version) => version !== oldest);
      // Its row is about to be overwritten, so that nothing may point to it any more.
      this.#put({ ...index, versions: kept });
    }
    const taken = new Set(kept.map(({ slot }) => slot));
    let slot = 0;
    while (taken.has(slot)) slot++;
    const version: NeuralVersion = { ...made, id: index.next, slot, bytes: weights.length };
    this.#store.saveSnapshot(rowOf(slot), { version: FORMAT, seq: made.throughSeq, blob: weights });
    this.#put({ ...index, next: index.next + 1, versions: [...kept, version] });
    return version;
  }

  /** As packed by `packWeights`. */
  weights({ slot }: NeuralVersion): Uint8Array | undefined {
    const row = this.#store.loadSnapshot(rowOf(slot));
    return row?.version === FORMAT ? row.blob : undefined;
  }

  #index(): Index {
    const saved = this.#store.getState(INDEX);
    return saved === undefined ? { next: 1, versions: [] } : (JSON.parse(saved) as Index);
  }

  #put(index: Index): void {
    this.#store.putState(INDEX, JSON.stringify(index));
  }
}

function rowOf(slot: number): string {
  return `${INDEX}/${slot}`;
}
