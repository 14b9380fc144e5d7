/** Writes a StatePatch as its text, from the outside in and in the order of the state, without building it (see field-diff.ts for the grammar). */

/** What is set and what goes on within one object or list. */
export class PatchLevel {
  #sets = '';
  #dives = '';
  #setsFirst = true;

  get isEmpty(): boolean {
    return this.#sets === '' && this.#dives === '';
  }

  /** `member` is a name or an index as JSON text with a colon, `value` JSON text. */
  set(member: string, value: string): void {
    if (this.#sets === '') {
      this.#setsFirst = this.#dives === '';
      this.#sets = member + value;
    } else this.#sets += `,${member}${value}`;
  }

  dive(member: string, patch: string): void {
    if (this.#dives === '') this.#dives = member + patch;
    else this.#dives += `,${member}${patch}`;
  }

  /** The patch, after which nothing is left; '' where there was nothing. */
  take(): string {
    const [sets, dives] = [this.#sets, this.#dives];
    this.clear();
    if (dives === '') return sets === '' ? '' : `{"s":{${sets}}}`;
    if (sets === '') return `{"d":{${dives}}}`;
    return this.#setsFirst ? `{"s":{${sets}},"d":{${dives}}}` : `{"d":{${dives}},"s":{${sets}}}`;
  }

  clear(): void {
    this.#sets = '';
    this.#dives = '';
  }
}
