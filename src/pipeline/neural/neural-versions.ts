/**
 * The networks that were trained, as rows of the store: what each rests on in one small row, its weights in another. Both are as sealed as
 * the store is. A network's number is never given twice.
 */
import type { Kept, Training } from '../../model/neural/neural-view.ts';
import type { TrainingFigures } from '../../model/neural/training.ts';
import type { Store } from '../../store/store.ts';

/** Networks that are kept; the oldest goes when another one comes, but not the one that was gone back to. */
export const VERSIONS_KEPT = 10;
const FORMAT = 1;

interface Index<Figures> {
  next: number;
  /** Gone back to by hand: used in place of the newest until a later training is asked for. */
  pinned?: number;
  versions: Kept<Figures>[];
}

type Rows = Pick<Store, 'getState' | 'putState' | 'saveSnapshot' | 'loadSnapshot'>;

export class NeuralVersions<Figures extends object = TrainingFigures> {
  readonly #store: Rows;
  readonly #name: string;

  /** `name`: of the rows, `neural/…`. */
  constructor(store: Rows, name: string) {
    this.#store = store;
    this.#name = name;
  }

  /** Oldest first. */
  list(): readonly Kept<Figures>[] {
    return this.#index().versions;
  }

  /** The one in use. */
  current(): Kept<Figures> | undefined {
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
  add(made: Figures & Omit<Training, 'id' | 'slot' | 'bytes'>, weights: Uint8Array): Kept<Figures> {
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
    const version: Kept<Figures> = { ...made, id: index.next, slot, bytes: weights.length };
    this.#store.saveSnapshot(this.#row(slot), { version: FORMAT, seq: made.throughSeq, blob: weights });
    this.#put({ ...index, next: index.next + 1, versions: [...kept, version] });
    return version;
  }

  /** As packed by `packWeights`. */
  weights({ slot }: Pick<Training, 'slot'>): Uint8Array | undefined {
    const row = this.#store.loadSnapshot(this.#row(slot));
    return row?.version === FORMAT ? row.blob : undefined;
  }

  #index(): Index<Figures> {
    const saved = this.#store.getState(this.#name);
    return saved === undefined ? { next: 1, versions: [] } : (JSON.parse(saved) as Index<Figures>);
  }

  #put(index: Index<Figures>): void {
    this.#store.putState(this.#name, JSON.stringify(index));
  }

  #row(slot: number): string {
    return `${this.#name}/${slot}`;
  }
}
