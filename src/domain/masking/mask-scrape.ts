import type { Scrape } from '../series/series.ts';
import { type KeyedHash, mask } from './redact.ts';

/** Where an address has room for credentials; most have not, and are told by this alone. */
const MAY_HOLD = /[@?]/;

/** With the passwords and tokens in the address it came from masked, which is kept with each of its series. */
export function maskScrape(scrape: Scrape, hash: KeyedHash): Scrape {
  return MAY_HOLD.test(scrape.target) ? { ...scrape, target: mask(scrape.target, hash) } : scrape;
}
