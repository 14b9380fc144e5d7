/**
 * Two texts put together to a key. A new text has to be hashed and interned by the first look-up, which takes longer than the look-up itself; as the
 * same two come many times in a row, the last is given again. Derived from what it is asked, so no part of a snapshot.
 */
export class JoinedTexts {
  readonly #between: string;
  #first = '';
  #second = '';
  #joined: string;

  constructor(between: string) {
    this.#between = between;
    this.#joined = between;
  }

  of(first: string, second: string): string {
    if (first !== this.#first || second !== this.#second) {
      this.#first = first;
      this.#second = second;
      this.#joined = `${first}${this.#between}${second}`;
    }
    return this.#joined;
  }
}
