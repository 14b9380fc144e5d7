/**
 * Whether the database takes writes: why not, when that is tried again, and what the log says of it. There may be a cap on its size, under which upkeep makes
 * room: then a refusal is part of a flood, which comes many a minute, and not worth a word unless it is the disk after all that has no room.
 */
import type Database from 'better-sqlite3';
import { type CrowsnestError, isCrowsnestError } from '../domain/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { pageSize } from './file/file-size.ts';
import { Room } from './file/room.ts';
import { fullError, storeError } from './store-errors.ts';
import { isOverCap, PRESSED_SHARE } from './upkeep.ts';

export interface WritabilityParts {
  db: Database.Database;
  file: string;
  logger: Logger | undefined;
  /** Something can be let go of that makes room under the cap. */
  canLetGo: () => boolean;
  /** Stores a text of this length and takes it away again, each a transaction. */
  writeAndRemove: (length: number) => void;
}

/** Bytes written to find out whether there is room again, about what a batch takes, and what that takes of the file at most. */
const PROBE_BYTES = 64 * 1024;
const PROBE_ROOM = 2 * PROBE_BYTES;
/** Of the cap on bytes; the rest is upkeep's, since letting go of something takes some pages before it gives others back. */
const WRITTEN_SHARE = 0.97;

export class Writability {
  readonly #parts: WritabilityParts;
  readonly #room: Room;
  #bytesMax: number | undefined;
  #refusal: CrowsnestError | undefined;
  /** The log has that nothing can be written, and for this reason (a code). */
  #told: string | undefined;
  /** A write succeeded since there was no room: the next one is tried, whatever those before it took. */
  #isProbed = false;
  /** A write failed near the cap, and it is not known yet whether for want of room under it or on the disk. */
  #mayBeDisk = false;

  constructor(parts: WritabilityParts) {
    this.#parts = parts;
    this.#room = new Room(parts.db);
  }

  /** Why nothing is written, until a probe finds that it can be. */
  get refusal(): CrowsnestError | undefined {
    return this.#refusal;
  }

  get bytesMax(): number | undefined {
    return this.#bytesMax;
  }

  get isPressed(): boolean {
    return isOverCap(this.#parts.db, this.#bytesMax, PRESSED_SHARE);
  }

  /** Sets the cap on the size of the file; what is there already stays. */
  limitBytes(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#capAt(bytesMax * WRITTEN_SHARE);
  }

  /** Does what may use the share of the cap that is upkeep's. */
  underWholeCap<T>(work: () => T): T {
    if (this.#bytesMax === undefined) return work();
    this.#capAt(this.#bytesMax);
    try {
      return work();
    } finally {
      this.#capAt(this.#bytesMax * WRITTEN_SHARE);
    }
  }

  #capAt(bytes: number): void {
    this.#parts.db.pragma(`max_page_count = ${Math.max(1, Math.floor(bytes / pageSize(this.#parts.db)))}`);
  }

  /** Nothing can be written for good. */
  refuse(refusal: CrowsnestError): void {
    this.#refusal = refusal;
  }

  /** Does a write of a batch. Throws STORE_FULL where one like those before it would not fit under the cap, before any of it is written. */
  batch<T>(write: () => T): T {
    if (this.#bytesMax === undefined) return write();
    const isProbed = this.#isProbed;
    this.#isProbed = false;
    if (this.#refusal === undefined && !isProbed && !this.#room.isThere)
      this.#refusal = fullError(this.#parts.file) as CrowsnestError;
    if (this.#refusal !== undefined) throw this.#refusal;
    return this.#room.measured(write);
  }

  /** To be told of every failure: nothing is written until that is probed, where it says so. */
  failed(failure: unknown): void {
    if (!isCrowsnestError(failure, 'STORE_FULL') && !isCrowsnestError(failure, 'STORE_READ_ONLY')) return;
    this.#refusal = failure;
    if (this.canMakeRoom()) this.#mayBeDisk = true;
    else this.#tell(failure);
  }

  /** Where it is our own cap that keeps us from writing, letting go of what is old is the way out. */
  canMakeRoom(share?: number): boolean {
    return this.#refusal?.code === 'STORE_FULL' && isOverCap(this.#parts.db, this.#bytesMax, share);
  }

  /** Tries to write again; true when it works. */
  probe(): boolean {
    // Room for little would be gone with the next batch, and a write that fails costs reading back all that was known.
    const isShort = this.canMakeRoom(PRESSED_SHARE) || (this.canMakeRoom() && !this.#room.isThere);
    if (isShort && this.#parts.canLetGo()) {
      if (this.#mayBeDisk) this.underWholeCap(() => this.#room.has(PROBE_ROOM) && this.#isTaken());
      return false;
    }
    if (!this.#isTaken()) return false;
    this.#isProbed = true;
    if (this.#told !== undefined) this.#parts.logger?.info({ file: this.#parts.file }, 'the store can be written again');
    this.#told = undefined;
    this.#refusal = undefined;
    return true;
  }

  /** Whether a write succeeds. Where the cap leaves more room than it takes and it does not, it is the disk, whatever the cap. */
  #isTaken(): boolean {
    const { db, file, writeAndRemove } = this.#parts;
    const isDisk = !isOverCap(db, this.#bytesMax) || this.#room.has(PROBE_ROOM);
    this.#mayBeDisk = false;
    try {
      writeAndRemove(PROBE_BYTES);
      // It has to be checkpointed for the file itself to have had room for it.
      db.pragma('wal_checkpoint(PASSIVE)');
      return true;
    } catch (error) {
      // Nothing that is known follows from what was rolled back here.
      const failure = storeError(error, file);
      if (!isCrowsnestError(failure, 'STORE_FULL') && !isCrowsnestError(failure, 'STORE_READ_ONLY')) return false;
      this.#refusal = failure;
      if (isDisk || failure.code !== 'STORE_FULL') this.#tell(failure);
      return false;
    }
  }

  #tell(failure: CrowsnestError): void {
    if (this.#told === failure.code) return;
    this.#parts.logger?.error({ file: this.#parts.file, code: failure.code }, failure.message);
    this.#told = failure.code;
  }
}
