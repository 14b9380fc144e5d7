/** A metric series as Prometheus names it; labels include neither `__name__` nor the timestamp. */
export interface SeriesKey {
  cluster: string;
  metric: string;
  labels: Record<string, string>;
}

export interface Sample {
  key: SeriesKey;
  tsMs: number;
  value: number;
}

export interface ScrapedSample {
  metric: string;
  labels: Record<string, string>;
  value: number;
  /** Prometheus' mark that the series ended, which is no measurement; `value` is NaN. */
  stale?: true;
}

/** All samples of one scrape of one target, in exposition order, at one time. */
export interface Scrape {
  cluster: string;
  target: string;
  tsMs: number;
  samples: ScrapedSample[];
}

/** `name{a="x",b="y"}` with sorted labels: the identity of a series within a cluster. */
export function seriesId(metric: string, labels: Record<string, string>): string {
  const pairs = Object.keys(labels)
    .sort()
    .map((name) => `${name}=${JSON.stringify(labels[name])}`);
  return `${metric}{${pairs.join(',')}}`;
}
