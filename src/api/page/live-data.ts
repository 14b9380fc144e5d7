/** What the page holds of the API's data and how it stays fresh: the counts are polled, the rest is read again when they move. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ApiError, apiGet, messageOf } from './api-client.ts';
import { type EpisodeRow, foldEpisodes } from './episodes.ts';
import { parseQuery } from './query.ts';
import type { Activity, Cluster, Coverage, CoverageList, Finding, FindingList, Source, Stats } from './types.ts';

const POLL_MS = 4_000;
const PAGE = '100';
/** Filtering and folding happen here, so a page may come to few rows: then more are read, up to a bound. */
const ROWS_WANTED = 25;
const SEARCH_PAGES = 10;
const DAY_MS = 86_400_000;

export interface Live {
  stats: Stats | undefined;
  coverage: Coverage[];
  /** The clusters watched live. */
  clusters: Cluster[];
  /** Message brokers and polled lists. */
  sources: Source[];
  /** Undefined while all is well. */
  error: ApiError | undefined;
  /** Moves whenever there may be something new. */
  version: string;
  /** Moves when evidence that came late told of a change that is recorded already who made it; empty before anything is known. */
  whoVersion: string;
  /** What "now" means for ages: the newest change where that is more than a day old, as in a replayed stream. */
  nowMs: number;
  replayed: boolean;
}

export function useLive(token: string): Live {
  const [stats, setStats] = useState<Stats>();
  const [coverage, setCoverage] = useState<Coverage[]>([]);
  const [clusters, setClusters] = useState<Cluster[]>([]);
  const [sources, setSources] = useState<Source[]>([]);
  const [error, setError] = useState<ApiError>();
  useEffect(() => {
    const ended = new AbortController();
    // A refused token stays refused until another one is given.
    let refused = false;
    const poll = async () => {
      if (document.hidden || refused) return;
      try {
        const [nextStats, nextCoverage] = await Promise.all([
          apiGet<Stats>('/v1/stats', {}, ended.signal),
          apiGet<CoverageList>('/v1/coverage', {}, ended.signal),
        ]);
        setStats(nextStats);
        setCoverage(nextCoverage.items);
        setClusters(nextCoverage.clusters);
        setSources(nextCoverage.sources);
        setError(undefined);
      } catch (failure) {
        if (ended.signal.aborted) return;
        refused = failure instanceof ApiError && failure.status === 401;
        setError(failure instanceof ApiError ? failure : new ApiError(0, String(failure)));
      }
    };
    void poll();
    const timer = setInterval(poll, POLL_MS);
    document.addEventListener('visibilitychange', poll);
    return () => {
      ended.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', poll);
    };
  }, [token]);
  const wallMs = stats === undefined ? 0 : Date.parse(stats.now);
  const lastMs = stats?.last === undefined ? wallMs : Date.parse(stats.last);
  const replayed = wallMs - lastMs > DAY_MS;
  const version = stats === undefined ? '' : `${stats.changes}/${stats.findings}/${stats.amendments}`;
  const whoVersion = stats === undefined ? '' : String(stats.amendments);
  return { stats, coverage, clusters, sources, error, version, whoVersion, nowMs: replayed ? lastMs : wallMs, replayed };
}

export interface FindingsData {
  /** One per episode, unless the query asks for one episode. */
  rows: EpisodeRow[];
  state: 'loading' | 'ready' | 'failed';
  /** Why it failed, or what is wrong with the query. */
  message: string | undefined;
  /** How many were looked through for `items`. */
  searched: number;
  more: (() => void) | undefined;
}

interface Loaded {
  query: string;
  items: Finding[];
  next: string | undefined;
}

