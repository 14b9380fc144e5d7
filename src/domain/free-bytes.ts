/**
 * Gives memory back at once that nobody reads any more: outside of the heap, some megabytes of it make the garbage collector go through everything
 * else, and while it does so nothing else is freed. All that `bytes` was cut from goes along; small ones are cut from a buffer common to all,
 * which cannot be given back and is left alone. Throws a TypeError for what was given back already.
 */
export function freeBytes(bytes: Uint8Array | Float64Array): void {
  const buffer = bytes.buffer as ArrayBuffer;
  try {
    buffer.transfer(0);
  } catch (error) {
    if (buffer.detached) throw error;
  }
}
