/**
 * Texts with how often each came. Most visits are of one object and one field, for which no Map is made; the first lies beside it until another comes.
 */
export class FewTexts {
  #first: string | undefined;
  #count = 0;
  #all: Map<string, number> | undefined;

  /** In the order of their first. */
  static from(counts: Iterable<readonly [string, number]>): FewTexts {
    const few = new FewTexts();
    for (const [text, count] of counts) few.#put(text, count);
    return few;
  }

  get size(): number {
    return this.#all?.size ?? (this.#first === undefined ? 0 : 1);
  }

  get(text: string): number | undefined {
    if (this.#all !== undefined) return this.#all.get(text);
    return text === this.#first ? this.#count : undefined;
  }

  has(text: string): boolean {
    return this.#all === undefined ? text === this.#first : this.#all.has(text);
  }

  add(text: string): void {
    this.#put(text, (this.get(text) ?? 0) + 1);
  }

  #put(text: string, count: number): void {
    if (this.#all !== undefined) this.#all.set(text, count);
    else if (this.#first === undefined || this.#first === text) {
      this.#first = text;
      this.#count = count;
    } else this.#all = new Map([[this.#first, this.#count]]).set(text, count);
  }

  /** In the order of their first. */
  toMap(): Map<string, number> {
    if (this.#all !== undefined) return this.#all;
    return new Map(this.#first === undefined ? [] : [[this.#first, this.#count]]);
  }
}
