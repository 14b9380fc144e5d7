/**
 * States of objects, written as a chain of patches with a full state at least every `stepsMax` changes, and rebuilt from it.
 *
 * Two caches hold parsed states by life, both bounded by the length of their JSON text: the newest state of each object, which the next
 * change of that object is compared with, and where reading last stood, so that walking a history forward costs one patch a step.
 * States handed out share structure with the caches and with each other: nobody may modify them.
 */
import type { Change } from '../../domain/change.ts';
import { MERGE_KEYS } from '../../domain/diff/list-items.ts';
import { isCrowsnestError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type { KubeObject } from '../../domain/object-ref.ts';
import { Recent } from '../../domain/recent.ts';
import { isDamage } from '../containment.ts';
import { decodeResourceVersion, type RecordShape, recordShapeOf } from '../pack/row-codec.ts';
import { corruptRecord } from '../store-errors.ts';
import type { Blocks } from './blocks.ts';
import type { ChangeLog, ChangeRow } from './change-log.ts';
import type { Life, Objects } from './objects.ts';
import {
  applyRecord,
  type BareState,
  bareOf,
  dress,
  encodeFull,
  encodePatch,
  encodeWhole,
  isWhole,
  type ParsedRecord,
  parseRecord,
  type RevisionColumns,
} from './revision-codec.ts';

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

/** Lives of which it is remembered that their newest state cannot be read. */
const UNREADABLE_MAX = 10_000;

export class Revisions {
  readonly #parts: { log: ChangeLog; blocks: Blocks; objects: Objects };
  readonly #options: RevisionOptions;
  /** Of a life, the change whose state cannot be read for damage that SQLite finds. */
  readonly #unreadable: Recent<number, number>;
  readonly #heads: Recent<number, CachedState>;
  readonly #walks: Recent<number, CachedState>;

  constructor(parts: { log: ChangeLog; blocks: Blocks; objects: Objects }, options: RevisionOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#unreadable = new Recent(UNREADABLE_MAX);
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
  encodeStep(patch: string, length: number, depth: number): EncodedRevision | undefined {
    if (depth >= this.#options.stepsMax) return undefined;
    if (patch === '') return { shape: 'none', text: undefined, depth };
    return patch.length * 2 <= length ? { shape: 'patch', text: patch, depth: depth + 1 } : undefined;
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

  /** The states that some changes led to. Read in the order in which their records lie, so that what holds several of them is looked for once. */
  states(rows: readonly ChangeRow[]): KubeObject[] {
    const { blocks, objects } = this.#parts;
    const found: KubeObject[] = [];
    for (const i of blocks.orderOf(rows.map(({ seq, lifeId }) => ({ seq, life: objects.life(lifeId) }))))
      found[i] = this.state(rows[i] as ChangeRow);
    return found;
  }

  /**
   * False where what a change stored of the state it led to does not have this text in any value. `keyNames` are the members by which the schema
   * tells the items of lists apart.
   */
  mayHold(row: ChangeRow, text: string, keyNames: readonly string[]): boolean {
    const life = this.#parts.objects.life(row.lifeId);
    if (recordShapeOf(row.flags) === 'none' || life === undefined) return false;
    // What lost its last member or item became empty without the record saying so.
    if ('[]'.includes(text) || '{}'.includes(text)) return true;
    const record = this.#parts.blocks.read(row.seq, life);
    // A patch names list items by place and a diff by key: where keys moved, an item may have become what only another one held before.
    const hasMember = (key: string) => record.includes(`${JSON.stringify(key)}:`);
    return record.includes(JSON.stringify(text).slice(1, -1)) || MERGE_KEYS.some(hasMember) || keyNames.some(hasMember);
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

  /**
   * Undefined where it is lost to damage: then a whole state is due. Damage that SQLite finds is thrown once, as it commits no transaction in which it met any;
   * in the next one the state is not looked for.
   */
  #headIfWhole({ lifeId, seq }: { lifeId: number; seq: number }): CachedState | undefined {
    if (this.#unreadable.get(lifeId) === seq) return undefined;
    try {
      return this.#head(lifeId, seq);
    } catch (error) {
      if (isCrowsnestError(error, 'STORE_CORRUPT')) return undefined;
      if (isDamage(error)) this.#unreadable.set(lifeId, seq);
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
    const life = this.#parts.objects.life(lifeId);
    if (life === undefined) throw corruptRecord('a change belongs to no object', `life ${lifeId}`);
    const steps: Step[] = [];
    let start = this.#stepsByPlace(steps, life, seq, known, given);
    let state = start === 'unknown' ? undefined : this.#follow(steps, start);
    // Where the beginning of the life in a span was lost, what lies before it there is of another one.
    if (state === undefined || !isOfLife(state.bare, life)) {
      steps.length = 0;
      start = this.#stepsByRows(steps, life, seq, known, given);
      state = this.#follow(steps, start);
    }
    const row = given ?? this.#parts.log.row(seq);
    if (state === undefined || row === undefined)
      throw corruptRecord('a revision has no full state to start from', `change ${seq}`);
    const { bare, own, length } = state;
    return { found: { seq, bare, state: dress(bare, columnsOf(row), own), length }, steps: steps.length };
  }

  /** Forward from a state, or from the first of the steps, which is one then. */
  #follow(
    steps: readonly Step[],
    start: CachedState | undefined,
  ): { bare: BareState; own: ParsedRecord['own']; length: number } | undefined {
    let bare = start?.bare;
    let own: ParsedRecord['own'];
    let length = start?.length ?? 0;
    for (const { seq, record, textLength } of steps) {
      own = record?.own;
      if (record === undefined) continue;
      try {
        bare = applyRecord(record, bare);
      } catch (error) {
        throw corruptRecord('the revision data of a change does not decode', `change ${seq}`, error);
      }
      if (record.isState) length = textLength;
    }
    return bare === undefined ? undefined : { bare, own, length };
  }

  /**
   * The steps to a change, oldest first, by the place of its record in a large span; says where to start. 'unknown' where it does not lie in one or
   * no beginning was found there.
   */
  #stepsByPlace(
    steps: Step[],
    life: Life,
    seq: number,
    known: CachedState | undefined,
    given: ChangeRow | undefined,
  ): CachedState | undefined | 'unknown' {
    if (given !== undefined && recordShapeOf(given.flags) === 'none') return 'unknown';
    for (const { seq: at, text } of this.#parts.blocks.backInLarge(seq, life)) {
      if (at === known?.seq) {
        steps.reverse();
        return known;
      }
      const step = stepOf(at, text);
      steps.push(step);
      if (step.record?.isState === true) {
        steps.reverse();
        return undefined;
      }
      if (steps.length > this.#options.stepsMax) break;
    }
    return 'unknown';
  }

  /** The same along the rows of the changes. */
  #stepsByRows(
    steps: Step[],
    life: Life,
    seq: number,
    known: CachedState | undefined,
    given: ChangeRow | undefined,
  ): CachedState | undefined {
    for (const row of this.#parts.log.stepsBack(seq, given)) {
      if (row.lifeId !== life.id) break;
      if (row.seq === known?.seq) {
        steps.reverse();
        return known;
      }
      const shape = recordShapeOf(row.flags);
      const step =
        shape === 'none'
          ? { seq: row.seq, record: undefined, textLength: 0 }
          : stepOf(row.seq, this.#parts.blocks.read(row.seq, life));
      steps.push(step);
      if (step.record?.isState === true) break;
    }
    steps.reverse();
    return undefined;
  }
}

/** A change on the way to a state, and what it stored of it; undefined where that is nothing. */
interface Step {
  seq: number;
  record: ParsedRecord | undefined;
  textLength: number;
}

function stepOf(seq: number, text: string): Step {
  try {
    return { seq, record: parseRecord(text), textLength: text.length };
  } catch (error) {
    throw corruptRecord('the revision data of a change does not decode', `change ${seq}`, error);
  }
}

function isOfLife({ apiVersion, metadata }: BareState, { uid, ref }: Life): boolean {
  const { group, version } = ref;
  return isJsonObject(metadata) && metadata.uid === uid && apiVersion === (group === '' ? version : `${group}/${version}`);
}

function columnsOf(row: ChangeRow): RevisionColumns {
  return { resourceVersion: decodeResourceVersion(row.rv), generation: row.generation ?? undefined };
}
