/** How large the pieces are that revisions are kept in (ADR 14, ADR 21). */
export interface BlockOptions {
  /** Young records are sealed once there are this many changes, or this many bytes of them. */
  changesPerSpan: number;
  bytesPerSpan: number;
  /** So many spans of one level make one of the next. */
  spansPerMerge: number;
  /** Uncompressed size at which a block is closed. */
  bytesPerBlock: number;
  /** Neighbouring spans of so many changes make a large one, unless that is of more time than this: what is old goes span by span. */
  changesPerLargeSpan: number;
  msPerLargeSpan: number;
  /** Size of its blocks, each of which is read for a single revision. */
  bytesPerLargeBlock: number;
  /** Decoded blocks kept for reading. */
  cacheBytes: number;
}

export const BLOCK_DEFAULTS: BlockOptions = {
  changesPerSpan: 512,
  bytesPerSpan: 128 * 1024,
  spansPerMerge: 8,
  bytesPerBlock: 256 * 1024,
  changesPerLargeSpan: 128 * 1024,
  msPerLargeSpan: 30 * 86_400_000,
  bytesPerLargeBlock: 64 * 1024,
  cacheBytes: 16 * 1024 * 1024,
};
