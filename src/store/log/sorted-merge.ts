/** Goes through several sorted sources at once, as if they were one. Pure. */

/** A source that was begun, with what comes next from it. */
export interface OpenSource<T> {
  items: Iterator<T>;
  next: T;
}

/** Undefined where there is nothing in it. Taking the first item may be work, so whoever merges many begins them one by one. */
export function openSource<T>(source: Iterable<T>): OpenSource<T> | undefined {
  const items = source[Symbol.iterator]();
  const first = items.next();
  return first.done === true ? undefined : { items, next: first.value };
}

/** Of equal items the one of the earlier source comes first. There are some dozen sources, so each is looked at in turn. */
export function* mergeSorted<T>(sources: readonly OpenSource<T>[], compare: (a: T, b: T) => number): Generator<T> {
  const open = [...sources];
  while (open.length > 0) {
    let least = 0;
    for (let i = 1; i < open.length; i++)
      if (compare((open[i] as OpenSource<T>).next, (open[least] as OpenSource<T>).next) < 0) least = i;
    const source = open[least] as OpenSource<T>;
    yield source.next;
    const { value, done } = source.items.next();
    if (done === true) open.splice(least, 1);
    else source.next = value;
  }
}
