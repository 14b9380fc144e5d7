/** Names by number, from 1; a name is given its number on first sight and keeps it. At the limit further names are 0, which has no name. */
const NAMES_MAX = 65_535;

export class NameBook {
  #names: string[] = [];
  #numbers = new Map<string, number>();
  /** What was asked for last and has a number: mostly it is asked for again. */
  #asked: string | undefined;
  #answer = 0;

  numberOf(name: string): number {
    const known = this.find(name);
    if (known !== 0) return known;
    if (this.#names.length >= NAMES_MAX) return 0;
    this.#names.push(name);
    this.#numbers.set(name, this.#names.length);
    return this.#names.length;
  }

  /** 0 where the name has none. */
  find(name: string): number {
    if (name === this.#asked) return this.#answer;
    const number = this.#numbers.get(name);
    if (number === undefined) return 0;
    this.#asked = name;
    this.#answer = number;
    return number;
  }

  nameOf(number: number): string | undefined {
    return this.#names[number - 1];
  }

  save(): string[] {
    return this.#names;
  }

  load(names: string[]): void {
    this.#asked = undefined;
    this.#names = names;
    this.#numbers = new Map(names.map((name, i) => [name, i + 1]));
  }
}
