/** What waits for its time, the earliest first; of one time, what came first. A clock that was set back must not make everything after it wait for the future. */
export function insertByTime<T>(waiting: T[], entry: T, timeOf: (entry: T) => number): void {
  let at = waiting.length;
  while (at > 0 && timeOf(waiting[at - 1] as T) > timeOf(entry)) at--;
  waiting.splice(at, 0, entry);
}
