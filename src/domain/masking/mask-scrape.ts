/** Secrets in what a scrape brings: in the address it came from, and in the labels of its samples, which both name series for good. */
import type { Scrape, ScrapedSample } from '../series/series.ts';
import { type KeyedHash, labelMasking, type MaskOptions, mask } from './redact.ts';
import { NameSays, nameSays } from './secret-names.ts';

/** Where an address has room for credentials; most have not, and are told by this alone. */
const MAY_HOLD = /[@?]/;
/** Shorter ones hold nothing that could be told by its looks. */
const LENGTH_MIN = 8;
/** Labels come again with each scrape; longer ones are looked at each time. */
const KNOWN_MAX = 50_000;
const KNOWN_LENGTH_MAX = 200;

/** What is masked is told of by `/metric/label`. */
type Found = NonNullable<MaskOptions['found']>;

/** One for all scrapes, as it remembers the labels that it saw. A scrape with nothing to mask is given back as it is. */
export function scrapeMasking(hash: KeyedHash): (scrape: Scrape, found?: Found) => Scrape {
  const maskLabel = labelMasking(hash);
  // By what the name of the label says, then by the label.
  const known = new Map<number, Map<string, string>>();
  let size = 0;

  const masked = (name: string, value: string, metric: string, found: Found | undefined): string => {
    const says = nameSays(name) & (NameSays.password | NameSays.random);
    if (value.length < LENGTH_MIN && (says & NameSays.password) === 0) return value;
    let labels = known.get(says);
    const before = labels?.get(value);
    if (before !== undefined) return before;
    const after = maskLabel(value, says, (reason) => found?.(`/${metric}/${name}`, reason));
    if (value.length > KNOWN_LENGTH_MAX) return after;
    if (labels === undefined || size >= KNOWN_MAX) {
      if (labels !== undefined) known.clear();
      labels = new Map();
      known.set(says, labels);
      size = size >= KNOWN_MAX ? 0 : size;
    }
    // A copy, since what was cut out of a page holds all of it in memory.
    const own = Buffer.from(value).toString();
    labels.set(own, after === value ? own : after);
    size += 1;
    return after;
  };

  const maskSample = (sample: ScrapedSample, found: Found | undefined): ScrapedSample => {
    let labels: Record<string, string> | undefined;
    for (const name in sample.labels) {
      const value = sample.labels[name] as string;
      const after = masked(name, value, sample.metric, found);
      if (after === value) continue;
      labels ??= { ...sample.labels };
      labels[name] = after;
    }
    return labels === undefined ? sample : { ...sample, labels };
  };

  return (scrape, found) => {
    const target = MAY_HOLD.test(scrape.target) ? mask(scrape.target, hash) : scrape.target;
    let samples: ScrapedSample[] | undefined;
    for (let i = 0; i < scrape.samples.length; i++) {
      const sample = scrape.samples[i] as ScrapedSample;
      const after = maskSample(sample, found);
      if (after === sample) continue;
      samples ??= scrape.samples.slice();
      samples[i] = after;
    }
    if (samples === undefined && target === scrape.target) return scrape;
    return { ...scrape, target, samples: samples ?? scrape.samples };
  };
}
