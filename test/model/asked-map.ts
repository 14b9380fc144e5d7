/** A Map that counts how often it was asked for its keys or entries from the first one on; `for … of` it is not counted. */
export class AskedMap<K, V> extends Map<K, V> {
  asked = 0;

  override keys(): MapIterator<K> {
    this.asked++;
    return super.keys();
  }

  override entries(): MapIterator<[K, V]> {
    this.asked++;
    return super.entries();
  }
}
