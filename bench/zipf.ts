/** Ranks as popularity has them: the k-th is `skew` powers of k less likely than the first. */
export class Zipf {
  /** Share of the ranks up to each. */
  readonly #upTo: Float64Array;

  constructor(ranks: number, skew: number) {
    this.#upTo = new Float64Array(ranks);
    let sum = 0;
    for (let i = 0; i < ranks; i++) this.#upTo[i] = sum += (i + 1) ** -skew;
    for (let i = 0; i < ranks; i++) this.#upTo[i] = (this.#upTo[i] as number) / sum;
  }

  /** The rank, from 0, for a number in [0, 1). */
  rank(share: number): number {
    let low = 0;
    let high = this.#upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#upTo[middle] as number) > share) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
