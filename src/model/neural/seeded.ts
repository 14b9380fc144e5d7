/** Chance that repeats: initial weights, shuffles and noise are those of a seed, so that the same changes train the same network. */
export type Chance = () => number;

/** Uniform in [0, 1). */
export function seededChance(seed: number): Chance {
  let state = (seed ^ 0x5bf03635) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** The numbers below `count` in random order. */
export function shuffled(count: number, chance: Chance): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
