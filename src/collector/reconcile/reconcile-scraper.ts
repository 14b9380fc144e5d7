/**
 * Reads the /metrics pages of controllers at an interval and delivers the series that tell of reconciling. A target that cannot be read
 * is said (a reject, and `crowsnest_scrape_up` 0), and troubles no other. Which targets there are may change while it runs.
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Clock } from '../../domain/clock.ts';
import type { Scrape } from '../../domain/series/series.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { type CollectorMetrics, NO_METRICS } from '../metrics.ts';
import type { Sink, Source } from '../source.ts';
import type { ScrapeSample } from './exposition.ts';
import { ACCEPT, type PageProblem, readMetricsPage } from './metrics-page.ts';
import { ScrapeAgents } from './scrape-agents.ts';
import { type ScrapeTarget, targetKey } from './scrape-target.ts';
import type { TargetHealth } from './target-health.ts';

export interface ScraperOptions {
  cluster: string;
  /** Targets that are there from the start; `setTargets` replaces them. */
  targets: ScrapeTarget[];
  clock: Clock;
  logger: Logger;
  metrics?: CollectorMetrics | undefined;
  pageBytesMax?: number | undefined;
}

export interface Scraper extends Source {
  setTargets(targets: ScrapeTarget[]): void;
  health(): TargetHealth[];
}

/** A page that shows no reconciling is read half as often each time, down to once an hour. */
const SLOW_MS_MAX = 3_600_000;
/** So many pages without anything to keep are no accident of a start. */
const EMPTY_BEFORE_SLOWING = 3;

export function createScraper(options: ScraperOptions): Scraper {
  return new ReconcileScraper(options);
}

interface Running {
  target: ScrapeTarget;
  stop: AbortController;
  done: Promise<void>;
  health: TargetHealth;
}

class ReconcileScraper implements Scraper {
  readonly name = 'metrics of controllers';
  readonly #options: ScraperOptions;
  readonly #agents = new ScrapeAgents();
  readonly #running = new Map<string, Running>();
  #wanted: ScrapeTarget[];
  #apply = () => {};

  constructor(options: ScraperOptions) {
    this.#options = options;
    this.#wanted = options.targets;
  }

  setTargets(targets: ScrapeTarget[]): void {
    this.#wanted = targets;
    this.#apply();
  }

