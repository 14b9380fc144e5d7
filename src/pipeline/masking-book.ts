/** How the objects of each kind are masked and compared, by their schema, and the list of what was masked; saved in the store now and then. */

import { type MaskedKind, type MaskedPlace, MaskLedger } from '../domain/masking/mask-ledger.ts';
import type { MaskOptions } from '../domain/masking/redact.ts';
import { MASK_REASONS, type MaskReason } from '../domain/masking/secret-text.ts';
import type { SchemaBook } from '../domain/schema-book.ts';
import type { ListKeys } from '../domain/schema-tree.ts';
import type { Store } from '../store/store.ts';

/** What the schema of a kind says, for whoever records its objects. */
export interface KindRules extends MaskOptions {
  /** By which members the items of its lists are told apart. */
  lists?: ListKeys | undefined;
}

export interface MaskingBook {
  /** Counts what is masked with them, as of `atMs`; good until it is asked for another. */
  of(kind: MaskedKind, atMs: number): KindRules;
  /** By cluster, kind, path and reason. */
  places(): MaskedPlace[];
  /** How many places are listed. */
  readonly size: number;
  /** Values masked since the start, by reason. */
  readonly totals: Readonly<Record<MaskReason, number>>;
  /** Saves what has changed: new places at once, counts of known ones now and then. */
  save(nowMs: number): void;
}

export interface MaskingBookOptions {
  store: Pick<Store, 'getState' | 'putState'>;
  schemas?: Pick<SchemaBook, 'of' | 'version'> | undefined;
}

const STATE = 'masking/places';
const COUNTS_MS = 60_000;
/** Kinds whose options are kept. */
const KINDS_MAX = 10_000;

export function createMaskingBook(options: MaskingBookOptions): MaskingBook {
  return new StoredMaskingBook(options);
}

interface KindMasking extends KindRules {
  atMs: number;
  /** Of the schemas, when what they say was read. */
  version: number;
}

class StoredMaskingBook implements MaskingBook {
  readonly #options: MaskingBookOptions;
  readonly #ledger: MaskLedger;
  readonly #kinds = new Map<string, KindMasking>();
  /** Objects of one kind come in a row. */
  #last: (MaskedKind & { masking: KindMasking }) | undefined;
  readonly totals = Object.fromEntries(MASK_REASONS.map((reason) => [reason, 0])) as Record<MaskReason, number>;
  #unsaved = false;
  #savedSize: number;
  #savedMs = 0;

  constructor(options: MaskingBookOptions) {
    this.#options = options;
    this.#ledger = new MaskLedger(savedIn(options.store));
    this.#savedSize = this.#ledger.size;
  }

  of({ cluster, group, kind }: MaskedKind, atMs: number): KindRules {
    const { schemas } = this.#options;
    const last = this.#last;
    const masking =
      last !== undefined && last.kind === kind && last.group === group && last.cluster === cluster
        ? last.masking
        : this.#find({ cluster, group, kind });
    masking.atMs = atMs;
    if (schemas !== undefined && masking.version !== schemas.version) {
      masking.version = schemas.version;
      const schema = schemas.of(cluster, { group, kind });
      masking.secrets = schema?.secrets;
      masking.lists = schema?.mergeKeys;
    }
    return masking;
  }

  #find({ cluster, group, kind }: MaskedKind): KindMasking {
    const key = `${cluster}\n${group}\n${kind}`;
    let masking = this.#kinds.get(key);
    if (masking === undefined) {
      masking = this.#create({ cluster, group, kind });
      if (this.#kinds.size >= KINDS_MAX) this.#kinds.clear();
      this.#kinds.set(key, masking);
    }
    this.#last = { cluster, group, kind, masking };
    return masking;
  }

  get size(): number {
    return this.#ledger.size;
  }

  places(): MaskedPlace[] {
    return this.#ledger.places();
  }

  save(nowMs: number): void {
    if (!this.#unsaved || (this.#ledger.size === this.#savedSize && nowMs - this.#savedMs < COUNTS_MS)) return;
    this.#options.store.putState(STATE, JSON.stringify(this.#ledger.places()));
    this.#unsaved = false;
    this.#savedSize = this.#ledger.size;
    this.#savedMs = nowMs;
  }

  #create(of: MaskedKind): KindMasking {
    const masking: KindMasking = {
      atMs: 0,
      version: -1,
      found: (path, reason) => {
        this.#ledger.count(of, path, reason, masking.atMs);
        this.#unsaved = true;
        this.totals[reason]++;
      },
    };
    return masking;
  }
}

/** What cannot be read is counted anew. */
function savedIn(store: Pick<Store, 'getState'>): MaskedPlace[] {
  const text = store.getState(STATE);
  if (text === undefined) return [];
  try {
    const places = JSON.parse(text) as unknown;
    return Array.isArray(places) ? (places as MaskedPlace[]) : [];
  } catch {
    return [];
  }
}
