/** Goes through several sorted sources at once, as if they were one. Pure. */

/** Of equal items the one of the earlier source comes first. There are some dozen sources, so each is looked at in turn. */
export function* mergeSorted<T>(sources: readonly Iterable<T>[], compare: (a: T, b: T) => number): Generator<T> {
  const open = sources.flatMap((source) => {
    const items = source[Symbol.iterator]();
    const first = items.next();
    return first.done === true ? [] : [{ items, next: first.value }];
  });
  while (open.length > 0) {
    let least = 0;
    for (let i = 1; i < open.length; i++)
      if (compare((open[i] as { next: T }).next, (open[least] as { next: T }).next) < 0) least = i;
    const source = open[least] as (typeof open)[number];
    yield source.next;
    const { value, done } = source.items.next();
    if (done === true) open.splice(least, 1);
    else source.next = value;
  }
}
