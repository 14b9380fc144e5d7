/** Names by number, from 1; a name is given its number on first sight and keeps it. At the limit further names are 0, which has no name. */
const NAMES_MAX = 65_535;

export class NameBook {
  #names: string[] = [];
  #numbers = new Map<string, number>();

  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length >= NAMES_MAX) return 0;
    this.#names.push(name);
    this.#numbers.set(name, this.#names.length);
    return this.#names.length;
  }

  /** 0 where the name has none. */
  find(name: string): number {
    return this.#numbers.get(name) ?? 0;
  }

  nameOf(number: number): string | undefined {
    return this.#names[number - 1];
  }

  save(): string[] {
    return this.#names;
  }

  load(names: string[]): void {
    this.#names = names;
    this.#numbers = new Map(names.map((name, i) => [name, i + 1]));
  }
}
