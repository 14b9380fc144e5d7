/** What corpora are made of: words and random text from a seed, so that a failure can be seen again. */
const HEX = '0123456789abcdef';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const DIGITS = '0123456789';
const UPPER = LOWER.toUpperCase();

export const ALPHABETS = {
  hex: HEX,
  base32: `${UPPER}234567`,
  base36: LOWER + DIGITS,
  base62: UPPER + LOWER + DIGITS,
  base64url: `${UPPER + LOWER + DIGITS}-_`,
  digits: DIGITS,
  upper36: UPPER + DIGITS,
  lower: LOWER,
} as const;

export interface Random {
  number(below: number): number;
  pick<T>(list: readonly T[]): T;
  text(alphabet: keyof typeof ALPHABETS, length: number): string;
  bytes(length: number): Buffer;
  /** Two to four words with dashes. */
  name(): string;
}

const WORDS =
  'checkout payments frontend backend gateway billing orders catalog search profile session worker scheduler ingress metrics grafana loki kafka redis postgres primary replica cluster zone alpha beta gamma production staging preview canary blue green internal external public shared core edge north south'.split(
    ' ',
  );

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const random: Random = {
    number: (below) => Math.floor(next() * below),
    pick: (list) => list[random.number(list.length)] as (typeof list)[number],
    text: (alphabet, length) => Array.from({ length }, () => random.pick([...ALPHABETS[alphabet]])).join(''),
    bytes: (length) => Buffer.from(Array.from({ length }, () => random.number(256))),
    name: () => Array.from({ length: 2 + random.number(3) }, () => random.pick(WORDS)).join('-'),
  };
  return random;
}