  health(): TargetHealth[] {
    return [...this.#running.values()].map(({ health }) => health);
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#apply = () => this.#adopt(sink, signal);
    this.#adopt(sink, signal);
    await stopped;
    this.#apply = () => {};
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    await this.#agents.close();
  }

  /** Starts what is new, ends what is gone; the rest goes on undisturbed. */
  #adopt(sink: Sink, signal: AbortSignal): void {
    const wanted = new Map(this.#wanted.map((target) => [targetKey(target), target]));
    for (const [key, running] of this.#running) {
      if (wanted.has(key)) continue;
      running.stop.abort();
      this.#running.delete(key);
    }
    const fresh = [...wanted].filter(([key]) => !this.#running.has(key));
    for (const [i, [key, target]] of fresh.entries()) {
      const stop = new AbortController();
      const health = { url: target.url, foundBy: target.foundBy, lastScrapeMs: undefined, up: false, samples: 0 };
      const running: Running = { target, stop, health, done: Promise.resolve() };
      this.#running.set(key, running);
      running.done = this.#scrapeForEver(running, i / fresh.length, sink, AbortSignal.any([stop.signal, signal]));
    }
    void this.#agents.keepOnly([...this.#running.values()].map(({ target }) => target.tls));
  }

  /** Targets begin spread over the interval: `phase` from 0 to 1. Never rejects. */
  async #scrapeForEver(running: Running, phase: number, sink: Sink, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { intervalMs, slowsDown } = running.target;
    const sleep = (ms: number) => clock.sleep(ms, signal).catch(() => {});
    if (phase > 0) await sleep(phase * intervalMs);
    let empty = 0;
    while (!signal.aborted) {
      const startedMs = clock.nowMs();
      await this.#scrapeOnce(running, startedMs, sink, signal);
      empty = running.health.up && running.health.samples === 0 ? empty + 1 : 0;
      const slower = slowsDown === true ? 2 ** Math.min(20, Math.max(0, empty - EMPTY_BEFORE_SLOWING + 1)) : 1;
      const pauseMs = Math.max(intervalMs, Math.min(SLOW_MS_MAX, intervalMs * slower));
      await sleep(Math.max(0, pauseMs - Math.max(0, clock.nowMs() - startedMs)));
    }
  }

  async #scrapeOnce(running: Running, startedMs: number, sink: Sink, signal: AbortSignal): Promise<void> {
    const { cluster, logger, metrics = NO_METRICS } = this.#options;
    const { target, health } = running;
    const instance = new URL(target.url).host;
    const samples: ScrapeSample[] = [];
    const problem = await this.#readInto(samples, target, signal);
    if (signal.aborted) return;
    const up = problem?.fatal !== true;
    Object.assign(health, { lastScrapeMs: startedMs, up, samples: samples.length, reason: problem?.what });
    metrics.scrape(up);
    const scrape: Scrape = {
      cluster,
      target: target.url,
      tsMs: startedMs,
      samples: samples.map((sample) => ({ ...sample, labels: { ...sample.labels, instance } })),
    };
    scrape.samples.push({ metric: 'crowsnest_scrape_up', labels: { instance }, value: up ? 1 : 0 });
    const where = target.url;
    const rejects = problem && [{ cluster, code: 'METRICS_UNREADABLE', where, what: problem.what, observedMs: startedMs }];
    if (problem !== undefined) {
      metrics.reject('METRICS_UNREADABLE');
      logger.warn({ target: target.url, foundBy: target.foundBy, what: problem.what }, 'a metrics page could not be read');
    }
    try {
      await sink({ observations: [], scrapes: [scrape], ...(rejects === undefined ? {} : { rejects }) });
    } catch (error) {
      // A scrape is one of many; the next one carries the same counters further.
      logger.warn({ target: target.url, reason: messageOf(error) }, 'a scrape could not be stored');
    }
  }

  async #readInto(samples: ScrapeSample[], target: ScrapeTarget, signal: AbortSignal): Promise<PageProblem | undefined> {
    const timeout = AbortSignal.timeout(target.timeoutMs ?? Math.min(10_000, target.intervalMs));
    try {
      const { request } = await import('undici');
      const answer = await request(target.url, {
        headers: { accept: ACCEPT, 'accept-encoding': 'gzip', 'user-agent': 'crowsnest', ...(await authorization(target)) },
        dispatcher: await this.#agents.for(target.tls),
        signal: AbortSignal.any([signal, timeout]),
      });
      if (answer.statusCode !== 200) {
        answer.body.on('error', () => {}).destroy();
        return { what: `the page answers ${answer.statusCode}`, fatal: true };
      }
      const page = {
        contentType: String(answer.headers['content-type'] ?? ''),
        contentEncoding: String(answer.headers['content-encoding'] ?? ''),
        body: answer.body as Readable,
      };
      const problem = await readMetricsPage(samples, page, { bytesMax: this.#options.pageBytesMax ?? 50 * 1024 * 1024 });
      if (problem?.fatal) samples.length = 0;
      return problem;
    } catch (error) {
      samples.length = 0;
      return { what: timeout.aborted ? 'the page did not come in time' : messageOf(error), fatal: true };
    }
  }
}

/** The token file is read at each scrape, as tokens rotate. */
async function authorization(target: ScrapeTarget): Promise<Record<string, string>> {
  if (target.token === undefined || !target.url.startsWith('https:')) return {};
  return { authorization: `Bearer ${(await readFile(target.token.file, 'utf8')).trim()}` };
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