export function useFindings(query: string, version: string): FindingsData {
  const parsed = useMemo(() => parseQuery(query), [query]);
  const [loaded, setLoaded] = useState<Loaded>();
  const [failure, setFailure] = useState<string>();
  const current = useRef<Loaded | undefined>(undefined);
  current.current = loaded;

  const matches = useCallback((finding: Finding) => parsed.local.every((holds) => holds(finding)), [parsed]);
  const read = useCallback(
    async (from: Loaded, signal?: AbortSignal) => {
      let [items, next] = [from.items, from.next];
      for (
        let page = 0;
        page === 0 || (page < SEARCH_PAGES && next !== undefined && foldEpisodes(items.filter(matches)).length < ROWS_WANTED);
        page++
      ) {
        const list: FindingList = await apiGet('/v1/findings', { ...parsed.api, limit: PAGE, continue: next }, signal);
        items = [...items, ...list.items];
        next = list.metadata.continue;
      }
      return { query, items, next };
    },
    [parsed, query, matches],
  );

  useEffect(() => {
    if (version === '' || parsed.errors.length > 0) return;
    const ended = new AbortController();
    read({ query, items: [], next: undefined }, ended.signal)
      .then((fresh) => {
        const before = current.current;
        // Older pages that were already opened stay, so that a refresh does not take away what someone is reading.
        const older =
          before?.query === query ? before.items.filter((item) => !fresh.items.some((other) => other.id === item.id)) : [];
        const oldest = fresh.items.at(-1)?.time ?? '';
        const kept = older.filter((item) => item.time <= oldest);
        setLoaded(kept.length === 0 ? fresh : { query, items: [...fresh.items, ...kept], next: before?.next });
        setFailure(undefined);
      })
      .catch((error: unknown) => {
        if (!ended.signal.aborted) setFailure(messageOf(error));
      });
    return () => ended.abort();
  }, [read, version, parsed, query]);

  const ready = loaded?.query === query;
  const rows = useMemo(() => {
    const items = ready && parsed.errors.length === 0 ? (loaded?.items ?? []).filter(matches) : [];
    return query.includes('episode:') ? items.map((finding) => ({ finding, others: 0 })) : foldEpisodes(items);
  }, [ready, loaded, matches, parsed, query]);
  const message = parsed.errors[0] ?? failure;
  return {
    rows,
    state: message !== undefined ? 'failed' : ready ? 'ready' : 'loading',
    message,
    searched: loaded?.items.length ?? 0,
    more:
      ready && loaded?.next !== undefined
        ? () => {
            read(loaded).then(
              // More of what is not asked for any longer comes too late.
              (longer) => setLoaded((now) => (now?.query === longer.query ? longer : now)),
              (error: unknown) => setFailure(messageOf(error)),
            );
          }
        : undefined,
  };
}

export const RANGES = { '1 d': DAY_MS, '7 d': 7 * DAY_MS, '30 d': 30 * DAY_MS, all: Number.POSITIVE_INFINITY } as const;
export type Range = keyof typeof RANGES;

export interface StripData {
  activity: Activity;
  findings: Finding[];
}

/** Change counts and findings of the strip's span, up to now in the sense of `live`. */
export function useStrip(range: Range, live: Live): StripData | undefined {
  const [data, setData] = useState<StripData>();
  const { version, nowMs, stats } = live;
  // The clock of a live cluster moves with every poll; the strip follows it by the hour or when something happened.
  const endMs = live.replayed ? nowMs : Math.ceil(nowMs / 3_600_000) * 3_600_000;
  const firstMs = stats?.first === undefined ? endMs - DAY_MS : Date.parse(stats.first);
  useEffect(() => {
    if (version === '') return;
    const ended = new AbortController();
    const startMs = Math.min(Math.max(firstMs, endMs - RANGES[range]), endMs - DAY_MS);
    const [from, to] = [new Date(startMs).toISOString(), new Date(endMs).toISOString()];
    Promise.all([
      apiGet<Activity>('/v1/activity', { from, to, steps: '168' }, ended.signal),
      apiGet<FindingList>('/v1/findings', { from, to, limit: '1000' }, ended.signal),
    ])
      .then(([activity, list]) => setData({ activity, findings: list.items }))
      .catch(() => {});
    return () => ended.abort();
  }, [range, version, endMs, firstMs]);
  return data;
}

/** One answer of the API by path; read again when `version` moves. A later failure comes beside the answer, it does not take it away. */
export function useAnswer<T>(path: string | undefined, version: string): { answer: T | undefined; error: ApiError | undefined } {
  const [held, setHeld] = useState<{ path: string; answer?: T; error?: ApiError }>();
  useEffect(() => {
    if (path === undefined || version === '') return;
    const ended = new AbortController();
    apiGet<T>(path, {}, ended.signal)
      .then((answer) => setHeld({ path, answer }))
      .catch((error: unknown) => {
        if (ended.signal.aborted) return;
        const failure = error instanceof ApiError ? error : new ApiError(0, String(error));
        setHeld((before) => ({ ...(before?.path === path ? before : undefined), path, error: failure }));
      });
    return () => ended.abort();
  }, [path, version]);
  if (held === undefined || held.path !== path) return { answer: undefined, error: undefined };
  return { answer: held.answer, error: held.error };
}

/** The width of an element, kept up to date. */
export function useWidth(): { measure: (element: Element | null) => void; width: number } {
  const [width, setWidth] = useState(0);
  const observer = useRef<ResizeObserver | undefined>(undefined);
  const measure = useCallback((element: Element | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    observer.current = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.current.observe(element);
  }, []);
  return { measure, width };
}
