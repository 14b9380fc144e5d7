/**
 * Names by number while anybody uses them: once nobody does, a name is forgotten and its number goes to the next. For names without end, such as the
 * values of a field, of which each is kept in many places but few at a time.
 */

export interface SharedNamesState {
  /** By number; undefined where a number is free. */
  names: (string | undefined)[];
  uses: number[];
  free: number[];
}

export class SharedNames {
  #state: SharedNamesState = { names: [], uses: [], free: [] };
  #numbers = new Map<string, number>();
  /** What was asked for last: mostly it is asked for again. */
  #asked: string | undefined;
  #answer = -1;

  /** One use more. */
  take(name: string): number {
    const { names, uses, free } = this.#state;
    const known = this.find(name);
    if (known >= 0) {
      uses[known] = (uses[known] as number) + 1;
      return known;
    }
    this.#asked = undefined;
    const number = free.pop() ?? names.length;
    names[number] = name;
    uses[number] = 1;
    this.#numbers.set(name, number);
    return number;
  }

  /** One use less. */
  drop(number: number): void {
    const { names, uses, free } = this.#state;
    uses[number] = (uses[number] as number) - 1;
    if (uses[number] !== 0) return;
    this.#asked = undefined;
    this.#numbers.delete(names[number] as string);
    names[number] = undefined;
    free.push(number);
  }

  /** -1 where nobody uses it. */
  find(name: string): number {
    if (name === this.#asked) return this.#answer;
    this.#asked = name;
    this.#answer = this.#numbers.get(name) ?? -1;
    return this.#answer;
  }

  nameOf(number: number): string {
    return this.#state.names[number] as string;
  }

  save(): SharedNamesState {
    return this.#state;
  }

  load(state: SharedNamesState): void {
    this.#asked = undefined;
    this.#state = state;
    this.#numbers = new Map();
    state.names.forEach((name, number) => {
      if (name !== undefined) this.#numbers.set(name, number);
    });
  }
}
