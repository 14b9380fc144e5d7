/**
 * States of objects, written as a chain of patches with a full state at least every `stepsMax` changes, and rebuilt from it.
 *
 * Two caches hold parsed states by life, both bounded by the length of their JSON text: the newest state of each object, which the next
 * change of that object is compared with, and where reading last stood, so that walking a history forward costs one patch a step.
 * States handed out share structure with the caches and with each other: nobody may modify them.
 */
import type { Change } from '../domain/change.ts';
import { isCrowsnestError } from '../domain/errors.ts';
import { isEmptyPatch, MERGE_KEYS, type StatePatch } from '../domain/field-diff.ts';
import type { KubeObject } from '../domain/object-ref.ts';
import { Recent } from '../domain/recent.ts';
import type { Blocks } from './blocks.ts';
import type { ChainStep, ChangeLog, ChangeRow } from './change-log.ts';
import type { Objects } from './objects.ts';
import {
  type BareState,
  bareOf,
  decodeRecord,
  dress,
  encodeFull,
  encodePatch,
  encodeWhole,
  isWhole,
  type RevisionColumns,
} from './revision-codec.ts';
import { decodeResourceVersion, type RecordShape, recordShapeOf } from './row-codec.ts';
import { corruptRecord } from './store-errors.ts';

export interface RevisionOptions {
  /** A revision is at most this many patches away from a full state. */
  stepsMax: number;
  /** Bounds of the two caches, in bytes of JSON text. */
  headCacheBytes: number;
  walkCacheBytes: number;
}

export const REVISION_DEFAULTS: RevisionOptions = {
  stepsMax: 16,
  headCacheBytes: 64 * 1024 * 1024,
  walkCacheBytes: 4 * 1024 * 1024,
};

const KEPT_STEPS_MIN = 4;

interface CachedState {
  seq: number;
  state: KubeObject;
  bare: BareState;
  /** Length of the state's JSON text, measured at the last full state and estimated since. */
  length: number;
}

/** A revision as it is to be stored. */
export interface EncodedRevision {
  shape: RecordShape;
  text: string | undefined;
  /** Patches since the last full state, this one included. */
  depth: number;
}

export class Revisions {
  readonly #parts: { log: ChangeLog; blocks: Blocks; objects: Objects };
  readonly #options: RevisionOptions;
  readonly #heads: Recent<number, CachedState>;
  readonly #walks: Recent<number, CachedState>;

  constructor(parts: { log: ChangeLog; blocks: Blocks; objects: Objects }, options: RevisionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#heads = new Recent(options.headCacheBytes);
    this.#walks = new Recent(options.walkCacheBytes);
  }

  forget(): void {
    this.#heads.clear();
    this.#walks.clear();
  }

  /** How to store a state: against the state at `base` of the same life, or as a whole when there is none. */
  encode(
    state: KubeObject,
    columns: RevisionColumns,
    base: { lifeId: number; seq: number; depth: number } | undefined,
  ): EncodedRevision & { bare: BareState; length: number } {
    const bare = bareOf(state);
    const before = base === undefined || base.depth >= this.#options.stepsMax ? undefined : this.#headIfWhole(base);
    if (base !== undefined && before !== undefined) {
      const text = encodePatch(before.bare, bare, state, columns);
      if (text === undefined) return { shape: 'none', text, depth: base.depth, bare, length: before.length };
      // A patch of a small part is worth its step; one of most of the object is not.
      if (text.length * 2 <= before.length) return { shape: 'patch', text, depth: base.depth + 1, bare, length: before.length };
    }
    const text = encodeFull(bare, state, columns);
    return { shape: 'full', text, depth: 0, bare, length: text.length };
  }

  /**
   * The same for a state that is known by how it follows from the one at `base`; undefined where a whole state is due, or this patch would
   * be most of one.
   */
  encodeStep(patch: StatePatch, length: number, depth: number): EncodedRevision | undefined {
    if (depth >= this.#options.stepsMax) return undefined;
    if (isEmptyPatch(patch)) return { shape: 'none', text: undefined, depth };
    const text = JSON.stringify(patch);
    return text.length * 2 <= length ? { shape: 'patch', text, depth: depth + 1 } : undefined;
  }

  /** Remembers the newest state of a life, once it is written. */
  keepHead(lifeId: number, seq: number, revision: { state: KubeObject; bare: BareState; length: number }): void {
    this.#heads.set(lifeId, { seq, ...revision }, revision.length);
  }

  dropHead(lifeId: number): void {
    this.#heads.delete(lifeId);
  }

  headState(lifeId: number, seq: number): KubeObject {
    return this.#head(lifeId, seq).state;
  }

  /** The state a change led to. Throws STORE_CORRUPT when the chain has a missing or damaged link. */
  state(row: ChangeRow): KubeObject {
    return this.#walk(row.lifeId, row.seq, row).state;
  }

  /** False where what a change stored of the state it led to does not have this text in any value. */
  mayHold(row: ChangeRow, text: string): boolean {
    const life = this.#parts.objects.life(row.lifeId);
    if (recordShapeOf(row.flags) === 'none' || life === undefined) return false;
    // What lost its last member or item became empty without the record saying so.
    if ('[]'.includes(text) || '{}'.includes(text)) return true;
    const record = this.#parts.blocks.read(row.seq, life);
    // A patch names list items by place and a diff by key: where keys moved, an item may have become what only another one held before.
    return record.includes(JSON.stringify(text).slice(1, -1)) || MERGE_KEYS.some((key) => record.includes(`"${key}":`));
  }

  /** The states on both sides of a change; `before` is undefined where the change begins a life. */
  sides(row: ChangeRow, type: Change['type']): { before: KubeObject | undefined; after: KubeObject } {
    const previous = type === 'MODIFIED' ? this.#previous(row) : undefined;
    const before = previous === undefined ? undefined : this.#walk(previous.lifeId, previous.seq).state;
    return { before, after: this.#walk(row.lifeId, row.seq, row).state };
  }

  /** The change before, in this life or in one of the same uid under another version. */
  #previous(row: ChangeRow): { lifeId: number; seq: number } | undefined {
    const { log, objects } = this.#parts;
    const before = log.before(row);
    if (before === undefined || before.lifeId === row.lifeId) return before;
    return objects.life(before.lifeId)?.uid === objects.life(row.lifeId)?.uid ? before : undefined;
  }

  /** Undefined where it is lost to damage: then a whole state is due. */
  #headIfWhole({ lifeId, seq }: { lifeId: number; seq: number }): CachedState | undefined {
    try {
      return this.#head(lifeId, seq);
    } catch (error) {
      if (isCrowsnestError(error, 'STORE_CORRUPT')) return undefined;
      throw error;
    }
  }

