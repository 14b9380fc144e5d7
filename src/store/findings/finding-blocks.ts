/**
 * The texts of findings that were filed together, in one zstd frame: those of one wave differ in a name and a number, so that a dozen take
 * little more than one. A finding's place is one number, which its row has where others have the text itself.
 */
import type Database from 'better-sqlite3';
import { Recent } from '../../domain/recent.ts';
import { compress, decompress } from '../pack/block-codec.ts';
import type { ValueSeal } from '../seal/value-seal.ts';
import { corruptRecord } from '../store-errors.ts';

const COMPRESSION_LEVEL = 3;
const PLACES_PER_BLOCK = 1_024;
export const PER_BLOCK_MAX = 256;
const BLOCK_CHARS_MAX = 512 * 1024;
const CACHED_CHARS = 2 * 1024 * 1024;

/** The block of a place. */
export function blockOf(place: number): number {
  return Math.floor(place / PLACES_PER_BLOCK);
}

/** The first and the last place that a block can have. */
export function placesOf(block: number): [number, number] {
  return [block * PLACES_PER_BLOCK, (block + 1) * PLACES_PER_BLOCK - 1];
}

export class FindingBlocks {
  readonly #seal: ValueSeal;
  readonly #decoded = new Recent<number, string[]>(CACHED_CHARS);
  readonly #sql;

  constructor(db: Database.Database, seal: ValueSeal) {
    this.#seal = seal;
    this.#sql = {
      add: db.prepare<[Buffer]>('INSERT INTO finding_block (data) VALUES (?)'),
      get: db.prepare<[number], Buffer>('SELECT data FROM finding_block WHERE id = ?').pluck(),
      remove: db.prepare<[number]>('DELETE FROM finding_block WHERE id = ?'),
    };
  }

  /** Stores texts without line breaks; returns where each lies. */
  add(texts: readonly string[]): number[] {
    const places: number[] = [];
    for (let from = 0; from < texts.length; ) {
      let to = from;
      for (let chars = 0; to < texts.length && to - from < PER_BLOCK_MAX && chars < BLOCK_CHARS_MAX; to++)
        chars += (texts[to] as string).length;
      const frame = compress(Buffer.from(texts.slice(from, to).join('\n'), 'utf8'), COMPRESSION_LEVEL);
      const block = Number(this.#sql.add.run(this.#seal.seal(frame)).lastInsertRowid);
      for (let i = from; i < to; i++) places.push(block * PLACES_PER_BLOCK + i - from);
      from = to;
    }
    return places;
  }

  /** Throws STORE_CORRUPT. */
  text(place: number): string {
    const block = blockOf(place);
    let texts = this.#decoded.get(block);
    if (texts === undefined) {
      const data = this.#sql.get.get(block);
      if (data === undefined) throw corruptRecord('a block of findings is missing', `finding_block ${block}`);
      texts = this.#decode(block, data);
      this.#decoded.set(
        block,
        texts,
        texts.reduce((sum, text) => sum + text.length, 0),
      );
    }
    const text = texts[place % PLACES_PER_BLOCK];
    if (text === undefined) throw corruptRecord('a finding is missing in its block', `finding_block ${block}`);
    return text;
  }

  /** Takes a block that no finding has a place in. */
  remove(block: number): void {
    this.#sql.remove.run(block);
    this.#decoded.delete(block);
  }

  forget(): void {
    this.#decoded.clear();
  }

  #decode(block: number, data: Buffer): string[] {
    const frame = this.#seal.open(data);
    try {
      return decompress(frame).toString('utf8').split('\n');
    } catch (error) {
      throw corruptRecord('a block of findings is damaged', `finding_block ${block}`, error);
    }
  }
}
