/**
 * When something that drifts and is pushed about by chance first reaches a height: the distribution of first passage of a Brownian motion with
 * drift (inverse Gaussian; Schrödinger 1915), over what is believed of the drift.
 */
export interface Motion {
  /** Height above where it is now, more than 0. */
  ahead: number;
  /** Rise for each unit of time, and how uncertain that is: standard error, from nine stretches. */
  drift: number;
  driftError: number;
  /** Standard deviation that chance adds in one unit of time. */
  spread: number;
}

/** Middles of seven equal shares of Student's t with eight degrees of freedom. */
const DRIFTS = [-1.63, -0.84, -0.38, 0, 0.38, 0.84, 1.63];
const HALVINGS = 60;

/** Time by which it is reached with this chance; infinite where that is more than `most` away. */
export function passageBy(chance: number, motion: Motion, most: number): number {
  if (chanceBy(most, motion) < chance) return Number.POSITIVE_INFINITY;
  let [low, high] = [0, most];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (chanceBy(middle, motion) < chance) low = middle;
    else high = middle;
  }
  return high;
}

function chanceBy(time: number, { ahead, drift, driftError, spread }: Motion): number {
  const sum = DRIFTS.reduce((total, t) => total + passage(time, ahead, drift + t * driftError, spread), 0);
  return sum / DRIFTS.length;
}

function passage(time: number, ahead: number, drift: number, spread: number): number {
  if (!(spread > 0)) return drift * time >= ahead ? 1 : 0;
  const unit = spread * Math.sqrt(time);
  const short = (ahead - drift * time) / unit;
  const far = (ahead + drift * time) / unit;
  // Of the product of a huge number and a tiny one only their small difference in the exponent is reckoned.
  const mirrored =
    far >= 0 ? Math.exp(-(short ** 2) / 2) * scaledTail(far) : Math.exp((2 * drift * ahead) / spread ** 2) * tail(far);
  return Math.min(1, tail(short) + mirrored);
}

/** Chance that a standard normal lies beyond z. */
function tail(z: number): number {
  const beyond = Math.exp(-(z ** 2) / 2) * scaledTail(Math.abs(z));
  return z >= 0 ? beyond : 1 - beyond;
}

/** The same times exp(z²/2), of z from 0 on (Abramowitz and Stegun 7.1.26). */
function scaledTail(z: number): number {
  const t = 1 / (1 + (0.3275911 * z) / Math.SQRT2);
  return (t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))) / 2;
}