  #head(lifeId: number, seq: number): CachedState {
    const cached = this.#heads.get(lifeId);
    if (cached !== undefined && cached.seq === seq) return cached;
    const found = this.#walk(lifeId, seq);
    this.#heads.set(lifeId, found, found.length);
    return found;
  }

  #walk(lifeId: number, seq: number, row?: ChangeRow): CachedState {
    const head = this.#heads.get(lifeId);
    if (head?.seq === seq) return head;
    const walked = this.#walks.get(lifeId);
    if (walked?.seq === seq) return walked;
    const { found, steps } = this.#rebuild(lifeId, seq, walked, row);
    // What is built as quickly again is not worth the collector's time that keeping it costs.
    if (steps >= KEPT_STEPS_MIN) this.#walks.set(lifeId, found, found.length);
    return found;
  }

  /** What stands in for the record of a change where a chain is to begin anew. Undefined where it does already, or where its state is lost. */
  wholeRecord({ seq, lifeId, text }: { seq: number; lifeId: number; text: string }): string | undefined {
    const row = this.#parts.log.row(seq);
    if (row === undefined || recordShapeOf(row.flags) !== 'patch' || isWhole(text)) return undefined;
    try {
      const { bare, state } = this.#rebuild(lifeId, seq, undefined, row).found;
      return encodeWhole(bare, state, columnsOf(row));
    } catch (error) {
      if (isCrowsnestError(error, 'STORE_CORRUPT')) return undefined;
      throw error;
    }
  }

  /** Goes back to the nearest full state, or to the state known already, and forward again patch by patch. */
  #rebuild(
    lifeId: number,
    seq: number,
    known: CachedState | undefined,
    given?: ChangeRow,
  ): { found: CachedState; steps: number } {
    const { steps, start } = this.#steps(lifeId, seq, known, given);
    let bare = start?.bare;
    let own: ReturnType<typeof decodeRecord>['own'];
    let length = start?.length ?? 0;
    for (const { row, shape, text } of steps) {
      own = undefined;
      if (shape === 'none') continue;
      try {
        ({ bare, own } = decodeRecord(text, shape, bare));
      } catch (error) {
        throw corruptRecord('the revision data of a change does not decode', `change ${row.seq}`, error);
      }
      if (shape === 'full' || isWhole(text)) length = text.length;
    }
    const row = given ?? this.#parts.log.row(seq);
    if (bare === undefined || row === undefined)
      throw corruptRecord('a revision has no full state to start from', `change ${seq}`);
    return { found: { seq, bare, state: dress(bare, columnsOf(row), own), length }, steps: steps.length };
  }

  /** The changes to go through, oldest first, and the state to start from where none of them holds a full one. */
  #steps(
    lifeId: number,
    seq: number,
    known: CachedState | undefined,
    given: ChangeRow | undefined,
  ): { steps: Step[]; start: CachedState | undefined } {
    const life = this.#parts.objects.life(lifeId);
    if (life === undefined) throw corruptRecord('a change belongs to no object', `life ${lifeId}`);
    const steps: Step[] = [];
    for (const row of this.#parts.log.stepsBack(seq, given)) {
      if (row.lifeId !== lifeId) break;
      if (row.seq === known?.seq) return { steps: steps.reverse(), start: known };
      const shape = recordShapeOf(row.flags);
      const text = shape === 'none' ? '' : this.#parts.blocks.read(row.seq, life);
      steps.push({ row, shape, text });
      if (shape === 'full' || isWhole(text)) break;
    }
    return { steps: steps.reverse(), start: undefined };
  }
}

/** A change on the way to a state, and what it stored of it. */
interface Step {
  row: ChainStep;
  shape: RecordShape;
  text: string;
}

function columnsOf(row: ChangeRow): RevisionColumns {
  return { resourceVersion: decodeResourceVersion(row.rv), generation: row.generation ?? undefined };
}
