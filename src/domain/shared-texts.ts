/**
 * One copy of each text that many objects have in common. Every name that is parsed is a string of its own: a hundred thousand objects of one kind
 * would keep its name a hundred thousand times.
 */
import type { ObjectRef } from './object-ref.ts';

export class SharedTexts {
  readonly #max: number;
  readonly #texts = new Map<string, string>();

  /** Of more than `max` different texts, those met before are forgotten: whoever has them keeps them. */
  constructor(max = 10_000) {
    this.#max = max;
  }

  /** A text that is equal, the same one each time. */
  of(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= this.#max) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }

  /** Names the same object; what is its own is its name alone. */
  ref({ cluster, group, version, kind, namespace, name }: ObjectRef): ObjectRef {
    return {
      cluster: this.of(cluster),
      group: this.of(group),
      version: this.of(version),
      kind: this.of(kind),
      namespace: this.of(namespace),
      name,
    };
  }
}
